/**
 * Several deadlines of one owner on one deadline of the timing wheel. Hot: moving a deadline later stores
 * a number; the wheel finds out when it gets there.
 *
 * Each purpose is a small whole number of the owner's, and has at most one due time.
 *
 * Invariant: while a due time is finite the wheel is set for it, or for an earlier moment.
 */
import { rethrowLater } from "../errors.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "./timing-wheel.js";

const NEVER: number = Number.POSITIVE_INFINITY;

/** Nothing is due. Never added to. */
const NONE: number[] = [];

/** Is told of deadlines that have passed. */
export interface DeadlineHolder {
  /** The deadline for `purpose` has passed; it is cleared, and may be set again. */
  deadlinePassed(purpose: number): void;
}

/** Several deadlines of one owner on one deadline of the timing wheel. */
export class Deadlines implements DeadlineOwner {
  private readonly wheel: TimingWheel;
  private readonly holder: DeadlineHolder;
  private readonly deadline: Deadline = new Deadline(this);
  /** By purpose; none longer than it has to be. */
  private dues: number[] = NONE;

  constructor(wheel: TimingWheel, holder: DeadlineHolder) {
    this.wheel = wheel;
    this.holder = holder;
  }

  /** `purpose` is due `delayMs` from now. Replaces its earlier due time. */
  set(purpose: number, delayMs: number): void {
    this.setAt(purpose, this.wheel.clock.now() + delayMs);
  }

  /** The same with a moment of the wheel's clock. */
  setAt(purpose: number, dueMs: number): void {
    const { deadline } = this;
    if (this.dues.length <= purpose) this.lengthen(purpose + 1);
    this.dues[purpose] = dueMs;
    if (!deadline.isSet || dueMs < deadline.dueMs) this.arm(dueMs);
  }

  /** Nothing is due for `purpose` any more. */
  clear(purpose: number): void {
    if (purpose < this.dues.length) this.dues[purpose] = NEVER;
  }

  /** When `purpose` is due, by the wheel's clock; infinite where it is not. */
  dueMs(purpose: number): number {
    return this.dues[purpose] ?? NEVER;
  }

  /** Whether `purpose` is overdue, although nobody has been told yet. */
  isPast(purpose: number): boolean {
    return this.wheel.clock.now() >= this.dueMs(purpose);
  }

  /** Clears all of them and leaves the wheel. */
  end(): void {
    this.dues = NONE;
    this.wheel.clear(this.deadline);
  }

  /** A list that grows by itself keeps room for more than there are purposes. */
  private lengthen(count: number): void {
    const longer = new Array<number>(count).fill(NEVER);
    for (const [purpose, dueMs] of this.dues.entries()) longer[purpose] = dueMs;
    this.dues = longer;
  }

  private arm(dueMs: number): void {
    this.wheel.set(this.deadline, Math.max(0, dueMs - this.wheel.clock.now()));
  }

  deadlineReached(): void {
    const nowMs = this.wheel.clock.now();
    // A holder that is told may end all of them, or set others: another list then.
    for (let purpose = 0; purpose < this.dues.length; purpose++) {
      if ((this.dues[purpose] as number) > nowMs) continue;
      this.dues[purpose] = NEVER;
      try {
        this.holder.deadlinePassed(purpose);
      } catch (defect) {
        // Others may be due, too, and the wheel has to be set for those to come.
        rethrowLater(defect);
      }
    }
    let firstMs = NEVER;
    for (const dueMs of this.dues) firstMs = Math.min(firstMs, dueMs);
    const { deadline } = this;
    if (firstMs < NEVER && (!deadline.isSet || firstMs < deadline.dueMs)) this.arm(firstMs);
  }
}
