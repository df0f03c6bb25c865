import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Taker } from "#src/pool/taker.js";
import { type TakerGroup, TakerGroups } from "#src/pool/taker-groups.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";
import { Random } from "../../support/random.js";

const wait = { wheel: new TimingWheel(new ManualClock()), options: {}, waitTimeoutMs: 0 };

function taker(number: number, use: "exclusive" | "shared" = "exclusive"): Taker {
  return new Taker(number, use, wait, new Set(), () => {});
}

describe("takers in groups", () => {
  it("are together as long as they wait in the same way for the same", () => {
    const groups = new TakerGroups();
    const [one, other, shared] = [taker(1), taker(2), taker(3, "shared")];
    for (const each of [other, one, shared]) groups.put(each);
    assert.deepEqual(
      [...groups].map(({ first }) => first.number),
      [1, 3],
    );

    one.state = "connecting";
    one.attemptCount = 1;
    groups.put(one);
    assert.deepEqual(
      [...groups].map(({ first }) => first.number),
      [2, 3, 1],
    );

    for (const each of [one, other, shared, shared]) groups.take(each);
    assert.deepEqual([...groups], []);
  });

  it("have in front who came first, whoever comes and leaves", () => {
    const random = new Random(5);
    const groups = new TakerGroups();
    let inside: Taker[] = [];
    let outside = Array.from({ length: 500 }, (_, number) => taker(number));
    for (let step = 0; step < 10_000; step++) {
      const comes = inside.length === 0 || (outside.length > 0 && random.next() < 0.5);
      const one = random.pick(comes ? outside : inside);
      if (comes) {
        groups.put(one);
        outside = outside.filter((other) => other !== one);
        inside.push(one);
      } else {
        groups.take(one);
        inside = inside.filter((other) => other !== one);
        outside.push(one);
      }
      const least = Math.min(...inside.map(({ number }) => number));
      const [group] = [...groups] as (TakerGroup | undefined)[];
      assert.equal(group?.first.number ?? Number.POSITIVE_INFINITY, least);
    }
  });
});
