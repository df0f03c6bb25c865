import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TurnQueue } from "#src/engine/turn-queue.js";

describe("turn queue", () => {
  test("asks for one run however many tasks are added", () => {
    let askedCount = 0;
    const queue = new TurnQueue(() => {
      askedCount++;
    });

    queue.add(() => {});
    queue.add(() => {});

    assert.equal(askedCount, 1);
    assert.equal(queue.isEmpty, false);
  });

  test("runs the tasks once, and those they add in the next run", () => {
    const order: string[] = [];
    const queue = new TurnQueue(() => {});
    queue.add(() => {
      order.push("first");
      queue.add(() => order.push("added"));
    });
    queue.add(() => order.push("second"));

    queue.run();
    const afterOne = [...order];
    queue.run();
    queue.run();

    assert.deepEqual(afterOne, ["first", "second"]);
    assert.deepEqual(order, ["first", "second", "added"]);
    assert.equal(queue.isEmpty, true);
  });

  test("asks again for a task that was added while it ran", () => {
    const runs: (() => void)[] = [];
    const queue = new TurnQueue((run) => runs.push(run));
    queue.add(() => queue.add(() => {}));

    runs.shift()?.();

    assert.equal(runs.length, 1);
  });
});
