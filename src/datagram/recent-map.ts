/**
 * A map that remembers what was asked for last, of bounded size. Hot.
 *
 * It forgets by the half: to look for the oldest entry of a Map takes as long as there are deleted ones before it,
 * microseconds for each address of a flood.
 */

/** A map that remembers what was asked for last, of bounded size. */
export class RecentMap<Key, Value> {
  /** Entries that were asked for since half of them were last forgotten, and those before. */
  private recent: Map<Key, Value> = new Map();
  private earlier: Map<Key, Value> = new Map();
  private readonly halfSize: number;
  private readonly keepsEarlier: boolean;

  /** At most `maxSize` entries are kept, and of those that were asked for last at least half as many. */
  constructor(maxSize: number) {
    this.halfSize = Math.max(1, Math.floor(maxSize / 2));
    this.keepsEarlier = maxSize > 1;
  }

  get size(): number {
    return this.recent.size + this.earlier.size;
  }

  get(key: Key): Value | undefined {
    const value = this.recent.get(key);
    if (value !== undefined) return value;
    const before = this.earlier.get(key);
    if (before !== undefined) this.set(key, before);
    return before;
  }

  set(key: Key, value: Value): void {
    if (this.recent.size >= this.halfSize && !this.recent.has(key)) {
      if (this.keepsEarlier) this.earlier = this.recent;
      this.recent = new Map();
    } else this.earlier.delete(key);
    this.recent.set(key, value);
  }

  clear(): void {
    this.recent.clear();
    this.earlier.clear();
  }
}
