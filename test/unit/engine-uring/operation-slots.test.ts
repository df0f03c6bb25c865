import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CANCEL_KIND,
  type OperationOwner,
  OperationSlots,
  RECEIVE_KIND,
  SEND_KIND,
  SYNCHRONOUS_KIND,
} from "#src/engine/uring/ring/operation-slots.js";

class Recorder implements OperationOwner {
  readonly calls: (readonly [kind: number, result: number, flags: number])[] = [];

  completed(kind: number, result: number, flags: number): void {
    this.calls.push([kind, result, flags]);
  }
}

describe("operation slots", () => {
  it("hand a completion to the owner of its slot", () => {
    const slots = new OperationSlots();
    const [one, two] = [new Recorder(), new Recorder()];
    const first = slots.take(one);
    const second = slots.take(two);

    slots.complete(RECEIVE_KIND | second, slots.generation(second), 7, 3);
    slots.complete(SEND_KIND | first, slots.generation(first), -104, 0);

    assert.deepEqual(one.calls, [[SEND_KIND, -104, 0]]);
    assert.deepEqual(two.calls, [[RECEIVE_KIND, 7, 3]]);
  });

  it("drop a completion of an older generation, though the slot is in use again", () => {
    const slots = new OperationSlots();
    const [old, young] = [new Recorder(), new Recorder()];
    const slot = slots.take(old);
    const oldGeneration = slots.generation(slot);
    slots.release(slot);
    const again = slots.take(young);

    slots.complete(RECEIVE_KIND | slot, oldGeneration, 64, 0);

    assert.equal(again, slot, "the slot is re-used at once");
    assert.deepEqual([old.calls, young.calls], [[], []]);
    assert.equal(slots.droppedCount, 1);
  });

  it("drop a completion of a slot that nobody holds", () => {
    const slots = new OperationSlots();
    const slot = slots.take(new Recorder());
    slots.release(slot);

    slots.complete(RECEIVE_KIND | slot, slots.generation(slot), 1, 0);
    slots.complete(RECEIVE_KIND | 4_711, 0, 1, 0);

    assert.equal(slots.droppedCount, 2);
  });

  it("tell nobody of kinds that belong to no slot", () => {
    const slots = new OperationSlots();
    const owner = new Recorder();
    slots.take(owner);

    slots.complete(SYNCHRONOUS_KIND, 0, 0, 0);

    assert.deepEqual(owner.calls, []);
    assert.equal(slots.droppedCount, 0);
  });

  it("tell an owner of a cancel that failed, and count none whose owner has gone", () => {
    const slots = new OperationSlots();
    const owner = new Recorder();
    const slot = slots.take(owner);
    const generation = slots.generation(slot);
    const kind = CANCEL_KIND + SEND_KIND;

    slots.complete(kind | slot, generation, -2, 0);
    slots.release(slot);
    slots.complete(kind | slot, generation, -2, 0);

    assert.deepEqual(owner.calls, [[kind, -2, 0]]);
    assert.equal(slots.droppedCount, 0);
  });

  it("keep generations when the table grows, and count what is held", () => {
    const slots = new OperationSlots();
    const first = slots.take(new Recorder());
    slots.release(first);
    const generation = slots.generation(first);

    const taken = Array.from({ length: 1_000 }, () => slots.take(new Recorder()));

    assert.equal(new Set(taken).size, 1_000);
    assert.equal(slots.generation(first), generation);
    assert.equal(slots.heldCount, 1_000);
  });

  it("count generations beyond 31 bits without mixing them up", () => {
    const slots = new OperationSlots();
    const owner = new Recorder();
    const slot = slots.take(owner);
    for (let round = 0; round < 3; round++) {
      slots.release(slot);
      slots.take(owner);
    }

    slots.complete(SEND_KIND | slot, slots.generation(slot) | 0, 5, 0);

    assert.deepEqual(owner.calls, [[SEND_KIND, 5, 0]]);
  });
});
