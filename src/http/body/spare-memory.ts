/**
 * Memory that whole bodies are gathered in when they are given away as text or as a value, not as bytes: it is
 * nobody's any more then, and used again. Fresh memory of that size costs page faults, and makes V8 look
 * through its heap each time that some dozens of megabytes have gone by: reading 64 KiB of JSON takes half of
 * the processor time that it took with it.
 */
import { Buffer } from "node:buffer";

/** Shorter ones come from a pool of Node's. */
const MIN_BYTES = 4_096;
/** Longer ones are rare, and fresh. */
const MAX_BYTES = 1_048_576;
/** Memory that is kept for the next. */
const MAX_KEPT_BYTES = 4_194_304;

/** Buffers of sizes that are powers of two, used again. */
export class SpareMemory {
  private readonly spares = new Map<number, Buffer[]>();
  private spareBytes = 0;

  /** Bytes that wait to be used again. */
  get keptBytes(): number {
    return this.spareBytes;
  }

  /** A buffer of at least `byteCount` bytes. */
  take(byteCount: number): Buffer {
    if (byteCount < MIN_BYTES || byteCount > MAX_BYTES) return Buffer.allocUnsafe(byteCount);
    const size = 2 ** Math.ceil(Math.log2(byteCount));
    const spare = this.spares.get(size)?.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(size);
    this.spareBytes -= size;
    return spare;
  }

  /** Takes one back that is not in use any more: one that {@link take} has given, and no part of it. */
  giveBack(buffer: Buffer): void {
    const size = buffer.length;
    if (size < MIN_BYTES || size > MAX_BYTES || buffer.buffer.byteLength !== size) return;
    if (this.spareBytes + size > MAX_KEPT_BYTES || (size & (size - 1)) !== 0) return;
    this.spareBytes += size;
    const spares = this.spares.get(size);
    if (spares === undefined) this.spares.set(size, [buffer]);
    else spares.push(buffer);
  }
}
