/**
 * Connection ids, and the connections of one component by id.
 *
 * An id is a whole number from 1, taken from one counter of the thread and never given again; ids
 * of worker threads begin at `threadId · 2^40`, so that they are unique in the process.
 */
import { threadId } from "node:worker_threads";

const THREAD_SPAN = 2 ** 40;
/** Threads whose ids still are exact integers. */
const THREADS = 2 ** 12;

let lastId = (threadId % THREADS) * THREAD_SPAN;

/** A new connection id. */
export function nextConnectionId(): number {
  return ++lastId;
}

/** What a registry holds. */
export interface Identified {
  readonly id: number;
}

/** The connections of one component. */
export class ConnectionRegistry<Item extends Identified> {
  readonly #items: Map<number, Item> = new Map();

  /** Number of connections. */
  get count(): number {
    return this.#items.size;
  }

  add(item: Item): void {
    this.#items.set(item.id, item);
  }

  /** Takes the connection out; answers whether it was there. */
  remove(item: Item): boolean {
    return this.#items.delete(item.id);
  }

  find(id: number): Item | undefined {
    return this.#items.get(id);
  }

  ids(): number[] {
    return [...this.#items.keys()];
  }

  /** The connections as they are now; one may go while the list is walked. */
  list(): Item[] {
    return [...this.#items.values()];
  }
}
