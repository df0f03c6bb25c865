/** Calls back when the event loop has polled. All calls in one round of the loop share two immediates. */
import type { Clock } from "../../time/clock.js";

/** The tasks of one client that wait for a poll. */
export class PollQueue {
  private readonly clock: Clock;
  private tasks: (() => void)[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Calls `task` once, when a poll has begun and ended after this call. */
  add(task: () => void): void {
    this.tasks.push(task);
    if (this.tasks.length > 1) return;
    // The first may be called in this round of the loop, before its poll; the second is called after one.
    this.clock.afterPoll(() => {
      const { tasks } = this;
      this.tasks = [];
      this.clock.afterPoll(() => {
        for (const ready of tasks) ready();
      });
    });
  }
}
