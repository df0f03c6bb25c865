/**
 * What the tests of this folder share: engines of their own, skipped where there is no io_uring.
 */
import { test } from "node:test";
import type { ForeignFunctions } from "#src/engine/uring/ring/foreign-functions.js";
import {
  makeUringEngine,
  type UringEngine,
  type UringOptions,
  uringAvailability,
} from "#src/engine/uring/uring-engine.js";
import { EngineWorld } from "../../support/engine-world.js";

const available = uringAvailability();

/** Why tests that need a ring are skipped; false: they run. */
export const skip: string | false = available === true ? false : available;

/** A test that needs a ring. */
export function uringTest(title: string, body: () => Promise<void> | void): void {
  test(title, { skip, timeout: 60_000 }, body);
}

/** In debug mode all memory is written to at once: tests need a part of what is usual. */
const LITTLE: UringOptions = { sendArenaBytes: 2_097_152, receiveBufferCount: 32 };

/** An engine with these options, in a world that closes all its sockets, and then the engine. */
export async function withEngine(
  options: UringOptions,
  body: (world: EngineWorld, engine: UringEngine) => Promise<void>,
  calls?: ForeignFunctions,
): Promise<void> {
  const engine = makeUringEngine(options.debug ? { ...LITTLE, ...options } : options, calls);
  const world = new EngineWorld(engine);
  try {
    await body(world, engine);
  } finally {
    await world.end();
  }
  engine[Symbol.dispose]();
}
