import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ManualClock } from "#src/time/clock.js";
import { Deadline, type DeadlineOwner, TimingWheel } from "#src/time/timing-wheel.js";

/** Notes when each of its deadlines fired. */
class Notes implements DeadlineOwner {
  readonly fired: { deadline: Deadline; atMs: number }[] = [];
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  deadlineReached(deadline: Deadline): void {
    this.fired.push({ deadline, atMs: this.#clock.now() });
  }
}

describe("TimingWheel", () => {
  it("fires a deadline not early and at most one tick late, near and far", () => {
    const delays = [0, 1, 4, 5, 63, 255, 256, 257, 4_000, 16_383, 16_384, 16_385, 1_048_576];
    for (const delayMs of [...delays, 3_600_000, 67_108_864, 100_000_000]) {
      const clock = new ManualClock();
      clock.advance(12_345);
      const wheel = new TimingWheel(clock);
      const notes = new Notes(clock);

      wheel.set(new Deadline(notes), delayMs);
      clock.advance(delayMs + 10);

      const lateMs = (notes.fired[0]?.atMs ?? Number.NaN) - 12_345 - delayMs;
      assert.ok(lateMs >= 0 && lateMs <= 5, `${delayMs} ms: late by ${lateMs}`);
    }
  });

  it("fires what is set at random times in the order of those times, whatever else is set and cleared", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(300_000), fc.nat(5_000), fc.boolean())), (steps) => {
        const clock = new ManualClock();
        const wheel = new TimingWheel(clock);
        const notes = new Notes(clock);
        const kept: Deadline[] = [];
        for (const [delayMs, stepMs, clear] of steps) {
          const deadline = new Deadline(notes);
          wheel.set(deadline, delayMs);
          if (clear) wheel.clear(deadline);
          else kept.push(deadline);
          clock.advance(stepMs);
        }

        clock.advance(400_000);

        assert.equal(notes.fired.length, kept.length);
        for (const { deadline, atMs } of notes.fired) {
          assert.ok(atMs >= deadline.dueMs && atMs <= deadline.dueMs + 5);
        }
        assert.equal(wheel.count, 0);
        assert.equal(clock.timerCount, 0);
      }),
      { seed: 8305, numRuns: 300 },
    );
  });

  it("moves a deadline that is set again", () => {
    const clock = new ManualClock();
    const wheel = new TimingWheel(clock);
    const notes = new Notes(clock);
    const deadline = new Deadline(notes);

    wheel.set(deadline, 100);
    wheel.set(deadline, 5_000);
    clock.advance(1_000);

    assert.equal(notes.fired.length, 0);
    clock.advance(5_000);
    assert.equal(notes.fired.length, 1);
  });

  it("can be set again from within its own call", () => {
    const clock = new ManualClock();
    const wheel = new TimingWheel(clock);
    let left = 3;
    const owner: DeadlineOwner = {
      deadlineReached(deadline) {
        if (--left > 0) wheel.set(deadline, 0);
      },
    };

    wheel.set(new Deadline(owner), 10);
    clock.advance(100);

    assert.equal(left, 0);
    assert.equal(wheel.count, 0);
  });

  it("keeps one timer for any number of deadlines, and none when there is none", () => {
    const clock = new ManualClock();
    const wheel = new TimingWheel(clock);
    const notes = new Notes(clock);
    const all = Array.from({ length: 10_000 }, () => new Deadline(notes));

    for (const [index, deadline] of all.entries()) wheel.set(deadline, 1_000 + index);
    assert.equal(clock.timerCount, 1);

    for (const deadline of all) wheel.clear(deadline);
    assert.equal(clock.timerCount, 0);
  });

  it("catches up after the process was asleep", () => {
    const clock = new ManualClock();
    const wheel = new TimingWheel(clock);
    const notes = new Notes(clock);
    for (let index = 0; index < 100; index++) wheel.set(new Deadline(notes), index * 977);

    clock.advance(10_000_000);

    assert.equal(notes.fired.length, 100);
  });
});
