/**
 * The way to a worker and back without giving up the thread: an order is posted, then the thread
 * sleeps on a shared number until a message has come, takes it, and sleeps again, until the order is
 * done.
 *
 *     fresh ── the worker is ready ──► idle ── order ──► busy ── done, failed ──► idle
 *       └───────────── the worker ends, is ended, or gives no sign of life ──► over
 *
 * The end of a worker is an event, which a sleeping thread does not get. So the worker counts the shared number up
 * while an order is under way, also when nothing happens.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { NetError } from "../../errors.js";
import { systemClock } from "../../time/clock.js";
import { revived } from "./sync-error.js";
import {
  BEAT_MS,
  SIGNAL,
  type SyncInstruction,
  type SyncMessage,
  type SyncOrder,
  type SyncResult,
  type SyncStart,
} from "./sync-messages.js";
import { syncWorkerFile } from "./sync-worker-file.js";

/** Time that the worker has to start. */
const START_MS = 30_000;
/** One wait for a sign of life, and how many of them in a row are too many. */
const SILENCE_MS = 4 * BEAT_MS;
const MAX_SILENCES = 3;

/** Gets what the worker tells before an order is done. What it throws ends the order. */
export interface SyncChannelListener {
  heard(message: SyncMessage): void;
}

/** The way to the worker of one client, and back. */
export class SyncChannel {
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly signal: Int32Array;
  private readonly listener: SyncChannelListener;
  private isStarted = false;
  private isBusy = false;
  private hasEnded = false;
  /** What the listener threw during the order under way. */
  private failure: unknown;
  private hasFailed = false;

  /** Throws `INVALID_ARGUMENT` for what can't be cloned, `NOT_SUPPORTED` where workers can't be. */
  constructor(start: Pick<SyncStart, "options" | "events">, listener: SyncChannelListener) {
    const memory = new SharedArrayBuffer(SIGNAL.length * Int32Array.BYTES_PER_ELEMENT);
    const { port1, port2 } = new MessageChannel();
    this.signal = new Int32Array(memory);
    this.port = port1;
    this.listener = listener;
    const workerData: SyncStart = { ...start, signal: this.signal, places: SIGNAL, port: port2 };
    const file = syncWorkerFile(import.meta.url);
    this.worker = cloning(
      () =>
        new Worker(file, {
          name: "hp-socket sync client",
          execArgv: [],
          workerData,
          transferList: [port2],
        }),
    );
    // The next call reports it; without a listener Node would throw it.
    this.worker.on("error", () => this.end());
    this.worker.on("exit", () => this.end());
    this.worker.unref();
  }

  /** Whether the worker is gone. */
  get isOver(): boolean {
    return this.hasEnded || Atomics.load(this.signal, SIGNAL.ended) === 1;
  }

  /** Throws `INVALID_STATE` inside a call. */
  assertFree(): void {
    if (!this.isBusy) return;
    const text = "a call is under way already: a listener can't make one";
    throw new NetError("INVALID_STATE", text, { operation: "request" });
  }

  /**
   * Has the worker do something, and returns when that is done. `limitMs`: the time after which the
   * worker is given up; 0: as long as it lives. Throws what the worker rejected with or the listener
   * threw, `INVALID_STATE` inside another call, `STOPPED` when the worker is gone.
   */
  call(order: SyncOrder, limitMs: number, transfer: readonly ArrayBuffer[] = []): SyncResult {
    this.assertFree();
    this.isBusy = true;
    this.hasFailed = false;
    try {
      this.start();
      this.hearAll();
      cloning(() => this.post(order, transfer));
      return this.result(limitMs, MAX_SILENCES);
    } finally {
      this.isBusy = false;
    }
  }

  private post(instruction: SyncInstruction, transfer: readonly ArrayBuffer[] = []): void {
    this.worker.postMessage(instruction, transfer);
  }

  /** While it starts, the worker gives no signs of life. */
  private start(): void {
    if (this.isStarted) return;
    try {
      this.result(START_MS, Number.POSITIVE_INFINITY);
    } catch (error) {
      this.end();
      throw error;
    }
    this.isStarted = true;
  }

  /** The listener is told first of what happened since the last call. */
  private hearAll(): void {
    for (let message = this.take(); message !== undefined; message = this.take()) {
      this.listener.heard(message);
    }
  }

  private take(): SyncMessage | undefined {
    const received = receiveMessageOnPort(this.port);
    if (received === undefined) return undefined;
    Atomics.add(this.signal, SIGNAL.taken, 1);
    Atomics.notify(this.signal, SIGNAL.taken);
    return received.message as SyncMessage;
  }

  private result(limitMs: number, maxSilences: number): SyncResult {
    const endMs = limitMs === 0 ? Number.POSITIVE_INFINITY : systemClock.now() + limitMs;
    let silences = 0;
    for (;;) {
      const count = Atomics.load(this.signal, SIGNAL.count);
      const last = this.takeAll();
      if (last !== undefined) return this.settled(last);
      if (this.isOver) throw this.gone("has ended");
      const waitMs = Math.min(SILENCE_MS, endMs - systemClock.now());
      if (waitMs <= 0) throw this.gone(`was not done within ${limitMs} ms`);
      const isSilent = Atomics.wait(this.signal, SIGNAL.count, count, waitMs) === "timed-out";
      // After the whole process was suspended one wait has passed as well, but not several.
      silences = isSilent ? silences + 1 : 0;
      if (silences >= maxSilences) throw this.gone("gives no sign of life");
    }
  }

  /** Tells the listener of all messages that have come; returns the one that ends the order. */
  private takeAll(): Extract<SyncMessage, { kind: "done" | "failed" }> | undefined {
    for (let message = this.take(); message !== undefined; message = this.take()) {
      if (message.kind === "done" || message.kind === "failed") return message;
      this.hear(message);
    }
    return undefined;
  }

  /** After the listener has failed, only `onClose` is called. */
  private hear(message: SyncMessage): void {
    if (this.hasFailed && !(message.kind === "event" && message.name === "onClose")) return;
    try {
      this.listener.heard(message);
    } catch (error) {
      if (this.hasFailed) return;
      this.hasFailed = true;
      this.failure = error;
      if (!this.hasEnded) this.post({ kind: "abort" });
    }
  }

  private settled(last: Extract<SyncMessage, { kind: "done" | "failed" }>): SyncResult {
    if (this.hasFailed) throw this.failure;
    if (last.kind === "failed") throw revived(last.error);
    return last.result;
  }

  private gone(what: string): NetError {
    this.end();
    const text = `the worker of the client ${what}`;
    return new NetError("STOPPED", text, { operation: "request", fault: "local" });
  }

  /** Ends the worker, and its connection with it. */
  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.port.close();
    void this.worker.terminate();
  }
}

/**
 * Runs `handOver`, which posts to the worker. Throws `INVALID_ARGUMENT` for what can't be cloned, `NOT_SUPPORTED`
 * where workers can't be.
 */
function cloning<Value>(handOver: () => Value): Value {
  try {
    return handOver();
  } catch (cause) {
    const { name, message } = cause as Error;
    const isValue = name === "DataCloneError";
    const text = isValue
      ? `a value can't be handed to the worker of the client: ${message}`
      : `the worker of the client can't be started: ${message}`;
    throw new NetError(isValue ? "INVALID_ARGUMENT" : "NOT_SUPPORTED", text, {
      operation: "configure",
      cause,
    });
  }
}
