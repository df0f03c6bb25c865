import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "#src/errors.js";
import { MAX_LATE_KEYS, RequestList, type RequestSettings } from "#src/packets/request-list.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const SETTINGS: RequestSettings = {
  requestTimeoutMs: 1_000,
  maxRequestsInFlight: 3,
  correlate: undefined,
};
const byFirst: RequestSettings = { ...SETTINGS, correlate: (packet) => packet[0] };
const bytes = (text: string): Buffer => Buffer.from(text);

function listOf(): { readonly list: RequestList; readonly clock: ManualClock } {
  const clock = new ManualClock();
  return { list: new RequestList(new TimingWheel(clock)), clock };
}

describe("RequestList", () => {
  it("gives responses to requests in their order", async () => {
    const { list } = listOf();
    const waits = [list.add(bytes("a"), {}, SETTINGS), list.add(bytes("b"), {}, SETTINGS)];

    list.take(bytes("1"), undefined);
    list.take(bytes("2"), undefined);
    const isOurs = list.take(bytes("3"), undefined);

    assert.deepEqual((await Promise.all(waits.map(({ promise }) => promise))).map(String), [
      "1",
      "2",
    ]);
    assert.equal(isOurs, false);
  });

  it("keeps the place of one that was given up, and drops its late response", async () => {
    const { list, clock } = listOf();
    const late = list.add(bytes("a"), { timeoutMs: 10 }, SETTINGS);
    const next = list.add(bytes("b"), {}, SETTINGS);
    const code = late.promise.catch((error: NetError) => error.code);

    clock.advance(20);
    list.take(bytes("late"), undefined);
    list.take(bytes("next"), undefined);

    assert.equal(await code, "REQUEST_TIMEOUT");
    assert.equal(String(await next.promise), "next");
    assert.equal(list.count, 0);
  });

  it("matches by key in any order, and leaves others to the handler", async () => {
    const { list } = listOf();
    const a = list.add(bytes("a?"), {}, byFirst);
    const b = list.add(bytes("b?"), {}, byFirst);

    const taken = ["c!", "b!", "a!"].map((text) => list.take(bytes(text), byFirst.correlate));

    assert.deepEqual(taken, [false, true, true]);
    assert.deepEqual([String(await a.promise), String(await b.promise)], ["a!", "b!"]);
  });

  it("knows a late response by its key, once, and drops it where asked", async () => {
    const { list, clock } = listOf();
    const take = (text: string, dropsLate: boolean): boolean =>
      list.take(bytes(text), byFirst.correlate, dropsLate);
    for (const text of ["a?", "b?", "c?"]) {
      list.add(bytes(text), { timeoutMs: 10 }, byFirst).promise.catch(() => {});
    }
    assert.equal(list.mayTake, true);
    clock.advance(20);
    assert.deepEqual([list.count, list.mayTake], [0, true]);

    assert.deepEqual([take("a!", true), take("a!", true)], [true, false]);
    assert.equal(take("b!", false), false);
    // A key that is asked for again is not late.
    const again = list.add(bytes("c?"), {}, byFirst);
    assert.equal(take("c!", true), true);
    assert.equal(String(await again.promise), "c!");
    assert.equal(list.mayTake, false);
  });

  it("remembers MAX_LATE_KEYS keys that were given up, the last ones", () => {
    const { list, clock } = listOf();
    const settings = { ...SETTINGS, maxRequestsInFlight: 2_000, correlate: String };
    for (let key = 0; key <= MAX_LATE_KEYS; key++) {
      list.add(bytes(`${key}`), { timeoutMs: 10 }, settings).promise.catch(() => {});
    }
    clock.advance(20);

    assert.equal(list.take(bytes("0"), String, true), false);
    assert.equal(list.take(bytes("1"), String, true), true);
    assert.equal(list.take(bytes(`${MAX_LATE_KEYS}`), String, true), true);
  });

  it("refuses a key that waits already, and none", () => {
    const { list } = listOf();
    list.add(bytes("a"), {}, byFirst);

    assert.throws(() => list.add(bytes("a"), {}, byFirst), { code: "INVALID_ARGUMENT" });
    assert.throws(() => list.add(bytes(""), {}, byFirst), { code: "INVALID_ARGUMENT" });
  });

  it("refuses more than maxRequestsInFlight, those that were given up in order included", () => {
    const { list, clock } = listOf();
    for (const text of ["a", "b", "c"]) list.add(bytes(text), {}, SETTINGS).promise.catch(() => {});

    clock.advance(1_010);

    assert.throws(() => list.add(bytes("d"), {}, SETTINGS), { code: "REQUEST_LIMIT" });
  });

  it("rejects all that wait when the connection ends, and leaves no deadline", async () => {
    const { list, clock } = listOf();
    const waits = [list.add(bytes("a"), {}, SETTINGS), list.add(bytes("b"), {}, byFirst)];
    const error = new Error("over") as NetError;

    list.fail(error);

    for (const { promise } of waits) await assert.rejects(promise, /over/);
    assert.deepEqual([list.count, clock.timerCount], [0, 0]);
  });
});
