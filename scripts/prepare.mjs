// Builds the package. npm runs this after `npm install` in a clone, for an install from git, and before
// packing; `postpack` runs it again. Only what is packed is bundled: tests want the modules.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { npm_command: command, npm_lifecycle_event: event } = process.env;
const isPacking = (command === "pack" || command === "publish") && event !== "postpack";

function run(...words) {
  const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(`${root}dist`, { recursive: true, force: true });
run("node_modules/typescript/bin/tsc", "-p", "tsconfig.json");
// The modules once more, without comments: V8 keeps the text of all that is loaded.
run("node_modules/typescript/bin/tsc", "-p", "tsconfig.modules.json");
if (isPacking) run("scripts/bundle.mjs");
