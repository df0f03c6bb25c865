/**
 * Memory for the bytes of segments that are kept: sent and not acknowledged, received and not whole.
 * Hot: pieces are cut off shared blocks one behind the other, without an object for each; a block is used again
 * when none of its pieces is kept any more. To allocate each anew costs page faults.
 *
 * A piece that is kept keeps its block, {@link BLOCK_BYTES}; longer ones have memory of their own.
 */
import { copyBetween, MemoryBlock, WORD_LOOP_BYTES } from "./memory-block.js";
import { MESSAGE_FIELDS, RingPool, SEGMENT_FIELDS } from "./ring-pool.js";
import { HEAD_BYTES } from "./segment.js";

const BLOCK_BYTES = 16_384;

/** Longest piece that is cut off a block. */
const MAX_SHARED_BYTES = 4_096;

/** Datagrams up to this need no larger memory to be read from. */
const FIRST_INPUT_BYTES = 2_048;

/** Blocks that are kept for the next pieces: 1 MiB. */
const MAX_FREE_BLOCKS = 64;

/** Memory for the bytes of kept segments. One serves any number of conversations. */
export class SegmentMemory {
  /** Where the last piece is. */
  block: MemoryBlock = new MemoryBlock(0);
  offset = 0;
  /** Rings of windows and queues. */
  readonly segmentRings: RingPool<Int32Array> = new RingPool(
    (capacity) => new Int32Array(SEGMENT_FIELDS * capacity),
  );
  readonly messageRings: RingPool<Float64Array> = new RingPool(
    (capacity) => new Float64Array(MESSAGE_FIELDS * capacity),
  );
  private shared: MemoryBlock = this.block;
  private used = 0;
  private readonly free: MemoryBlock[] = [];
  private input: MemoryBlock = new MemoryBlock(FIRST_INPUT_BYTES);

  /** A copy of a datagram, whose numbers can be read until the next one is asked for. */
  toRead(bytes: Uint8Array): MemoryBlock {
    const { length } = bytes;
    if (length > this.input.bytes.length) this.input = new MemoryBlock(length);
    const to = this.input.bytes;
    if (isOneSegment(bytes)) {
      for (let at = 0; at < HEAD_BYTES; at++) to[at] = bytes[at] as number;
    } else to.set(bytes);
    return this.input;
  }

  /**
   * Copies a piece of the datagram that `toRead` has got; `block` and `offset` tell where it is. It is kept until
   * `release(block)`.
   */
  keep(bytes: Uint8Array, start: number, length: number): void {
    if (start <= HEAD_BYTES && start + length === bytes.length) {
      this.reserve(bytes.length);
      this.block.bytes.set(bytes, this.offset);
      this.offset += start;
      return;
    }
    this.reserve(length);
    copyBetween(this.input, start, length, this.block, this.offset);
  }

  /**
   * Copies what is to be sent in segments of `segmentBytes`, with room for a head in front of each. `offset` is where
   * the first segment's bytes are; those of the next ones lie behind the room for their heads. Each is kept until
   * `release`.
   */
  keepToSend(bytes: Uint8Array, segmentBytes: number): void {
    const { length } = bytes;
    if (length <= segmentBytes) {
      this.reserve(HEAD_BYTES + length);
      this.offset += HEAD_BYTES;
      this.block.bytes.set(bytes, this.offset);
      return;
    }
    const count = Math.ceil(length / segmentBytes);
    this.reserve(length + HEAD_BYTES * count);
    this.block.keptCount += count - 1;
    let to = this.offset + HEAD_BYTES;
    this.offset = to;
    for (let at = 0; at < length; at += segmentBytes, to += segmentBytes + HEAD_BYTES) {
      this.block.bytes.set(bytes.subarray(at, at + segmentBytes), to);
    }
  }

  /** The same for what is kept already and `more`, which become one segment. */
  keepBothToSend(first: MemoryBlock, firstAt: number, firstLength: number, more: Uint8Array): void {
    this.reserve(HEAD_BYTES + firstLength + more.length);
    this.offset += HEAD_BYTES;
    copyBetween(first, firstAt, firstLength, this.block, this.offset);
    this.block.bytes.set(more, this.offset + firstLength);
  }

  /** A piece of the block, or `count` of them, are not kept any more. */
  release(block: MemoryBlock, count: number = 1): void {
    block.keptCount -= count;
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

/** Whether a datagram is long, and all of it one segment: then its head is all there is to read. */
function isOneSegment(bytes: Uint8Array): boolean {
  const { length } = bytes;
  return (
    length > WORD_LOOP_BYTES &&
    ((bytes[20] as number) | ((bytes[21] as number) << 8)) === length - HEAD_BYTES &&
    bytes[22] === 0 &&
    bytes[23] === 0
  );
}
