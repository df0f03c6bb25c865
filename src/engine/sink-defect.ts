/**
 * Rule 6 of the contract: an exception out of a sink is a defect of the layer above. It may not
 * unwind the engine's own stack, where half-done work would be lost, and it may not be hidden. So it
 * is thrown again from a microtask of its own and becomes the process's `uncaughtException`.
 */
export function rethrowLater(defect: unknown): void {
  queueMicrotask(() => {
    throw defect;
  });
}

/** Calls a sink, off the hot path: hot code has the same `try` in place. */
export function callSink(call: () => void): void {
  try {
    call();
  } catch (defect) {
    rethrowLater(defect);
  }
}
