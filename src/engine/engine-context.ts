/**
 * The async context of the engines. Node hands the stores of `AsyncLocalStorage` on from whoever sets a
 * timer, adds a task or starts a write. What serves all connections (steps of a ring, ends of turns,
 * timers) must not run in the context of whichever handler was last, or other handlers would see its
 * stores. The context is that in which this module was loaded.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";

type InContext = <Result>(call: () => Result) => Result;

/** Runs `call` in the engines' own async context. */
export const inEngineContext: InContext = contextOfNow();

function contextOfNow(): InContext {
  if (typeof AsyncLocalStorage.snapshot === "function") return AsyncLocalStorage.snapshot();
  const resource = new AsyncResource("HPSOCKET");
  return (call) => resource.runInAsyncScope(call);
}
