/**
 * Where time comes from. Nothing outside this file and the engines reads a clock or sets a timer,
 * so that tests move time by hand.
 */

/** A timer that was set; `cancel` may be called at any time and more than once. */
export interface Timer {
  cancel(): void;
}

/** A monotonic clock. */
export interface Clock {
  /** Milliseconds since some fixed moment; never runs backwards. */
  now(): number;
  /** The moment at which `now()` was 0, in milliseconds since 1970 UTC. */
  readonly originMs: number;
  /** Calls back once, `delayMs` from now at the earliest. Does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

class SystemTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#handle = setTimeout(callback, delayMs);
    this.#handle.unref();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  originMs: performance.timeOrigin,
  setTimer: (delayMs, callback) => new SystemTimer(delayMs, callback),
};

interface ManualTimer extends Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is told to move: {@link ManualClock.advance}. Timers fire in
 * the order of their times, those of one moment in the order in which they were set.
 */
export class ManualClock implements Clock {
  readonly originMs: number = 0;
  #nowMs = 0;
  #order = 0;
  #timers: ManualTimer[] = [];

  now(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: ManualTimer = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
    this.#timers.push(timer);
    return timer;
  }

  /** Number of timers that are set. */
  get timerCount(): number {
    return this.#timers.length;
  }

  /** Moves time on by `ms` and fires what falls due on the way, timers set on the way included. */
  advance(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const next = this.#nextDue(until);
      if (next === undefined) break;
      next.cancel();
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = until;
  }

  #nextDue(until: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > until) continue;
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}
