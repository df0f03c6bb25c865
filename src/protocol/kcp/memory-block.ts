/**
 * A block of memory that pieces are cut off, and copying between blocks. Hot: `set` of a whole array copies in 25 ns
 * whatever its length; a view of a part costs 100 ns more. So short parts are copied by way of a `DataView`.
 */

/** A block, and how many pieces of it are kept. */
export class MemoryBlock {
  readonly bytes: Buffer;
  readonly view: DataView;
  keptCount = 0;

  constructor(byteCount: number) {
    this.bytes = Buffer.allocUnsafeSlow(byteCount);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** Below this a loop is faster than a view. */
const LOOP_BYTES = 96;
/** The same for a loop over words. */
export const WORD_LOOP_BYTES = 384;

/** Copies a part of an array. */
export function copyPart(
  from: Uint8Array,
  start: number,
  length: number,
  to: Buffer,
  offset: number,
): void {
  if (length < LOOP_BYTES) {
    for (let index = 0; index < length; index++) {
      to[offset + index] = from[start + index] as number;
    }
  } else to.set(from.subarray(start, start + length), offset);
}

/** Copies from one block to another. */
export function copyBetween(
  from: MemoryBlock,
  start: number,
  length: number,
  to: MemoryBlock,
  offset: number,
): void {
  if (length >= WORD_LOOP_BYTES) {
    to.bytes.set(from.bytes.subarray(start, start + length), offset);
    return;
  }
  const words = length & ~3;
  for (let at = 0; at < words; at += 4) {
    to.view.setInt32(offset + at, from.view.getInt32(start + at, true), true);
  }
  for (let at = words; at < length; at++) to.bytes[offset + at] = from.bytes[start + at] as number;
}
