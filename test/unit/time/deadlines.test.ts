import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";
import { caughtDefects } from "../../support/defects.js";

function deadlinesOf(): {
  readonly clock: ManualClock;
  readonly wheel: TimingWheel;
  readonly deadlines: Deadlines;
  readonly passed: [number, number][];
  passing: (purpose: number) => void;
} {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock);
  const passed: [number, number][] = [];
  const world = {
    clock,
    wheel,
    passed,
    passing: (_: number): void => {},
    deadlines: new Deadlines(wheel, {
      deadlinePassed: (purpose) => {
        passed.push([purpose, clock.now()]);
        world.passing(purpose);
      },
    }),
  };
  return world;
}

describe("Deadlines", () => {
  it("tells of each purpose when it is due, with one deadline on the wheel", () => {
    const { clock, wheel, deadlines, passed } = deadlinesOf();

    deadlines.set(2, 100);
    deadlines.set(0, 40);
    deadlines.set(1, 200);
    const onWheel = wheel.count;
    clock.advance(300);

    assert.equal(onWheel, 1);
    assert.deepEqual(passed, [
      [0, 40],
      [2, 100],
      [1, 200],
    ]);
    assert.equal(wheel.count, 0);
  });

  it("moves a deadline later without touching the wheel, and earlier at once", () => {
    const { clock, deadlines, passed } = deadlinesOf();
    deadlines.set(0, 100);
    clock.advance(40);

    deadlines.set(0, 100);
    clock.advance(96);
    const before = [...passed];
    deadlines.set(0, 4_000);
    deadlines.set(0, 8);
    clock.advance(12);

    assert.deepEqual(before, []);
    assert.deepEqual(passed, [[0, 144]]);
  });

  it("tells nobody of what was cleared or ended, and leaves nothing on the wheel", () => {
    const { clock, wheel, deadlines, passed } = deadlinesOf();
    deadlines.set(0, 40);
    deadlines.set(1, 80);

    deadlines.clear(0);
    clock.advance(60);
    const between = [...passed];
    deadlines.end();
    clock.advance(1_000);

    assert.deepEqual([between, passed, wheel.count], [[], [], 0]);
    assert.equal(deadlines.dueMs(1), Number.POSITIVE_INFINITY);
  });

  it("is not past before its moment, and is at it", () => {
    const { clock, deadlines, passed } = deadlinesOf();
    // Between two ticks: the wheel has not told of it yet.
    deadlines.set(3, 41);

    clock.advance(40);
    const before = deadlines.isPast(3);
    clock.advance(1);
    const at = deadlines.isPast(3);

    assert.deepEqual([before, at, passed], [false, true, []]);
  });

  it("lets who is told set the same purpose again, or end all", () => {
    const world = deadlinesOf();
    const { clock, deadlines, passed } = world;
    deadlines.set(0, 40);
    deadlines.set(1, 40);
    world.passing = (purpose) => {
      if (passed.length < 3) deadlines.set(purpose, 40);
      else deadlines.end();
    };

    clock.advance(1_000);

    assert.deepEqual(passed, [
      [0, 40],
      [1, 40],
      [0, 80],
    ]);
  });

  it("tells of the others, now and later, when who is told throws", async (test) => {
    const defects = caughtDefects(test);
    const world = deadlinesOf();
    const { clock, deadlines, passed } = world;
    for (const [purpose, delayMs] of [40, 40, 80].entries()) deadlines.set(purpose, delayMs);
    const defect = new Error("told");
    world.passing = (purpose) => {
      if (purpose === 0) throw defect;
    };

    clock.advance(100);
    await Promise.resolve();

    assert.deepEqual(passed, [
      [0, 40],
      [1, 40],
      [2, 80],
    ]);
    assert.deepEqual(defects, [defect]);
  });

  it("has no due time for a purpose that was never set, and clears it all the same", () => {
    const { wheel, deadlines } = deadlinesOf();

    deadlines.clear(7);

    assert.deepEqual([deadlines.dueMs(7), deadlines.isPast(7)], [Number.POSITIVE_INFINITY, false]);
    assert.equal(wheel.count, 0);
  });
});
