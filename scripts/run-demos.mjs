// Runs the compiled demos of build/demos one after the other: `node scripts/run-demos.mjs [NAME …]`.
// Arguments are parts of names. A demo fails by its exit code, or by taking longer than the limit;
// then its output is shown.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";

const TIME_LIMIT_MS = 20_000;

const root = new URL("../build/demos/", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const demos = readdirSync(root)
  .filter((file) => file.endsWith(".js"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();

/** Runs one demo; answers why it failed, or undefined. */
function run(file) {
  const startedAt = performance.now();
  const { error, status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, file)],
    {
      encoding: "utf8",
      timeout: TIME_LIMIT_MS,
    },
  );
  const tookMs = Math.round(performance.now() - startedAt);
  const isOk = status === 0;
  console.log(`${isOk ? "ok    " : "failed"}  ${basename(file, ".js").padEnd(24)}${tookMs} ms`);
  if (isOk) return true;
  const end = error?.message ?? (signal === null ? `exit code ${status}` : `killed by ${signal}`);
  console.log(`${stdout}${stderr}${end}`.replace(/^/gm, "    "));
  return false;
}

const results = demos.map(run);
const passedCount = results.filter(Boolean).length;
if (demos.length === 0) console.error("no demo matches");
console.log(`${passedCount} passed, ${demos.length - passedCount} failed`);
process.exit(demos.length > 0 && passedCount === demos.length ? 0 : 1);
