/**
 * Deflates large messages in turns: all sockets of a thread share a line, in which one message after the other is
 * deflated, so much in each turn of the event loop. One at a time, so that a thousand of them need one context.
 */
import { ByteGatherer } from "../../protocol/websocket/byte-gatherer.js";
import type { MessageDeflater } from "../../protocol/websocket/message-deflater.js";
import { inRootContext } from "../../time/root-context.js";

/** Messages up to this size are deflated as they are sent, larger ones in turns. */
export const MAX_DEFLATED_AT_ONCE_BYTES: number = 65_536;

/** Bytes that all sockets of a thread together deflate in a turn in this way. */
export const MAX_DEFLATED_TURN_BYTES: number = 131_072;

/** The owner of a message that is deflated. */
export interface DeflateOwner {
  /** The message is deflated. */
  deflated(payload: Buffer): void;
  /** The message is not what it was: its memory was transferred or resized. */
  changed(): void;
}

/** A message that is being deflated. */
export class DeflateJob {
  private readonly deflater: MessageDeflater;
  private readonly bytes: Uint8Array;
  private readonly byteCount: number;
  private readonly owner: DeflateOwner;
  private readonly gathered: ByteGatherer = new ByteGatherer();
  private at = 0;
  /** It is done, or not needed any more. */
  isOver = false;

  constructor(deflater: MessageDeflater, bytes: Uint8Array, owner: DeflateOwner) {
    this.deflater = deflater;
    this.bytes = bytes;
    this.byteCount = bytes.length;
    this.owner = owner;
  }

  /** Deflates at most `maxBytes` more. Returns how many it took. */
  step(maxBytes: number): number {
    const start = this.at;
    const end = Math.min(start + maxBytes, this.byteCount);
    if (this.bytes.length !== this.byteCount) {
      this.isOver = true;
      this.owner.changed();
      return 0;
    }
    const isLast = end === this.byteCount;
    const piece = this.deflater.piece(this.bytes.subarray(start, end), isLast);
    this.gathered.append(piece, 0, piece.length, isLast ? 0 : Number.POSITIVE_INFINITY);
    this.at = end;
    if (isLast) {
      this.isOver = true;
      this.owner.deflated(this.gathered.take());
    }
    return end - start;
  }
}

/** The messages of all sockets of a thread that are deflated in turns. */
export class DeflateLine {
  private jobs: DeflateJob[] = [];
  private isPlanned = false;

  /** Puts a message at the end. */
  add(job: DeflateJob): void {
    this.jobs.push(job);
    this.plan();
  }

  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    inRootContext(() => setImmediate(() => this.turn()));
  }

  private turn(): void {
    this.isPlanned = false;
    let leftBytes = MAX_DEFLATED_TURN_BYTES;
    let index = 0;
    // A job that is done may add others.
    for (; index < this.jobs.length && leftBytes > 0; index++) {
      const job = this.jobs[index] as DeflateJob;
      if (!job.isOver) leftBytes -= job.step(leftBytes);
      if (!job.isOver) break;
    }
    this.jobs = this.jobs.slice(index);
    if (this.jobs.length > 0) this.plan();
  }
}

/** The thread's. */
export const deflateLine: DeflateLine = new DeflateLine();
