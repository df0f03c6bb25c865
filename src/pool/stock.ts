/**
 * The connections to one destination: how many there are and may be, and which is used next. Pure; HTTP's
 * pools of origins and `ConnectionPool` have one for each destination.
 *
 * Invariants: what is idle is open, the one used last at the end; attempts count as connections, so that there
 * are never more than may be; each connection that was taken comes back once, by `keep` or `remove`.
 */

/** A connection, as far as a stock goes. */
export interface Stocked {
  /** Whether it can be used now: it is open, nobody has it, and neither its time nor its age is over. */
  readonly isUsable: boolean;
}

/** The connections to one destination. */
export class Stock<Item extends Stocked> {
  /** Open ones, in use or not. */
  readonly open: Set<Item> = new Set();
  /** Connections that are being made. */
  attemptCount = 0;
  private readonly idle: Item[] = [];
  private readonly close: (item: Item) => void;

  /** `close` is told of connections that are of no more use. */
  constructor(close: (item: Item) => void) {
    this.close = close;
  }

  /** Connections that are open or being made. */
  get size(): number {
    return this.open.size + this.attemptCount;
  }

  /** Open connections that are not in use. */
  get idleCount(): number {
    return this.idle.length;
  }

  /** The one that has been idle longest. */
  get idleLongest(): Item | undefined {
    return this.idle[0];
  }

  /** Puts in a new one, which is in use. */
  add(item: Item): void {
    this.open.add(item);
  }

  /** Takes the one that was used last. Those that turn out to be of no use are closed. */
  take(): Item | undefined {
    for (;;) {
      const item = this.idle.pop();
      if (item === undefined || item.isUsable) return item;
      this.close(item);
    }
  }

  /** It is not in use any more. */
  keep(item: Item): void {
    this.idle.push(item);
  }

  /** It has ended, or ends. */
  remove(item: Item): void {
    this.open.delete(item);
    this.leave(item);
  }

  /** It is idle no more, without having been taken. Returns whether it was. */
  leave(item: Item): boolean {
    const place = this.idle.lastIndexOf(item);
    if (place < 0) return false;
    this.idle.splice(place, 1);
    return true;
  }

  /** Closes the one that has been idle longest. Returns whether there was one. */
  evict(): boolean {
    const item = this.idle.shift();
    if (item === undefined) return false;
    this.close(item);
    return true;
  }

  /** Closes all that are idle. */
  evictAll(): void {
    for (const item of this.idle.splice(0)) this.close(item);
  }
}
