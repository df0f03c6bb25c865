/**
 * Reads the PROXY header of an accepted stream, and hands the stream over with what came behind the header.
 *
 * Invariant: the owner is told once; it is then rid of the stage. A stream that is refused is reset.
 */
import type { Buffer } from "node:buffer";
import type { StreamSink, StreamSocket } from "../../engine/engine.js";
import { NetError } from "../../errors.js";
import type { ProxyHeader } from "../../protocol/proxy-header/proxy-header.js";
import { ProxyHeaderReader } from "../../protocol/proxy-header/proxy-header-reader.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";
import type { ProxyHeaderRules } from "./proxy-header-options.js";

/** The owner of the stage. */
export interface ProxyHeaderOwner {
  /** The header is there. The owner takes the stream, sets its `sink` at once, and gives it `early`. */
  headerRead(stage: ProxyHeaderStage, header: ProxyHeader, early: Buffer): void;
  /** There is none, and the stream is gone. */
  headerFailed(stage: ProxyHeaderStage, error: NetError): void;
}

/** Reads the PROXY header of one accepted stream. */
export class ProxyHeaderStage implements StreamSink, DeadlineOwner {
  readonly stream: StreamSocket;
  private readonly owner: ProxyHeaderOwner;
  private readonly rules: ProxyHeaderRules;
  private readonly wheel: TimingWheel;
  private readonly reader: ProxyHeaderReader;
  private readonly deadline: Deadline = new Deadline(this);
  private header: ProxyHeader | undefined;
  private isOver = false;

  constructor(
    stream: StreamSocket,
    owner: ProxyHeaderOwner,
    rules: ProxyHeaderRules,
    wheel: TimingWheel,
  ) {
    this.stream = stream;
    this.owner = owner;
    this.rules = rules;
    this.wheel = wheel;
    this.reader = new ProxyHeaderReader(rules.maxHeaderBytes);
    wheel.set(this.deadline, rules.timeoutMs);
  }

  /** Gives up: the stream is reset, and the owner is not told. */
  cancel(): void {
    if (this.isOver) return;
    this.end();
    this.stream.reset();
  }

  private end(): void {
    this.isOver = true;
    this.wheel.clear(this.deadline);
  }

  private fail(error: NetError): void {
    if (this.isOver) return;
    this.end();
    this.stream.reset();
    this.owner.headerFailed(this, error);
  }

  deadlineReached(): void {
    const text = `no PROXY header came within timeoutMs (${this.rules.timeoutMs})`;
    this.fail(new NetError("PROXY_HEADER_TIMEOUT", text, { operation: "accept" }));
  }

  // — the reader —

  proxyHeader(header: ProxyHeader): void {
    this.header = header;
  }

  proxyHeaderFailed(error: NetError): void {
    this.fail(error);
  }

  // — the stream —

  streamReceived(bytes: Buffer): void {
    if (this.isOver) return;
    const taken = this.reader.feed(bytes, this);
    if (this.header === undefined) return;
    this.end();
    this.owner.headerRead(this, this.header, bytes.subarray(taken));
  }

  streamEnded(): void {
    const text = "the peer finished before its PROXY header was whole";
    this.fail(new NetError("PROXY_HEADER_MALFORMED", text, { operation: "accept" }));
  }

  streamClosed(error: NetError | undefined): void {
    const text = "the connection ended before its PROXY header was whole";
    const detail = { operation: "accept", cause: error } as const;
    this.fail(new NetError("PROXY_HEADER_MALFORMED", text, detail));
  }

  streamWritten(): void {
    // Nothing is written before the header has come.
  }

  streamOpened(): void {
    // It was open before.
  }

  streamSecured(): void {
    // Nothing is secured before the header has come.
  }
}
