import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Clock, ManualClock } from "#src/time/clock.js";
import { Deadline, type DeadlineOwner, TimingWheel } from "#src/time/timing-wheel.js";
import { caughtDefects } from "../../support/defects.js";

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
          assert.ok(atMs >= deadline.wheelMs && atMs <= deadline.wheelMs + 5);
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

  it("fires the others, and those to come, when an owner throws", async (test) => {
    const defects = caughtDefects(test);
    const clock = new ManualClock();
    const wheel = new TimingWheel(clock);
    const notes = new Notes(clock);
    const defect = new Error("told");
    const bad: DeadlineOwner = {
      deadlineReached() {
        throw defect;
      },
    };

    wheel.set(new Deadline(bad), 10);
    for (const delayMs of [10, 11, 500]) wheel.set(new Deadline(notes), delayMs);
    clock.advance(20);
    const atOnce = notes.fired.length;
    clock.advance(500);
    await Promise.resolve();

    assert.deepEqual([atOnce, notes.fired.length, wheel.count], [2, 3, 0]);
    assert.deepEqual(defects, [defect]);
  });
});

/** A clock that can be late: it stands still while timers wait, and polls when it is told to. */
class LateClock implements Clock {
  readonly originMs = 0;
  nowMs = 0;
  readonly timers: { readonly dueMs: number; readonly callback: () => void }[] = [];
  readonly polls: (() => void)[] = [];

  now(): number {
    return this.nowMs;
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { dueMs: this.nowMs + delayMs, callback };
    this.timers.push(timer);
    return {
      cancel: () => {
        const at = this.timers.indexOf(timer);
        if (at >= 0) this.timers.splice(at, 1);
      },
    };
  }

  afterPoll(callback: () => void): void {
    this.polls.push(callback);
  }

  /** The loop goes on after it was held up for so long: timers come before the poll. */
  heldUp(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.timers.splice(0)) timer.callback();
  }

  poll(): void {
    for (const callback of this.polls.splice(0)) callback();
  }
}

describe("TimingWheel: the poll before deadlines", () => {
  function late() {
    const clock = new LateClock();
    const wheel = new TimingWheel(clock);
    const fired: Deadline[] = [];
    const owner: DeadlineOwner = { deadlineReached: (deadline) => fired.push(deadline) };
    return { clock, wheel, fired, deadline: new Deadline(owner), owner };
  }

  it("fires a poll later, what was moved meanwhile not at all", () => {
    const { clock, wheel, fired, deadline, owner } = late();
    const other = new Deadline(owner);
    wheel.set(deadline, 100);
    wheel.set(other, 100);

    clock.heldUp(1_000);
    const beforePoll = fired.length;
    wheel.set(other, 100);
    clock.poll();

    assert.equal(beforePoll, 0);
    assert.deepEqual(fired, [deadline]);
    assert.equal(clock.timers.length, 1);
  });

  it("fires a poll later, although it is not late: what came in time may not have been read", () => {
    const { clock, wheel, fired, deadline } = late();
    wheel.set(deadline, 100);

    clock.heldUp(101);
    const beforePoll = fired.length;
    clock.poll();

    assert.deepEqual([beforePoll, fired], [0, [deadline]]);
  });

  it("fires once, when everything was cleared and set again before the poll", () => {
    const { clock, wheel, fired, deadline } = late();
    wheel.set(deadline, 100);

    clock.heldUp(1_000);
    wheel.clear(deadline);
    wheel.set(deadline, 50);
    clock.poll();
    const afterPoll = fired.length;
    clock.heldUp(56);
    clock.poll();

    assert.deepEqual([afterPoll, fired.length], [0, 1]);
    assert.equal(wheel.count, 0);
  });

  it("fires what was due, and what was set after it was late, each after a poll", () => {
    const { clock, wheel, fired, deadline, owner } = late();
    wheel.set(deadline, 100);
    clock.heldUp(1_000);

    const soon = new Deadline(owner);
    wheel.set(soon, 4);
    clock.poll();
    clock.heldUp(8);
    clock.poll();

    assert.deepEqual(fired, [deadline, soon]);
  });
});
