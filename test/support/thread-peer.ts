/** Peers that run in a thread of their own, for callers that block. */
import { once } from "node:events";
import type { TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import type { PeerPlan, PeerReport, ScriptedAnswer } from "./thread-peer-messages.js";

/** A peer that listens on the loopback. */
export class ThreadPeer {
  readonly port: number;
  /** `http://127.0.0.1:port`, or `https:`. */
  readonly origin: string;
  readonly #worker: Worker;

  constructor(worker: Worker, scheme: string, port: number) {
    this.#worker = worker;
    this.port = port;
    this.origin = `${scheme}://127.0.0.1:${port}`;
  }

  /** What it has seen so far. */
  async report(): Promise<PeerReport> {
    this.#worker.postMessage("report");
    const [report] = await once(this.#worker, "message");
    return report as PeerReport;
  }

  /** Waits until so many connections have ended. */
  async ended(count: number): Promise<void> {
    const endMs = performance.now() + 10_000;
    while ((await this.report()).endedCount < count) {
      if (performance.now() > endMs) throw new Error(`${count} connections did not end`);
    }
  }
}

async function threadPeer(test: TestContext, plan: PeerPlan): Promise<ThreadPeer> {
  const worker = new Worker(new URL("./thread-peer-thread.js", import.meta.url), {
    workerData: plan,
  });
  test.after(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  const isSecure = plan.kind === "echo" && plan.tls !== undefined;
  return new ThreadPeer(worker, isSecure ? "https" : "http", port);
}

/** A peer whose every byte is told: what it answers on each connection to each request. */
export function scriptedPeer(
  test: TestContext,
  ...connections: (readonly ScriptedAnswer[])[]
): Promise<ThreadPeer> {
  return threadPeer(test, { kind: "script", connections });
}

/** A server that sends bodies back, and tells method, target and fields in fields of its own. */
export function echoPeer(
  test: TestContext,
  tls?: { readonly cert: string; readonly key: string },
): Promise<ThreadPeer> {
  return threadPeer(test, { kind: "echo", ...(tls !== undefined && { tls }) });
}
