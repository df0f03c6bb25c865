import { Buffer } from "node:buffer";
import { NetError } from "../../errors.js";
import { systemClock } from "../../time/clock.js";
import type { LiveWebSocket } from "../../websocket/live-websocket.js";
import { WebSocketClient, type WebSocketClientOptions } from "../../websocket/websocket-client.js";
import type { CookieStore } from "../cookie/cookie-store.js";
import type {
  SyncSocketEnd,
  SyncSocketHead,
  SyncSocketMessage,
  SyncSocketOrder,
} from "./sync-messages.js";

/** Options of the client that its sockets have in common. */
const SHARED_NAMES = [
  "engine",
  "tls",
  "proxy",
  "headers",
  "localHost",
  "family",
  "keepAlive",
  "noDelay",
] as const;

/**
 * The WebSockets of an `HttpSyncClient`, in its worker: what comes waits in a socket's inbox until
 * the caller receives it, and the peer is held back where too much does.
 */
export class SyncSockets {
  private readonly options: WebSocketClientOptions;
  private readonly clients: Map<number, WebSocketClient> = new Map();
  private lastId = 0;
  /** Of the order under way. */
  private aborting: AbortController = new AbortController();

  /** `options`: those of the worker's `HttpClient`. */
  constructor(options: Readonly<Record<string, unknown>>) {
    this.options = Object.fromEntries(
      SHARED_NAMES.filter((name) => options[name] !== undefined).map((name) => [
        name,
        options[name],
      ]),
    );
  }

  /** Carries out an order. */
  async carryOut(
    order: SyncSocketOrder,
  ): Promise<SyncSocketHead | SyncSocketMessage | SyncSocketEnd | undefined> {
    this.aborting = new AbortController();
    switch (order.kind) {
      case "openSocket":
        return await this.open(order);
      case "sendMessage":
        return await this.send(order);
      case "receiveMessage":
        return await this.receive(order);
      case "closeSocket":
        return await this.close(order);
    }
  }

  /** Has the order under way fail. */
  abort(): void {
    this.aborting.abort();
  }

  private async open(
    order: Extract<SyncSocketOrder, { kind: "openSocket" }>,
  ): Promise<SyncSocketHead> {
    const cookies: string[] = [];
    // The cookie store is in the caller's thread.
    const jar: Pick<CookieStore, "cookieHeader" | "setFromHeader"> = {
      cookieHeader: () => undefined,
      setFromHeader(value) {
        cookies.push(value);
        return "stored";
      },
    };
    const client = new WebSocketClient({
      ...this.options,
      ...order.settings,
      cookies: jar as CookieStore,
    });
    const { url, timeoutMs, protocols, headers, origin } = order;
    const { signal } = this.aborting;
    try {
      await client.connect(url, { timeoutMs, protocols, headers, origin, signal });
    } catch (error) {
      // A connection that refused a WebSocket is not kept.
      void client.stop({ drainMs: 0 });
      throw error;
    }
    const id = ++this.lastId;
    this.clients.set(id, client);
    const { protocol, isCompressed } = client.socket;
    return { id, protocol, isCompressed, cookies };
  }

  private clientOf(id: number): WebSocketClient {
    const client = this.clients.get(id);
    if (client !== undefined) return client;
    throw new NetError("CONNECTION_CLOSED", "the WebSocket is closed", { operation: "receive" });
  }

  private async send({
    id,
    data,
    isText,
    timeoutMs,
  }: Extract<SyncSocketOrder, { kind: "sendMessage" }>): Promise<undefined> {
    const { socket } = this.clientOf(id);
    if (!socket.isOpen) throw closedError(socket.state);
    const bytes =
      typeof data === "string" ? data : Buffer.from(data.buffer, data.byteOffset, data.length);
    socket.send(bytes, { isText });
    await socket.drained({ timeoutMs, signal: this.aborting.signal });
  }

  private async receive({
    id,
    timeoutMs,
  }: Extract<SyncSocketOrder, { kind: "receiveMessage" }>): Promise<SyncSocketMessage> {
    const { socket } = this.clientOf(id);
    try {
      const data = await socket.read({ timeoutMs, signal: this.aborting.signal });
      return { data: typeof data === "string" ? data : new Uint8Array(data) };
    } catch (error) {
      if (!(error instanceof NetError) || error.code !== "CONNECTION_CLOSED") throw error;
      // The connection below may take much longer to end than the caller waits.
      if (!(socket as LiveWebSocket).isClosedCleanly) throw error;
      return { data: undefined };
    }
  }

  private async close({
    id,
    code,
    reason,
    timeoutMs,
  }: Extract<SyncSocketOrder, { kind: "closeSocket" }>): Promise<SyncSocketEnd> {
    const client = this.clientOf(id);
    const { socket } = client;
    const { signal } = this.aborting;
    socket.close(code, reason);
    // The peer may be held back, which keeps its Close frame from coming.
    void discardMessages(socket);
    const cut = (): void => void socket.abort();
    const timer = timeoutMs > 0 ? systemClock.setTimer(timeoutMs, cut) : undefined;
    signal.addEventListener("abort", cut);
    const end = await socket.closed();
    timer?.cancel();
    signal.removeEventListener("abort", cut);
    this.clients.delete(id);
    await client.stop({ drainMs: 0 });
    return { code: end.code, reason: end.reason, isClean: end.isClean };
  }
}

/** Discards messages that will not be received. */
async function discardMessages(socket: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of socket);
  } catch {
    // `closed` reports how it ended.
  }
}

function closedError(state: string): NetError {
  return new NetError("CONNECTION_CLOSED", `the WebSocket is ${state}`, { operation: "send" });
}
