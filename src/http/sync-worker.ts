/**
 * The worker of an `HttpSyncClient`: an `HttpClient` that does one order after the other, and tells of
 * everything in the order in which it happened. Runs as a worker thread, never by itself.
 *
 * A message is first put where the other side can take it, then counted, then the other side is woken:
 * so that one that was woken finds it.
 */
import process from "node:process";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { CloseReason } from "../connection/close-reason.js";
import { NetError } from "../errors.js";
import { HttpClient, type HttpClientOptions } from "./http-client.js";
import { HttpTarget } from "./http-target.js";
import {
  SIGNAL,
  type SyncError,
  type SyncHead,
  type SyncMessage,
  type SyncOrder,
  type SyncStart,
} from "./sync-messages.js";

const { signal, options, events } = workerData as SyncStart;
const { port } = workerData as { readonly port: MessagePort };
const wanted = new Set(events);

function post(message: SyncMessage, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
  wake();
}

function wake(): void {
  Atomics.add(signal, SIGNAL.count, 1);
  Atomics.notify(signal, SIGNAL.count);
}

function tell(name: string, ...values: readonly unknown[]): void {
  if (wanted.has(name)) post({ kind: "event", name, values });
}

/** Handlers that pass the fine events on, where somebody wants to hear of them. */
function fineHandlers(): HttpClientOptions {
  const fine = [
    "onMessageBegin",
    "onStatusLine",
    "onHeader",
    "onChunkHeader",
    "onChunkComplete",
    "onTrailer",
  ].filter((name) => wanted.has(name));
  return Object.fromEntries(
    fine.map((name) => [
      name,
      (_client: HttpClient, ...values: readonly unknown[]) => tell(name, ...values),
    ]),
  );
}

const client = new HttpClient({
  ...options,
  ...fineHandlers(),
  onConnect: () => tell("onConnect"),
  onHeadersComplete: (_client, head) => {
    tell("onHeadersComplete", head.statusCode, wanted.has("onHeadersComplete") ? [...head] : []);
  },
  onBody: (_client, bytes) => {
    // Bytes may be a view into much larger memory: what is posted is theirs alone.
    const copy = new Uint8Array(bytes);
    post({ kind: "body", bytes: copy }, [copy.buffer]);
  },
  onMessageComplete: () => tell("onMessageComplete"),
  onParseError: (_client, error) => tell("onParseError", cloned(error)),
  onClose: (_client, reason) => tell("onClose", clonedReason(reason)),
});

function cloned(error: NetError): SyncError {
  const { code, message, fault, operation, systemCode } = error;
  return { code, message, fault, operation, systemCode };
}

function clonedReason({ code, operation, initiator, cause }: CloseReason): object {
  return { code, operation, initiator, message: cause?.message };
}

async function obey(order: SyncOrder): Promise<SyncHead | undefined> {
  switch (order.kind) {
    case "connect":
      await connect(order);
      return undefined;
    case "close":
      await disconnect();
      return undefined;
    case "request": {
      const { method, path, headers, body, timeoutMs } = order;
      const response = await client.send({ method, path, headers, body: body ?? null, timeoutMs });
      const trailers = response.trailers === undefined ? undefined : [...response.trailers];
      const { status, statusText, url, timing } = response;
      return { status, statusText, headers: [...response.headers], trailers, url, timing };
    }
  }
}

async function connect({
  url,
  timeoutMs,
  isForced,
}: SyncOrder & { kind: "connect" }): Promise<void> {
  const isThere = client.isConnected && client.origin === new HttpTarget(url).origin;
  if (isThere && !isForced) return;
  await disconnect();
  await client.connect(url, { timeoutMs });
}

async function disconnect(): Promise<void> {
  const { connection } = client;
  client.close();
  await connection?.closed();
}

parentPort?.on("message", (order: SyncOrder) => {
  obey(order).then(
    (head) => post({ kind: "done", head }),
    (error: unknown) => {
      const known = error instanceof NetError ? error : new NetError("SYSTEM_ERROR", String(error));
      post({ kind: "failed", error: cloned(known) });
    },
  );
});
process.on("exit", () => {
  Atomics.store(signal, SIGNAL.ended, 1);
  wake();
});
wake();
