import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { type AbortListener, offAbort, onAbort } from "#src/connection/waiting/abort-listeners.js";
import { caughtDefects } from "../../../support/defects.js";

class Notes implements AbortListener {
  count = 0;
  told: () => void = () => {};

  signalAborted(): void {
    this.count++;
    this.told();
  }
}

describe("onAbort", () => {
  it("has one listener on a signal however many wait, and none when nobody does", () => {
    const { signal } = new AbortController();
    const all = Array.from({ length: 20 }, () => new Notes());

    for (const notes of all) onAbort(signal, notes);
    const with20 = getEventListeners(signal, "abort").length;
    for (const notes of all) offAbort(signal, notes);

    assert.deepEqual([with20, getEventListeners(signal, "abort").length], [1, 0]);
  });

  it("tells each once, in the order in which they came", () => {
    const controller = new AbortController();
    const order: number[] = [];
    const all = Array.from({ length: 3 }, () => new Notes());
    for (const [index, notes] of all.entries()) {
      notes.told = () => order.push(index);
      onAbort(controller.signal, notes);
    }

    controller.abort();
    controller.abort();

    assert.deepEqual(order, [0, 1, 2]);
  });

  it("tells the others when one throws, and does not hide what it threw", async (test) => {
    const defects = caughtDefects(test);
    const controller = new AbortController();
    const all = Array.from({ length: 3 }, () => new Notes());
    const defect = new Error("told");
    all[0]!.told = () => {
      throw defect;
    };
    for (const notes of all) onAbort(controller.signal, notes);

    controller.abort();
    await Promise.resolve();

    assert.deepEqual(
      all.map(({ count }) => count),
      [1, 1, 1],
    );
    assert.deepEqual(defects, [defect]);
  });

  it("does not tell those that went while others were told", () => {
    const controller = new AbortController();
    const first = new Notes();
    const second = new Notes();
    first.told = () => offAbort(controller.signal, second);
    onAbort(controller.signal, first);
    onAbort(controller.signal, second);

    controller.abort();

    assert.deepEqual([first.count, second.count], [1, 0]);
  });
});
