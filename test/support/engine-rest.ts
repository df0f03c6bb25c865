import assert from "node:assert/strict";
import type { Engine } from "#src/engine/engine.js";
import { UringEngine } from "#src/engine/uring/uring-engine.js";
import { until } from "./until.js";

/** Fails unless all that the engine had for connections is given back. */
export async function nothingLeft(engine: Engine): Promise<void> {
  if (!(engine instanceof UringEngine)) return;
  const { arena, slots } = engine.loop;
  await until(() => slots.heldCount <= 2).catch(() => {});
  assert.ok(slots.heldCount <= 2, `${slots.heldCount} operations are left`);
  assert.equal(arena.liveCount, 0, "regions of send memory are held");
}
