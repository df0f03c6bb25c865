import { MemoryEngine } from "#src/engine/memory/memory-engine.js";
import { engineContract } from "./engine-contract.js";

const skips = {
  "takes over the path of a listener that died": "a path in memory leaves nothing behind",
};

engineContract({ name: "memory", create: () => new MemoryEngine(), skips });

engineContract({
  name: "memory, with delay and small segments",
  create: () => new MemoryEngine({ delayMs: 1, split: 1_000, lendsBytes: false }),
  skips,
});
