// Makes what is published of the built modules, installs the bench package when that was not done yet, and
// runs it with the given arguments. What users run is measured: the modules of dist/ take 1.2 MB more of V8's
// heap, which costs a collection of the whole heap for each 11 to 32 MB of large pieces (decision 0041).
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, symlinkSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = `${root}bench/`;
const installed = `${folder}node_modules/hp-socket`;

function run(cwd, command, ...words) {
  const { status } = spawnSync(command, words, { cwd, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

run(root, process.execPath, "scripts/bundle.mjs", "bench/results/package");
if (!existsSync(installed)) run(folder, "npm", "ci");
// npm links the folder that package.json names, which has the modules.
rmSync(installed, { recursive: true, force: true });
symlinkSync("../results/package", installed, "dir");
run(folder, process.execPath, "run.mjs", ...process.argv.slice(2));
