/**
 * Who waits for an `AbortSignal`. However many wait on one signal, it has one listener of ours: Node warns
 * of a leak when there are more than ten.
 */
import { rethrowLater } from "../../errors.js";

/** Told when the signal is aborted. */
export interface AbortListener {
  signalAborted(signal: AbortSignal): void;
}

const waiting: WeakMap<AbortSignal, Set<AbortListener>> = new WeakMap();

function tellAll(this: AbortSignal): void {
  const listeners = waiting.get(this);
  if (listeners === undefined) return;
  // One that is told may take others back, which are then not told.
  for (const listener of listeners) {
    try {
      listener.signalAborted(this);
    } catch (defect) {
      rethrowLater(defect);
    }
  }
  waiting.delete(this);
}

/** Has `listener` told once when `signal` is aborted. */
export function onAbort(signal: AbortSignal, listener: AbortListener): void {
  let listeners = waiting.get(signal);
  if (listeners === undefined) {
    listeners = new Set();
    waiting.set(signal, listeners);
    signal.addEventListener("abort", tellAll, { once: true });
  }
  listeners.add(listener);
}

/** Takes {@link onAbort} back. */
export function offAbort(signal: AbortSignal, listener: AbortListener): void {
  const listeners = waiting.get(signal);
  if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return;
  waiting.delete(signal);
  signal.removeEventListener("abort", tellAll);
}
