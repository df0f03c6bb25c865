/** Idle connections on one deadline: who is told, when, and in which order. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ManualClock } from "hp-socket/testing";
import { IdleConnections, type IdleEntry } from "#src/http/server/idle-connections.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

/** A list, its clock, and entries that note when they are told. */
function world(limitMs: number) {
  const clock = new ManualClock();
  const list = new IdleConnections(new TimingWheel(clock), limitMs);
  const told: [number: number, atMs: number][] = [];
  const entry = (number: number): IdleEntry => ({
    idleList: undefined,
    idleSinceMs: 0,
    previousIdle: undefined,
    nextIdle: undefined,
    idleTooLong: () => told.push([number, clock.now()]),
  });
  return { clock, list, told, entry };
}

describe("idle connections", () => {
  it("are told when the limit has passed, each in its time", () => {
    const { clock, list, told, entry } = world(1_000);

    list.add(entry(1), clock.now());
    clock.advance(400);
    list.add(entry(2), clock.now());
    clock.advance(599);
    assert.equal(told.length, 0);
    clock.advance(10);
    clock.advance(400);

    assert.deepEqual(
      told.map(([number]) => number),
      [1, 2],
    );
    assert.equal(clock.timerCount, 0);
  });

  it("are not told once they are busy, and anew when they are idle again", () => {
    const { clock, list, told, entry } = world(1_000);
    const [first, second] = [entry(1), entry(2)];

    list.add(first, clock.now());
    list.add(second, clock.now());
    clock.advance(900);
    list.remove(first);
    list.add(first, clock.now());
    clock.advance(110);
    assert.deepEqual(
      told.map(([number]) => number),
      [2],
    );
    clock.advance(900);

    assert.deepEqual(
      told.map(([number]) => number),
      [2, 1],
    );
    assert.equal(first.idleList, undefined);
  });

  it("take another limit, also those that are idle", () => {
    const { clock, list, told, entry } = world(0);

    list.add(entry(1), clock.now());
    clock.advance(1_000_000);
    assert.equal(clock.timerCount, 0);
    list.setLimit(500);
    clock.advance(5);

    assert.equal(told.length, 1);
  });

  it("are told never early, and at most a tick late, however they come and go", () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 300 })), { maxLength: 60 });

    fc.assert(
      fc.property(steps, (moves) => {
        const { clock, list, told, entry } = world(1_000);
        const entries = Array.from({ length: 10 }, (_, number) => entry(number));
        const since = new Map<number, number>();
        for (const [number, waitMs] of [...moves, [0, 2_000] as const]) {
          const one = entries[number] as IdleEntry;
          if (one.idleList === undefined) {
            list.add(one, clock.now());
            since.set(number, clock.now());
          } else {
            list.remove(one);
            since.delete(number);
          }
          clock.advance(waitMs);
          for (const [late, atMs] of told.splice(0)) {
            const lateMs = atMs - (since.get(late) ?? Number.NaN) - 1_000;
            assert.ok(lateMs >= 0 && lateMs <= 8, `${lateMs}`);
            since.delete(late);
          }
          for (const atMs of since.values()) assert.ok(clock.now() - atMs <= 1_008);
        }
      }),
    );
  });
});
