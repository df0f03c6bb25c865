// Runs the compiled tests: `node scripts/run-tests.mjs [--fast] [PART …]`. PART: of a path under test/.
//
// --fast: only files that start no process and no thread, themselves or by what they import, without those
// that are large on purpose, and tests of components on one engine.
//
// Files that start nothing but `openssl` and a thread of peers, and look at nothing that belongs to the whole process,
// share a process with others of their kind: a program of imports in build/test-groups. The others have one of their
// own. What they share beyond that lies in a folder of the run, HP_SOCKET_TEST_FOLDER.
//
// Node's own runner of many files takes what each test did apart and prints it: a tenth of the time of short
// tests. Here each process prints what failed (test-reporter.mjs), and counts. The last lines are as Node's.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import process from "node:process";

const root = new URL("../build/test/", import.meta.url).pathname;
const sources = new URL("../test/", import.meta.url).pathname;
const groupRoot = new URL("../build/test-groups/", import.meta.url).pathname;
const parts = process.argv.slice(2).filter((word) => word !== "--fast");
const isFast = process.argv.includes("--fast");

/** Many connections, many random cases, other people's programs. */
const VAST = /^(fuzz|interop|soak)\/|\/scale\./;
/** Those of them that have a process of their own. */
const APART = /^(interop|soak)\/|\/scale\./;
/** Many cases, floods, or memory that is measured: what takes seconds of a processor each. */
const LARGE = [
  "arq-memory",
  "carry",
  "connection-registry",
  "content-decoder",
  "http-client-abort",
  "http-client-web-fetch",
  "http-server-persistence",
  "kcp-simulation",
  "light-request",
  "light-response",
  "linear-time",
  "node-differential",
  "own-buffers",
  "pool-failures",
  "proxy-every-byte",
  "proxy-hostile",
  "proxy-server",
  "relay",
  "relay-drain",
  "stream",
  "tls-session",
  "websocket-cases",
  "websocket-deflate-turns",
  "websocket-hostile",
];
const isLarge = (file) => LARGE.some((name) => file.endsWith(`/${name}.test.js`));
const STARTERS = /from "node:(child_process|worker_threads)"/;
/** What belongs to the whole process: its memory, descriptors, engines, loaded modules, an environment that is changed. */
const WHOLE_PROCESS =
  /\bgc\b|queryObjects|process\.(memoryUsage|exitCode|chdir|getActiveResourcesInfo)\b|process\.env\[\w+\] = |delete process\.env|proc\/self|loaders|import\(|installLightClasses|nothingLeft/;
/** How long one process of tests may take: several times what the longest does on a slow machine. */
const FILE_SECONDS = 600;
/** How long all of them may take. */
const RUN_SECONDS = 2_400;
/** Files of one process; those of unit tests are small. */
const groupFiles = (kind) => (kind === "unit" ? 48 : 16);

/** Of what these do nothing disturbs another: they wait for `openssl`, keep peers in a thread, load the library `ws`. */
const HARMLESS = ["tls-certificates", "thread-peer", "ws-library"].map((name) =>
  join(root, `support/${name}.js`),
);

/** Whether a file of build/test, or one that it imports, `seen` aside, has what `pattern` looks for. */
function has(pattern, file, seen = new Set()) {
  if (seen.has(file)) return false;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  if (pattern.test(text)) return true;
  const imported = [...text.matchAll(/from "(\.[^"]+\.js)"/g)];
  return imported.some(([, path]) => has(pattern, join(dirname(file), path), seen));
}

const isQuick = (file) => !VAST.test(file) && !isLarge(file) && !has(STARTERS, join(root, file));

const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".test.js"))
  // What was compiled from a file that is gone stays in build/.
  .filter((file) => existsSync(join(sources, file.replace(/js$/, "ts"))))
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .filter((file) => !isFast || isQuick(file))
  .sort();
if (files.length === 0) {
  console.error("no test file matches");
  process.exit(1);
}

/** Programs to run: the groups, and the files that are in none. */
function programs() {
  const folder = join(groupRoot, String(process.pid));
  mkdirSync(folder, { recursive: true });
  const alone = [];
  const groups = new Map();
  for (const file of files) {
    const path = join(root, file);
    const needsOwn = [STARTERS, WHOLE_PROCESS].some((it) => has(it, path, new Set(HARMLESS)));
    if (APART.test(file) || needsOwn) alone.push(path);
    else {
      // Most folders of unit tests have a few small files: a process for each takes longer than they do.
      const kind = file.split("/", 1)[0];
      const members = groups.get(kind)?.at(-1);
      if (members === undefined) groups.set(kind, [[file]]);
      else if (members.length < groupFiles(kind)) members.push(file);
      else groups.get(kind).push([file]);
    }
  }
  const grouped = [];
  for (const [kind, all] of groups) {
    for (const [index, members] of all.entries()) {
      const program = join(folder, `${kind}-${index + 1}.test.mjs`);
      const imports = members.map((file) => {
        const path = relative(folder, join(root, file));
        return `import "${path}";\n`;
      });
      writeFileSync(program, imports.join(""));
      grouped.push(program);
    }
  }
  // Those of many files take longest: they begin first, so that no core is idle at the end.
  return { folder, all: [...grouped, ...alone] };
}

const { folder, all } = programs();
// One more than there are cores: some tests wait for a kernel's timer or another program.
const CONCURRENCY = availableParallelism() + 1;
// To read the maps takes a tenth of the time of all tests: lines of TypeScript are for those that are asked for.
const maps = parts.length > 0 ? ["--enable-source-maps"] : [];
const reporter = `--test-reporter=${new URL("test-reporter.mjs", import.meta.url).href}`;
const flags = ["--expose-gc", ...maps, reporter, "--test-reporter-destination=stdout"];
const env = {
  HP_SOCKET_TEST_SECONDS: String(FILE_SECONDS),
  ...process.env,
  HP_SOCKET_TEST_FOLDER: folder,
  ...(isFast && { HP_SOCKET_TEST_FAST: "1" }),
};
/** What Node's runner counts, in the order in which it prints it. */
const counts = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };
const COUNT_LINE = /^# (\w+) ([\d.]+)\n/gm;
const running = new Set();
const startMs = performance.now();

/** What each process counts at its end. */
const COUNTED = /^# tests \d/m;

/** Adds up what a process counted; returns what else it printed. */
function takeCounts(text) {
  return text.replaceAll(COUNT_LINE, (line, name, count) => {
    if (name in counts) counts[name] += Number(count);
    return name in counts || name === "duration_ms" ? "" : line;
  });
}

/** Runs a program to its end, and prints what it has to say. */
function run(program) {
  return new Promise((resolve) => {
    const beganMs = performance.now();
    const child = spawn(process.execPath, [...flags, program], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    running.add(child);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (piece) => {
        text += piece;
      });
    }
    // A test that never gives the loop back is not heard of by its own process.
    const limit = setTimeout(() => child.kill("SIGKILL"), (FILE_SECONDS + 30) * 1_000);
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      running.delete(child);
      const failedBefore = counts.fail + counts.cancelled;
      const said = takeCounts(text);
      const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
      const name = relative(program.startsWith(root) ? root : folder, program);
      const hasCounted = COUNTED.test(text);
      const isGood = code === 0 && hasCounted && counts.fail + counts.cancelled === failedBefore;
      console.log(`${isGood ? "ok" : "not ok"} - ${name}, ${seconds} s`);
      if (said !== "") process.stdout.write(said);
      if (!isGood && counts.fail + counts.cancelled === failedBefore) {
        counts.fail++;
        console.log(
          `not ok - ${name} ended with ${signal ?? code}${hasCounted ? "" : " before its tests"}`,
        );
      }
      resolve();
    });
  });
}

/** Ends all that runs: nothing of a run is left behind. */
function stop(reason) {
  console.error(reason);
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop(`stopped by ${signal}`));
setTimeout(
  () => stop(`the tests did not end within ${RUN_SECONDS} s`),
  RUN_SECONDS * 1_000,
).unref();

async function runOneByOne(programs) {
  for (let next = programs.shift(); next !== undefined; next = programs.shift()) await run(next);
}
await Promise.all(Array.from({ length: CONCURRENCY }, () => runOneByOne(all)));
rmSync(folder, { recursive: true, force: true });
for (const [name, count] of Object.entries(counts)) console.log(`# ${name} ${count}`);
console.log(`# duration_ms ${performance.now() - startMs}`);
process.exitCode = counts.fail + counts.cancelled === 0 ? 0 : 1;
