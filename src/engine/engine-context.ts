/**
 * The async context of the engines: that of nobody. What an engine does in a turn it does for many
 * connections, so the values of `AsyncLocalStorage` that belong to whoever happened to send last, or
 * to open the first socket, must not be seen there. Handlers run in the context in which their
 * component was made; that is the business of the layer above.
 */
import { AsyncLocalStorage } from "node:async_hooks";

// Made while the module is loaded, outside of any context of the application.
const run = AsyncLocalStorage.snapshot();

/** Calls `fn` in the engines' context, and answers what it answers. */
export function inEngineContext<Result>(fn: () => Result): Result {
  return run(fn);
}
