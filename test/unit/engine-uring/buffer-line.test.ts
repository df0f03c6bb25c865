import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BufferLine, type BufferWaiter } from "#src/engine/uring/memory/buffer-line.js";

function waiters(served: number[], count: number): BufferWaiter[] {
  return Array.from({ length: count }, (_, at) => ({ bufferReturned: () => void served.push(at) }));
}

describe("the line for receive buffers", () => {
  it("serves as many as it is told, in their order, each once", () => {
    const served: number[] = [];
    const line = new BufferLine();
    for (const waiter of waiters(served, 5)) {
      line.join(waiter);
      line.join(waiter);
    }

    line.serve(0);
    line.serve(2);
    assert.deepEqual([served, line.size], [[0, 1], 3]);
    line.serve(10);
    assert.deepEqual([served, line.size], [[0, 1, 2, 3, 4], 0]);
  });

  it("lets one that joins anew wait for its next turn behind the others", () => {
    const served: string[] = [];
    const line = new BufferLine();
    const again: BufferWaiter = {
      bufferReturned() {
        served.push("again");
        line.join(again);
      },
    };
    line.join(again);
    line.join({ bufferReturned: () => void served.push("other") });

    line.serve(2);

    assert.deepEqual([served, line.size], [["again", "other"], 1]);
  });
});
