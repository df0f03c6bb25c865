import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import type { WaitOptions } from "#src/connection/connection.js";
import { Waiter } from "#src/connection/waiting/waiter.js";
import type { NetError } from "#src/errors.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

function waiterOf(options: WaitOptions, defaultTimeoutMs = 0) {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock);
  const forgotten: string[] = [];
  const giveUp = {
    code: "READ_TIMEOUT",
    call: "read",
    operation: "receive",
    forget: (error: NetError) => forgotten.push(error.code),
  } as const;
  const waiter = new Waiter<number>(wheel, options, giveUp, defaultTimeoutMs);
  return { clock, wheel, forgotten, waiter };
}

describe("Waiter", () => {
  it("settles once, and leaves neither deadline nor listener", async () => {
    const { signal } = new AbortController();
    const { clock, wheel, forgotten, waiter } = waiterOf({ timeoutMs: 100, signal });

    waiter.resolve(1);
    waiter.resolve(2);
    clock.advance(1_000);

    assert.equal(await waiter.promise, 1);
    assert.equal(waiter.isPending, false);
    assert.deepEqual([wheel.count, getEventListeners(signal, "abort").length], [0, 0]);
    assert.deepEqual(forgotten, []);
  });

  it("gives up by its time-out, the default one too, and says so before it rejects", async () => {
    for (const { clock, forgotten, waiter } of [waiterOf({ timeoutMs: 100 }), waiterOf({}, 100)]) {
      clock.advance(99);
      const before = waiter.isPending;
      clock.advance(5);

      await assert.rejects(waiter.promise, { code: "READ_TIMEOUT" });
      assert.deepEqual([before, forgotten], [true, ["READ_TIMEOUT"]]);
    }
  });

  it("gives up by its signal, with the signal's reason as cause", async () => {
    const controller = new AbortController();
    const { wheel, forgotten, waiter } = waiterOf({ timeoutMs: 100, signal: controller.signal });
    const reason = new Error("enough");

    controller.abort(reason);

    await assert.rejects(waiter.promise, { code: "ABORTED", cause: reason });
    assert.deepEqual([forgotten, wheel.count], [["ABORTED"], 0]);
  });

  it("never settles once it was cancelled", async () => {
    const controller = new AbortController();
    const { clock, forgotten, waiter } = waiterOf({ timeoutMs: 100, signal: controller.signal });
    let isSettled = false;
    void waiter.promise.finally(() => {
      isSettled = true;
    });

    waiter.cancel();
    controller.abort();
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));

    assert.deepEqual([isSettled, forgotten], [false, []]);
  });
});
