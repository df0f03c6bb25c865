/**
 * Limits reports of a failure that repeats (no descriptor left): the first one
 * is told at once, then at most one in 100 ms, growing to one a second while the failure lasts. A
 * second without a failure makes the next one a first one again.
 */
import type { Clock } from "../time/clock.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

export class ReportBackOff {
  private readonly clock: Clock;
  private currentPauseMs = 0;
  private toldAtMs = Number.NEGATIVE_INFINITY;
  private failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** How long to wait before the next try, for engines that try themselves. */
  get pauseMs(): number {
    return this.currentPauseMs;
  }

  /** Takes note of a failure; returns whether it is to be told. */
  failed(): boolean {
    const now = this.clock.now();
    if (now - this.failedAtMs > LONGEST_PAUSE_MS) this.currentPauseMs = 0;
    this.failedAtMs = now;
    if (now - this.toldAtMs < this.currentPauseMs) return false;
    this.toldAtMs = now;
    this.currentPauseMs = Math.min(
      LONGEST_PAUSE_MS,
      Math.max(FIRST_PAUSE_MS, this.currentPauseMs * 2),
    );
    return true;
  }
}
