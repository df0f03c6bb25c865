import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as round } from "node:timers/promises";
import { NodeTurn } from "#src/engine/node/node-turn.js";

/** More than there may be before the loop turns. */
const MANY = 1_000;
/** Enough for a single stream to be taken for such. */
const ROUNDS = 20;

/** How many turns end before the loop turns, when each has another turn follow it. */
async function turnsInARound(turn: NodeTurn): Promise<number> {
  let turnCount = 0;
  let hasTurned = false;
  const task = (): void => {
    turnCount++;
    if (!hasTurned && turnCount < MANY) turn.add(task);
  };
  turn.add(task);
  await round();
  hasTurned = true;
  return turnCount;
}

describe("the turns of the node engine", () => {
  it("end with the event that brought much, and those that follow with the round", async () => {
    const turn = new NodeTurn();
    turn.received(65_536);

    const order: string[] = [];
    turn.add(() => order.push("turn"));
    process.nextTick(() => process.nextTick(() => process.nextTick(() => order.push("ticks"))));
    await round();
    turn.received(65_536);
    const turnCount = await turnsInARound(turn);

    assert.deepEqual(order, ["turn", "ticks"]);
    assert.ok(turnCount <= 2, `${turnCount} turns in a round`);
  });

  it("end with the round where no bytes have led to them, also with a single stream", async () => {
    const turn = new NodeTurn();
    for (let count = 0; count < ROUNDS; count++) {
      turn.received(10);
      turn.add(() => undefined);
      await round();
    }

    const turnCount = await turnsInARound(turn);

    assert.ok(turnCount <= 2, `${turnCount} turns in a round`);
  });
});
