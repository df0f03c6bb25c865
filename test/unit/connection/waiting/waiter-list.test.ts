import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WaiterList } from "#src/connection/waiting/waiter-list.js";
import type { NetError } from "#src/errors.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const GIVE_UP = { code: "DRAIN_TIMEOUT", call: "drained", operation: "send" } as const;
const codeOf = (error: NetError): string => error.code;

describe("WaiterList", () => {
  it("resolves for all who wait, and for those who come later with the next time", async () => {
    const wheel = new TimingWheel(new ManualClock());
    const list = new WaiterList();
    const told: string[] = [];
    const wait = async (name: string): Promise<void> => {
      await list.wait(wheel, {}, GIVE_UP);
      told.push(name);
    };
    const first = [wait("one"), wait("two")];

    list.resolve();
    const second = wait("three");
    await Promise.all(first);
    const before = [...told];
    list.resolve();
    await second;

    assert.deepEqual(before, ["one", "two"]);
    assert.deepEqual(told, ["one", "two", "three"]);
  });

  it("forgets who gives up, by time or by signal, and leaves the others waiting", async () => {
    const clock = new ManualClock();
    const wheel = new TimingWheel(clock);
    const list = new WaiterList();
    const { signal, abort } = (() => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: () => controller.abort() };
    })();
    const timed = list.wait(wheel, { timeoutMs: 50 }, GIVE_UP).catch(codeOf);
    const aborted = list.wait(wheel, { signal }, GIVE_UP).catch(codeOf);

    clock.advance(100);
    abort();
    const codes = await Promise.all([timed, aborted]);
    const isEmpty = list.isEmpty;
    const patient = list.wait(wheel, {}, GIVE_UP);
    const isEmptyAfter = list.isEmpty;
    list.resolve();
    await patient;

    assert.deepEqual(codes, ["DRAIN_TIMEOUT", "ABORTED"]);
    assert.deepEqual([isEmpty, isEmptyAfter, wheel.count], [true, false, 0]);
  });

  it("rejects for all of them", async () => {
    const wheel = new TimingWheel(new ManualClock());
    const list = new WaiterList();
    const waits = [0, 0].map(() => list.wait(wheel, { timeoutMs: 10 }, GIVE_UP).catch(codeOf));

    list.reject({ code: "CONNECTION_CLOSED" } as NetError);

    assert.deepEqual(await Promise.all(waits), ["CONNECTION_CLOSED", "CONNECTION_CLOSED"]);
    assert.deepEqual([list.isEmpty, wheel.count], [true, 0]);
  });
});
