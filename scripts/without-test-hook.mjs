// Loaded into each process of tests where no PART of them is asked for. Node's runner follows every promise and every other
// asynchronous resource to its end, to tell in which test an error was thrown that nobody caught: a fifth of the
// time of tests with many promises. Without that such an error is shown with where it came from, and fails the process.
import hooks from "node:async_hooks";
import process from "node:process";

/** How long the tests that are under way may go on behind an error that nobody caught. */
const LEFT_MS = 10_000;

function uncaught(error) {
  console.error("An error that nobody caught:", error);
  setTimeout(() => process.exit(1), LEFT_MS).unref();
}

const { createHook } = hooks;
hooks.createHook = (callbacks) => {
  if (!new Error().stack.includes("node:internal/test_runner/")) return createHook(callbacks);
  // The runner has listeners of its own, for what such an error does to the result.
  process.on("uncaughtException", uncaught).on("unhandledRejection", uncaught);
  const none = { enable: () => none, disable: () => none };
  return none;
};
