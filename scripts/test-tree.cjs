// Loaded first into each process of tests where all of them run. Node's runner has a hook that tells it in which
// suite a test is made. It is called for each promise of the process as well, so that an error that nobody caught
// is one of the test in which it was thrown: 7 µs a promise on Node 20, where 0.1 are usual. Here the hook is
// called for tests and suites alone. Such an error is shown by its stack, and fails the process.
const hooks = require("node:async_hooks");
const process = require("node:process");

/** How long the tests that are under way may go on behind an error that nobody caught. */
const LEFT_MS = 10_000;

const { AsyncResource, createHook } = hooks;
let init;
let resourceCount = 0;

class TestResource extends AsyncResource {
  constructor(type, options) {
    super(type, options);
    resourceCount++;
    init?.(this.asyncId(), type, this.triggerAsyncId(), this);
  }
}

function uncaught(error) {
  console.error("An error that nobody caught:", error);
  process.exitCode = 1;
  setTimeout(() => process.exit(1), LEFT_MS).unref();
}

function createTestHook(callbacks) {
  // The root of all tests is there: unless it was seen, this version of Node makes them in another way.
  if (resourceCount === 0) return createHook(callbacks);
  ({ init } = callbacks);
  // The runner has listeners of its own, for what such an error does to the result.
  process.on("uncaughtException", uncaught).on("unhandledRejection", uncaught);
  const none = { enable: () => none, disable: () => none };
  return none;
}

// Threads and processes that tests start load this too: they have no runner.
const { isMainThread } = process.getBuiltinModule("node:worker_threads");
if (isMainThread && /\.test\.m?js$/.test(process.argv[1] ?? "")) {
  // The runner takes both when it is loaded; nobody else sees them.
  Object.assign(hooks, { AsyncResource: TestResource, createHook: createTestHook });
  require("node:test");
  Object.assign(hooks, { AsyncResource, createHook });
}
