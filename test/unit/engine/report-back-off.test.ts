import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReportBackOff } from "#src/engine/report-back-off.js";
import { ManualClock } from "#src/time/clock.js";

describe("report back-off", () => {
  test("tells the first failure at once, then at pauses that double up to a second", () => {
    const clock = new ManualClock();
    const backOff = new ReportBackOff(clock);
    const toldAtMs: number[] = [];

    for (; clock.now() < 4_000; clock.advance(10)) {
      if (backOff.failed()) toldAtMs.push(clock.now());
    }

    assert.deepEqual(toldAtMs, [0, 100, 300, 700, 1_500, 2_500, 3_500]);
  });

  test("starts anew after a second without a failure", () => {
    const clock = new ManualClock();
    const backOff = new ReportBackOff(clock);
    for (; clock.now() < 800; clock.advance(10)) backOff.failed();

    clock.advance(1_001);

    assert.equal(backOff.failed(), true);
    assert.equal(backOff.pauseMs, 100);
  });
});
