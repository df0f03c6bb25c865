/**
 * Receive buffers. The kernel takes one for each piece it receives, of whatever socket, and names
 * it in the completion; it is lent to the sink for one call and goes back. Hot.
 *
 *     kernel ── completion ──► lent ── giveBack ──► ours ── publish ──► kernel
 *                                                    │ ▲
 *                                               keep ▼ │ the last release
 *                                                   kept
 *
 * What lies in a lent buffer can be kept (`keep`) until it is sent on. A spare one then takes the
 * buffer's place, so that receiving does not wait for sending; without spares at most half of the
 * places go empty.
 *
 * `giveBack` writes the buffer into the ring behind the kernel's last; the kernel sees it with
 * `publish`, which the loop calls before it enters. Until then the bytes stay as they are.
 *
 * Buffers lie a little more than their size apart: so the largest UDP datagram fits with its head
 * (see `uring-datagram.ts`), and the first bytes of all buffers don't share one cache set.
 */
import { COMPLETION_BUFFER_SHIFT, COMPLETION_HAS_BUFFER } from "../ring/kernel-interface.js";
import type { UringSettings } from "../setup/uring-options.js";
import { type OwnershipCheck, POISON } from "./ownership-check.js";
import { NONE, type SharedMemory } from "./shared-memory.js";

/** Bytes of one place in the ring: address (two words), length, id and tail (half words). */
const PLACE_BYTES = 16;
const PLACE_WORDS = 4;
const PLACE_HALF_WORDS = 8;
/** The tail lies in the unused last half word of the first place. */
const TAIL_HALF_WORD = 7;
const ID_HALF_WORD = 6;

/** Bytes that a buffer has beyond `receiveBufferBytes`. */
export const SPARE_BYTES = 128;

/** Memory that spare buffers may take. Pages of those that were never used are not the process's. */
const MAX_SPARE_BUFFERS_BYTES = 16_777_216;

/** Group id of the buffers; a ring of ours has one group. */
export const BUFFER_GROUP = 1;

/** Buffers that take the place of those that are kept: two for each, within the limit. */
function spareBufferCount(settings: UringSettings): number {
  const { receiveBufferCount, receiveBufferBytes } = settings;
  const most = Math.floor(MAX_SPARE_BUFFERS_BYTES / (receiveBufferBytes + SPARE_BYTES));
  return Math.min(2 * receiveBufferCount, most, 0xffff - receiveBufferCount);
}

/** Bytes of shared memory that the buffers of these settings take, in pages. */
export function providedBuffersBytes(settings: UringSettings): readonly [number, number] {
  const { receiveBufferCount, receiveBufferBytes } = settings;
  const count = receiveBufferCount + spareBufferCount(settings);
  return [receiveBufferCount * PLACE_BYTES, count * (receiveBufferBytes + SPARE_BYTES)];
}

/** Receive buffers. */
export class ProvidedBuffers {
  /** Argument of REGISTER_BUFFER_RING. */
  readonly registration: Int32Array;
  /** Where the buffers lie. */
  readonly memory: SharedMemory;
  /** Where the first of them begins. */
  readonly firstOffset: number;
  /** All buffers, as bytes and as words. */
  private readonly pool: Buffer;
  private readonly poolWords: Int32Array;
  private readonly words: Int32Array;
  private readonly halfWords: Uint16Array;
  /** Places in the ring. */
  readonly count: number;
  private readonly stride: number;
  private readonly views: Buffer[] = [];
  /** The same of what lies behind a head; see {@link payload}. */
  private readonly payloads: Buffer[] = [];
  /** Holders of each buffer that is kept. */
  private readonly holders: Int32Array;
  private readonly spares: number[] = [];
  private readonly check: OwnershipCheck | undefined;
  /**
   * Where the next buffer is placed, and up to where the kernel sees them; both count to 65,535.
   */
  private tail = 0;
  private published = 0;
  /** Places without a buffer, because more are kept than there were spares. */
  private emptyCount = 0;

  constructor(memory: SharedMemory, settings: UringSettings, check: OwnershipCheck | undefined) {
    const [ringBytes, poolBytes] = providedBuffersBytes(settings);
    const ringAt = memory.takePages(ringBytes);
    this.memory = memory;
    this.words = memory.words(ringAt, ringBytes);
    this.halfWords = memory.halfWords(ringAt, ringBytes);
    this.count = settings.receiveBufferCount;
    this.stride = settings.receiveBufferBytes + SPARE_BYTES;
    this.firstOffset = memory.takePages(poolBytes);
    this.pool = memory.bytes(this.firstOffset, poolBytes);
    this.poolWords = memory.words(this.firstOffset, poolBytes);
    this.check = check;
    this.registration = new Int32Array(10);
    this.registration[0] = memory.addressLow(ringAt);
    this.registration[1] = memory.baseHigh;
    this.registration[2] = this.count;
    this.registration[3] = BUFFER_GROUP;
    const total = this.count + spareBufferCount(settings);
    this.holders = new Int32Array(total);
    for (let id = 0; id < total; id++) {
      const whole = this.whole(id);
      this.views.push(whole);
      if (check !== undefined) whole.fill(POISON);
      if (id < this.count) this.place(id);
    }
    for (let id = total - 1; id >= this.count; id--) this.spares.push(id);
    this.announce();
  }

  /** The first `byteCount` bytes of buffer `id`, which the kernel has filled and handed over. */
  view(id: number, byteCount: number): Buffer {
    this.handOver(id, byteCount);
    return this.viewOf(id, byteCount);
  }

  /** Word `index` of buffer `id`, which begins at a multiple of four. */
  word(id: number, index: number): number {
    return this.poolWords[((id * this.stride) >> 2) + index]!;
  }

  /** `byteCount` bytes of buffer `id` from `at` on, as a text of as many characters. */
  text(id: number, at: number, byteCount: number): string {
    const from = id * this.stride + at;
    return this.pool.toString("latin1", from, from + byteCount);
  }

  /** `byteCount` bytes of buffer `id` behind a head of `at`, both of which the kernel has filled. */
  payload(id: number, at: number, byteCount: number): Buffer {
    this.check?.handOut(id, this.whole(id), at + byteCount);
    const last = this.payloads[id];
    if (last !== undefined && last.length === byteCount) return last;
    const view = this.memory.bytes(this.firstOffset + id * this.stride + at, byteCount);
    this.payloads[id] = view;
    return view;
  }

  /** Bytes of one buffer. */
  get bufferBytes(): number {
    return this.stride;
  }

  /** Takes a spare buffer out of the pool, or answers NONE. It comes back by {@link giveBack}. */
  takeSpare(): number {
    const id = this.spares.pop();
    if (id === undefined) return NONE;
    this.check?.handOut(id, this.whole(id), 0);
    return id;
  }

  /** The kernel has filled `byteCount` bytes of buffer `id` and handed it over; without a view of it. */
  handOver(id: number, byteCount: number): void {
    this.check?.handOut(id, this.whole(id), byteCount);
  }

  /** Where buffer `id` lies. */
  addressOf(id: number): number {
    return this.memory.addressOf(this.firstOffset + id * this.stride);
  }

  /** The first `byteCount` bytes of a buffer that was handed over, or taken. */
  viewOf(id: number, byteCount: number): Buffer {
    const last = this.views[id]!;
    // Messages are often of one size; the view of the last one is then the view of this one.
    if (last.length === byteCount) return last;
    const view = this.memory.bytes(this.firstOffset + id * this.stride, byteCount);
    this.views[id] = view;
    return view;
  }

  /** The buffer is not used any more. Its bytes stay until {@link publish}. */
  giveBack(id: number): void {
    this.place(id);
  }

  /**
   * Keeps the buffer around `offset`, which was lent in this turn, or is kept already: it has one
   * more holder. False when it can't be kept; the bytes then have to be copied.
   */
  keep(offset: number): boolean {
    const id = this.idOf(offset);
    if (this.holders[id]! > 0) {
      this.holders[id]!++;
      return true;
    }
    const spare = this.spares.pop();
    if (spare === undefined && this.emptyCount >= this.count >> 1) return false;
    if (!this.takeOut(id)) {
      if (spare !== undefined) this.spares.push(spare);
      return false;
    }
    this.holders[id] = 1;
    if (spare === undefined) {
      this.emptyCount++;
    } else {
      this.check?.handOut(spare, this.whole(spare), 0);
      this.place(spare);
    }
    return true;
  }

  /** One more holder of a buffer that is kept. */
  hold(offset: number): void {
    const id = this.idOf(offset);
    if (this.holders[id]! > 0) this.holders[id]!++;
  }

  /** Whether the buffer around `offset` is kept. */
  isHeld(offset: number): boolean {
    return offset >= this.firstOffset && this.holders[this.idOf(offset)]! > 0;
  }

  /** Buffers that are kept. */
  get keptCount(): number {
    return this.holders.reduce((sum, holders) => sum + (holders > 0 ? 1 : 0), 0);
  }

  /** One holder of a kept buffer is done with it. Bytes that are not kept are not released. */
  release(offset: number): void {
    const id = this.idOf(offset);
    const { holders } = this;
    if (holders[id] === 0 || --holders[id]! > 0) return;
    if (this.emptyCount > 0) {
      this.emptyCount--;
      this.place(id);
      return;
    }
    this.check?.giveBack(id, this.whole(id));
    this.spares.push(id);
  }

  /** Gives the buffer back that may have come with a dropped completion. */
  drop(result: number, flags: number): void {
    if ((flags & COMPLETION_HAS_BUFFER) === 0) return;
    const id = flags >>> COMPLETION_BUFFER_SHIFT;
    this.view(id, Math.max(0, result));
    this.place(id);
  }

  /** Makes what was given back visible to the kernel. Returns how many buffers that were. */
  publish(): number {
    const count = (this.tail - this.published) & 0xffff;
    if (count === 0) return 0;
    if (this.check !== undefined) this.poison(this.check);
    this.announce();
    return count;
  }

  private announce(): void {
    this.published = this.tail;
    // The kernel looks at it within our own `enter` alone, as `ring.ts` says of the queues.
    this.halfWords[TAIL_HALF_WORD] = this.tail;
  }

  /** Takes a buffer that was given back, and is not published yet, out of the ring again. */
  private takeOut(id: number): boolean {
    // What is kept was mostly given back last.
    for (let at = this.tail; at !== this.published; ) {
      at = (at - 1) & 0xffff;
      if (this.idAt(at) !== id) continue;
      // The last one takes its place.
      this.tail = (this.tail - 1) & 0xffff;
      if (at !== this.tail) this.placeAt(at, this.idAt(this.tail));
      return true;
    }
    return false;
  }

  private place(id: number): void {
    this.placeAt(this.tail, id);
    this.tail = (this.tail + 1) & 0xffff;
  }

  private placeAt(position: number, id: number): void {
    const index = position & (this.count - 1);
    const at = index * PLACE_WORDS;
    const words = this.words;
    words[at] = this.memory.addressLow(this.firstOffset + id * this.stride);
    words[at + 1] = this.memory.baseHigh;
    words[at + 2] = this.stride;
    this.halfWords[index * PLACE_HALF_WORDS + ID_HALF_WORD] = id;
  }

  private idAt(position: number): number {
    return this.halfWords[(position & (this.count - 1)) * PLACE_HALF_WORDS + ID_HALF_WORD]!;
  }

  private idOf(offset: number): number {
    return Math.floor((offset - this.firstOffset) / this.stride);
  }

  private poison(check: OwnershipCheck): void {
    for (let at = this.published; at !== this.tail; at = (at + 1) & 0xffff) {
      const id = this.idAt(at);
      check.giveBack(id, this.whole(id));
    }
  }

  private whole(id: number): Buffer {
    return this.memory.bytes(this.firstOffset + id * this.stride, this.stride);
  }
}
