/**
 * What the worker of an `HttpSyncClient` does once it is loaded: passes orders on and messages back.
 *
 * A message is first posted, then counted; then the other side is woken, and finds it.
 */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock, type Timer } from "../../time/clock.js";
import { cloned } from "./sync-error.js";
import {
  BEAT_MS,
  MAX_WAITING_MESSAGES,
  SIGNAL,
  type SyncInstruction,
  type SyncMessage,
  type SyncOrder,
  type SyncStart,
} from "./sync-messages.js";
import { SyncOrders } from "./sync-orders.js";

const { signal, port, options, events } = workerData as SyncStart;

/** Messages that were posted so far, as a 32-bit number like the one that counts those taken. */
let postedCount = 0;

function post(message: SyncMessage): void {
  port.postMessage(message);
  wake();
  postedCount = (postedCount + 1) | 0;
  for (;;) {
    const takenCount = Atomics.load(signal, SIGNAL.taken);
    if (((postedCount - takenCount) | 0) < MAX_WAITING_MESSAGES) return;
    Atomics.wait(signal, SIGNAL.taken, takenCount);
  }
}

function wake(): void {
  Atomics.add(signal, SIGNAL.count, 1);
  Atomics.notify(signal, SIGNAL.count);
}

function start(): void {
  try {
    const orders = new SyncOrders(options, events, post);
    parentPort?.on("message", (instruction: SyncInstruction) => {
      if (instruction.kind === "abort") orders.abort();
      else void carryOut(orders, instruction);
    });
    post({ kind: "done", result: undefined });
  } catch (error) {
    post({ kind: "failed", error: cloned(error) });
  }
}

async function carryOut(orders: SyncOrders, order: SyncOrder): Promise<void> {
  const beat = startBeat();
  try {
    post({ kind: "done", result: await orders.carryOut(order) });
  } catch (error) {
    post({ kind: "failed", error: cloned(error) });
  } finally {
    beat.stop();
  }
}

/** Gives a sign of life now and then, until it is stopped. */
function startBeat(): { stop(): void } {
  let timer: Timer;
  const plan = (): void => {
    timer = systemClock.setTimer(BEAT_MS, () => {
      wake();
      plan();
    });
  };
  plan();
  return { stop: () => timer.cancel() };
}

start();
