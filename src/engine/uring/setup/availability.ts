/** Whether the engine can run here, found out by doing. Nothing is thrown and nothing printed. */
import { type ForeignFunctions, loadForeignFunctions } from "../ring/foreign-functions.js";
import { Trial } from "./trial.js";

/** One thing that was tried. */
export interface UringProbe {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, or why it failed. */
  readonly detail: string;
}

const STEPS: readonly (readonly [name: string, run: (trial: Trial) => string])[] = [
  ["platform", (trial) => trial.platform()],
  ["foreign calls", (trial) => trial.foreignCalls()],
  ["ring", (trial) => trial.ring()],
  ["operations", (trial) => trial.operations()],
  ["receive buffers", (trial) => trial.receiveBuffers()],
  ["round trip", (trial) => trial.roundTrip()],
  ["wake-up", (trial) => trial.wakeUp()],
  ["ownership", (trial) => trial.ownership()],
];

/** Tries everything in order; what comes behind a failure is not tried. `load` binds the calls. */
export function runProbes(load: () => ForeignFunctions): readonly UringProbe[] {
  const trial = new Trial(load);
  const probes: UringProbe[] = [];
  let failed: string | undefined;
  for (const [name, run] of STEPS) {
    if (failed !== undefined) {
      probes.push({ name, ok: false, detail: `not tried, because "${failed}" failed` });
      continue;
    }
    try {
      probes.push({ name, ok: true, detail: run(trial) });
    } catch (error) {
      failed = name;
      probes.push({
        name,
        ok: false,
        detail: error instanceof Error ? error.message : String(error),
      });
    }
  }
  trial.close();
  return probes;
}

let found: readonly UringProbe[] | undefined;

/** What was tried in this thread, and how it went: a line for each. Tried once. */
export function uringProbes(): readonly UringProbe[] {
  found ??= runProbes(loadForeignFunctions);
  return found;
}

/** `true`, or the reason why the engine can't run in this thread. */
export function uringAvailability(): true | string {
  return uringProbes().find(({ ok }) => !ok)?.detail ?? true;
}
