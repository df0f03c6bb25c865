/**
 * Every deadline of every connection on one timer.
 *
 * Four wheels of 64 slots: a slot of the first is one tick wide, a slot of each further wheel is as
 * wide as the whole wheel below. A deadline lies in the slot where it falls due; when the time of a
 * wider slot begins, its deadlines are dealt out to the wheel below. The timer is set for the next
 * slot that holds anything, so an idle wheel costs nothing.
 *
 * A deadline never fires early, and late by one tick at the most (plus the timer's own lateness).
 * Setting and clearing take constant time.
 *
 * What peers sent in time may lie in the kernel unread when the timer comes: timers come before sockets in a
 * round of the loop, and the process may have been held up. So deadlines fire one poll later, and those that are
 * moved meanwhile do not.
 */
import { rethrowLater } from "../errors.js";
import type { Clock, Timer } from "./clock.js";

const TICK_MS = 4;
const SLOTS = 64;
const LEVELS = 4;
/** Ticks that the four wheels span: about 18 hours. What lies further away is dealt out again. */
const SPAN = SLOTS ** LEVELS;

/** What lies on a {@link TimingWheel}: a {@link Deadline}, or what has several of its own. */
export interface WheelItem {
  /** When it falls due, in whole milliseconds of the clock. */
  wheelMs: number;
  /** Neighbours in the slot; undefined while off the wheel. */
  next: WheelItem | undefined;
  previous: WheelItem | undefined;
  /** It has fallen due. It is off the wheel and may be set again. */
  deadlineReached(): void;
}

/** What is told that a deadline was reached. */
export interface DeadlineOwner {
  /** The deadline has passed. It is off the wheel and may be set again. */
  deadlineReached(deadline: Deadline): void;
}

/** A point in time on a {@link TimingWheel}. Belongs to one owner; can be set again and again. */
export class Deadline implements WheelItem {
  readonly owner: DeadlineOwner;
  wheelMs = 0;
  next: WheelItem | undefined = undefined;
  previous: WheelItem | undefined = undefined;

  constructor(owner: DeadlineOwner) {
    this.owner = owner;
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return this.next !== undefined;
  }

  deadlineReached(): void {
    this.owner.deadlineReached(this);
  }
}

const NOBODY: DeadlineOwner = { deadlineReached: () => undefined };

/** Holds any number of deadlines of one clock. */
export class TimingWheel {
  readonly clock: Clock;
  /** Slots of all levels, each the head of a ring of deadlines. */
  private readonly slots: WheelItem[] = [];
  private readonly originMs: number;
  private timerCount = 0;
  /** Ticks that have been dealt with. */
  private tick = 0;
  private timer: Timer | undefined;
  private timerTick = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.originMs = clock.now();
    for (let index = 0; index < SLOTS * LEVELS; index++) {
      const head = new Deadline(NOBODY);
      head.next = head;
      head.previous = head;
      this.slots.push(head);
    }
  }

  /** Number of deadlines that are set. */
  get count(): number {
    return this.timerCount;
  }

  /** Sets `item` to `delayMs` from now; one that is set already is moved. */
  set(item: WheelItem, delayMs: number): void {
    this.setAt(item, this.clock.now() + delayMs);
  }

  /** The same with a moment of the clock. What is past is due at the next tick. */
  setAt(item: WheelItem, dueMs: number): void {
    this.clear(item);
    const nowMs = this.clock.now();
    // Whole numbers take no memory beside their item.
    item.wheelMs = Math.ceil(dueMs);
    if (this.timerCount === 0) this.tick = Math.floor((nowMs - this.originMs) / TICK_MS);
    this.timerCount++;
    const tick = this.place(item);
    if (this.timer === undefined || tick < this.timerTick) this.arm(tick);
  }

  /** Takes `item` off; nothing happens when it is not set. */
  clear(item: WheelItem): void {
    if (item.next === undefined) return;
    unlink(item);
    this.timerCount--;
    if (this.timerCount === 0) {
      this.timer?.cancel();
      this.timer = undefined;
    }
  }

  /** Links `item` into its slot and answers the tick at which that slot begins. */
  private place(item: WheelItem): number {
    const due = Math.ceil((item.wheelMs - this.originMs) / TICK_MS);
    const tick = Math.min(Math.max(due, this.tick + 1), this.tick + SPAN - 1);
    const distance = tick - this.tick;
    let level = 0;
    let width = 1;
    while (distance >= width * SLOTS) {
      width *= SLOTS;
      level++;
    }
    const position = Math.floor(tick / width);
    const head = this.slots[level * SLOTS + (position % SLOTS)] as WheelItem;
    append(head, item);
    return position * width;
  }

  private arm(tick: number): void {
    this.timer?.cancel();
    this.timerTick = tick;
    const dueMs = this.originMs + tick * TICK_MS;
    const delayMs = Math.max(1, Math.ceil(dueMs - this.clock.now()));
    this.timer = this.clock.setTimer(delayMs, () => this.timerFired());
  }

  private timerFired(): void {
    const timer = this.timer;
    this.clock.afterPoll(() => {
      // Another timer was set meanwhile, or none is needed any more.
      if (this.timer === timer) this.turn();
    });
  }

  private turn(): void {
    this.timer = undefined;
    const nowTick = Math.floor((this.clock.now() - this.originMs) / TICK_MS);
    for (;;) {
      if (this.timerCount === 0) return;
      const next = this.nextTick();
      if (next > nowTick) {
        this.tick = Math.max(this.tick, nowTick);
        if (this.timer === undefined || next < this.timerTick) this.arm(next);
        return;
      }
      this.tick = next;
      this.dealOut(next);
      this.fire(this.slots[next % SLOTS] as WheelItem);
    }
  }

  /** First tick after the present one at which a slot that holds anything begins. */
  private nextTick(): number {
    let first = Number.POSITIVE_INFINITY;
    let width = 1;
    for (let level = 0; level < LEVELS; level++) {
      const position = Math.floor(this.tick / width);
      for (let step = 1; step <= SLOTS; step++) {
        const head = this.slots[level * SLOTS + ((position + step) % SLOTS)] as WheelItem;
        if (head.next === head) continue;
        first = Math.min(first, (position + step) * width);
        break;
      }
      width *= SLOTS;
    }
    return first;
  }

  /** Deals the wider slots that begin at `tick` out to the wheels below, the widest first. */
  private dealOut(tick: number): void {
    for (let level = LEVELS - 1; level > 0; level--) {
      const width = SLOTS ** level;
      if (tick % width !== 0) continue;
      const head = this.slots[level * SLOTS + ((tick / width) % SLOTS)] as WheelItem;
      const waiting: WheelItem[] = [];
      for (let item = head.next as WheelItem; item !== head; item = item.next as WheelItem) {
        waiting.push(item);
      }
      for (const item of waiting) {
        unlink(item);
        const due = Math.ceil((item.wheelMs - this.originMs) / TICK_MS);
        if (due <= tick) append(this.slots[tick % SLOTS] as WheelItem, item);
        else this.place(item);
      }
    }
  }

  private fire(head: WheelItem): void {
    while (head.next !== head) {
      const item = head.next as WheelItem;
      unlink(item);
      this.timerCount--;
      try {
        item.deadlineReached();
      } catch (defect) {
        // The others are due all the same, and the timer has to be set again.
        rethrowLater(defect);
      }
    }
  }
}

function append(head: WheelItem, item: WheelItem): void {
  const last = head.previous as WheelItem;
  item.next = head;
  item.previous = last;
  last.next = item;
  head.previous = item;
}

function unlink(item: WheelItem): void {
  (item.previous as WheelItem).next = item.next;
  (item.next as WheelItem).previous = item.previous;
  item.next = undefined;
  item.previous = undefined;
}
