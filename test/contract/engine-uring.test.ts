import type { Engine } from "#src/engine/engine.js";
import {
  makeUringEngine,
  type UringOptions,
  uringAvailability,
  uringEngine,
} from "#src/engine/uring/uring-engine.js";
import { engineContract } from "./engine-contract.js";

const available = uringAvailability();
const unavailable = available === true ? {} : { unavailable: available };

/** One engine for all cases. */
function once(options: UringOptions): () => Engine {
  let engine: Engine | undefined;
  return () => {
    engine ??= makeUringEngine(options);
    return engine;
  };
}

engineContract({ name: "uring", create: uringEngine, ...unavailable });

engineContract({
  name: "uring with sockets of the process (Linux 6.1 to 6.9)",
  create: once({ ownership: "process" }),
  ...unavailable,
});

engineContract({
  name: "uring with the smallest queues, one step a turn, and ownership checked",
  create: once({
    submissionEntries: 1,
    completionEntries: 2,
    receiveBufferCount: 2,
    receiveBufferBytes: 65_536,
    sendArenaBytes: 65_536,
    turnCompletions: 1,
    debug: true,
  }),
  ...unavailable,
});
