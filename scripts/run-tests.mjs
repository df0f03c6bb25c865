// Runs the compiled tests with Node's own runner: `node scripts/run-tests.mjs [FOLDER or FILE …]`.
// Node 20 takes no globs, so the files are listed here. Arguments are parts of paths under test/.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const root = new URL("../build/test/", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => join(root, file));
if (files.length === 0) {
  console.error("no test file matches");
  process.exit(1);
}
const runner = spawn(
  process.execPath,
  ["--expose-gc", "--enable-source-maps", "--test", "--test-concurrency=2", ...files],
  { stdio: "inherit" },
);
runner.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
