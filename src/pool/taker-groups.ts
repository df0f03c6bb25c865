/**
 * Those who wait for a connection of a pool, in groups that have to be looked at only once: who waits in the same way,
 * for the same use, and has had no luck with the same destinations can be served where the others of the group can.
 * Pure. To come, to leave and to be the first cost as much as the logarithm of how many there are.
 */
import type { Taker } from "./taker.js";

/** Takers that the same destinations can serve, who came first in front: a heap by their numbers. */
export class TakerGroup {
  private readonly heap: Taker[] = [];

  get isEmpty(): boolean {
    return this.heap.length === 0;
  }

  /** Who came first. What is said of it, but for its number, holds for all. */
  get first(): Taker {
    return this.heap[0] as Taker;
  }

  add(taker: Taker): void {
    this.heap.push(taker);
    this.rise(taker, this.heap.length - 1);
  }

  remove(taker: Taker): void {
    const last = this.heap.pop() as Taker;
    if (last === taker) return;
    // The last one takes the place, and goes from there to where it belongs.
    this.sink(last, taker.place);
    this.rise(last, last.place);
  }

  private put(taker: Taker, place: number): void {
    this.heap[place] = taker;
    taker.place = place;
  }

  private rise(taker: Taker, from: number): void {
    let place = from;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = this.heap[parentPlace] as Taker;
      if (parent.number < taker.number) break;
      this.put(parent, place);
      place = parentPlace;
    }
    this.put(taker, place);
  }

  private sink(taker: Taker, from: number): void {
    const { heap } = this;
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      if (one === undefined) break;
      const least = other === undefined || one.number < other.number ? one : other;
      if (taker.number < least.number) break;
      const next = least === one ? left : left + 1;
      this.put(least, place);
      place = next;
    }
    this.put(taker, place);
  }
}

/** All groups that anybody is in. */
export class TakerGroups {
  private readonly groups: Map<string, TakerGroup> = new Map();

  /** Puts a taker into its group, whichever it was in before. */
  put(taker: Taker): void {
    const { key } = taker;
    if (taker.groupKey === key) return;
    this.take(taker);
    let group = this.groups.get(key);
    if (group === undefined) {
      group = new TakerGroup();
      this.groups.set(key, group);
    }
    group.add(taker);
    taker.groupKey = key;
  }

  /** Takes a taker out of its group, if it is in one. */
  take(taker: Taker): void {
    const { groupKey } = taker;
    if (groupKey === undefined) return;
    taker.groupKey = undefined;
    const group = this.groups.get(groupKey) as TakerGroup;
    group.remove(taker);
    if (group.isEmpty) this.groups.delete(groupKey);
  }

  [Symbol.iterator](): IterableIterator<TakerGroup> {
    return this.groups.values();
  }
}
