// Runs the compiled tests with Node's own runner: `node scripts/run-tests.mjs [--fast] [PART …]`. Node 20
// takes no globs, so the files are listed here. PART: of a path under test/.
//
// --fast: only files that start no process and no thread, themselves or by what they import, and
// without those that are large on purpose.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";

const root = new URL("../build/test/", import.meta.url).pathname;
const parts = process.argv.slice(2).filter((word) => word !== "--fast");
const isFast = process.argv.includes("--fast");

/** Many connections, many random cases, other people's programs. */
const LARGE = /^(fuzz|interop|soak)\/|\/scale\./;
const STARTERS = /from "node:(child_process|worker_threads)"/;

/** Whether a file of build/test, or one that it imports, starts processes or threads. */
function startsOthers(file, seen = new Set()) {
  if (seen.has(file)) return false;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  if (STARTERS.test(text)) return true;
  const imported = [...text.matchAll(/from "(\.[^"]+\.js)"/g)];
  return imported.some(([, path]) => startsOthers(join(dirname(file), path), seen));
}

const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .filter((file) => !isFast || !(LARGE.test(file) || startsOthers(join(root, file))))
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
