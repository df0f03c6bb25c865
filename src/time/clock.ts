/**
 * Where time comes from. Nothing outside this file and the engines reads a clock or sets a timer,
 * so that tests move time by hand.
 */
import { performance } from "node:perf_hooks";
import { inRootContext } from "./root-context.js";

/** A timer that was set; `cancel` may be called at any time and more than once. */
export interface Timer {
  /** The callback is not called any more. */
  cancel(): void;
}

/** A monotonic clock. */
export interface Clock {
  /** Milliseconds since some fixed moment; never runs backwards. */
  now(): number;
  /** The moment at which `now()` was 0, in milliseconds since 1970 UTC. */
  readonly originMs: number;
  /**
   * Calls back once, `delayMs` from now at the earliest. Keeps the process alive where `holdsProcess` says
   * so; default false.
   */
  setTimer(delayMs: number, callback: () => void, holdsProcess?: boolean): Timer;
  /**
   * Calls back once, when what the kernel holds at this moment has been looked at. For deadlines that
   * are noticed late: what came in time may not have been read yet.
   */
  afterPoll(callback: () => void): void;
}

class SystemTimer implements Timer {
  private readonly handle: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void, holdsProcess: boolean) {
    this.handle = inRootContext(() => setTimeout(callback, delayMs));
    if (!holdsProcess) this.handle.unref();
  }

  cancel(): void {
    clearTimeout(this.handle);
  }
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  originMs: performance.timeOrigin,
  setTimer: (delayMs, callback, holdsProcess = false) =>
    new SystemTimer(delayMs, callback, holdsProcess),
  afterPoll: (callback) => {
    // Timers come before sockets in a round of the loop, immediates behind them.
    inRootContext(() => setImmediate(callback));
  },
};

class ManualTimer implements Timer {
  readonly dueMs: number;
  readonly callback: () => void;
  private readonly cancelled: () => void;
  isSet = true;

  constructor(dueMs: number, callback: () => void, cancelled: () => void) {
    this.dueMs = dueMs;
    this.callback = callback;
    this.cancelled = cancelled;
  }

  cancel(): void {
    if (!this.isSet) return;
    this.isSet = false;
    this.cancelled();
  }
}

/**
 * A clock that stands still until it is told to move: {@link ManualClock.advance}. Timers fire in
 * the order of their times, those of one moment in the order in which they were set.
 */
export class ManualClock implements Clock {
  /** When it began, in milliseconds since 1970 UTC. */
  readonly originMs: number = 0;
  #nowMs = 0;
  #timerCount = 0;
  /** By time, those of one moment in the order in which they were set; cancelled ones are skipped. */
  readonly #timers: ManualTimer[] = [];

  /** Milliseconds since it began: it stands still until it is moved. */
  now(): number {
    return this.#nowMs;
  }

  /** Calls `callback` when the clock was moved by `delayMs`. */
  setTimer(delayMs: number, callback: () => void, _holdsProcess?: boolean): Timer {
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const timer = new ManualTimer(dueMs, callback, () => {
      this.#timerCount--;
    });
    this.#timerCount++;
    this.#timers.splice(this.#placeAfter(dueMs), 0, timer);
    return timer;
  }

  /** By hand, nothing is ever late: calls back at once. */
  afterPoll(callback: () => void): void {
    callback();
  }

  /** Number of timers that are set. */
  get timerCount(): number {
    return this.#timerCount;
  }

  /** Moves time on by `ms` and fires what falls due on the way, timers set on the way included. */
  advance(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.dueMs > until) break;
      this.#timers.shift();
      if (!next.isSet) continue;
      next.cancel();
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = until;
  }

  #placeAfter(dueMs: number): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle] as ManualTimer).dueMs <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
