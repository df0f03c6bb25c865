/**
 * Keeps a failure that repeats (no descriptor left) from being told again and again: the first one
 * is told at once, then at most one in 100 ms, growing to one a second while the failure lasts. A
 * second without a failure makes the next one a first one again.
 */
import type { Clock } from "../time/clock.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Keeps a failure that repeats (no descriptor left) from being told again and again: the first one
 * is told at once, then at most one in 100 ms, growing to one a second while the failure lasts.
 */
export class ReportBackOff {
  readonly #clock: Clock;
  #pauseMs = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long to wait before the next try, for engines that try themselves. */
  get pauseMs(): number {
    return this.#pauseMs;
  }

  /** Takes note of a failure; answers whether it is to be told. */
  failed(): boolean {
    const now = this.#clock.now();
    if (now - this.#failedAtMs > LONGEST_PAUSE_MS) this.#pauseMs = 0;
    this.#failedAtMs = now;
    if (now - this.#toldAtMs < this.#pauseMs) return false;
    this.#toldAtMs = now;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2));
    return true;
  }
}
