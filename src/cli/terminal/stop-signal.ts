/**
 * `npm start` hands Ctrl-C on to a program that the terminal has told already: what comes this soon
 * behind the first signal is the same one.
 */
const SAME_SIGNAL_MS = 100;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Where signals come from; `process` is one. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * Calls back at the first SIGINT or SIGTERM; a second one ends the process at once with exit code 1.
 * Returns a function that puts the signals back to what they do by themselves.
 */
export function onStopSignal(source: SignalSource, callback: () => void): () => void {
  let firstMs: number | undefined;
  const listener = (): void => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      callback();
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
      source.exit(1);
    }
  };
  for (const signal of SIGNALS) source.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) source.off(signal, listener);
  };
}
