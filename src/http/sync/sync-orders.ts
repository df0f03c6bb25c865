/**
 * What the worker of an `HttpSyncClient` does: an `HttpClient` that carries out one order after the other, and
 * tells of everything in the order in which it happened.
 */
import { Buffer } from "node:buffer";
import { PieceQueue } from "../../bytes/piece-queue.js";
import type { CloseReason } from "../../connection/close-reason.js";
import { systemClock } from "../../time/clock.js";
import { HttpClient, type HttpClientOptions } from "../client/http-client.js";
import { cloned } from "./sync-error.js";
import type {
  SyncMessage,
  SyncOrder,
  SyncResult,
  SyncRoute,
  SyncSocketOrder,
} from "./sync-messages.js";
import type { SyncSockets } from "./sync-sockets.js";

/** Time that the peer has to take note of the end of a connection. */
const CLOSE_MS = 1_000;

/** Bytes of a body that are posted as one message, at most, but for one piece. */
const MAX_JOINED_BYTES = 65_536;

/** Passes a message on, with what of it need not be copied. */
export type Post = (message: SyncMessage, transfer?: readonly ArrayBuffer[]) => void;

/** Carries out the orders of one client. */
export class SyncOrders {
  private readonly post: Post;
  private readonly wanted: ReadonlySet<string>;
  private readonly options: Readonly<Record<string, unknown>>;
  private readonly client: HttpClient;
  private sockets: SyncSockets | undefined;
  /** What came of a body and was not posted yet. */
  private readonly body: PieceQueue = new PieceQueue();

  /** Throws as `HttpClient` does. `events`: those that the listener has handlers for. */
  constructor(options: Readonly<Record<string, unknown>>, events: readonly string[], post: Post) {
    this.post = post;
    this.wanted = new Set(events);
    this.options = revivedBuffers(options) as Readonly<Record<string, unknown>>;
    this.client = new HttpClient({
      ...(this.options as HttpClientOptions),
      ...this.plainHandlers(),
      onHeadersComplete: (_client, head) => {
        if (!this.wanted.has("onHeadersComplete")) return;
        this.tell("onHeadersComplete", head.statusCode, [...head]);
      },
      onBody: (_client, bytes) => this.tellBody(bytes),
      onMessageComplete: () => this.tell("onMessageComplete"),
      onParseError: (_client, error) => this.tell("onParseError", cloned(error)),
      onClose: (_client, reason) => this.tell("onClose", clonedReason(reason)),
    });
  }

  private tell(name: string, ...values: readonly unknown[]): void {
    if (!this.wanted.has(name)) return;
    this.postBody();
    this.post({ kind: "event", name, values });
  }

  /** A message costs far more than a byte: pieces that come at once, and with no event between, are joined. */
  private tellBody(bytes: Buffer): void {
    if (this.body.byteCount === 0) queueMicrotask(() => this.postBody());
    this.body.append(bytes, true);
    if (this.body.byteCount >= MAX_JOINED_BYTES) this.postBody();
  }

  private postBody(): void {
    if (this.body.byteCount === 0) return;
    // They may be a view into larger memory: only their own bytes are posted.
    const bytes = new Uint8Array(this.body.takeAll());
    this.post({ kind: "body", bytes }, [bytes.buffer]);
  }

  /** Handlers that pass on what can be cloned, where the listener has handlers for it. */
  private plainHandlers(): HttpClientOptions {
    return Object.fromEntries(
      [...this.wanted].map((name) => [
        name,
        (_client: HttpClient, ...values: readonly unknown[]) => this.tell(name, ...values),
      ]),
    );
  }

  /** Carries out an order; resolves with the response to a request, without its body. One at a time. */
  async carryOut(order: SyncOrder): Promise<SyncResult> {
    if (isSocketOrder(order)) return await (await this.socketsOf()).carryOut(order);
    try {
      if (order.kind === "disconnect") await this.disconnect();
      else await this.connect(order.route);
      if (order.kind !== "request") return undefined;
      const response = await this.client.send({ ...order.head, body: order.body ?? null });
      this.postBody();
      const trailers = response.trailers === undefined ? undefined : [...response.trailers];
      const { status, statusText, url, timing } = response;
      return { status, statusText, headers: [...response.headers], trailers, url, timing };
    } catch (error) {
      // The call also reports the end of the connection.
      await this.ended();
      this.postBody();
      throw error;
    }
  }

  /** The modules of WebSockets are loaded when one is made. */
  private async socketsOf(): Promise<SyncSockets> {
    if (this.sockets === undefined) {
      const { SyncSockets } = await import("./sync-sockets.js");
      this.sockets = new SyncSockets(this.options);
    }
    return this.sockets;
  }

  /** Has the order under way fail. */
  abort(): void {
    this.client.connection?.abort();
    this.sockets?.abort();
  }

  /** Connects, unless there is a connection that will do. */
  private async connect({ origin, connectTimeoutMs, isForced }: SyncRoute): Promise<void> {
    const { isOpen, origin: present } = this.client;
    if (isOpen && present === origin && !isForced) return;
    await this.disconnect();
    await this.client.connect(origin, { timeoutMs: connectTimeoutMs });
  }

  private async disconnect(): Promise<void> {
    this.client.close();
    await this.ended();
  }

  /** Resolves when a connection that is on its way out has ended. */
  private async ended(): Promise<void> {
    const { connection, isOpen } = this.client;
    if (connection === undefined || isOpen) return;
    const timer = systemClock.setTimer(CLOSE_MS, () => connection.abort());
    await connection.closed();
    timer.cancel();
  }
}

function isSocketOrder(order: SyncOrder): order is SyncSocketOrder {
  return order.kind !== "connect" && order.kind !== "request" && order.kind !== "disconnect";
}

function clonedReason({ code, operation, initiator, cause }: CloseReason): object {
  return { code, operation, initiator, message: cause?.message };
}

/** A Buffer comes out of its clone as plain bytes, where certificates and keys must be Buffers. */
function revivedBuffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length);
  if (Array.isArray(value)) return value.map(revivedBuffers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revivedBuffers(one)]));
}
