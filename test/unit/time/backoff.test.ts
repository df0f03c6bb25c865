import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backoff } from "#src/time/backoff.js";
import { Random } from "../../support/random.js";

describe("Backoff", () => {
  it("doubles its bound up to the greatest, and begins anew", () => {
    const backoff = new Backoff({ firstDelayMs: 100, maxDelayMs: 1_500 }, () => 0.999_999);
    const delays = Array.from({ length: 7 }, () => backoff.next());
    assert.deepEqual(delays, [100, 200, 400, 800, 1_500, 1_500, 1_500]);
    assert.equal(backoff.attemptCount, 7);
    backoff.reset();
    assert.equal(backoff.next(), 100);
  });

  it("waits any time from 0 to its bound", () => {
    const random = new Random(1);
    const delays = Array.from({ length: 1_000 }, () =>
      new Backoff({ firstDelayMs: 100, maxDelayMs: 100 }, () => random.next()).next(),
    );
    assert.equal(Math.min(...delays), 0);
    assert.equal(Math.max(...delays), 100);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    assert.ok(mean > 45 && mean < 55);
  });

  it("stays within its bounds after any number of attempts", () => {
    const backoff = new Backoff({ firstDelayMs: 1, maxDelayMs: 2 ** 31 - 1 }, () => 0.5);
    for (let count = 0; count < 5_000; count++) assert.ok(Number.isInteger(backoff.next()));
    assert.equal(backoff.next(), 2 ** 30);
  });

  it("brings a thousand clients back without a herd", () => {
    // All lost the same server at 0, which is back after 5 s. Each tries when its wait is over.
    const random = new Random(2);
    const perSecond = new Map<number, number>();
    const capMs = 10_000;
    let lastMs = 0;
    for (let client = 0; client < 1_000; client++) {
      const backoff = new Backoff({ firstDelayMs: 250, maxDelayMs: capMs }, () => random.next());
      let nowMs = 0;
      while (nowMs < 5_000) nowMs += backoff.next();
      lastMs = Math.max(lastMs, nowMs);
      const second = Math.floor(nowMs / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    const seconds = Math.ceil((lastMs - 5_000) / 1_000);
    assert.ok(lastMs - 5_000 <= 2 * capMs, `the last came ${lastMs - 5_000} ms after the server`);
    const peak = Math.max(...perSecond.values());
    assert.ok(peak <= 3 * (1_000 / seconds), `${peak} came in one second`);
  });
});
