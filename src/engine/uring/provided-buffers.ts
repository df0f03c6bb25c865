/**
 * Receive buffers. The kernel takes one for each piece it receives, of whatever socket, and names
 * it in the completion; it is lent to the sink for one call and goes back. Hot.
 *
 *     kernel ── completion ──► lent ── giveBack ──► ours ── publish ──► kernel
 *
 * A lent buffer can be kept (`hold`) until what lies in it is sent on, and goes back by `release`.
 * At most half of them are kept at a time, so that receiving never waits for sending.
 *
 * `giveBack` writes the buffer into the ring behind the kernel's last; the kernel sees it with
 * `publish`, which the loop calls before it enters. Until then the bytes stay as they are.
 *
 * Buffers lie a little more than their size apart: so the largest UDP datagram fits with its head
 * (see `uring-datagram.ts`), and the first bytes of all buffers don't share one cache set.
 */
import { COMPLETION_BUFFER_SHIFT, COMPLETION_HAS_BUFFER } from "./kernel-interface.js";
import { type OwnershipCheck, POISON } from "./ownership-check.js";
import { NONE, type SharedMemory } from "./shared-memory.js";
import type { UringSettings } from "./uring-options.js";

/** Bytes of one place in the ring: address (two words), length, id and tail (half words). */
const PLACE_BYTES = 16;
const PLACE_WORDS = 4;
const PLACE_HALF_WORDS = 8;
/** The tail lies in the unused last half word of the first place. */
const TAIL_HALF_WORD = 7;
const ID_HALF_WORD = 6;

/** Bytes that a buffer has beyond `receiveBufferBytes`. */
const SPARE_BYTES = 128;

/** Group id of the buffers; a ring of ours has one group. */
export const BUFFER_GROUP = 1;

/** Bytes of shared memory that the buffers of these settings take, in pages. */
export function providedBuffersBytes(settings: UringSettings): readonly [number, number] {
  const { receiveBufferCount, receiveBufferBytes } = settings;
  return [
    receiveBufferCount * PLACE_BYTES,
    receiveBufferCount * (receiveBufferBytes + SPARE_BYTES),
  ];
}

/** See the head of the file. */
export class ProvidedBuffers {
  /** Argument of REGISTER_BUFFER_RING. */
  readonly registration: Int32Array;
  /** Where the buffers lie. */
  readonly memory: SharedMemory;
  private readonly words: Int32Array;
  private readonly halfWords: Uint16Array;
  private readonly count: number;
  private readonly stride: number;
  private readonly poolAt: number;
  private readonly views: Buffer[] = [];
  private readonly check: OwnershipCheck | undefined;
  /**
   * Where the next buffer is placed, and up to where the kernel sees them; both count to 65,535.
   */
  private tail = 0;
  private published = 0;
  private heldCount = 0;

  constructor(memory: SharedMemory, settings: UringSettings, check: OwnershipCheck | undefined) {
    const [ringBytes, poolBytes] = providedBuffersBytes(settings);
    const ringAt = memory.takePages(ringBytes);
    this.memory = memory;
    this.words = memory.words(ringAt, ringBytes);
    this.halfWords = memory.halfWords(ringAt, ringBytes);
    this.count = settings.receiveBufferCount;
    this.stride = settings.receiveBufferBytes + SPARE_BYTES;
    this.poolAt = memory.takePages(poolBytes);
    this.check = check;
    this.registration = new Int32Array(10);
    this.registration[0] = memory.addressLow(ringAt);
    this.registration[1] = memory.baseHigh;
    this.registration[2] = this.count;
    this.registration[3] = BUFFER_GROUP;
    for (let id = 0; id < this.count; id++) {
      const whole = this.whole(id);
      this.views.push(whole);
      if (check !== undefined) whole.fill(POISON);
      this.place(id);
    }
    this.announce();
  }

  /** The first `byteCount` bytes of buffer `id`, which the kernel has filled and handed over. */
  view(id: number, byteCount: number): Buffer {
    this.check?.handOut(id, this.whole(id), byteCount);
    const last = this.views[id]!;
    // Messages are often of one size; the view of the last one is then the view of this one.
    if (last.length === byteCount) return last;
    const view = this.memory.bytes(this.poolAt + id * this.stride, byteCount);
    this.views[id] = view;
    return view;
  }

  /** The buffer is not used any more. Its bytes stay until {@link publish}. */
  giveBack(id: number): void {
    this.place(id);
  }

  /**
   * Keeps the buffer in which `bytes`, lent in this turn, lie: answers its id. `NONE` when it can't
   * be kept; the bytes then have to be copied.
   */
  hold(bytes: Uint8Array): number {
    if (this.heldCount >= this.count >> 1) return NONE;
    const id = Math.floor((bytes.byteOffset - this.poolAt) / this.stride);
    for (let at = this.published; at !== this.tail; at = (at + 1) & 0xffff) {
      if (this.idAt(at) !== id) continue;
      // The last one that was given back takes its place.
      this.tail = (this.tail - 1) & 0xffff;
      if (at !== this.tail) this.placeAt(at, this.idAt(this.tail));
      this.heldCount++;
      return id;
    }
    return NONE;
  }

  /** A buffer that was kept is not used any more. */
  release(id: number): void {
    this.heldCount--;
    this.place(id);
  }

  /** Gives the buffer back that may have come with a completion nobody is told of. */
  drop(result: number, flags: number): void {
    if ((flags & COMPLETION_HAS_BUFFER) === 0) return;
    const id = flags >>> COMPLETION_BUFFER_SHIFT;
    this.view(id, Math.max(0, result));
    this.place(id);
  }

  /** Makes what was given back visible to the kernel. */
  publish(): void {
    if (this.published === this.tail) return;
    if (this.check !== undefined) this.poison(this.check);
    this.announce();
  }

  private announce(): void {
    this.published = this.tail;
    // The kernel looks at it within our own `enter` alone, as `ring.ts` says of the queues.
    this.halfWords[TAIL_HALF_WORD] = this.tail;
  }

  private place(id: number): void {
    this.placeAt(this.tail, id);
    this.tail = (this.tail + 1) & 0xffff;
  }

  private placeAt(position: number, id: number): void {
    const index = position & (this.count - 1);
    const at = index * PLACE_WORDS;
    const words = this.words;
    words[at] = this.memory.addressLow(this.poolAt + id * this.stride);
    words[at + 1] = this.memory.baseHigh;
    words[at + 2] = this.stride;
    this.halfWords[index * PLACE_HALF_WORDS + ID_HALF_WORD] = id;
  }

  private idAt(position: number): number {
    return this.halfWords[(position & (this.count - 1)) * PLACE_HALF_WORDS + ID_HALF_WORD]!;
  }

  private poison(check: OwnershipCheck): void {
    for (let at = this.published; at !== this.tail; at = (at + 1) & 0xffff) {
      const id = this.idAt(at);
      check.giveBack(id, this.whole(id));
    }
  }

  private whole(id: number): Buffer {
    return this.memory.bytes(this.poolAt + id * this.stride, this.stride);
  }
}
