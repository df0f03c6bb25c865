import { type EngineName, engineReport } from "hp-socket";

/** The engines on which the tests of components run: all that this machine has. */
export function availableEngines(): EngineName[] {
  const names: EngineName[] = [];
  for (const { name, available } of engineReport()) {
    if (available === true) names.push(name);
    else console.log(`# engine ${name} is not tested: ${available}`);
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
