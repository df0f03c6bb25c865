/**
 * One direction of a stream in memory.
 *
 *     writer ── write ──▶ pending ── window ──▶ in flight ── delay ──▶ arrived ──▶ reader
 *
 * Invariants: segments arrive in the order in which they were sent, whatever their delays.
 * `heldBytes` counts what is in flight or arrived, and never exceeds the window. The reader is
 * called from turns of the loop only.
 */
import type { Address } from "../engine.js";
import type { MemoryNetwork } from "./memory-network.js";
import type { TurnLoop } from "./turn-loop.js";

/** The end that writes. */
export interface PipeWriter {
  /** The network has taken all bytes of the write under way. */
  writeTaken(byteCount: number): void;
  /** The other end has refused what arrived, because it is closed. */
  writeRefused(): void;
}

/** The end that reads. */
export interface PipeReader {
  /** False: what arrives waits. */
  readonly isReading: boolean;
  bytesArrived(bytes: Buffer): void;
  endArrived(): void;
  resetArrived(): void;
}

/** The ends of a pipe and where they are. */
export interface PipeSetup {
  readonly network: MemoryNetwork;
  readonly loop: TurnLoop;
  readonly writer: PipeWriter;
  readonly reader: PipeReader;
  readonly from: Address;
  readonly to: Address;
}

type Segment = Buffer | "end" | "reset";

/** One direction of a stream in memory. */
export class MemoryPipe {
  private readonly setup: PipeSetup;
  private pieces: Uint8Array[] = [];
  /** Bytes of the write under way, and how many of them the network has not taken. */
  private writeBytes = 0;
  private pendingBytes = 0;
  private isEndWanted = false;
  private isEndSent = false;
  private flight: Segment[] = [];
  private arrived: Segment[] = [];
  private heldBytes = 0;
  private lastDueMs = 0;
  private isReaderGone = false;
  private isSilent = false;

  constructor(setup: PipeSetup) {
    this.setup = setup;
  }

  /** Starts a write; the writer is told when the network has taken all of it. */
  write(pieces: readonly Uint8Array[], byteCount: number): void {
    this.pieces = pieces.filter((piece) => piece.length > 0);
    this.writeBytes = byteCount;
    this.pendingBytes = byteCount;
    if (byteCount === 0) this.taken();
    else this.pump();
  }

  /** Bytes of the write under way that the network has taken. */
  get takenBytes(): number {
    return this.writeBytes - this.pendingBytes;
  }

  /** Sends FIN behind the write under way. */
  end(): void {
    if (this.pendingBytes > 0) this.isEndWanted = true;
    else this.sendLast("end");
  }

  /** The writer is gone: what the network has not taken is lost, and `last` follows the rest. */
  closeWriter(last: "end" | "reset"): void {
    this.pieces = [];
    this.pendingBytes = 0;
    this.sendLast(last);
  }

  /** The reader is gone. Returns whether bytes had arrived that it did not take. */
  closeReader(): boolean {
    this.isReaderGone = true;
    const isUnread = this.arrived.some((segment) => typeof segment !== "string");
    this.arrived = [];
    return isUnread;
  }

  /** Nothing arrives from now on, silently. */
  silence(): void {
    this.isSilent = true;
  }

  /** The reader goes on reading. */
  wake(): void {
    this.setup.loop.post(() => this.deliver());
  }

  /** Hands pending bytes to the network, as far as the window is open. */
  private pump(): void {
    const { network } = this.setup;
    while (this.pendingBytes > 0) {
      const freeBytes = network.windowBytes - this.heldBytes;
      if (freeBytes <= 0) return;
      const segmentBytes = network.segmentBytes(Math.min(freeBytes, this.pendingBytes));
      this.heldBytes += segmentBytes;
      this.pendingBytes -= segmentBytes;
      this.send(this.takePending(segmentBytes));
      if (this.pendingBytes === 0) this.taken();
    }
  }

  private taken(): void {
    const { loop, writer } = this.setup;
    const byteCount = this.writeBytes;
    loop.post(() => writer.writeTaken(byteCount));
    if (this.isEndWanted) this.sendLast("end");
  }

  /** Copies the next bytes out of the pieces: the writer may change them after `written`. */
  private takePending(byteCount: number): Buffer {
    const segment = Buffer.allocUnsafeSlow(byteCount);
    let filledBytes = 0;
    while (filledBytes < byteCount) {
      const piece = this.pieces[0]!;
      const part = piece.subarray(0, byteCount - filledBytes);
      segment.set(part, filledBytes);
      filledBytes += part.length;
      if (part.length === piece.length) this.pieces.shift();
      else this.pieces[0] = piece.subarray(part.length);
    }
    return segment;
  }

  private delayMs(byteCount: number): number {
    const { network, from, to } = this.setup;
    return network.delayOf({ kind: "stream", from, to, byteCount });
  }

  private sendLast(last: "end" | "reset"): void {
    if (last === "end" && this.isEndSent) return;
    this.isEndSent = true;
    this.send(last);
  }

  private send(segment: Segment): void {
    const { loop } = this.setup;
    const delayMs = this.delayMs(typeof segment === "string" ? 0 : segment.length);
    const dueMs = Math.max(this.lastDueMs, loop.now() + delayMs);
    this.lastDueMs = dueMs;
    // Any turn takes the first segment, so that the order does not depend on timers.
    this.flight.push(segment);
    loop.post(() => this.arrive(), dueMs - loop.now());
  }

  private arrive(): void {
    const segment = this.flight.shift()!;
    if (this.isSilent) return;
    if (this.isReaderGone) {
      if (typeof segment !== "string") this.refuse();
    } else if (segment === "reset") {
      this.setup.reader.resetArrived();
    } else {
      this.arrived.push(segment);
      this.deliver();
    }
  }

  private refuse(): void {
    const { loop, writer } = this.setup;
    loop.post(() => writer.writeRefused(), this.delayMs(0));
  }

  private deliver(): void {
    const { reader } = this.setup;
    while (reader.isReading && this.arrived.length > 0) {
      const segment = this.arrived.shift()!;
      if (segment === "end") {
        reader.endArrived();
      } else if (segment !== "reset") {
        this.heldBytes -= segment.length;
        reader.bytesArrived(segment);
        this.pump();
      }
    }
  }
}
