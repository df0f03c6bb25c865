/** A worker thread that uses a sync client, and tells what came. `workerData`: a URL. */
import { parentPort, workerData } from "node:worker_threads";
import { HttpSyncClient } from "hp-socket/http";

using client = new HttpSyncClient();
const answer = client.openUrl("POST", workerData as string, {}, "from a thread");
parentPort?.postMessage(answer.text());
