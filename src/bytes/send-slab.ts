/**
 * Memory for small sends of one thread: they are copied one behind the other into slabs of 64 KiB, so
 * that what a connection sends in one turn leaves as one piece without an allocation for each send.
 * A slab that is full is let go; it lives on as long as a piece of it waits to be written.
 */

/** Bytes of one slab. */
export const SLAB_BYTES: number = 65_536;

/** Hands out regions of a slab, one behind the other. */
export class SendSlab {
  /** The present slab. */
  buffer: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** Bytes of it that were handed out. */
  used = 0;

  /** Makes sure that `byteCount` bytes (at most {@link SLAB_BYTES}) follow at {@link used}. */
  reserve(byteCount: number): void {
    if (SLAB_BYTES - this.used >= byteCount) return;
    this.buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.used = 0;
  }
}
