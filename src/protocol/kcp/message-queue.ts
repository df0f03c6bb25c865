/**
 * Messages that wait for numbers: first in, first out, in a ring without an object for each. A message
 * that has grown stale leaves when its turn comes, or when the room is needed.
 */
import type { MemoryBlock } from "./memory-block.js";
import { MESSAGE_FIELDS, NO_BLOCKS, POOLED_CAPACITY, type RingBlocks } from "./ring-pool.js";
import type { SegmentMemory } from "./segment-memory.js";

/** Numbers of a message: where its bytes begin, how many, when it grows stale (infinite: never). */
const OFFSET = 0;
const LENGTH = 1;
const STALE_MS = 2;

const FIRST_CAPACITY = 8;
/** A larger ring than those that are pooled is given up when a quarter of it was enough so often. */
const ENOUGH = 4;
const TIMES = 8;
const NOTHING = new Float64Array(0);

/** Whose messages wait. */
export interface QueueOwner {
  /** A message of `length` bytes has grown stale; its pieces of `block` are the owner's. */
  messageDropped(block: MemoryBlock, length: number): void;
}

/** Messages that wait for their numbers. */
export class MessageQueue {
  /** Messages that wait. */
  count = 0;
  private head = 0;
  private blocks: RingBlocks = NO_BLOCKS;
  private fields: Float64Array = NOTHING;
  /** Size of the last ring. */
  private capacity = FIRST_CAPACITY;
  private peak = 0;
  private quietTimes = 0;
  private readonly memory: SegmentMemory;
  /** No message grows stale before this moment. */
  private firstStaleMs = Number.POSITIVE_INFINITY;

  constructor(memory: SegmentMemory) {
    this.memory = memory;
  }

  /** Puts one behind the others. The piece is the queue's from here on. */
  add(block: MemoryBlock, offset: number, length: number, staleMs: number): void {
    if (this.count === this.blocks.length) this.grow();
    const index = this.place(this.count++);
    this.blocks[index] = block;
    this.fields[index * MESSAGE_FIELDS + OFFSET] = offset;
    this.fields[index * MESSAGE_FIELDS + LENGTH] = length;
    this.fields[index * MESSAGE_FIELDS + STALE_MS] = staleMs;
    if (staleMs < this.firstStaleMs) this.firstStaleMs = staleMs;
  }

  /** The first message: its block, where it begins, how long it is. */
  get block(): MemoryBlock {
    return this.blocks[this.head] as MemoryBlock;
  }

  get offset(): number {
    return (this.fields[this.head * MESSAGE_FIELDS + OFFSET] as number) | 0;
  }

  get length(): number {
    return (this.fields[this.head * MESSAGE_FIELDS + LENGTH] as number) | 0;
  }

  /** Takes the first one out, whose pieces are the caller's from here on. */
  shift(): void {
    if (this.count > this.peak) this.peak = this.count;
    this.blocks[this.head] = undefined;
    this.head = this.place(1);
    this.count--;
    if (this.count === 0) this.emptied();
  }

  private emptied(): void {
    const { length } = this.blocks;
    if (length <= POOLED_CAPACITY) {
      this.capacity = length;
      this.memory.messageRings.give(this.fields, this.blocks);
      this.forgetRing();
    } else {
      this.quietTimes = this.peak * ENOUGH <= length ? this.quietTimes + 1 : 0;
      if (this.quietTimes >= TIMES) this.clear();
    }
    this.peak = 0;
  }

  private forgetRing(): void {
    this.head = 0;
    this.blocks = NO_BLOCKS;
    this.fields = NOTHING;
  }

  /** Length of the last message, block and offset of its bytes; -1 when there is none. */
  get lastLength(): number {
    return this.count === 0
      ? -1
      : (this.fields[this.place(this.count - 1) * MESSAGE_FIELDS + LENGTH] as number);
  }

  get lastBlock(): MemoryBlock {
    return this.blocks[this.place(this.count - 1)] as MemoryBlock;
  }

  get lastOffset(): number {
    return this.fields[this.place(this.count - 1) * MESSAGE_FIELDS + OFFSET] as number;
  }

  /** Exchanges the bytes of the last message. */
  replaceLast(block: MemoryBlock, offset: number, length: number): void {
    const index = this.place(this.count - 1);
    this.memory.release(this.lastBlock);
    this.blocks[index] = block;
    this.fields[index * MESSAGE_FIELDS + OFFSET] = offset;
    this.fields[index * MESSAGE_FIELDS + LENGTH] = length;
  }

  /**
   * Takes out what has grown stale, from the message at `from` on; calls back for each.
   * Costs a look at each message, but only when one has grown stale.
   */
  dropStale(nowMs: number, from: number, owner: QueueOwner): void {
    if (nowMs < this.firstStaleMs) return;
    let kept = from;
    let firstStaleMs = Number.POSITIVE_INFINITY;
    for (let position = 0; position < this.count; position++) {
      const index = this.place(position);
      const staleMs = this.fields[index * MESSAGE_FIELDS + STALE_MS] as number;
      if (position >= from && staleMs <= nowMs) {
        const length = this.fields[index * MESSAGE_FIELDS + LENGTH] as number;
        owner.messageDropped(this.blocks[index] as MemoryBlock, length);
        continue;
      }
      if (staleMs < firstStaleMs) firstStaleMs = staleMs;
      if (position >= from) this.move(index, this.place(kept++));
    }
    for (let position = kept; position < this.count; position++) {
      this.blocks[this.place(position)] = undefined;
    }
    this.count = Math.min(this.count, kept);
    this.firstStaleMs = firstStaleMs;
  }

  /** Forgets everything. */
  clear(): void {
    this.count = 0;
    this.forgetRing();
    this.capacity = FIRST_CAPACITY;
    this.quietTimes = 0;
    this.firstStaleMs = Number.POSITIVE_INFINITY;
  }

  private place(position: number): number {
    return (this.head + position) & (this.blocks.length - 1);
  }

  private move(from: number, to: number): void {
    if (from === to) return;
    this.blocks[to] = this.blocks[from];
    const start = from * MESSAGE_FIELDS;
    this.fields.copyWithin(to * MESSAGE_FIELDS, start, start + MESSAGE_FIELDS);
  }

  private grow(): void {
    const { messageRings } = this.memory;
    const capacity = this.blocks.length === 0 ? this.capacity : this.blocks.length * 2;
    const fields = messageRings.take(capacity);
    const blocks = messageRings.takenBlocks;
    for (let position = 0; position < this.count; position++) {
      const index = this.place(position);
      blocks[position] = this.blocks[index];
      fields.set(
        this.fields.subarray(index * MESSAGE_FIELDS, (index + 1) * MESSAGE_FIELDS),
        position * MESSAGE_FIELDS,
      );
    }
    this.head = 0;
    this.blocks = blocks;
    this.fields = fields;
  }
}
