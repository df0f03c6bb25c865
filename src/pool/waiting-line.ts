/**
 * Those who wait, in their order. Who gives up leaves from anywhere; who was served in vain comes in front.
 * Pure, and each step costs the same however many wait.
 */

/** Counts those who wait in several lines together. */
export interface WaitingCount {
  waitingCount: number;
}

interface Place<Waiting> {
  readonly waiting: Waiting;
  before: Place<Waiting> | undefined;
  behind: Place<Waiting> | undefined;
}

/** A line. A waiter is in it once. */
export class WaitingLine<Waiting> {
  private readonly places: Map<Waiting, Place<Waiting>> = new Map();
  private readonly common: WaitingCount | undefined;
  private head: Place<Waiting> | undefined = undefined;
  private tail: Place<Waiting> | undefined = undefined;

  /** `common` counts along. */
  constructor(common?: WaitingCount) {
    this.common = common;
  }

  get size(): number {
    return this.places.size;
  }

  /** Who is next. */
  get first(): Waiting | undefined {
    return this.head?.waiting;
  }

  has(waiting: Waiting): boolean {
    return this.places.has(waiting);
  }

  /** Waits behind all others. */
  add(waiting: Waiting): void {
    const place: Place<Waiting> = { waiting, before: this.tail, behind: undefined };
    if (this.tail === undefined) this.head = place;
    else this.tail.behind = place;
    this.tail = place;
    this.enter(place);
  }

  /** Waits in front of all others. */
  addFirst(waiting: Waiting): void {
    const place: Place<Waiting> = { waiting, before: undefined, behind: this.head };
    if (this.head === undefined) this.tail = place;
    else this.head.before = place;
    this.head = place;
    this.enter(place);
  }

  private enter(place: Place<Waiting>): void {
    this.places.set(place.waiting, place);
    if (this.common !== undefined) this.common.waitingCount++;
  }

  /** Leaves. Returns whether it was there. */
  remove(waiting: Waiting): boolean {
    const place = this.places.get(waiting);
    if (place === undefined) return false;
    this.places.delete(waiting);
    const { before, behind } = place;
    if (before === undefined) this.head = behind;
    else before.behind = behind;
    if (behind === undefined) this.tail = before;
    else behind.before = before;
    if (this.common !== undefined) this.common.waitingCount--;
    return true;
  }

  /** Takes out who is next. */
  shift(): Waiting | undefined {
    const { first } = this;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes out everybody; returns them in their order. */
  takeAll(): Waiting[] {
    const all: Waiting[] = [];
    for (let first = this.shift(); first !== undefined; first = this.shift()) all.push(first);
    return all;
  }
}
