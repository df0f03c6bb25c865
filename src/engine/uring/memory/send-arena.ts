/**
 * The memory that is sent from ({@link SendMemory}): what others write into it, and copies of small
 * writes. Hot.
 *
 * The arena is cut into segments. Regions are written into the current one behind each other; a
 * segment counts the holders of its regions, and is used from its start again when the last of them
 * is done. To hold and to release are a few additions, whatever the order, and a busy server that
 * sends at once stays within one segment, which stays in the processor's cache.
 *
 * A region that waits long keeps its whole segment. When no segment is free, those who write get a
 * segment of the heap, which garbage collection frees, and is sent from by its address.
 */
import { SEGMENT_BYTES, type SendMemory } from "../../../bytes/send-memory.js";
import { NetError } from "../../../errors.js";
import { type OwnershipCheck, POISON } from "./ownership-check.js";
import type { ProvidedBuffers } from "./provided-buffers.js";
import { NONE, type SharedMemory } from "./shared-memory.js";

/** log2 of {@link SEGMENT_BYTES}. */
const SEGMENT_SHIFT = 16;

/** Copies start at multiples of this, so that making them is fast. */
const ALIGNMENT = 16;

/** The memory that is sent from ({@link SendMemory}): what others write into it, and copies of small writes. Copies are named by their offset in the shared memory. */
export class SendArena implements SendMemory {
  buffer: Buffer;
  used = 0;
  private readonly memory: SharedMemory;
  /** Where it begins in the shared memory, and where it ends. */
  private readonly start: number;
  private readonly end: number;
  private readonly bytes: Buffer;
  private readonly buffers: ProvidedBuffers;
  private readonly segments: readonly Buffer[];
  private readonly live: Int32Array;
  private readonly free: number[] = [];
  private readonly check: OwnershipCheck | undefined;
  /** The segment that {@link buffer} is; NONE while that is one of the heap. */
  private current = 0;

  constructor(
    memory: SharedMemory,
    byteCount: number,
    buffers: ProvidedBuffers,
    check: OwnershipCheck | undefined,
  ) {
    this.memory = memory;
    this.buffers = buffers;
    this.start = memory.takePages(byteCount);
    this.end = this.start + byteCount;
    this.bytes = memory.bytes(0, this.end);
    this.live = new Int32Array(byteCount >> SEGMENT_SHIFT);
    this.segments = Array.from(this.live, (_, index) =>
      memory.bytes(this.start + (index << SEGMENT_SHIFT), SEGMENT_BYTES),
    );
    for (let segment = this.live.length - 1; segment > 0; segment--) this.free.push(segment);
    this.check = check;
    if (check !== undefined) this.bytes.fill(POISON, this.start);
    this.buffer = this.segments[0]!;
    check?.handOut(0, this.buffer, 0);
  }

  /** Holders of regions that are not done. */
  get liveCount(): number {
    return this.live.reduce((sum, count) => sum + count, 0);
  }

  reserve(byteCount: number): void {
    if (this.buffer.length - this.used >= byteCount) return;
    if (byteCount <= SEGMENT_BYTES && this.nextSegment()) return;
    this.current = NONE;
    this.buffer = Buffer.allocUnsafeSlow(Math.max(SEGMENT_BYTES, byteCount));
    this.used = 0;
  }

  hold(region: Uint8Array): void {
    const offset = this.offsetOf(region);
    if (offset >= this.start) this.live[(offset - this.start) >> SEGMENT_SHIFT]!++;
    else if (offset !== NONE) this.buffers.hold(offset);
  }

  release(region: Uint8Array): void {
    const offset = this.offsetOf(region);
    if (offset !== NONE) this.releaseAt(offset);
  }

  keep(lent: Uint8Array): boolean {
    const offset = this.offsetOf(lent);
    return offset !== NONE && offset < this.start && this.buffers.keep(offset);
  }

  /**
   * Where `piece` lies in the shared memory, if it is a region or kept: it can be sent from there.
   * `NONE`: it is the caller's, or lent and not kept.
   */
  sendable(piece: Uint8Array): number {
    const offset = this.offsetOf(piece);
    return offset >= this.start || this.buffers.isHeld(offset) ? offset : NONE;
  }

  /** Copies `piece`, of at most a segment: answers where to, or {@link NONE}. It has one holder. */
  copy(piece: Uint8Array): number {
    const offset = this.take(piece.length);
    if (offset !== NONE) this.bytes.set(piece, offset);
    return offset;
  }

  /** The same for several pieces, of `byteCount` bytes in all. */
  copyAll(pieces: readonly Uint8Array[], byteCount: number): number {
    const offset = this.take(byteCount);
    if (offset === NONE) return NONE;
    let at = offset;
    for (const piece of pieces) {
      this.bytes.set(piece, at);
      at += piece.length;
    }
    return offset;
  }

  /** One holder of what lies at `offset` in the shared memory is done with it. */
  releaseAt(offset: number): void {
    if (offset < this.start) {
      this.buffers.release(offset);
      return;
    }
    const segment = (offset - this.start) >> SEGMENT_SHIFT;
    if (this.live[segment] === 0)
      throw new NetError("INVALID_STATE", "a send region is held by nobody");
    if (--this.live[segment]! > 0) return;
    if (this.check !== undefined) this.emptied(this.check, segment);
    if (segment === this.current) this.used = 0;
    else this.free.push(segment);
  }

  /** Room for `byteCount` bytes: its offset in the shared memory, or {@link NONE}. It has one holder. */
  take(byteCount: number): number {
    const size = (byteCount + ALIGNMENT - 1) & -ALIGNMENT;
    if (this.current === NONE || this.buffer.length - this.used < size) {
      if (size > SEGMENT_BYTES || !this.nextSegment()) return NONE;
    }
    const offset = this.start + (this.current << SEGMENT_SHIFT) + this.used;
    this.used += size;
    this.live[this.current]!++;
    return offset;
  }

  /** Of the `byteCount` bytes that were taken at `offset`, last of all, only `used` are needed. */
  giveBackEnd(offset: number, byteCount: number, used: number): void {
    const at = offset - this.start;
    if (at >> SEGMENT_SHIFT !== this.current) return;
    const end = (at & (SEGMENT_BYTES - 1)) + ((byteCount + ALIGNMENT - 1) & -ALIGNMENT);
    if (end === this.used) this.used -= (byteCount - used) & -ALIGNMENT;
  }

  private nextSegment(): boolean {
    const next = this.free.pop();
    if (next === undefined) return false;
    this.current = next;
    this.buffer = this.segments[next]!;
    this.used = 0;
    this.check?.handOut(next, this.buffer, 0);
    return true;
  }

  /** Where `piece` lies in the shared memory, or {@link NONE}. */
  offsetOf(piece: Uint8Array): number {
    const { byteOffset } = piece;
    // To ask for the buffer costs more, and of most pieces it need not be asked.
    if (byteOffset < this.buffers.firstOffset || byteOffset >= this.end) return NONE;
    return piece.buffer === this.memory.buffer ? byteOffset : NONE;
  }

  private emptied(check: OwnershipCheck, segment: number): void {
    const bytes = this.segments[segment]!;
    check.giveBack(segment, bytes);
    if (segment === this.current) check.handOut(segment, bytes, 0);
  }
}
