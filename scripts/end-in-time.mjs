// Loaded into each process of tests by scripts/run-tests.mjs. A test that fails often leaves a server open,
// and its process would then never end: this one ends with 1 and says what is open.
import process from "node:process";
import { isMainThread } from "node:worker_threads";

const seconds = Number(process.env["HP_SOCKET_TEST_SECONDS"]);

// The runner's own process has no context of a test.
if (isMainThread && process.env["NODE_TEST_CONTEXT"] !== undefined && seconds > 0) {
  setTimeout(() => {
    const counts = new Map();
    for (const kind of process.getActiveResourcesInfo()) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const open = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
    console.error(`${process.argv[1]} did not end within ${seconds} s; open: ${open}`);
    process.exit(1);
  }, seconds * 1_000).unref();
}
