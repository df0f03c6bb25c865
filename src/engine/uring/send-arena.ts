/**
 * Memory for copies of small writes, from which the kernel sends. Hot.
 *
 * The arena is cut into segments of 64 KiB. Regions are taken from the current segment one behind
 * the other; a segment counts its live regions, and is used from its start again when the last of
 * them is given back. Taking and giving back are a few additions, whatever the order, and a busy
 * server that sends at once stays within one segment, which stays in the cache.
 *
 * A region that waits long keeps its whole segment. When no segment is free, `take` answers NONE
 * and the caller sends from its own memory.
 */
import { type OwnershipCheck, POISON } from "./ownership-check.js";
import { NONE, type SharedMemory } from "./shared-memory.js";
import { SEGMENT_BYTES } from "./uring-options.js";

const SEGMENT_SHIFT = 16;

/** Regions start at multiples of this, so that copying them is fast. */
const ALIGNMENT = 16;

/** See the head of the file. Regions are named by their offset in {@link bytes}. */
export class SendArena {
  readonly bytes: Buffer;
  /** Low word of the address of the region at offset 0; add the offset, `| 0`. */
  readonly baseLow: number;
  /** High word of the address of every region. */
  readonly high: number;
  private readonly live: Int32Array;
  private readonly free: number[] = [];
  private readonly check: OwnershipCheck | undefined;
  /** Sizes of the regions, kept for the check alone. */
  private readonly sizes = new Map<number, number>();
  private current = 0;
  private used = 0;

  constructor(memory: SharedMemory, byteCount: number, check: OwnershipCheck | undefined) {
    const at = memory.takePages(byteCount);
    this.bytes = memory.bytes(at, byteCount);
    this.baseLow = memory.addressLow(at);
    this.high = memory.baseHigh;
    this.live = new Int32Array(byteCount / SEGMENT_BYTES);
    for (let segment = this.live.length - 1; segment > 0; segment--) this.free.push(segment);
    this.check = check;
    if (check !== undefined) this.bytes.fill(POISON);
  }

  /** Where the region lies. */
  addressOf(offset: number): number {
    return this.high * 0x1_0000_0000 + ((this.baseLow + offset) >>> 0);
  }

  /** Regions that were taken and not given back. */
  get liveCount(): number {
    return this.live.reduce((sum, count) => sum + count, 0);
  }

  /** A region of `byteCount` bytes, at most a segment: its offset, or {@link NONE}. */
  take(byteCount: number): number {
    // An empty region has a place of its own, too.
    const size = Math.max(ALIGNMENT, (byteCount + ALIGNMENT - 1) & -ALIGNMENT);
    if (this.used + size > SEGMENT_BYTES) {
      const next = this.free.pop();
      if (next === undefined) return NONE;
      this.current = next;
      this.used = 0;
    }
    const offset = (this.current << SEGMENT_SHIFT) + this.used;
    this.used += size;
    this.live[this.current]!++;
    if (this.check !== undefined) {
      this.sizes.set(offset, size);
      this.check.handOut(offset, this.bytes.subarray(offset, offset + size), 0);
    }
    return offset;
  }

  /** The kernel has sent the region, or never will. */
  giveBack(offset: number): void {
    const segment = offset >> SEGMENT_SHIFT;
    if (this.check !== undefined) {
      const size = this.sizes.get(offset) ?? 0;
      this.check.giveBack(offset, this.bytes.subarray(offset, offset + size));
      this.sizes.delete(offset);
    }
    if (--this.live[segment]! > 0) return;
    if (segment === this.current) this.used = 0;
    else this.free.push(segment);
  }
}
