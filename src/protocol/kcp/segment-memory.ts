/**
 * Memory for the bytes of segments that are kept: sent and not acknowledged, received and not whole.
 * Hot: pieces are cut off shared blocks one behind the other, without an object for each; a block is
 * garbage when none of its pieces is kept any more.
 *
 * A piece that is kept keeps its block, {@link BLOCK_BYTES}; longer ones have memory of their own.
 */
const BLOCK_BYTES = 16_384;

/** Longest piece that is cut off a block. */
const MAX_SHARED_BYTES = 4_096;

/** Memory for the bytes of kept segments. One serves any number of conversations. */
export class SegmentMemory {
  /** Where the last piece is. */
  block: Buffer = Buffer.allocUnsafeSlow(0);
  offset = 0;
  private shared: Buffer = this.block;
  private used = 0;

  /** Copies a piece; `block` and `offset` tell where it is. */
  keep(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyBytes(bytes, start, length, this.block, this.offset);
  }

  /** The same for two pieces that become one. */
  keepBoth(first: Uint8Array, firstStart: number, firstLength: number, second: Uint8Array): void {
    this.reserve(firstLength + second.length);
    const { block, offset } = this;
    copyBytes(first, firstStart, firstLength, block, offset);
    copyBytes(second, 0, second.length, block, offset + firstLength);
  }

  private reserve(length: number): void {
    if (length > MAX_SHARED_BYTES) {
      this.block = Buffer.allocUnsafeSlow(length);
      this.offset = 0;
      return;
    }
    if (this.used + length > this.shared.length) {
      this.shared = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.used = 0;
    }
    this.block = this.shared;
    this.offset = this.used;
    this.used += length;
  }
}

/** Below this a loop is faster than a call of `set`, which needs a view. */
const LOOP_BYTES = 96;

/** Copies `length` bytes. */
export function copyBytes(
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
  } else if (from instanceof Buffer) {
    from.copy(to, offset, start, start + length);
  } else {
    to.set(from.subarray(start, start + length), offset);
  }
}
