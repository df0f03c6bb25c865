// What a process of tests prints, for scripts/run-tests.mjs: what failed, with its error, what was skipped, and
// the counts at its end. It is loaded into the process, and bounds it: a test that fails often leaves a server
// open, and the process would then never end. This one ends with 1, and says what is open.
import { relative } from "node:path";
import process from "node:process";
import { inspect } from "node:util";

const seconds = Number(process.env.HP_SOCKET_TEST_SECONDS);
/** What was open after each test or suite of the outermost level. */
const seen = [];
/** Titles of the suites, and of the test, that are under way. */
const titles = [];

/** How many there are of each kind of resource that keeps the process; its standard streams aside. */
function openCounts() {
  const counts = new Map();
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind !== "PipeWrap") counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** About when a resource was opened that still is: since then there were never fewer of its kind. */
function openSince(kind, count) {
  const index = seen.findLastIndex(({ counts }) => (counts.get(kind) ?? 0) < count) + 1;
  return index < seen.length
    ? `${count} ${kind} since about ${seen[index].name}`
    : `${count} ${kind}`;
}

if (seconds > 0) {
  setTimeout(() => {
    const open = [...openCounts()].map(([kind, count]) => openSince(kind, count));
    const last = titles.length > 0 ? `; the last test: ${titles.join(" > ")}` : "";
    console.error(`did not end within ${seconds} s; open: ${open.join(", ")}${last}`);
    process.exit(1);
  }, seconds * 1_000).unref();
}

/** The error that a test threw: the runner's own is around it. */
function shown({ error }) {
  const text = inspect(error?.cause instanceof Error ? error.cause : (error ?? "no error"));
  return text.replaceAll(/^/gm, "  ");
}

// biome-ignore lint/style/noDefaultExport: where Node looks for a reporter
export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === "test:start") {
      titles.length = data.nesting;
      titles.push(data.name);
    }
    if (type === "test:diagnostic" && data.nesting === 0) yield `# ${data.message}\n`;
    if (type !== "test:pass" && type !== "test:fail") continue;
    titles.length = data.nesting + 1;
    const place = data.file === undefined ? "" : ` (${relative(process.cwd(), data.file)})`;
    const name = `${titles.join(" > ")}${place}`;
    if (data.nesting === 0) seen.push({ name, counts: openCounts() });
    // A suite whose tests failed has no error of its own.
    if (data.details?.error?.failureType === "subtestsFailed") continue;
    if (type === "test:fail") yield `not ok - ${name}\n${shown(data.details)}\n`;
    else if (data.skip !== undefined) yield `# skipped: ${name}: ${data.skip}\n`;
    else if (data.todo !== undefined) yield `# todo: ${name}: ${data.todo}\n`;
  }
}
