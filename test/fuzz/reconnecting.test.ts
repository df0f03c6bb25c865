/**
 * Random lives of all that comes back by itself, over each transport, on each engine: always the same seeds.
 * `RECONNECTING_SEED=n` runs one alone.
 */
import process from "node:process";
import { describe, it } from "node:test";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { Engine } from "#src/engine/engine.js";
import { availableEngines } from "../support/engine-list.js";
import { nothingLeft } from "../support/engine-rest.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { memoryWorld } from "../support/memory-world.js";
import { Random } from "../support/random.js";
import { ReconnectingLife, TRANSPORTS } from "../support/reconnecting-life.js";

const SEED = process.env["RECONNECTING_SEED"];
const STEPS = 60;
/** On the memory engine; real sockets take their time. */
const RUNS = fuzzRuns(60);
const REAL_RUNS = fuzzRuns(16);

// Handlers fail on purpose: their warnings are not for the report.
process.removeAllListeners("warning");

const ENGINES: readonly [string, () => Engine, number][] = [
  ["memory", () => memoryWorld().engine, RUNS],
  ...availableEngines().map((name): [string, () => Engine, number] => {
    return [name, () => chooseEngine(name), REAL_RUNS];
  }),
];

for (const [name, engineOf, runCount] of ENGINES) {
  describe(`what reconnects on ${name}`, () => {
    for (const transport of TRANSPORTS) {
      for (const kind of ["client", "agent"] as const) {
        it(`ends in good order: ${transport} ${kind}, ${runCount} lives`, async (test) => {
          const first = SEED === undefined ? 1 : Number(SEED);
          const last = SEED === undefined ? runCount : first;
          for (let seed = first; seed <= last; seed++) {
            const engine = engineOf();
            const random = new Random(seed);
            // Waits before another attempt are chance too.
            test.mock.method(Math, "random", () => random.next());
            try {
              await new ReconnectingLife(engine, random, transport).run(kind, STEPS);
              await nothingLeft(engine);
            } catch (error) {
              throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
            }
          }
        });
      }
    }
  });
}
