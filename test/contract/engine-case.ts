import type { TestContext } from "node:test";
import type { Capability } from "#src/engine/engine.js";
import type { EngineWorld } from "../support/engine-world.js";

/** One case of the engine contract. */
export interface ContractCase {
  /** A sentence of behaviour; an engine that can't do it names it in its skips. */
  readonly title: string;
  /** The capability without which the case is skipped. */
  readonly needs?: Capability;
  run(world: EngineWorld, context: TestContext): Promise<void>;
}
