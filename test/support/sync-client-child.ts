/**
 * A child process that uses sync clients at the top level of a module, and has nothing else to do.
 * Arguments: what to do, and the origin of a server.
 */
import process from "node:process";
import { Worker } from "node:worker_threads";

const [, , task = "", origin = ""] = process.argv;
/** Loaded where it is used: a thread that starts another one has no need of it. */
const { HttpSyncClient } =
  task === "thread" ? ({} as typeof import("hp-socket/http")) : await import("hp-socket/http");

const tasks: Readonly<Record<string, () => void>> = {
  /** Leaves the client and its connection as they are, and another one that was never asked for anything. */
  call: () => {
    void new HttpSyncClient();
    console.log(new HttpSyncClient().openUrl("GET", origin).status);
  },
  /** Ends in the middle of a response that does not end. */
  exit: () => {
    const listener = { onHeadersComplete: () => process.exit(7) };
    new HttpSyncClient({ listener, requestTimeoutMs: 0 }).openUrl("GET", origin);
  },
  /** Lets a worker thread block for ever, and ends. */
  thread: () => {
    const url = new URL(import.meta.url);
    const worker = new Worker(url, { argv: ["forever", origin] });
    worker.on("online", () => setTimeout(() => process.exit(7), 200));
  },
  forever: () => {
    new HttpSyncClient({ requestTimeoutMs: 0 }).openUrl("GET", origin);
  },
};

tasks[task]?.();
