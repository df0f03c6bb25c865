// Installs the bench package when that was not done yet, and runs it with the given arguments.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../bench/", import.meta.url));
if (!existsSync(`${folder}node_modules/hp-socket`)) {
  const installed = spawnSync("npm", ["ci"], { cwd: folder, stdio: "inherit" });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}
const bench = spawnSync(process.execPath, ["run.mjs", ...process.argv.slice(2)], {
  cwd: folder,
  stdio: "inherit",
});
process.exit(bench.status ?? 1);
