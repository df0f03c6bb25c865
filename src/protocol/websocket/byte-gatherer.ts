/**
 * Gathers the bytes of a message that is not complete. What it costs follows the bytes that came, never
 * the length that was announced, nor the number of pieces: they lie one behind the other, in memory of
 * at most twice their number, or {@link MIN_BYTES}.
 *
 *     up to 1 MiB    one memory, which grows by copying
 *     from there on  slabs: [ full ][ full ][ the last, being filled ]    join ──► one memory
 *
 * Large messages are not copied to grow, which would take the longer the larger they are: they are joined in the
 * end, in steps if need be.
 */
import { Buffer } from "node:buffer";

/** Smallest allocation. */
const MIN_BYTES = 64;

/** Memory of this size does not grow any more: what follows goes into another slab. */
const SLAB_FROM_BYTES = 1_048_576;

const MAX_SLAB_BYTES = 16_777_216;

const NOTHING: Buffer = Buffer.alloc(0);

/** So many memories, of so many bytes each at most, and of so many together are used again. */
const MAX_SPARES = 128;
const MAX_SPARE_BYTES = SLAB_FROM_BYTES;
const MAX_KEPT_BYTES = 4_194_304;

/** Less is not worth looking for. */
const MIN_SPARE_BYTES = 1_024;

/** Memory that was given back, for the messages of all gatherers of a thread. */
const spares: Buffer[] = [];
let keptBytes = 0;

/**
 * Gives back what a gatherer gave out and nobody keeps: messages that are cut, and only looked at, need no memory of
 * their own each.
 */
export function giveBack(taken: Buffer): void {
  const { length } = taken;
  if (length < MIN_SPARE_BYTES || length > MAX_SPARE_BYTES) return;
  // The one that has waited longest goes: what is at hand fits the messages of late.
  while (spares.length === MAX_SPARES || keptBytes + length > MAX_KEPT_BYTES) {
    keptBytes -= (spares.shift() as Buffer).length;
  }
  spares.push(taken);
  keptBytes += length;
}

/** Memory of `byteCount` bytes or more, up to `mostBytes`. */
function takeMemory(byteCount: number, mostBytes: number): Buffer {
  for (let index = spares.length - 1; index >= 0; index--) {
    const { length } = spares[index] as Buffer;
    if (length < byteCount || length > mostBytes) continue;
    keptBytes -= length;
    return spares.splice(index, 1)[0] as Buffer;
  }
  return Buffer.allocUnsafeSlow(byteCount);
}

/** What most have as full slabs. Never added to. */
const NONE: Buffer[] = [];

/** Gathers the bytes of a message that is not complete. */
export class ByteGatherer {
  /** Slabs that are full, in front of `memory`. */
  private slabs: Buffer[] = NONE;
  private slabBytes = 0;
  private memory: Buffer = NOTHING;
  /** Bytes in `memory`. */
  private used = 0;
  /** Where slabs are joined, and how many bytes have been; how many of the first slab, and how many the last one has. */
  private target: Buffer | undefined = undefined;
  private joinedBytes = 0;
  private joinedOfFirst = 0;
  private lastBytes = 0;

  /** Bytes that are here. */
  get byteCount(): number {
    return this.joinedBytes + this.slabBytes + this.used;
  }

  /** Bytes of memory. */
  get heldBytes(): number {
    return this.slabBytes + this.memory.length + (this.target?.length ?? 0);
  }

  /** Puts a copy of `bytes[start … end)` behind the rest; so many are sure to follow, `moreBytes`. */
  append(bytes: Uint8Array, start: number, end: number, moreBytes: number): void {
    const fits = this.used + end - start <= this.memory.length;
    const from = fits ? start : this.grow(bytes, start, end, moreBytes);
    const isWhole = from === 0 && end === bytes.length;
    this.memory.set(isWhole ? bytes : bytes.subarray(from, end), this.used);
    this.used += end - from;
  }

  /** Makes room. Returns where in `bytes` those begin that are still to be put in. */
  private grow(bytes: Uint8Array, start: number, end: number, moreBytes: number): number {
    const { memory, used } = this;
    const byteCount = this.byteCount + end - start;
    if (this.slabs === NONE && memory.length < SLAB_FROM_BYTES) {
      const room = moreBytes < byteCount ? byteCount + moreBytes : byteCount * 2;
      this.memory = takeMemory(Math.max(room, MIN_BYTES), Math.max(room, byteCount * 2));
      if (used > 0) this.memory.set(memory.subarray(0, used));
      giveBack(memory);
      return start;
    }
    const from = start + memory.length - used;
    memory.set(bytes.subarray(start, from), used);
    if (this.slabs === NONE) this.slabs = [];
    this.slabs.push(memory);
    this.slabBytes += memory.length;
    const left = end - from;
    const next = Math.min(byteCount / 2, MAX_SLAB_BYTES);
    const room = moreBytes < byteCount ? left + moreBytes : Math.max(left, Math.ceil(next));
    this.memory = takeMemory(room, room * 2);
    this.used = 0;
    return from;
  }

  /**
   * Goes on with putting all bytes into one memory, by at most `maxBytes`. Returns whether that is done. Nothing can
   * be put in meanwhile.
   */
  join(maxBytes: number): boolean {
    if (this.target === undefined) {
      if (this.slabs === NONE) return true;
      this.target = Buffer.allocUnsafeSlow(this.byteCount);
      this.slabs.push(this.memory);
      this.slabBytes += this.used;
      this.lastBytes = this.used;
      this.memory = NOTHING;
      this.used = 0;
    }
    const { target, slabs } = this;
    let left = maxBytes;
    while (left > 0) {
      const slab = slabs[0];
      if (slab === undefined) break;
      const slabBytes = slabs.length === 1 ? this.lastBytes : slab.length;
      const start = this.joinedOfFirst;
      const count = Math.min(left, slabBytes - start);
      target.set(slab.subarray(start, start + count), this.joinedBytes);
      this.joinedBytes += count;
      this.slabBytes -= count;
      left -= count;
      this.joinedOfFirst += count;
      if (this.joinedOfFirst < slabBytes) continue;
      slabs.shift();
      giveBack(slab);
      this.joinedOfFirst = 0;
    }
    if (slabs.length > 0) return false;
    this.memory = target;
    this.used = target.length;
    this.slabs = NONE;
    this.target = undefined;
    this.joinedBytes = 0;
    return true;
  }

  /** Takes all bytes out; they keep their memory, and the next ones get another. */
  take(): Buffer {
    this.join(Number.POSITIVE_INFINITY);
    const { memory, used } = this;
    this.memory = NOTHING;
    this.used = 0;
    return used === memory.length ? memory : memory.subarray(0, used);
  }
}
