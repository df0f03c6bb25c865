import { LatencyHistogram } from "./latency-histogram.js";

/** Failures of one kind. */
export interface FailureCount {
  count: number;
  /** What the first of them said. */
  readonly text: string;
}

/**
 * What the connections of a load have in common: from when to when their messages count, and what
 * came of them.
 */
export class LoadTally {
  /** Messages in flight on each connection. */
  readonly depth: number;
  readonly latencies: LatencyHistogram = new LatencyHistogram();
  /** Failures by code. */
  readonly failures: Map<string, FailureCount> = new Map();
  /** Messages that are finished between these two times count. Nothing is sent after the second. */
  countFromMs: number = Number.POSITIVE_INFINITY;
  stopAtMs: number = Number.POSITIVE_INFINITY;
  /** Messages that came back, those of the warm-up included. */
  messageCount = 0;
  /** Messages that were sent and have not come back. */
  inFlightCount = 0;
  /** Messages that may still be sent. */
  unsentCount: number = Number.POSITIVE_INFINITY;

  constructor(depth: number) {
    this.depth = depth;
  }

  /** Whether what is finished now counts. */
  counts(nowMs: number): boolean {
    return nowMs >= this.countFromMs && nowMs < this.stopAtMs;
  }

  /** How many of `wanted` messages may be sent now: they are in flight from here on. */
  take(wanted: number): number {
    const count = Math.min(wanted, this.unsentCount);
    this.unsentCount -= count;
    this.inFlightCount += count;
    return count;
  }

  /** Counts a failure. */
  failed(code: string, text: string): void {
    const known = this.failures.get(code);
    if (known === undefined) this.failures.set(code, { count: 1, text });
    else known.count += 1;
  }

  /** Whether anything went wrong. */
  get hasFailed(): boolean {
    return this.failures.size > 0;
  }

  /** All failures. */
  get failureCount(): number {
    return [...this.failures.values()].reduce((sum, { count }) => sum + count, 0);
  }
}
