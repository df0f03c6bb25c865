/**
 * An HTTP client whose calls return with the response (HP §2.14, §4): the thread sleeps meanwhile, a
 * worker does the work. Made for scripts, for the loading of modules and for worker threads; in a server it would
 * block everything else.
 *
 *     no worker ── constructor, call ──► worker ── it dies, or is given up ──► no worker
 *         └──────────────────────────────── close ────────────────────────────► closed
 */
import { Buffer } from "node:buffer";
import { PieceQueue } from "../../bytes/piece-queue.js";
import { handlerError } from "../../connection/events/handlers.js";
import { assertInteger, assertKnownKeys, describe, NetError } from "../../errors.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import { assertSwitch } from "../client/client-options.js";
import { assertHead } from "../client/head-check.js";
import { HttpTarget } from "../client/http-target.js";
import { RequestContent } from "../client/request-content.js";
import { FieldList } from "../http-fields.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import { SyncChannel } from "./sync-channel.js";
import {
  type HttpSyncClientOptions,
  type SyncSettings,
  syncSettings,
} from "./sync-client-options.js";
import { revived } from "./sync-error.js";
import type { HttpSyncListener } from "./sync-listener.js";
import type {
  SyncError,
  SyncHead,
  SyncMessage,
  SyncOrder,
  SyncRequestHead,
  SyncResult,
  SyncRoute,
  SyncSocketHead,
} from "./sync-messages.js";
import { SyncResponse } from "./sync-response.js";
import { SyncWebSocket } from "./sync-web-socket.js";

/** How {@link HttpSyncClient.openUrl} connects. */
export interface OpenUrlOptions {
  /** Connects anew though there is a connection to that server. Default false. */
  readonly forceReconnect?: boolean | undefined;
}

/** A request to the server that the client is connected to. */
export interface SyncRequest {
  /** Default `GET`. */
  readonly method?: string | undefined;
  /** Path with query; it begins with "/". Default `/`. */
  readonly path?: string | undefined;
  /** Fields of the request. */
  readonly headers?: FieldInput | undefined;
  /** The body. Default: none. */
  readonly body?: SyncBody | undefined;
  /** Default: `requestTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** How {@link HttpSyncClient.upgrade} makes a WebSocket. */
export interface SyncUpgradeOptions {
  /** Subprotocols in the order of preference. */
  readonly protocols?: readonly string[] | undefined;
  /** Further fields of the request. */
  readonly headers?: FieldInput | undefined;
  /** What the field Origin says. Default: there is none. */
  readonly origin?: string | undefined;
  /** For everything, connecting included; 0: no limit. Default: `connectTimeoutMs` and `requestTimeoutMs` together. */
  readonly timeoutMs?: number | undefined;
  /** Offers permessage-deflate. Default false. */
  readonly compression?: boolean | undefined;
  /** Largest message that is taken. Default 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
}

/** What a call can send: text (UTF-8), bytes, or form fields. */
export type SyncBody = string | Uint8Array | ArrayBuffer | URLSearchParams;

/** What the worker gets beyond the time in which it ends an order by itself. */
const GRACE_MS = 5_000;
const MAX_MS = 2 ** 31 - 1;

/** An HTTP client whose calls return with the response: the thread waits meanwhile. */
export class HttpSyncClient implements Disposable {
  readonly #settings: SyncSettings;
  #useCookies: boolean;
  #channel: SyncChannel;
  #isClosed = false;
  #target: HttpTarget | undefined;
  #body: PieceQueue = new PieceQueue();

  /** Starts the worker, and does not wait for it. Throws `INVALID_ARGUMENT`, `NOT_SUPPORTED`. */
  constructor(options: HttpSyncClientOptions = {}) {
    this.#settings = syncSettings(options);
    this.#useCookies = this.#settings.useCookies;
    this.#channel = this.#openChannel();
  }

  #openChannel(): SyncChannel {
    return new SyncChannel(this.#settings.start, { heard: (message) => this.#heard(message) });
  }

  /** Time to connect, in milliseconds. */
  get connectTimeoutMs(): number {
    return this.#settings.connectTimeoutMs;
  }

  /** Time for request and response together, in milliseconds. */
  get requestTimeoutMs(): number {
    return this.#settings.requestTimeoutMs;
  }

  /** Whether cookies go with requests and are taken from responses. */
  get useCookies(): boolean {
    return this.#useCookies;
  }

  set useCookies(use: boolean) {
    assertSwitch("useCookies", use);
    this.#useCookies = use;
  }

  /**
   * Connects to the server of a URL, or keeps the connection that is there. Throws as
   * `HttpClient.connect` rejects, and `STOPPED` after `close`.
   */
  connect(url: string | URL, options: OpenUrlOptions = {}): this {
    this.#assertFree();
    const target = new HttpTarget(url);
    const route = this.#routeTo(target, options);
    this.#target = target;
    this.#call({ kind: "connect", route }, route.connectTimeoutMs);
    return this;
  }

  /**
   * Asks for a URL; connects first, unless the last call went to the same scheme, host and port, and
   * that connection still stands. Throws as `HttpClient.connect` and `HttpClient.request` reject.
   */
  openUrl(
    method: string,
    url: string | URL,
    headers: FieldInput = {},
    body?: SyncBody,
    options: OpenUrlOptions = {},
  ): SyncResponse {
    this.#assertFree();
    const target = new HttpTarget(url);
    const route = this.#routeTo(target, options);
    const request = { method, headers, ...(body !== undefined && { body }) };
    return this.#ask(request, target, route);
  }

  /**
   * Asks the server of the last `connect` or `openUrl`, over the connection there is; where that has
   * ended, over a new one. Throws as `HttpClient.connect` and `HttpClient.request` reject, and
   * `INVALID_STATE` where there was no server, or `disconnect` since.
   */
  request(options: SyncRequest = {}): SyncResponse {
    this.#assertFree();
    assertOptionsObject("a request", options);
    assertKnownKeys("request", options, ["method", "path", "headers", "body", "timeoutMs"]);
    const { path = "/" } = options;
    if (typeof path !== "string" || !path.startsWith("/")) {
      throw invalid(`path must begin with "/", not ${describe(path)}`);
    }
    if (this.#target === undefined) {
      throw new NetError("INVALID_STATE", "the client is not connected", { operation: "request" });
    }
    const { origin, url } = this.#target;
    const { username, password } = url;
    const asked = Object.assign(new URL(`${origin}${path}`), { username, password });
    const target = new HttpTarget(asked);
    return this.#ask(options, target, this.#routeTo(target, {}));
  }

  /** Asks for `path` by GET. Otherwise as {@link request}. */
  get(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "GET", path, headers });
  }

  /** Asks for `path` by HEAD; the response has no body. Otherwise as {@link request}. */
  head(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "HEAD", path, headers });
  }

  /** Asks for `path` by POST with a body. Otherwise as {@link request}. */
  post(path: string, body?: SyncBody, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "POST", path, headers, ...(body !== undefined && { body }) });
  }

  /** Asks for `path` by PUT with a body. Otherwise as {@link request}. */
  put(path: string, body?: SyncBody, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "PUT", path, headers, ...(body !== undefined && { body }) });
  }

  /** Asks for `path` by PATCH with a body. Otherwise as {@link request}. */
  patch(path: string, body?: SyncBody, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "PATCH", path, headers, ...(body !== undefined && { body }) });
  }

  /** Asks for `path` by DELETE. Otherwise as {@link request}. */
  delete(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "DELETE", path, headers });
  }

  /** Asks for `path` by OPTIONS. Otherwise as {@link request}. */
  options(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "OPTIONS", path, headers });
  }

  /** Asks for `path` by TRACE. Otherwise as {@link request}. */
  trace(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "TRACE", path, headers });
  }

  /**
   * Makes a WebSocket to a URL `ws:` or `wss:`, on a connection of its own; as many as wanted. It has the client's
   * TLS, proxy, fields and cookies, and ends with the client. Throws as `WebSocketClient.connect` rejects.
   */
  upgrade(url: string | URL, options: SyncUpgradeOptions = {}): SyncWebSocket {
    this.#assertFree();
    assertOptionsObject("the options", options);
    assertKnownKeys("upgrade", options, UPGRADE_NAMES);
    const target = socketTarget(url);
    const { protocols = [], headers = {}, origin, compression, maxMessageBytes } = options;
    const { connectTimeoutMs, requestTimeoutMs } = this;
    const isBounded = connectTimeoutMs > 0 && requestTimeoutMs > 0;
    const { timeoutMs = isBounded ? connectTimeoutMs + requestTimeoutMs : 0 } = options;
    assertInteger("timeoutMs", timeoutMs, 0, MAX_MS);
    const cookies = this.#useCookies ? this.#settings.cookies : undefined;
    const fields = new FieldList();
    fields.addAll(headers);
    fields.addMissing("Authorization", target.authorization);
    fields.addMissing("Cookie", cookies?.cookieHeader(target.url));
    const order = {
      kind: "openSocket",
      url: `${target.origin}${target.path}`,
      timeoutMs,
      protocols: [...protocols],
      headers: fields.pairs,
      origin,
      settings: {
        ...(compression !== undefined && { compression }),
        ...(maxMessageBytes !== undefined && { maxMessageBytes }),
      },
    } as const;
    const head = this.#call(order, timeoutMs) as SyncSocketHead;
    for (const value of head.cookies) cookies?.setFromHeader(value, target.url);
    // A socket belongs to its worker: with another worker it is closed.
    const channel = this.#channel;
    return new SyncWebSocket(
      head,
      (socketOrder, limitMs, transfer) => {
        this.#assertFree();
        return channel.call(socketOrder, limitMs === 0 ? 0 : limitMs + GRACE_MS, transfer);
      },
      () => this.requestTimeoutMs,
    );
  }

  /** Closes the connection, and keeps the worker for the next one. */
  disconnect(): void {
    this.#assertFree();
    this.#target = undefined;
    this.#call({ kind: "disconnect" }, GRACE_MS);
  }

  /** Ends the worker, and its connection with it. Further calls throw `STOPPED`. */
  close(): void {
    this.#isClosed = true;
    this.#channel.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A call that can't be made must leave the one that is under way as it is. */
  #assertFree(): void {
    if (this.#isClosed) throw new NetError("STOPPED", "the client is closed");
    this.#channel.assertFree();
  }

  #routeTo({ origin }: HttpTarget, options: OpenUrlOptions): SyncRoute {
    assertOptionsObject("the options", options);
    assertKnownKeys("openUrl", options, ["forceReconnect"]);
    assertSwitch("forceReconnect", options.forceReconnect);
    const { connectTimeoutMs } = this;
    return { origin, connectTimeoutMs, isForced: options.forceReconnect ?? false };
  }

  #ask(request: SyncRequest, target: HttpTarget, route: SyncRoute): SyncResponse {
    const { method = "GET", headers = {}, timeoutMs = this.requestTimeoutMs } = request;
    assertInteger("timeoutMs", timeoutMs, 0, MAX_MS);
    if (method === "CONNECT")
      throw invalid("HttpSyncClient can't make tunnels: CONNECT is for the other clients");
    const content = RequestContent.of(request.body, method);
    if (content.open !== undefined) {
      throw invalid(
        `the body of a request of HttpSyncClient must be text or bytes, not ${describe(request.body)}`,
      );
    }
    const cookies = this.#useCookies ? this.#settings.cookies : undefined;
    const fields = new FieldList();
    fields.addAll(headers);
    fields.addMissing("Content-Type", content.type);
    fields.addMissing("Authorization", target.authorization);
    fields.addMissing("Cookie", cookies?.cookieHeader(target.url));
    const { path, host } = target;
    const isHostGiven = fields.has("host");
    // Checked before the worker connects.
    assertHead({
      method,
      target: path,
      ...(!isHostGiven && { host }),
      fields: fields.pairs,
      body: content.byteCount,
    });
    this.#target = target;
    const head = { method, path, headers: fields.pairs, timeoutMs };
    const response = this.#exchange({ route, head, bytes: content.bytes });
    for (const value of response.headers.getAll("set-cookie")) {
      cookies?.setFromHeader(value, target.url);
    }
    return response;
  }

  #exchange({ route, head, bytes }: Exchange): SyncResponse {
    const { timeoutMs } = head;
    const { connectTimeoutMs } = route;
    const isBounded = timeoutMs > 0 && connectTimeoutMs > 0;
    // A copy: it can be transferred, and nothing around it is cloned.
    const body = bytes === undefined ? undefined : new Uint8Array(bytes);
    this.#body = new PieceQueue();
    try {
      const responseHead = this.#call(
        { kind: "request", route, head, body },
        isBounded ? connectTimeoutMs + timeoutMs : 0,
        body === undefined ? [] : [body.buffer],
      );
      return new SyncResponse(responseHead as SyncHead, this.#body.takeAll());
    } finally {
      this.#body = new PieceQueue();
    }
  }

  #call(order: SyncOrder, timeoutMs: number, transfer?: ArrayBuffer[]): SyncResult {
    if (this.#channel.isOver) this.#channel = this.#openChannel();
    return this.#channel.call(order, timeoutMs === 0 ? 0 : timeoutMs + GRACE_MS, transfer);
  }

  #heard(message: SyncMessage): void {
    if (message.kind === "body") this.#body.append(bufferOf(message.bytes), false);
    try {
      if (message.kind === "body") this.#settings.listener.onBody?.(message.bytes);
      else if (message.kind === "event") this.#tell(message.name, message.values);
    } catch (error) {
      throw handlerError("the listener", "receive", error);
    }
  }

  #tell(name: string, values: readonly unknown[]): void {
    const { listener } = this.#settings;
    const handler = listener[name as keyof HttpSyncListener] as
      | ((...values: readonly unknown[]) => void)
      | undefined;
    const isError = name === "onParseError";
    handler?.apply(listener, isError ? [revived(values[0] as SyncError)] : [...values]);
  }
}

const UPGRADE_NAMES = [
  "protocols",
  "headers",
  "origin",
  "timeoutMs",
  "compression",
  "maxMessageBytes",
] as const;

/** The URL as HTTP has it. */
function socketTarget(given: string | URL): HttpTarget {
  const text: unknown = given instanceof URL ? given.href : given;
  if (typeof text !== "string" || !/^(ws|http)s?:/i.test(text)) {
    throw invalid(`url must begin with ws: or wss:, not ${describe(text)}`);
  }
  return new HttpTarget(text.replace(/^ws/i, "http"));
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** One request, taken apart. */
interface Exchange {
  readonly route: SyncRoute;
  readonly head: SyncRequestHead;
  readonly bytes: Uint8Array | undefined;
}
