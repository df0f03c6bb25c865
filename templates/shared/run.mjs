// Runs one of the programs: `node run.mjs server|client|test [words …]`. Where Node strips types (22.18 and later) they run as
// they are; an older one gets what the compiler makes of them in dist/.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const [name = "", ...words] = process.argv.slice(2);
const stripsTypes = Boolean(process.features.typescript);

function run(...all) {
  const { status } = spawnSync(process.execPath, all, { cwd: folder, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!stripsTypes) run(`${folder}node_modules/typescript/bin/tsc`, "-p", folder);
const program = stripsTypes ? `${folder}${name}.ts` : `${folder}dist/${name}.js`;
run(...(name === "test" ? ["--test", program] : [program, ...words]));
