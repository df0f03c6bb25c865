import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, it } from "node:test";
import { systemClock } from "#src/time/clock.js";
import { inRootContext } from "#src/time/root-context.js";

describe("the library's own async context", () => {
  it("has none of the stores of whoever calls, and gives the result and the error back", () => {
    const storage = new AsyncLocalStorage<string>();

    const seen = storage.run("a user's", () => inRootContext(() => storage.getStore()));

    assert.equal(seen, undefined);
    assert.throws(() => inRootContext(() => assert.fail("passed on")), /passed on/);
  });

  it("is that of timers and polls, whoever sets them", async () => {
    const storage = new AsyncLocalStorage<string>();

    const seen = await storage.run("a user's", () =>
      Promise.all([
        new Promise((resolve) => {
          const keep = setTimeout(() => {}, 10_000);
          systemClock.setTimer(1, () => {
            clearTimeout(keep);
            resolve(storage.getStore());
          });
        }),
        new Promise((resolve) => systemClock.afterPoll(() => resolve(storage.getStore()))),
      ]),
    );

    assert.deepEqual(seen, [undefined, undefined]);
  });
});
