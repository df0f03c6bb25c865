/**
 * How long to wait before another attempt: exponential back-off with full jitter. Each wait is a random
 * time up to a bound that doubles from attempt to attempt, so that many who lost the same peer at the
 * same moment do not come back at the same moment.
 */

/** Bounds of the waits, in milliseconds. */
export interface BackoffBounds {
  /** Bound of the first wait. */
  readonly firstDelayMs: number;
  /** Bound of all waits. */
  readonly maxDelayMs: number;
}

/** Waits that grow, with full jitter. */
export class Backoff {
  private readonly bounds: BackoffBounds;
  private readonly random: () => number;
  private attempts = 0;

  /** `random` answers numbers from 0 on, below 1. */
  constructor(bounds: BackoffBounds, random: () => number = Math.random) {
    this.bounds = bounds;
    this.random = random;
  }

  /** Attempts since the last {@link reset}. */
  get attemptCount(): number {
    return this.attempts;
  }

  /** The wait before the next attempt, which it counts. */
  next(): number {
    const { firstDelayMs, maxDelayMs } = this.bounds;
    const bound = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.attempts, 52));
    this.attempts++;
    return Math.floor(this.random() * (bound + 1));
  }

  /** All is well: the next wait is a first one. */
  reset(): void {
    this.attempts = 0;
  }
}
