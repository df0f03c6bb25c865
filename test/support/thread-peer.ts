/** Peers that run in a thread of their own, one thread for all peers of the process, for callers that block. */
import type { TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import type {
  PeerAnswer,
  PeerOrder,
  PeerPlan,
  PeerReport,
  ScriptedAnswer,
} from "./thread-peer-messages.js";

/** The thread in which the peers are. It holds the process while an answer is waited for. */
class PeerThread {
  readonly #worker: Worker = new Worker(new URL("./thread-peer-thread.js", import.meta.url));
  readonly #waiting: Map<number, (value: unknown) => void> = new Map();
  #orderCount = 0;

  constructor() {
    this.#worker.on("message", ({ order, value }: PeerAnswer) => {
      this.#waiting.get(order)?.(value);
      this.#waiting.delete(order);
      if (this.#waiting.size === 0) this.#worker.unref();
    });
    this.#worker.unref();
  }

  ask(order: PeerOrder): Promise<unknown> {
    const id = ++this.#orderCount;
    this.#worker.ref();
    this.#worker.postMessage({ id, order });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

let thread: PeerThread | undefined;
let peerCount = 0;

/** A peer that listens on the loopback. */
export class ThreadPeer {
  readonly port: number;
  /** `http://127.0.0.1:port`, or `https:`. */
  readonly origin: string;
  readonly #thread: PeerThread;
  readonly #peer: number;

  constructor(thread: PeerThread, peer: number, scheme: string, port: number) {
    this.#thread = thread;
    this.#peer = peer;
    this.port = port;
    this.origin = `${scheme}://127.0.0.1:${port}`;
  }

  /** What it has seen so far. */
  async report(): Promise<PeerReport> {
    return (await this.#thread.ask({ kind: "report", peer: this.#peer })) as PeerReport;
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
  thread ??= new PeerThread();
  const own = thread;
  const peer = ++peerCount;
  const port = (await own.ask({ kind: "listen", peer, plan })) as number;
  test.after(() => own.ask({ kind: "end", peer }));
  const isSecure = plan.kind === "echo" && plan.tls !== undefined;
  return new ThreadPeer(own, peer, isSecure ? "https" : "http", port);
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
