// Checks the import rules of .dependency-cruiser.mjs over src/, or over that of each folder that is given.
// Prints each import that breaks a rule, behind the name of its folder, and exits 1. Finding no module at
// all is an error too: then the parser has not read the sources.
import process from "node:process";
import { cruise } from "dependency-cruiser";
import { rules } from "../.dependency-cruiser.mjs";

/** Whether the sources of a folder keep the rules. */
async function check(baseDir, name) {
  const { output } = await cruise(["src"], {
    ...rules.options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: rules.forbidden },
  });
  const { violations, totalCruised } = output.summary;
  for (const { from, to, rule, cycle } of violations) {
    const way = cycle === undefined ? to : cycle.map((step) => step.name).join(" → ");
    console.log(`${name}: ${rule.name}: ${from} → ${way}`);
  }
  if (totalCruised === 0) console.log(`${name}: no module was found`);
  else console.log(`${name}: ${totalCruised} modules, ${violations.length} forbidden imports`);
  return violations.length === 0 && totalCruised > 0;
}

const folders = process.argv.slice(2);
const here = new URL("..", import.meta.url).pathname;
const results = [];
if (folders.length === 0) results.push(await check(here, "layers"));
else for (const folder of folders) results.push(await check(folder, folder));
process.exit(results.every(Boolean) ? 0 : 1);
