/**
 * Sockets whose receive found no buffer, those that have waited longest first. They receive again as buffers come
 * back, and no more of them than there are buffers: if all did so at once, most would find none again, and the few
 * buffers that are filled would stand in the queue of completions behind all that failed.
 */

/** A socket whose receive found no buffer. */
export interface BufferWaiter {
  /** There may be a buffer now. */
  bufferReturned(): void;
}

/** Sockets whose receive found no buffer. */
export class BufferLine {
  private readonly waiters: Set<BufferWaiter> = new Set();

  /** How many wait. */
  get size(): number {
    return this.waiters.size;
  }

  /** Puts a socket at the end of the line, unless it stands in it. */
  join(waiter: BufferWaiter): void {
    this.waiters.add(waiter);
  }

  /** Lets the first `count` receive again. One that finds no buffer again joins anew. */
  serve(count: number): void {
    if (this.waiters.size === 0) return;
    let left = count;
    for (const waiter of this.waiters) {
      if (left-- <= 0) return;
      this.waiters.delete(waiter);
      waiter.bufferReturned();
    }
  }
}
