/**
 * A deadline that is moved with every message and seldom reached. Hot. Moving it later stores a
 * number; the wheel finds out when it gets there.
 *
 * Invariant: while `dueMs` is finite the wheel is set for it, or for earlier.
 *
 * Timers come before sockets in a turn of the loop. When the program itself was busy for so long that
 * the deadline is noticed late, what the peer sent in time may not be read yet: it is looked at once
 * more, a turn later.
 */
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";

/** How late a deadline may be noticed before the loop counts as having been held up. */
const HELD_UP_MS = 10;

/** See the head of the file. */
export class LazyDeadline implements DeadlineOwner {
  /** When something is due, in the clock's milliseconds; infinite while nothing is. */
  dueMs: number = Number.POSITIVE_INFINITY;
  private readonly wheel: TimingWheel;
  private readonly holder: { due(): void };
  private readonly deadline: Deadline = new Deadline(this);
  private looksAgain = false;

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
    this.looksAgain = false;
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
    const lateMs = this.wheel.clock.now() - this.dueMs;
    if (lateMs < 0) {
      if (lateMs !== Number.NEGATIVE_INFINITY) this.wheel.set(this.deadline, -lateMs);
    } else if (lateMs > HELD_UP_MS && !this.looksAgain) {
      this.looksAgain = true;
      this.wheel.set(this.deadline, 1);
    } else {
      this.holder.due();
    }
  }
}
