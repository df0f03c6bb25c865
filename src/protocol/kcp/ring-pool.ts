/**
 * Rings that empty windows and queues have given back, by their capacity. So an idle conversation keeps none, and
 * one that goes on gets its ring again without an allocation. Hot.
 */
import type { MemoryBlock } from "./memory-block.js";

/** Numbers that are known of a segment, and of a message that waits. */
export const SEGMENT_FIELDS = 8;
export const MESSAGE_FIELDS = 3;

/** Numbers and blocks of what a ring holds. */
export type RingFields = Int32Array | Float64Array;
export type RingBlocks = (MemoryBlock | undefined)[];

/** The capacity up to which a ring is given back whenever it is empty. */
export const POOLED_CAPACITY = 64;
/** Rings of one capacity that are kept. */
const MAX_RINGS = 256;

/** The blocks of what has no ring. Nothing is ever put in. */
export const NO_BLOCKS: RingBlocks = [];

/** Rings of one kind. */
export class RingPool<Fields extends RingFields> {
  private readonly fields: Fields[][] = [];
  private readonly blocks: RingBlocks[][] = [];
  private readonly make: (capacity: number) => Fields;
  /** The blocks of the ring that {@link take} has answered. */
  takenBlocks: RingBlocks = NO_BLOCKS;

  constructor(make: (capacity: number) => Fields) {
    this.make = make;
    for (let capacity = 1; capacity <= POOLED_CAPACITY; capacity *= 2) {
      this.fields.push([]);
      this.blocks.push([]);
    }
  }

  /** An empty ring; `capacity` is a power of two. */
  take(capacity: number): Fields {
    const size = 31 - Math.clz32(capacity);
    const fields = this.fields[size]?.pop();
    this.takenBlocks = this.blocks[size]?.pop() ?? new Array(capacity).fill(undefined);
    return fields ?? this.make(capacity);
  }

  /** Gives back a ring whose blocks are all undefined. */
  give(fields: Fields, blocks: RingBlocks): void {
    const size = 31 - Math.clz32(blocks.length);
    const kept = this.fields[size];
    if (kept === undefined || kept.length >= MAX_RINGS) return;
    kept.push(fields);
    this.blocks[size]?.push(blocks);
  }
}
