/** The synchronous client of the soak of all components, in its thread. */
import { parentPort, workerData } from "node:worker_threads";
import { type EngineName, NetError } from "hp-socket";
import { HttpSyncClient } from "hp-socket/http";

const { url, engine, ms } = workerData as { url: string; engine: EngineName; ms: number };
const untilMs = performance.now() + ms;
const client = new HttpSyncClient({ engine, requestTimeoutMs: 5_000 });
let count = 0;
while (performance.now() < untilMs) {
  const text = `${count} of the thread ${"x".repeat(count % 5_000)}`;
  try {
    const response = client.openUrl("POST", url, {}, text);
    if (response.text() !== text) throw new Error(`bytes of another in the place of ${count}`);
    count++;
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
  }
}
client.close();
parentPort?.postMessage(count);
