/**
 * Moves bytes from one socket to another within the kernel: `splice(2)` into a pipe, and out of it within the
 * same call, so that one pipe serves all streams of a loop, and nothing stays in it.
 *
 * The calls need descriptors of the process, which outlive a worker thread that is terminated: only the main
 * thread splices. There are so many and no more: where all are taken, directions that have moved nothing for a while
 * give theirs back, and copy.
 */
import { Buffer } from "node:buffer";
import { isMainThread } from "node:worker_threads";
import type { Clock } from "../../../time/clock.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { EINTR, EMFILE } from "../ring/system-call-error.js";

/** Bytes that the pipe may hold. Where the system allows less, a call moves less. */
const PIPE_BYTES = 0x10_0000;

/** Streams that may have a descriptor for splicing at a time. */
export const MAX_SPLICED_STREAMS = 512;

/** How long a direction may have moved nothing, before others can have its descriptors. */
const STALL_MS = 1_000;

/** A direction that splices. */
export interface Splicing {
  /** When it has moved something last, by the clock. */
  readonly movedMs: number;
  /** Others need the descriptors: it calls {@link Splicer.end}. */
  stopSplicing(): void;
}

/** Moves bytes from one socket to another within the kernel. */
export class Splicer {
  /** Bytes of the last {@link move} that the target has taken. */
  sentBytes = 0;
  /** Why it took no more: the negative error number. */
  sendError = 0;
  /** Streams that have a descriptor. */
  streamCount = 0;
  /** How long a direction may have moved nothing, before others can have its descriptors. */
  stallMs: number = STALL_MS;
  readonly clock: Clock;
  private readonly directions: Set<Splicing> = new Set();
  private readonly calls: ForeignFunctions;
  /** Where the pipe is read, and where it is written. */
  private readonly ends: Int32Array = new Int32Array(2);
  private hasPipe = false;

  constructor(calls: ForeignFunctions, clock: Clock) {
    this.calls = calls;
    this.clock = clock;
  }

  /** A direction splices now. */
  begin(direction: Splicing): void {
    this.directions.add(direction);
  }

  /** It does no more. */
  end(direction: Splicing): void {
    this.directions.delete(direction);
  }

  private takeBack(): void {
    const sinceMs = this.clock.now() - this.stallMs;
    for (const direction of this.directions) {
      if (direction.movedMs <= sinceMs) direction.stopSplicing();
    }
  }

  /** One more stream wants to splice. Returns 0, or the negative error number. */
  enter(): number {
    if (!isMainThread) return EMFILE;
    if (this.streamCount >= MAX_SPLICED_STREAMS) this.takeBack();
    if (this.streamCount >= MAX_SPLICED_STREAMS) return EMFILE;
    if (!this.hasPipe) {
      const result = this.calls.pipe(this.ends);
      if (result < 0) return result;
      this.calls.setPipeCapacity(this.ends[1]!, PIPE_BYTES);
      this.hasPipe = true;
    }
    this.streamCount++;
    return 0;
  }

  /** One stream splices no more. */
  leave(): void {
    this.streamCount--;
    if (this.streamCount === 0) this.close();
  }

  /** Moves at most `byteCount` bytes. Returns how many came from `source`; 0: its end, or urgent bytes; else the negative error number. */
  move(source: number, target: number, byteCount: number): number {
    const { calls, ends } = this;
    this.sentBytes = 0;
    this.sendError = 0;
    const received = calls.splice(source, ends[1]!, byteCount);
    while (this.sentBytes < received) {
      const sent = calls.splice(ends[0]!, target, received - this.sentBytes);
      if (sent > 0) this.sentBytes += sent;
      else if (sent !== EINTR) {
        this.sendError = sent;
        break;
      }
    }
    return received;
  }

  /** Takes the `byteCount` bytes out that the target has not taken. Undefined: they are lost. */
  takeLeft(byteCount: number): Buffer | undefined {
    const { calls, ends } = this;
    const bytes = Buffer.allocUnsafeSlow(byteCount);
    for (let count = 0; count < byteCount; ) {
      const result = calls.read(ends[0]!, bytes.subarray(count));
      if (result > 0) count += result;
      else if (result !== EINTR) {
        this.close();
        return undefined;
      }
    }
    return bytes;
  }

  private close(): void {
    if (!this.hasPipe) return;
    this.hasPipe = false;
    for (const descriptor of this.ends) this.calls.close(descriptor);
  }
}
