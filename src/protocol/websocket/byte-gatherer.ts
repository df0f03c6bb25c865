/**
 * Gathers the bytes of a message that is not complete. What it costs follows the bytes that came, never
 * the length that was announced, nor the number of pieces: they lie one behind the other, in memory of
 * at most twice their number, or {@link MIN_BYTES}.
 */
import { Buffer } from "node:buffer";

/** Smallest allocation. */
const MIN_BYTES = 64;

const NOTHING: Buffer = Buffer.alloc(0);

/** Gathers the bytes of a message that is not complete. */
export class ByteGatherer {
  private memory: Buffer = NOTHING;
  /** Bytes that are here. */
  byteCount = 0;

  /** Bytes of memory. */
  get heldBytes(): number {
    return this.memory.length;
  }

  /** Puts a copy of `bytes[start … end)` behind the rest; so many are sure to follow, `moreBytes`. */
  append(bytes: Uint8Array, start: number, end: number, moreBytes: number): void {
    const byteCount = this.byteCount + end - start;
    if (byteCount > this.memory.length) {
      const room = moreBytes < byteCount ? byteCount + moreBytes : byteCount * 2;
      const memory = Buffer.allocUnsafeSlow(Math.max(room, MIN_BYTES));
      if (this.byteCount > 0) memory.set(this.memory.subarray(0, this.byteCount));
      this.memory = memory;
    }
    const whole = start === 0 && end === bytes.length;
    this.memory.set(whole ? bytes : bytes.subarray(start, end), this.byteCount);
    this.byteCount = byteCount;
  }

  /** Takes all bytes out; they keep their memory, and the next ones get another. */
  take(): Buffer {
    const { memory, byteCount } = this;
    this.memory = NOTHING;
    this.byteCount = 0;
    return byteCount === memory.length ? memory : memory.subarray(0, byteCount);
  }
}
