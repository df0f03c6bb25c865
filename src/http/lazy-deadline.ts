/**
 * A deadline that is moved with every message and seldom reached. Hot. Moving it later stores a
 * number; the wheel finds out when it gets there.
 *
 * Invariant: while `dueMs` is finite the wheel is set for it, or for earlier.
 */
import { Deadline, type DeadlineOwner, type TimingWheel } from "../time/timing-wheel.js";

/** See the head of the file. */
export class LazyDeadline implements DeadlineOwner {
  /** When something is due, in the clock's milliseconds; infinite while nothing is. */
  dueMs: number = Number.POSITIVE_INFINITY;
  private readonly wheel: TimingWheel;
  private readonly holder: { due(): void };
  private readonly deadline: Deadline = new Deadline(this);

  constructor(wheel: TimingWheel, holder: { due(): void }) {
    this.wheel = wheel;
    this.holder = holder;
  }

  /** Something is due `delayMs` from now; 0: nothing is. */
  watch(delayMs: number): void {
    if (delayMs === 0) {
      this.dueMs = Number.POSITIVE_INFINITY;
      return;
    }
    const { wheel, deadline } = this;
    this.dueMs = wheel.clock.now() + delayMs;
    if (!deadline.isSet || deadline.dueMs > this.dueMs) wheel.set(deadline, delayMs);
  }

  /** Whether what was due is overdue. */
  get isPast(): boolean {
    return this.wheel.clock.now() >= this.dueMs;
  }

  /** Takes it off the wheel for good. */
  clear(): void {
    this.dueMs = Number.POSITIVE_INFINITY;
    this.wheel.clear(this.deadline);
  }

  deadlineReached(): void {
    const leftMs = this.dueMs - this.wheel.clock.now();
    if (leftMs <= 0) this.holder.due();
    else if (leftMs !== Number.POSITIVE_INFINITY) this.wheel.set(this.deadline, leftMs);
  }
}
