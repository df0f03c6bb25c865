import { MemoryEngine, type MemoryEngineOptions } from "#src/engine/memory/memory-engine.js";
import { ManualClock } from "#src/time/clock.js";
import { EngineWorld } from "./engine-world.js";

/** A memory engine whose time stands still, and a world of probes on it. */
export interface MemoryWorld {
  readonly clock: ManualClock;
  readonly engine: MemoryEngine;
  readonly world: EngineWorld;
}

/** See {@link MemoryWorld}. */
export function memoryWorld(options: MemoryEngineOptions = {}): MemoryWorld {
  const clock = new ManualClock();
  const engine = new MemoryEngine({ clock, ...options });
  return { clock, engine, world: new EngineWorld(engine) };
}
