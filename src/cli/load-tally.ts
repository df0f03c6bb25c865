import type { BytePattern } from "./byte-pattern.js";
import { LatencyHistogram } from "./latency-histogram.js";

/** Failures of one kind. */
export interface FailureCount {
  count: number;
  /** What the first of them said. */
  readonly text: string;
}

/**
 * What the connections of a load have in common: what they send, from when to when their messages
 * count, and what came of it.
 */
export class LoadTally {
  readonly pattern: BytePattern;
  /** Messages in flight on each connection. */
  readonly depth: number;
  /** Each message is a packet; else they are parts of a stream. */
  readonly isPacked: boolean;
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
  /** Bytes that came back and were right. */
  verifiedBytes = 0;

  constructor(pattern: BytePattern, depth: number, isPacked: boolean) {
    this.pattern = pattern;
    this.depth = depth;
    this.isPacked = isPacked;
  }

  /** Counts a failure. */
  failed(code: string, text: string): void {
    const known = this.failures.get(code);
    if (known === undefined) this.failures.set(code, { count: 1, text });
    else known.count += 1;
  }
}
