import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LatencyHistogram } from "#src/cli/load/latency-histogram.js";
import { Random } from "../../support/random.js";

const PERCENTS = [0.1, 1, 10, 50, 90, 99, 99.9, 99.99, 100];

/** The least of the times that `percent` of them don't exceed. */
function exactPercentile(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
}

function histogramOf(times: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const time of times) histogram.record(time);
  return histogram;
}

describe("LatencyHistogram", () => {
  for (const [title, maxExponent] of [
    ["nanoseconds", 3],
    ["microseconds to seconds", 9.5],
    ["up to hours", 12.9],
  ] as const) {
    it(`gives percentiles at most 1/64 above the exact ones, ${title}`, () => {
      const random = new Random(maxExponent);
      const times = Array.from(
        { length: 5_000 },
        () => Math.round(10 ** (random.next() * maxExponent)) / 1e6,
      );

      const histogram = histogramOf(times);

      for (const percent of PERCENTS) {
        const exact = exactPercentile(times, percent);
        const told = histogram.percentileMs(percent);
        assert.ok(told >= exact, `p${percent}: ${told} is below ${exact}`);
        assert.ok(told <= exact * (1 + 1 / 64) + 1e-6, `p${percent}: ${told} is above ${exact}`);
      }
    });
  }

  it("counts every time and knows the longest exactly", () => {
    const histogram = histogramOf([0, 0.000_001, 1.234_567, 0.5]);

    assert.equal(histogram.count, 4);
    assert.equal(histogram.maxMs, 1.234_567);
    assert.equal(histogram.percentileMs(100), 1.234_567);
  });

  it("is all zero while nothing was recorded", () => {
    const histogram = new LatencyHistogram();

    assert.equal(histogram.count, 0);
    assert.equal(histogram.maxMs, 0);
    assert.equal(histogram.percentileMs(50), 0);
    assert.deepEqual(histogram.rows(), []);
  });

  it("has a row for each power of two between the shortest and the longest", () => {
    const histogram = histogramOf([0.000_1, 0.000_127, 0.000_128, 0.000_6]);

    assert.deepEqual(histogram.rows(), [
      { fromMs: 0.000_064, toMs: 0.000_128, count: 2 },
      { fromMs: 0.000_128, toMs: 0.000_256, count: 1 },
      { fromMs: 0.000_256, toMs: 0.000_512, count: 0 },
      { fromMs: 0.000_512, toMs: 0.001_024, count: 1 },
    ]);
  });

  it("puts what is longer than its range into the last bucket", () => {
    const day = 86_400_000;

    const histogram = histogramOf([1, day]);

    assert.equal(histogram.count, 2);
    assert.equal(histogram.maxMs, day);
    assert.equal(histogram.rows().at(-1)?.count, 1);
    assert.ok(histogram.percentileMs(99) >= 2 ** 42 / 1e6);
  });
});
