/**
 * Memory for the bytes of segments that are kept: sent and not acknowledged, received and not whole.
 * Hot: pieces are cut off shared blocks one behind the other, without an object for each; a block is used again
 * when none of its pieces is kept any more. To allocate each anew costs page faults.
 *
 * A piece that is kept keeps its block, {@link BLOCK_BYTES}; longer ones have memory of their own.
 */
const BLOCK_BYTES = 16_384;

/** Longest piece that is cut off a block. */
const MAX_SHARED_BYTES = 4_096;

/** Blocks that are kept for the next pieces: 1 MiB. */
const MAX_FREE_BLOCKS = 64;

/** A block, and how many pieces of it are kept. */
export class MemoryBlock {
  readonly bytes: Buffer;
  keptCount = 0;

  constructor(byteCount: number) {
    this.bytes = Buffer.allocUnsafeSlow(byteCount);
  }
}

/** Memory for the bytes of kept segments. One serves any number of conversations. */
export class SegmentMemory {
  /** Where the last piece is. */
  block: MemoryBlock = new MemoryBlock(0);
  offset = 0;
  private shared: MemoryBlock = this.block;
  private used = 0;
  private readonly free: MemoryBlock[] = [];

  /** Copies a piece; `block` and `offset` tell where it is. It is kept until `release(block)`. */
  keep(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyBytes(bytes, start, length, this.block.bytes, this.offset);
  }

  /** The same for two pieces that become one. */
  keepBoth(first: Uint8Array, firstStart: number, firstLength: number, second: Uint8Array): void {
    this.reserve(firstLength + second.length);
    const { block, offset } = this;
    copyBytes(first, firstStart, firstLength, block.bytes, offset);
    copyBytes(second, 0, second.length, block.bytes, offset + firstLength);
  }

  /** A piece of the block is not kept any more. One that somebody has got is never released. */
  release(block: MemoryBlock): void {
    block.keptCount--;
    if (block.keptCount > 0 || block === this.shared) return;
    if (block.bytes.length === BLOCK_BYTES && this.free.length < MAX_FREE_BLOCKS) {
      this.free.push(block);
    }
  }

  private reserve(length: number): void {
    if (length > MAX_SHARED_BYTES) {
      this.block = new MemoryBlock(length);
      this.offset = 0;
    } else {
      if (this.used + length > this.shared.bytes.length) this.takeBlock();
      this.block = this.shared;
      this.offset = this.used;
      this.used += length;
    }
    this.block.keptCount++;
  }

  private takeBlock(): void {
    // The last one is full: whoever keeps a piece of it gives it back.
    const last = this.shared;
    this.shared = this.free.pop() ?? new MemoryBlock(BLOCK_BYTES);
    this.used = 0;
    if (last.keptCount === 0 && last.bytes.length === BLOCK_BYTES) this.free.push(last);
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
