/**
 * Send memory whose segments are used again when no region of them is held any more. Fresh memory of
 * this size costs a page fault for each of its pages, and makes the garbage collector look at the whole
 * heap each time that some dozens of megabytes have gone by.
 *
 *     free ──▶ current (being written to) ──▶ full, with holders ──▶ free
 *      └─────▶ taken (a socket reads into it) ──▶ kept, with holders ───┘
 *
 * A segment that is never released is left to the garbage collector.
 */
import { Buffer } from "node:buffer";
import { SEGMENT_BYTES, type SendMemory } from "../../bytes/send-memory.js";

/** Free segments that are kept, 32 MiB: 1,600 messages of 16 KiB, three in a segment, are under way in 34 MiB. */
const MAX_FREE_SEGMENTS = 512;

interface Segment {
  readonly buffer: Buffer;
  holders: number;
  /** A socket reads into it. */
  isTaken: boolean;
}

/** Send memory whose segments are used again when no region of them is held any more. */
export class RecycledMemory implements SendMemory {
  used = 0;
  buffer: Buffer;
  private current: Segment;
  private readonly free: Segment[] = [];
  private readonly segments = new WeakMap<ArrayBufferLike, Segment>();

  constructor() {
    this.current = this.make();
    this.buffer = this.current.buffer;
  }

  /** Segments that wait to be used again. */
  get freeCount(): number {
    return this.free.length;
  }

  reserve(byteCount: number): void {
    if (SEGMENT_BYTES - this.used >= byteCount) return;
    if (this.current.holders > 0) this.current = this.free.pop() ?? this.make();
    this.buffer = this.current.buffer;
    this.used = 0;
  }

  hold(region: Uint8Array): void {
    const segment = this.segments.get(region.buffer);
    if (segment !== undefined) segment.holders++;
  }

  release(region: Uint8Array): void {
    const segment = this.segments.get(region.buffer);
    if (segment === undefined) return;
    segment.holders--;
    if (segment.holders > 0 || segment.isTaken || segment === this.current) return;
    this.keepFree(segment);
  }

  private keepFree(segment: Segment): void {
    if (this.free.length < MAX_FREE_SEGMENTS) this.free.push(segment);
  }

  /** What is lent can be kept where it lies in a segment that was taken to read into. */
  keep(lent: Uint8Array): boolean {
    const segment = this.segments.get(lent.buffer);
    if (segment === undefined) return false;
    segment.holders++;
    return true;
  }

  /** A segment to read into, until {@link putBack}. */
  take(): Buffer {
    const segment = this.free.pop() ?? this.make();
    segment.isTaken = true;
    return segment.buffer;
  }

  /** Whether what was read into `taken` is kept: nothing may be read into it. */
  isHeld(taken: Buffer): boolean {
    return (this.segments.get(taken.buffer)?.holders ?? 0) > 0;
  }

  /** Nothing is read into `taken` any more. Buffers that are not segments are ignored. */
  putBack(taken: Buffer): void {
    const segment = this.segments.get(taken.buffer);
    if (segment === undefined) return;
    segment.isTaken = false;
    if (segment.holders === 0) this.keepFree(segment);
  }

  private make(): Segment {
    const segment = { buffer: Buffer.allocUnsafeSlow(SEGMENT_BYTES), holders: 0, isTaken: false };
    this.segments.set(segment.buffer.buffer, segment);
    return segment;
  }
}
