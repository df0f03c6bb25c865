/**
 * Times sorted into buckets: 64 of one nanosecond, then 64 to each power of two, up to 2^43 ns (two
 * hours and a half; what is longer goes into the last). The memory is fixed, the counts are exact, and
 * a percentile is at most 1/64 (1.6 %) too large.
 *
 *     ns < 64:   bucket = ns
 *     else:      exponent = floor(log2 ns), step = floor(ns / 2^(exponent − 6)) − 64
 *                bucket = (exponent − 5) × 64 + step
 */

const STEPS = 64;
const STEP_BITS = 6;
const MAX_EXPONENT = 42;
const BUCKETS = (MAX_EXPONENT - STEP_BITS + 2) * STEPS;
const NS_PER_MS = 1e6;
const TWO_31 = 2 ** 31;

/** 2^(exponent − 6), so that no power is computed for each time. */
const STEP_NS: readonly number[] = Array.from(
  { length: MAX_EXPONENT + 1 },
  (_, exponent) => 2 ** (exponent - STEP_BITS),
);

/** Times from `fromMs` to below `toMs`. */
export interface HistogramRow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Times sorted into buckets. */
export class LatencyHistogram {
  private readonly counts = new Float64Array(BUCKETS);
  private valueCount = 0;
  private largestMs = 0;

  /** Times recorded. */
  get count(): number {
    return this.valueCount;
  }

  /** The longest time, exactly; 0 where there is none. */
  get maxMs(): number {
    return this.largestMs;
  }

  /** Takes in one time, not negative. Hot. */
  record(ms: number): void {
    this.counts[bucketOf(Math.round(ms * NS_PER_MS))]! += 1;
    this.valueCount += 1;
    if (ms > this.largestMs) this.largestMs = ms;
  }

  /** The least time that `percent` of the times don't exceed; 0 where there is none. */
  percentileMs(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.valueCount));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.counts[bucket]!;
      if (seen >= rank) return Math.min(upperEdgeNs(bucket) / NS_PER_MS, this.largestMs);
    }
    return 0;
  }

  /** Counts for each power of two, from the first that has any to the last. */
  rows(): readonly HistogramRow[] {
    const rows: HistogramRow[] = [];
    for (let start = 0; start < BUCKETS; start += STEPS) {
      const count = this.counts.subarray(start, start + STEPS).reduce((sum, one) => sum + one, 0);
      if (count === 0 && rows.length === 0) continue;
      const fromMs = start === 0 ? 0 : upperEdgeNs(start - 1) / NS_PER_MS;
      rows.push({ fromMs, toMs: upperEdgeNs(start + STEPS - 1) / NS_PER_MS, count });
    }
    while (rows.at(-1)?.count === 0) rows.pop();
    return rows;
  }
}

function bucketOf(ns: number): number {
  if (ns < STEPS) return ns;
  const exponent = ns < TWO_31 ? 31 - Math.clz32(ns) : 62 - Math.clz32(ns / TWO_31);
  if (exponent > MAX_EXPONENT) return BUCKETS - 1;
  const step = Math.floor(ns / STEP_NS[exponent]!) - STEPS;
  return (exponent - STEP_BITS + 1) * STEPS + step;
}

/** The first time that belongs to a later bucket. */
function upperEdgeNs(bucket: number): number {
  if (bucket < STEPS) return bucket + 1;
  const exponent = Math.floor(bucket / STEPS) + STEP_BITS - 1;
  return ((bucket % STEPS) + STEPS + 1) * STEP_NS[exponent]!;
}
