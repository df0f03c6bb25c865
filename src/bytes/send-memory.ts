/**
 * Memory that is sent from. Small pieces, heads of packets and text are written into it one behind the
 * other, straight from their source, and the engine sends from there.
 *
 *     buffer   [ written by others | used … free ]
 *
 * Writing: `reserve(n)`, then write at `buffer[used …]`, then move `used`. Whoever has written a region
 * says so with `hold`, once for each region, and either gives the region to `StreamSocket.write` or
 * `writeAll`, whose completion releases it, or releases it itself.
 *
 * An engine whose sends have to lie in memory of its own lends that. The others send from wherever the
 * bytes lie, and take the heap's ({@link HeapSendMemory}), where garbage collection releases.
 */
import { Buffer } from "node:buffer";

/** Bytes of one segment: the most that can be reserved at once. */
export const SEGMENT_BYTES: number = 65_536;

/** Memory that is sent from. */
export interface SendMemory {
  /** The segment that is being written to. */
  readonly buffer: Buffer;
  /** Where its free bytes begin. Moved by whoever writes. */
  used: number;
  /**
   * Sees to it that `byteCount` bytes are free behind `used`: where they are not, another segment
   * becomes `buffer`. At most {@link SEGMENT_BYTES}.
   */
  reserve(byteCount: number): void;
  /** `region`, a part of a segment, or lent bytes that were kept, has one more holder. */
  hold(region: Uint8Array): void;
  /** One holder of `region` is done with it. */
  release(region: Uint8Array): void;
  /**
   * Keeps bytes that are lent beyond the call in which they came, with one holder, so that they can be
   * sent on without a copy. False: they can't be kept, and have to be copied.
   */
  keep(lent: Uint8Array): boolean;
}

/**
 * Memory of `byteCount` bytes for several queues to send from, with one holder: a region of the segment where
 * one holds them, else memory of their own.
 */
export function takeShared(memory: SendMemory, byteCount: number): Buffer {
  let region: Buffer;
  if (byteCount > 0 && byteCount <= SEGMENT_BYTES) {
    memory.reserve(byteCount);
    const { buffer, used } = memory;
    region = buffer.subarray(used, used + byteCount);
    memory.used = used + byteCount;
  } else region = Buffer.allocUnsafeSlow(byteCount);
  memory.hold(region);
  return region;
}

/** Segments on the heap. */
export class HeapSendMemory implements SendMemory {
  buffer: Buffer = Buffer.alloc(0);
  used = 0;

  reserve(byteCount: number): void {
    if (this.buffer.length - this.used >= byteCount) return;
    this.buffer = Buffer.allocUnsafeSlow(Math.max(SEGMENT_BYTES, byteCount));
    this.used = 0;
  }

  hold(): void {
    // The reference is what holds it.
  }

  release(): void {
    // Garbage collection does.
  }

  keep(): boolean {
    return false;
  }
}
