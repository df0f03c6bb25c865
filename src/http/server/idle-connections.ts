/**
 * The idle connections of a server, in the order in which they became so, on one deadline for all of them.
 * A deadline for each would be a third of what an idle connection takes (`bench/questions/idle-memory.mjs`).
 *
 * Invariant: the deadline is set for the first of them, or for an earlier moment.
 */
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";

/** A connection that can be idle. */
export interface IdleEntry {
  /** Where it is listed; undefined while it is not idle. */
  idleList: IdleConnections | undefined;
  /** Since when, by the clock. */
  idleSinceMs: number;
  previousIdle: IdleEntry | undefined;
  nextIdle: IdleEntry | undefined;
  /** It has been idle for too long, and is not listed any more. */
  idleTooLong(): void;
}

/** A list of idle connections, with one limit for all of them. */
export class IdleConnections implements DeadlineOwner {
  private readonly wheel: TimingWheel;
  private readonly deadline: Deadline = new Deadline(this);
  private limitMs: number;
  private first: IdleEntry | undefined = undefined;
  private last: IdleEntry | undefined = undefined;

  /** `limitMs`: how long a connection may be idle; 0: any time. */
  constructor(wheel: TimingWheel, limitMs: number) {
    this.wheel = wheel;
    this.limitMs = limitMs;
  }

  /** Takes another limit, also for those that are idle. */
  setLimit(limitMs: number): void {
    this.limitMs = limitMs;
    this.wheel.clear(this.deadline);
    this.arm();
  }

  /** `entry` is idle, since `sinceMs`. */
  add(entry: IdleEntry, sinceMs: number): void {
    const { last } = this;
    entry.idleList = this;
    // In order, though times are noted early in a turn.
    entry.idleSinceMs = last === undefined ? sinceMs : Math.max(sinceMs, last.idleSinceMs);
    entry.previousIdle = last;
    if (last === undefined) this.first = entry;
    else last.nextIdle = entry;
    this.last = entry;
    if (!this.deadline.isSet) this.arm();
  }

  /** `entry` is not idle any more. */
  remove(entry: IdleEntry): void {
    const { previousIdle, nextIdle } = entry;
    if (previousIdle === undefined) this.first = nextIdle;
    else previousIdle.nextIdle = nextIdle;
    if (nextIdle === undefined) this.last = previousIdle;
    else nextIdle.previousIdle = previousIdle;
    entry.previousIdle = undefined;
    entry.nextIdle = undefined;
    entry.idleList = undefined;
  }

  private arm(): void {
    const { first, limitMs } = this;
    if (first === undefined || limitMs === 0) return;
    const leftMs = first.idleSinceMs + limitMs - this.wheel.clock.now();
    this.wheel.set(this.deadline, Math.max(0, leftMs));
  }

  deadlineReached(): void {
    const dueMs = this.wheel.clock.now() - this.limitMs;
    for (let entry = this.first; entry !== undefined; entry = this.first) {
      if (entry.idleSinceMs > dueMs) break;
      this.remove(entry);
      entry.idleTooLong();
    }
    if (!this.deadline.isSet) this.arm();
  }

  /** Forgets the deadline. */
  end(): void {
    this.wheel.clear(this.deadline);
  }
}
