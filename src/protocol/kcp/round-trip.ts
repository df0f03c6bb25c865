/**
 * How long a segment takes to be acknowledged, and how long to wait before it is sent again: RFC 6298 in
 * whole milliseconds, as KCP has it (the variance counts at least one interval).
 */

/** Time to wait while no acknowledgement has come. */
const FIRST_TIMEOUT_MS = 200;

/** Longest time to wait. */
const MAX_TIMEOUT_MS = 60_000;

/** Longest trip that counts: a peer can write any time into what it acknowledges. */
const MAX_TRIP_MS = 2 * MAX_TIMEOUT_MS;

/** The measured round trip of one conversation, and its time-out. */
export class RoundTrip {
  /** Smoothed time in milliseconds; 0 before the first acknowledgement. */
  smoothedMs = 0;
  varianceMs = 0;
  /** Time to wait before a segment is sent again. */
  timeoutMs: number = FIRST_TIMEOUT_MS;

  /** An acknowledgement came `measuredMs` after the segment was sent. The time-out is `minTimeoutMs` at least. */
  measured(measuredMs: number, minTimeoutMs: number, intervalMs: number): void {
    const tripMs = Math.min(measuredMs, MAX_TRIP_MS);
    if (this.smoothedMs === 0) {
      this.smoothedMs = tripMs;
      this.varianceMs = tripMs >> 1;
    } else {
      const delta = Math.abs(tripMs - this.smoothedMs);
      this.varianceMs = (3 * this.varianceMs + delta) >> 2;
      this.smoothedMs = Math.max(1, (7 * this.smoothedMs + tripMs) >> 3);
    }
    const timeoutMs = this.smoothedMs + Math.max(intervalMs, 4 * this.varianceMs);
    this.timeoutMs = Math.min(Math.max(minTimeoutMs, timeoutMs), MAX_TIMEOUT_MS);
  }
}
