import process from "node:process";
import { type EngineName, engineReport } from "hp-socket";

/** Set by `npm run test:fast`. */
const isFast = process.env["HP_SOCKET_TEST_FAST"] === "1";

/** The engines on which the tests of components run: all that this machine has; of fast tests the first. */
export function availableEngines(): EngineName[] {
  const names: EngineName[] = [];
  for (const { name, available } of engineReport()) {
    const reason = isFast && names.length > 0 ? "fast tests run on one engine" : available;
    if (reason === true) names.push(name);
    else console.log(`# engine ${name} is not tested: ${reason}`);
  }
  return names;
}

/**
 * The engine for tests of what lies above the engines and works alike on all of them, where each case is dear:
 * the first that this machine has. A case or two of the kind run on the others as well.
 */
export function firstEngine(): EngineName {
  const [first] = engineReport().filter(({ available }) => available === true);
  if (first === undefined) throw new Error("no engine is available");
  return first.name;
}
