import { MemoryEngine } from "#src/engine/memory/memory-engine.js";
import { engineContract } from "./engine-contract.js";
import { FILE_TITLES } from "./engine-path-cases.js";

const NO_FILES = "a path in memory is no file";

const skips = {
  [FILE_TITLES.missing]: NO_FILES,
  [FILE_TITLES.successor]: NO_FILES,
  [FILE_TITLES.folder]: NO_FILES,
  "takes over the path of a listener that died": "a path in memory leaves nothing behind",
};

engineContract({ name: "memory", create: () => new MemoryEngine(), skips });

engineContract({
  name: "memory, with delay and small segments",
  create: () => new MemoryEngine({ delayMs: 1, split: 1_000, lendsBytes: false }),
  skips,
});
