/**
 * Rule 6 of the contract: an exception out of a sink is a defect of the layer above. It may not
 * unwind the engine's own stack, where half-done work would be lost, and it may not be hidden.
 */
import { rethrowLater } from "../errors.js";

/** Calls a sink, off the hot path: hot code has the same `try` in place. */
export function callSink(call: () => void): void {
  try {
    call();
  } catch (defect) {
    rethrowLater(defect);
  }
}
