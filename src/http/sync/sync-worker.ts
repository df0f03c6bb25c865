/**
 * Begins the worker of an `HttpSyncClient`. Runs as a worker thread, never by itself.
 *
 * The end of a worker is not told to a thread that sleeps. So nothing of the library is imported before it can be said that
 * this failed: files may be missing, where others were copied or bundled.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { workerData } from "node:worker_threads";
import type { SyncMessage, SyncStart } from "./sync-messages.js";

const { signal, places, port } = workerData as SyncStart;

function wake(): void {
  Atomics.add(signal, places.count, 1);
  Atomics.notify(signal, places.count);
}

process.on("exit", () => {
  Atomics.store(signal, places.ended, 1);
  wake();
});

try {
  await import("./sync-work.js");
} catch (cause) {
  const file = fileURLToPath(import.meta.url);
  const what = (cause as Partial<Error> | undefined)?.message ?? String(cause);
  const message: SyncMessage = {
    kind: "failed",
    error: {
      code: "NOT_SUPPORTED",
      message: `the worker of the client can't be loaded by ${file}: ${what}`,
      fault: "usage",
      operation: "configure",
      systemCode: undefined,
    },
  };
  port.postMessage(message);
  wake();
}
