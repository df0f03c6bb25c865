/**
 * Segments that came and are not delivered: out of order, or of a message that is not whole, or held while messages
 * are not taken. A ring, indexed by the number's low bits.
 *
 *     read            next                    next + window
 *      │ in order       │ some are here         │
 *      ▼ (told as used) ▼                       ▼ not taken
 */
import { copyPart, type MemoryBlock } from "./memory-block.js";
import { NO_BLOCKS, type RingBlocks } from "./ring-pool.js";
import type { SegmentMemory } from "./segment-memory.js";

const OFFSET = 0;
const LENGTH = 1;
const FRAGMENT = 2;
const FIELDS = 3;

const FIRST_CAPACITY = 16;
/** A larger ring is given back when it is empty, and a quarter of it was enough since the last time. */
const KEPT_CAPACITY = 64;
const ENOUGH = 4;
const NOTHING = new Int32Array(0);

/** The receiver of messages. */
export interface MessageSink {
  /**
   * A message came: `length` bytes of `bytes` from `start` on. They are the datagram's that was given to `input`, or
   * memory for this message alone; where `isLent`, they are the conversation's and valid during the call only.
   */
  message(bytes: Buffer, start: number, length: number, isLent: boolean): void;
}

/** The segments of the other side that are not delivered. */
export class ReceiveWindow {
  /** The number that is delivered next, and the one that has to come next. */
  read: number;
  next: number;
  readonly window: number;
  private readonly memory: SegmentMemory;
  private fields: Int32Array = NOTHING;
  private blocks: RingBlocks = NO_BLOCKS;
  private mask = -1;
  private keptCount = 0;
  private peak = 0;
  /** The message that is being put together: where its end is looked for, and bytes so far. */
  private scan: number;
  private scanBytes = 0;

  constructor(firstNumber: number, window: number, memory: SegmentMemory) {
    this.read = firstNumber;
    this.next = firstNumber;
    this.scan = firstNumber;
    this.window = window;
    this.memory = memory;
  }

  /** Room that the peer is told of, in segments. */
  get free(): number {
    return this.window - ((this.next - this.read) | 0);
  }

  /** Whether nothing is kept, so that what comes in order may pass by. */
  get isEmpty(): boolean {
    return this.keptCount === 0;
  }

  /** Segments that are kept. */
  get count(): number {
    return this.keptCount;
  }

  /** Where `number` is: below 0 an old one, from `window` on one that is not taken. */
  distance(number: number): number {
    return (number - this.next) | 0;
  }

  /** One in order was delivered without being kept. */
  pass(): void {
    this.next = (this.next + 1) | 0;
    this.read = this.next;
    this.scan = this.next;
  }

  /** Keeps one whose distance is from 0 to below `window`. */
  keep(number: number, fragment: number, bytes: Uint8Array, start: number, length: number): void {
    const needed = ((number - this.read) | 0) + 1;
    if (needed > this.blocks.length) this.grow(needed);
    const index = number & this.mask;
    if (this.blocks[index] !== undefined) return;
    this.memory.keep(bytes, start, length);
    this.blocks[index] = this.memory.block;
    this.fields[index * FIELDS + OFFSET] = this.memory.offset;
    this.fields[index * FIELDS + LENGTH] = length;
    this.fields[index * FIELDS + FRAGMENT] = fragment;
    this.keptCount++;
    this.moveOn();
  }

  /**
   * Bytes of the first message, when it is whole: the message is that of `give`. -1 when it is not; -2 when it is
   * longer than `maxBytes`, or has more fragments than the window.
   */
  wholeBytes(maxBytes: number): number {
    while (this.scan !== this.next) {
      const at = (this.scan & this.mask) * FIELDS;
      const fragment = this.fields[at + FRAGMENT] as number;
      this.scanBytes += this.fields[at + LENGTH] as number;
      this.scan = (this.scan + 1) | 0;
      if (this.scanBytes > maxBytes) return -2;
      if (fragment === 0) return this.scanBytes;
    }
    return ((this.next - this.read) | 0) >= this.window ? -2 : -1;
  }

  /** Takes the message out that `wholeBytes` has told of, and gives it to `sink`. */
  give(sink: MessageSink): void {
    if (((this.scan - this.read) | 0) > 1) {
      const message = this.joinPieces();
      this.tookOut();
      sink.message(message, 0, message.length, false);
      return;
    }
    const index = this.read & this.mask;
    const block = this.blocks[index] as MemoryBlock;
    const offset = this.fields[index * FIELDS + OFFSET] as number;
    const length = this.scanBytes;
    this.blocks[index] = undefined;
    this.tookOut();
    sink.message(block.bytes, offset, length, true);
    this.memory.release(block);
  }

  /** All up to `scan` has left the ring. */
  private tookOut(): void {
    this.peak = Math.max(this.peak, this.keptCount);
    this.keptCount -= (this.scan - this.read) | 0;
    this.read = this.scan;
    this.scanBytes = 0;
    this.moveOn();
    if (this.keptCount === 0) this.giveBack();
  }

  private giveBack(): void {
    const { length } = this.blocks;
    if (length > KEPT_CAPACITY && this.peak * ENOUGH <= length) this.clear();
    this.peak = 0;
  }

  /** Forgets what is kept. */
  clear(): void {
    this.fields = NOTHING;
    this.blocks = NO_BLOCKS;
    this.mask = -1;
    this.keptCount = 0;
  }

  private joinPieces(): Buffer {
    const message = Buffer.allocUnsafe(this.scanBytes);
    let written = 0;
    for (let number = this.read; number !== this.scan; number = (number + 1) | 0) {
      const at = (number & this.mask) * FIELDS;
      const length = this.fields[at + LENGTH] as number;
      const block = this.blocks[number & this.mask] as MemoryBlock;
      copyPart(block.bytes, this.fields[at + OFFSET] as number, length, message, written);
      this.memory.release(block);
      this.blocks[number & this.mask] = undefined;
      written += length;
    }
    return message;
  }

  private moveOn(): void {
    let { next } = this;
    const end = (this.read + this.window) | 0;
    while (next !== end && this.blocks[next & this.mask] !== undefined && this.isKept(next)) {
      next = (next + 1) | 0;
    }
    this.next = next;
  }

  /** The ring may be as small as what it holds: a slot of a number behind its end is another's. */
  private isKept(number: number): boolean {
    return ((number - this.read) | 0) < this.blocks.length;
  }

  private grow(needed: number): void {
    let capacity = Math.max(FIRST_CAPACITY, this.blocks.length);
    while (capacity < needed) capacity *= 2;
    const fields = new Int32Array(capacity * FIELDS);
    const blocks: RingBlocks = new Array(capacity).fill(undefined);
    const mask = capacity - 1;
    for (let step = 0; step < this.blocks.length; step++) {
      const number = (this.read + step) | 0;
      const from = (number & this.mask) * FIELDS;
      blocks[number & mask] = this.blocks[number & this.mask];
      fields.set(this.fields.subarray(from, from + FIELDS), (number & mask) * FIELDS);
    }
    this.fields = fields;
    this.blocks = blocks;
    this.mask = mask;
  }
}
