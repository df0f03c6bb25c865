/**
 * The life of connections under random operations, on every engine, plain and secured: always the same
 * seeds. A failure names its seed: `LIFE_CYCLE_SEED=n` runs that one alone, `LIFE_CYCLE_SECONDS=n` looks for
 * others for so long.
 */
import process from "node:process";
import { describe, it } from "node:test";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { Engine } from "#src/engine/engine.js";
import { MemoryEngine } from "#src/engine/memory/memory-engine.js";
import { selfSignedCertificate } from "#src/testing/self-signed-certificate.js";
import { availableEngines } from "../support/engine-list.js";
import { nothingLeft } from "../support/engine-rest.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { LifeCycleRun, type RunTls } from "../support/life-cycle.js";
import { Random } from "../support/random.js";

const SECONDS = Number(process.env["LIFE_CYCLE_SECONDS"] ?? 0);
/** Seeds that are always run: 1, 2, … */
const RUNS = fuzzRuns(80);
const SEED = process.env["LIFE_CYCLE_SEED"];

// Handlers that fail on purpose warn of it.
process.removeAllListeners("warning");

const { cert, key } = selfSignedCertificate();
const TLS: RunTls = { server: { cert, key }, client: { ca: cert } };

async function life(engineOf: () => Engine, tls: RunTls | undefined): Promise<void> {
  const endMs = performance.now() + SECONDS * 1_000;
  const first = SECONDS > 0 ? (Date.now() & 0xffff) * 1_000 : 1;
  let seed = SEED === undefined ? first : Number(SEED);
  let runCount = 0;
  for (;;) {
    const engine = engineOf();
    const isReal = engine.name !== "memory";
    try {
      await new LifeCycleRun({ engine, random: new Random(seed), tls, isReal }).run();
      await nothingLeft(engine);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    seed++;
    runCount++;
    if (SEED !== undefined || (SECONDS > 0 ? performance.now() > endMs : runCount === RUNS)) break;
  }
  console.log(`# ${runCount} runs`);
}

describe("life cycle", { timeout: (SECONDS + 60) * 5_000 }, () => {
  it("ends everything once, in order, on memory", () => life(() => new MemoryEngine(), undefined));
  for (const name of availableEngines()) {
    const engineOf = (): Engine => chooseEngine(name);
    it(`ends everything once, in order, on ${name}`, () => life(engineOf, undefined));
    if (chooseEngine(name).capabilities.tls !== true) continue;
    it(`ends everything once, in order, secured on ${name}`, () => life(engineOf, TLS));
  }
});
