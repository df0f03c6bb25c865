/**
 * Segments that have a number and are not all acknowledged: a ring, indexed by the number's low bits. Hot:
 * what is known of a segment are eight 32-bit integers in one array, so that none costs an object.
 *
 * Invariants: `first` is the oldest number that is not acknowledged, `next` the one that comes; slots
 * between them are in use; a slot whose block is undefined is acknowledged already.
 */
import type { MemoryBlock } from "./memory-block.js";
import { NO_BLOCKS, POOLED_CAPACITY, type RingBlocks, SEGMENT_FIELDS } from "./ring-pool.js";
import type { SegmentMemory } from "./segment-memory.js";

/** Places of a segment's integers, from `slot(number)` on. */
export const OFFSET = 0;
export const LENGTH = 1;
export const FRAGMENT = 2;
/** How often it was sent. */
export const SENDS = 3;
/** How often later ones were acknowledged since it was last sent. */
export const SKIPS = 4;
export const TIMEOUT = 5;
/** When it is due to be sent again. */
export const RESEND_AT = 6;
/** When it was last sent. */
export const SENT_AT = 7;

const FIRST_CAPACITY = 16;
/** A larger ring than those that are pooled is given up when it is empty, and a quarter of it was enough. */
const ENOUGH = 4;
const NOTHING = new Int32Array(0);

/** The numbered segments of one side that are not all acknowledged. */
export class SendWindow {
  first: number;
  next: number;
  /** Segments that are not acknowledged. */
  unackedCount = 0;
  fields: Int32Array = NOTHING;
  blocks: RingBlocks = NO_BLOCKS;
  private mask = -1;
  /** Size of the last ring. */
  private capacity = FIRST_CAPACITY;
  private peak = 0;
  private readonly memory: SegmentMemory;

  constructor(firstNumber: number, memory: SegmentMemory) {
    this.memory = memory;
    this.first = firstNumber;
    this.next = firstNumber;
  }

  /** Numbers from the first unacknowledged to the last. */
  get span(): number {
    return (this.next - this.first) | 0;
  }

  /** Where the integers of a segment begin. */
  slot(number: number): number {
    return (number & this.mask) * SEGMENT_FIELDS;
  }

  /** The bytes' block; undefined when it is acknowledged. */
  blockOf(number: number): MemoryBlock | undefined {
    return this.blocks[number & this.mask];
  }

  /** Gives the next number to a segment that is sent for the first time, at `now`. What is kept of `block` is its own. */
  add(
    block: MemoryBlock,
    offset: number,
    length: number,
    fragment: number,
    now: number,
    timeoutMs: number,
    waitMs: number,
  ): void {
    if (this.span >= this.blocks.length) this.grow();
    const { fields } = this;
    const index = this.next & this.mask;
    this.next = (this.next + 1) | 0;
    this.blocks[index] = block;
    this.unackedCount++;
    const slot = index * SEGMENT_FIELDS;
    fields[slot + OFFSET] = offset;
    fields[slot + LENGTH] = length;
    fields[slot + FRAGMENT] = fragment;
    fields[slot + SENDS] = 1;
    fields[slot + SKIPS] = 0;
    fields[slot + TIMEOUT] = timeoutMs;
    fields[slot + RESEND_AT] = now + waitMs;
    fields[slot + SENT_AT] = now;
  }

  /** Whether `number` is one that was given, and is not below the first. */
  has(number: number): boolean {
    return ((number - this.first) | 0) >= 0 && ((number - this.next) | 0) < 0;
  }

  /** Takes one out; returns its length, or -1 when it was out already. */
  take(number: number): number {
    const index = number & this.mask;
    const block = this.blocks[index];
    if (block === undefined) return -1;
    this.memory.release(block);
    this.unackedCount--;
    this.blocks[index] = undefined;
    return this.fields[index * SEGMENT_FIELDS + LENGTH] as number;
  }

  /** Moves `first` on over what was taken out. */
  moveOn(): void {
    let { first } = this;
    this.peak = Math.max(this.peak, this.span);
    while (first !== this.next && this.blocks[first & this.mask] === undefined) {
      first = (first + 1) | 0;
    }
    this.first = first;
    if (first !== this.next) return;
    const { length } = this.blocks;
    if (length > 0 && length <= POOLED_CAPACITY) {
      this.memory.segmentRings.give(this.fields, this.blocks);
      this.forgetRing();
      this.capacity = length;
    } else if (this.peak * ENOUGH <= length) this.clear();
    this.peak = 0;
  }

  private forgetRing(): void {
    this.fields = NOTHING;
    this.blocks = NO_BLOCKS;
    this.mask = -1;
  }

  /** Forgets everything. */
  clear(): void {
    this.first = this.next;
    this.unackedCount = 0;
    this.forgetRing();
    this.capacity = FIRST_CAPACITY;
  }

  private grow(): void {
    const { segmentRings } = this.memory;
    const capacity = this.blocks.length === 0 ? this.capacity : this.blocks.length * 2;
    const fields = segmentRings.take(capacity);
    const blocks = segmentRings.takenBlocks;
    const mask = capacity - 1;
    for (let number = this.first; number !== this.next; number = (number + 1) | 0) {
      const from = this.slot(number);
      fields.set(
        this.fields.subarray(from, from + SEGMENT_FIELDS),
        (number & mask) * SEGMENT_FIELDS,
      );
      blocks[number & mask] = this.blocks[number & this.mask];
    }
    this.fields = fields;
    this.blocks = blocks;
    this.mask = mask;
  }
}
