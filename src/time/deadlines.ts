/**
 * Several deadlines of one owner, which lie on the timing wheel as one item. Hot: moving a deadline later
 * stores a number; the wheel finds out when it gets there.
 *
 * Each purpose is a small whole number of the owner's, and has at most one due time. Most owners have one purpose at a
 * time, which needs no list.
 *
 * Invariant: while something is due the wheel is set for it, or for an earlier moment.
 */
import { rethrowLater } from "../errors.js";
import type { TimingWheel, WheelItem } from "./timing-wheel.js";

const NEVER: number = Number.POSITIVE_INFINITY;

/** The purpose of what is not due. */
const NOTHING = -1;

/** Is told of deadlines that have passed. */
export interface DeadlineHolder {
  /** The deadline for `purpose` has passed; it is cleared, and may be set again. */
  deadlinePassed(purpose: number): void;
}

/** Several deadlines of one owner, which lie on the timing wheel as one item. */
export class Deadlines implements WheelItem {
  wheelMs = 0;
  next: WheelItem | undefined = undefined;
  previous: WheelItem | undefined = undefined;
  private readonly wheel: TimingWheel;
  private readonly holder: DeadlineHolder;
  /** What is due, and when, while there is no list. */
  private purpose = NOTHING;
  private purposeMs = 0;
  /** Due times by purpose, while there are several; none longer than it has to be. */
  private dues: number[] | undefined = undefined;

  constructor(wheel: TimingWheel, holder: DeadlineHolder) {
    this.wheel = wheel;
    this.holder = holder;
  }

  /** `purpose` is due `delayMs` from now. Replaces its earlier due time. */
  set(purpose: number, delayMs: number): void {
    this.setAt(purpose, this.wheel.clock.now() + delayMs);
  }

  /** The same with a moment of the wheel's clock. */
  setAt(purpose: number, atMs: number): void {
    // Whole numbers take no memory beside their object.
    const dueMs = Math.ceil(atMs);
    const { dues } = this;
    if (dues !== undefined && purpose < dues.length) dues[purpose] = dueMs;
    else if (dues === undefined && (this.purpose === NOTHING || this.purpose === purpose)) {
      this.purpose = purpose;
      this.purposeMs = dueMs;
    } else this.list(purpose, dueMs);
    if (this.next === undefined || dueMs < this.wheelMs) this.wheel.setAt(this, dueMs);
  }

  /** Goes on with a list, as long as it has to be: one that grows by itself keeps room for more. */
  private list(purpose: number, dueMs: number): void {
    const length = Math.max(purpose, this.purpose, (this.dues?.length ?? 0) - 1) + 1;
    const longer = new Array<number>(length).fill(NEVER);
    for (const at of longer.keys()) longer[at] = this.dueMs(at);
    longer[purpose] = dueMs;
    this.dues = longer;
    this.purpose = NOTHING;
  }

  /** Nothing is due for `purpose` any more. */
  clear(purpose: number): void {
    if (this.purpose === purpose) this.purpose = NOTHING;
    if (this.dues !== undefined && purpose < this.dues.length) this.dues[purpose] = NEVER;
  }

  /** When `purpose` is due, by the wheel's clock; infinite where it is not. */
  dueMs(purpose: number): number {
    return this.purpose === purpose ? this.purposeMs : (this.dues?.[purpose] ?? NEVER);
  }

  /** Whether `purpose` is overdue, even if that was not reported yet. */
  isPast(purpose: number): boolean {
    return this.wheel.clock.now() >= this.dueMs(purpose);
  }

  /** Clears all of them and leaves the wheel. */
  end(): void {
    this.purpose = NOTHING;
    this.dues = undefined;
    this.wheel.clear(this);
  }

  deadlineReached(): void {
    const nowMs = this.wheel.clock.now();
    const { purpose, dues } = this;
    if (purpose !== NOTHING && this.purposeMs <= nowMs) this.passed(purpose);
    else if (dues !== undefined) {
      // A holder that is told may end all of them, or set others.
      for (let at = 0; at < (this.dues?.length ?? 0); at++) {
        if (this.dueMs(at) <= nowMs) this.passed(at);
      }
      this.unlist();
    }
    const firstMs = this.firstMs();
    if (firstMs < NEVER && (this.next === undefined || firstMs < this.wheelMs)) {
      this.wheel.setAt(this, firstMs);
    }
  }

  private passed(purpose: number): void {
    this.clear(purpose);
    try {
      this.holder.deadlinePassed(purpose);
    } catch (defect) {
      // Others may be due, too, and the wheel has to be set for those to come.
      rethrowLater(defect);
    }
  }

  private firstMs(): number {
    let firstMs = this.purpose === NOTHING ? NEVER : this.purposeMs;
    for (const dueMs of this.dues ?? []) firstMs = Math.min(firstMs, dueMs);
    return firstMs;
  }

  /** Does without the list where at most one is due. */
  private unlist(): void {
    const { dues } = this;
    if (dues === undefined || dues.filter((dueMs) => dueMs < NEVER).length > 1) return;
    this.dues = undefined;
    const purpose = dues.findIndex((dueMs) => dueMs < NEVER);
    if (purpose < 0) return;
    this.purpose = purpose;
    this.purposeMs = dues[purpose] as number;
  }
}
