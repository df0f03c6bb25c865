/**
 * The way to a worker and back without giving up the thread: an order is posted, then the thread
 * sleeps on a shared number until a message is there, takes it, and sleeps again, until the order is
 * done.
 *
 *     fresh ── the worker's first sign ──► idle ── order ──► busy ── done, failed ──► idle
 *                                            └───────────── the worker ends ────────► over
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { NetError } from "../errors.js";
import {
  SIGNAL,
  type SyncError,
  type SyncHead,
  type SyncMessage,
  type SyncOrder,
  type SyncStart,
} from "./sync-messages.js";

/** Time that the worker has to start. */
const START_MS = 30_000;

/** Gets what the worker tells before an order is done. */
export interface SyncListener {
  heard(message: SyncMessage): void;
}

/** See the head of the file. */
export class SyncChannel {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal: Int32Array;
  readonly #listener: SyncListener;
  #isStarted = false;
  #isBusy = false;
  #isOver = false;

  constructor(start: Omit<SyncStart, "signal">, listener: SyncListener) {
    const memory = new SharedArrayBuffer(SIGNAL.length * Int32Array.BYTES_PER_ELEMENT);
    const { port1, port2 } = new MessageChannel();
    this.#signal = new Int32Array(memory);
    this.#port = port1;
    this.#listener = listener;
    this.#worker = new Worker(new URL("./sync-worker.js", import.meta.url), {
      name: "hp-socket sync client",
      execArgv: [],
      workerData: { ...start, signal: this.#signal, port: port2 },
      transferList: [port2],
    });
    this.#worker.unref();
  }

  /** Whether the worker is gone. */
  get isOver(): boolean {
    return this.#isOver || Atomics.load(this.#signal, SIGNAL.ended) === 1;
  }

  /**
   * Has the worker do something, and returns when that is done. `limitMs`: the time after which the
   * worker is given up for dead; 0: never. Throws what the worker rejected with, `INVALID_STATE`
   * inside another call, `STOPPED` when the worker is gone.
   */
  call(
    order: SyncOrder,
    limitMs: number,
    transfer: readonly ArrayBuffer[] = [],
  ): SyncHead | undefined {
    if (this.#isBusy) {
      throw new NetError(
        "INVALID_STATE",
        "a call is under way already: a listener can't make one",
        {
          operation: "request",
        },
      );
    }
    this.#isBusy = true;
    try {
      this.#start();
      this.#hearAll();
      this.#worker.postMessage(order, transfer);
      return this.#result(limitMs);
    } finally {
      this.#isBusy = false;
    }
  }

  #start(): void {
    if (this.#isStarted) return;
    if (this.isOver) throw gone();
    const woken = Atomics.wait(this.#signal, SIGNAL.count, 0, START_MS);
    if (woken === "timed-out" || this.isOver) {
      this.end();
      throw gone();
    }
    this.#isStarted = true;
  }

  /** What happened since the last call is told first. */
  #hearAll(): void {
    for (let message = this.#take(); message !== undefined; message = this.#take()) {
      this.#listener.heard(message);
    }
  }

  #take(): SyncMessage | undefined {
    return receiveMessageOnPort(this.#port)?.message as SyncMessage | undefined;
  }

  #result(limitMs: number): SyncHead | undefined {
    const endMs = limitMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + limitMs;
    for (;;) {
      const count = Atomics.load(this.#signal, SIGNAL.count);
      for (let message = this.#take(); message !== undefined; message = this.#take()) {
        if (message.kind === "done") return message.head;
        if (message.kind === "failed") throw revived(message.error);
        this.#listener.heard(message);
      }
      if (this.isOver) throw gone();
      const leftMs = endMs - performance.now();
      if (leftMs <= 0 || Atomics.wait(this.#signal, SIGNAL.count, count, leftMs) === "timed-out") {
        this.end();
        throw new NetError("REQUEST_TIMEOUT", `the worker did not answer within ${limitMs} ms`, {
          operation: "request",
        });
      }
    }
  }

  /** Ends the worker. */
  end(): void {
    this.#isOver = true;
    this.#port.close();
    void this.#worker.terminate();
  }
}

/** An error that was cloned, as it was. */
export function revived({ code, message, fault, operation, systemCode }: SyncError): NetError {
  return new NetError(code, message, {
    fault,
    ...(operation !== undefined && { operation }),
    ...(systemCode !== undefined && { systemCode }),
  });
}

function gone(): NetError {
  return new NetError("STOPPED", "the worker of the client has ended", { operation: "request" });
}
