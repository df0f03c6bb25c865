// Writes the names, units, defaults and ranges of docs/limits.md from the tables of options in src/.
// What happens at a limit is written by hand. A test compares the two.
import { readFileSync, writeFileSync } from "node:fs";
import { withLimits } from "../build/test/support/limit-tables.js";

const file = new URL("../docs/limits.md", import.meta.url);
writeFileSync(file, withLimits(readFileSync(file, "utf8")));
