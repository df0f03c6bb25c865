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
