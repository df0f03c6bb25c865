/**
 * The sink of a stream that carries, or is carried to: hands what happens to the two directions, and the rest to
 * the sink that the stream had.
 */
import type { NetError } from "../../../errors.js";
import type { StreamSink } from "../../engine.js";
import type { DescriptorTable } from "../ring/descriptor-table.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { CLOSING } from "./socket-state.js";
import { setBriefWaits } from "./splice-options.js";
import type { Splicer } from "./splicer.js";
import type { StreamCore } from "./stream-core.js";

const NO_DESCRIPTOR = -1;

/** The direction from this stream. */
export interface OutgoingCarry {
  received(bytes: Buffer): void;
  ended(): void;
  /** The stream, which splices, has something to read. */
  readable(): void;
  sourceGone(): void;
}

/** The direction to this stream. */
export interface IncomingCarry {
  written(byteCount: number): void;
  /** There is room again in the kernel's buffer. */
  writable(): void;
  targetGone(): void;
}

/** What splicing needs of the loop. */
export interface CarryEndParts {
  readonly calls: ForeignFunctions;
  readonly descriptors: DescriptorTable;
  readonly splicer: Splicer;
}

/** The sink of a stream that carries, or is carried to. */
export class CarryEnd implements StreamSink {
  readonly stream: StreamCore;
  /** The sink that the stream had. */
  readonly sink: StreamSink;
  outgoing: OutgoingCarry | undefined = undefined;
  incoming: IncomingCarry | undefined = undefined;
  /** A descriptor of the process for the stream, while a direction splices. */
  descriptor: number = NO_DESCRIPTOR;
  private userCount = 0;
  private readonly parts: CarryEndParts;

  constructor(stream: StreamCore, parts: CarryEndParts) {
    this.stream = stream;
    this.sink = stream.sink;
    this.parts = parts;
    stream.sink = this;
  }

  get isClosing(): boolean {
    return (this.stream.state & CLOSING) !== 0;
  }

  /** A direction begins to splice. False: there is no descriptor for it. */
  takeDescriptor(): boolean {
    if (this.userCount === 0 && !this.openDescriptor()) return false;
    this.userCount++;
    return true;
  }

  /** It splices no more. */
  giveDescriptorBack(): void {
    this.userCount--;
    if (this.userCount === 0) this.closeDescriptor();
  }

  private openDescriptor(): boolean {
    const { calls, splicer } = this.parts;
    if (splicer.enter() < 0) return false;
    this.descriptor = this.stream.borrowDescriptor();
    if (this.descriptor >= 0 && setBriefWaits(calls, this.descriptor) >= 0) return true;
    this.closeDescriptor();
    return false;
  }

  private closeDescriptor(): void {
    const { descriptors, splicer } = this.parts;
    if (this.descriptor >= 0) descriptors.giveBack(this.descriptor);
    this.descriptor = NO_DESCRIPTOR;
    splicer.leave();
  }

  streamReceived(bytes: Buffer): void {
    if (this.outgoing === undefined) this.sink.streamReceived(bytes);
    else this.outgoing.received(bytes);
  }

  streamEnded(): void {
    if (this.outgoing === undefined) this.sink.streamEnded();
    else this.outgoing.ended();
  }

  streamWritten(byteCount: number): void {
    if (this.incoming === undefined) this.sink.streamWritten(byteCount);
    else this.incoming.written(byteCount);
  }

  streamClosed(error: NetError | undefined): void {
    this.outgoing?.sourceGone();
    this.incoming?.targetGone();
    this.sink.streamClosed(error);
  }

  streamOpened(): void {
    this.sink.streamOpened();
  }

  streamSecured(): void {
    this.sink.streamSecured();
  }
}
