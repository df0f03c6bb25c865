/**
 * Connection ids, and the connections of one component by id.
 *
 * An id is a whole number from 1, taken from one counter of the thread and never given again; ids
 * of worker threads begin at `threadId · 2^40`, so that they are unique in the process.
 */
import process from "node:process";

const THREAD_SPAN = 2 ** 40;
/** Threads whose ids still are exact integers. */
const THREADS = 2 ** 12;

/** Loading `node:worker_threads` costs a program that starts a millisecond: it is asked with the first id. */
let lastId = -1;

/** A new connection id. */
export function nextConnectionId(): number {
  if (lastId === -1) {
    const { threadId } = process.getBuiltinModule("node:worker_threads");
    // A product would be a number on the heap, even if it is 0, and so would each id after it.
    lastId = threadId === 0 ? 0 : (threadId % THREADS) * THREAD_SPAN;
  }
  return ++lastId;
}

/** What a registry holds. */
export interface Identified {
  readonly id: number;
}

/** Slots of an empty registry. */
const MIN_SLOTS = 16;

/**
 * Scatters ids by a number that peers can't know. Ids are consecutive: in consecutive slots the connections would
 * form one run, all of which {@link ConnectionRegistry.remove} would have to scan.
 */
const SECRET: number = (Math.random() * 2 ** 32) | 0;
const FIRST_FACTOR = 0x9e37_79b1;
const SECOND_FACTOR = 0x85eb_ca6b;

/**
 * The connections of one component: a table of slots, a connection in the first free one from the
 * slot of its id on. A Map would do, but is made anew every so many changes, and those that it was
 * before hold on to connections that are long gone, which garbage collection then copies.
 * `bench/questions/accept.mjs` pays for it.
 */
export class ConnectionRegistry<Item extends Identified> {
  private slots: (Item | undefined)[] = new Array<Item | undefined>(MIN_SLOTS).fill(undefined);
  /** Of a scattered id, the bits that are no slot. */
  private shift: number = shiftFor(MIN_SLOTS);
  private currentCount = 0;

  /** Number of connections. */
  get count(): number {
    return this.currentCount;
  }

  add(item: Item): void {
    if (this.currentCount * 2 >= this.slots.length) this.resize(this.slots.length * 2);
    this.currentCount++;
    this.put(item);
  }

  /** Takes the connection out; returns whether it was there. */
  remove(item: Item): boolean {
    const slots = this.slots;
    const mask = slots.length - 1;
    let free = this.slotOf(item.id);
    if (slots[free] === undefined) return false;
    // Those behind that would stand nearer to their own slot move up, so that none is lost.
    for (let at = (free + 1) & mask; slots[at] !== undefined; at = (at + 1) & mask) {
      const wanted = this.homeOf(slots[at]!.id);
      if (((at - wanted) & mask) < ((at - free) & mask)) continue;
      slots[free] = slots[at];
      free = at;
    }
    slots[free] = undefined;
    this.currentCount--;
    if (slots.length > MIN_SLOTS && this.currentCount * 16 < slots.length)
      this.resize(slots.length / 4);
    return true;
  }

  /** Undefined for an unknown id, and for what is no number. */
  find(id: number): Item | undefined {
    if (typeof id !== "number") return undefined;
    return this.slots[this.slotOf(id)];
  }

  /** In the order in which they were given. */
  ids(): number[] {
    return this.list().map(({ id }) => id);
  }

  /** The connections as they are now, the oldest first; one may go while the list is walked. */
  list(): Item[] {
    const items: Item[] = [];
    for (const item of this.slots) if (item !== undefined) items.push(item);
    return items.sort((one, other) => one.id - other.id);
  }

  /** The slot with this id, or the free one where it would stand. */
  private slotOf(id: number): number {
    const slots = this.slots;
    const mask = slots.length - 1;
    let at = this.homeOf(id);
    while (slots[at] !== undefined && slots[at]!.id !== id) at = (at + 1) & mask;
    return at;
  }

  private homeOf(id: number): number {
    const scattered = Math.imul(id ^ SECRET, FIRST_FACTOR);
    return Math.imul(scattered ^ (scattered >>> 15), SECOND_FACTOR) >>> this.shift;
  }

  private put(item: Item): void {
    this.slots[this.slotOf(item.id)] = item;
  }

  private resize(slotCount: number): void {
    const items = this.slots;
    const count = Math.max(MIN_SLOTS, slotCount);
    this.slots = new Array<Item | undefined>(count).fill(undefined);
    this.shift = shiftFor(count);
    for (const item of items) if (item !== undefined) this.put(item);
  }
}

function shiftFor(slotCount: number): number {
  return Math.clz32(slotCount) + 1;
}
