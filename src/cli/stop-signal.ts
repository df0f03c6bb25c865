import process from "node:process";

/**
 * `npm start` hands Ctrl-C on to a program that the terminal has told already: what comes this soon
 * behind the first signal is the same one.
 */
const SAME_SIGNAL_MS = 100;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Calls back at the first SIGINT or SIGTERM; a second one ends the process at once with exit code 1.
 * Answers a function that puts the signals back to what they do by themselves.
 */
export function onStopSignal(callback: () => void): () => void {
  let firstMs: number | undefined;
  const listener = (): void => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      callback();
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
      process.exit(1);
    }
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
