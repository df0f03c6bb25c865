/**
 * The async context in which the library's own machinery runs: timers, steps of a ring, ends of turns.
 *
 * Node hands the stores of `AsyncLocalStorage` on from whoever sets a timer or adds a microtask. What
 * serves all connections must not run in the context of whichever handler happened to be last, or the
 * handlers it calls would see another user's stores. The context is that in which this module was loaded.
 */
import { AsyncResource } from "node:async_hooks";

const root = new AsyncResource("HPSOCKET");

/** Runs `call` in the library's own async context. */
export function inRootContext<Result>(call: () => Result): Result {
  return root.runInAsyncScope(call);
}
