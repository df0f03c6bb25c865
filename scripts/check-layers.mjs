// Checks the import rules of .dependency-cruiser.mjs over src/ (or over the folder that is given).
// Prints each import that breaks a rule and exits 1. Finding no module at all is an error too: then
// the parser has not read the sources.
import process from "node:process";
import { cruise } from "dependency-cruiser";
import { rules } from "../.dependency-cruiser.mjs";

const baseDir = process.argv[2] ?? new URL("..", import.meta.url).pathname;
const { output } = await cruise(["src"], {
  ...rules.options,
  baseDir,
  validate: true,
  ruleSet: { forbidden: rules.forbidden },
});
const { violations, totalCruised } = output.summary;
for (const { from, to, rule, cycle } of violations) {
  const way = cycle === undefined ? to : cycle.map((step) => step.name).join(" → ");
  console.error(`${rule.name}: ${from} → ${way}`);
}
if (totalCruised === 0) console.error("no module was found");
else console.log(`layers: ${totalCruised} modules, ${violations.length} forbidden imports`);
process.exit(violations.length > 0 || totalCruised === 0 ? 1 : 0);
