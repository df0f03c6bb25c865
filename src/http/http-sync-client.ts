/**
 * An HTTP client whose calls return with the answer (HP §2.14, §4): the thread sleeps meanwhile, a
 * worker does the work. Made for scripts, for the loading of modules and for worker threads; in a
 * server nothing else gets on while a call waits.
 */
import { Buffer } from "node:buffer";
import { handlerError } from "../connection/handlers.js";
import type { EngineName } from "../engine/engine.js";
import { assertInteger, assertKnownKeys, NetError } from "../errors.js";
import type { FieldInput } from "../protocol/http1/field-writer.js";
import { createLimits } from "../protocol/http1/limits.js";
import type { ClientOptions } from "./client-options.js";
import type { CookieStore } from "./cookie-store.js";
import { FieldList, type FieldPair, fieldPairs } from "./http-fields.js";
import { HttpTarget } from "./http-target.js";
import { assertOptionsObject, invalid } from "./option-check.js";
import { RequestContent } from "./request-content.js";
import { revived, SyncChannel } from "./sync-channel.js";
import { eventsOf, type HttpSyncListener } from "./sync-listener.js";
import type { SyncError, SyncHead, SyncMessage, SyncOrder } from "./sync-messages.js";
import { SyncResponse } from "./sync-response.js";

/** Options of an {@link HttpSyncClient}. */
export interface HttpSyncClientOptions extends Omit<ClientOptions, "engine"> {
  /** Name of the engine; it runs in the worker. */
  readonly engine?: "auto" | EngineName;
  /** Time to connect, in milliseconds; 0: no limit. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Time for request and response together, in milliseconds; 0: no limit. Default 10,000. */
  readonly requestTimeoutMs?: number;
  readonly listener?: HttpSyncListener;
}

/** How {@link HttpSyncClient.openUrl} connects. */
export interface OpenUrlOptions {
  /** Connects anew though there is a connection to that server. Default false. */
  readonly forceReconnect?: boolean;
}

/** A request over the connection there is. */
export interface SyncRequest {
  /** Default `GET`. */
  readonly method?: string;
  /** Path with query; it begins with "/". Default `/`. */
  readonly path?: string;
  readonly headers?: FieldInput;
  readonly body?: SyncBody;
  /** Default: `requestTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** What a call can send. */
export type SyncBody = string | Uint8Array | URLSearchParams;

const OPTION_NAMES: readonly string[] = [
  "engine",
  "tls",
  "headers",
  "cookies",
  "proxy",
  "limits",
  "connectTimeoutMs",
  "requestTimeoutMs",
  "listener",
];

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 2 ** 31;
/** What the worker gets beyond the time in which it ends an order by itself. */
const GRACE_MS = 5_000;
const MAX_MS = 2 ** 31 - 1;

/** See the head of the file. */
export class HttpSyncClient implements Disposable {
  /** Time to connect, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Time for request and response together, in milliseconds. */
  readonly requestTimeoutMs: number;
  readonly #listener: HttpSyncListener;
  readonly #cookies: CookieStore | undefined;
  readonly #channel: SyncChannel;
  #target: HttpTarget | undefined;
  #pieces: Uint8Array[] = [];
  #listenerError: NetError | undefined;

  /** Starts the worker, and does not wait for it. Throws `INVALID_ARGUMENT`. */
  constructor(options: HttpSyncClientOptions = {}) {
    assertOptionsObject("the options", options);
    assertKnownKeys("HttpSyncClient", options, OPTION_NAMES);
    const { listener = {}, cookies, headers, limits, engine, tls, proxy } = options;
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS, requestTimeoutMs = REQUEST_TIMEOUT_MS } =
      options;
    assertInteger("connectTimeoutMs", connectTimeoutMs, 0, MAX_MS);
    assertInteger("requestTimeoutMs", requestTimeoutMs, 0, MAX_MS);
    const events = eventsOf(listener);
    this.connectTimeoutMs = connectTimeoutMs;
    this.requestTimeoutMs = requestTimeoutMs;
    this.#listener = listener;
    this.#cookies = cookies;
    const clientOptions = {
      ...(engine !== undefined && { engine }),
      ...(tls !== undefined && { tls }),
      ...(proxy !== undefined && { proxy }),
      ...(headers !== undefined && { headers: [...fieldPairs(headers)] }),
      limits: createLimits({ maxBodyBytes: MAX_BODY_BYTES, ...limits }),
      connectTimeoutMs,
      headTimeoutMs: 0,
      bodyTimeoutMs: 0,
    };
    const heard = (message: SyncMessage): void => this.#heard(message);
    this.#channel = new SyncChannel({ options: clientOptions, events }, { heard });
  }

  /**
   * Connects to the server of a URL, or keeps the connection that is there. Throws as
   * `HttpClient.connect` rejects, and `STOPPED` after `close`.
   */
  connect(url: string | URL, { forceReconnect = false }: OpenUrlOptions = {}): this {
    const target = new HttpTarget(url);
    const { connectTimeoutMs: timeoutMs } = this;
    const { href } = target.url;
    this.#call({ kind: "connect", url: href, timeoutMs, isForced: forceReconnect }, timeoutMs);
    this.#target = target;
    return this;
  }

  /**
   * Connects where need be, and asks: scheme, host and port of the last call's connection being the
   * same, that is used again. Throws as `HttpClient.connect` and `HttpClient.request` reject.
   */
  openUrl(
    method: string,
    url: string | URL,
    headers: FieldInput = {},
    body?: SyncBody,
    options: OpenUrlOptions = {},
  ): SyncResponse {
    this.connect(url, options);
    const { path } = new HttpTarget(url);
    return this.request({ method, path, headers, ...(body !== undefined && { body }) });
  }

  /** Asks over the connection there is. Throws as `HttpClient.request` rejects. */
  request(options: SyncRequest = {}): SyncResponse {
    assertOptionsObject("a request", options);
    assertKnownKeys("request", options, ["method", "path", "headers", "body", "timeoutMs"]);
    const { method = "GET", path = "/", timeoutMs = this.requestTimeoutMs } = options;
    assertInteger("timeoutMs", timeoutMs, 0, MAX_MS);
    if (method === "CONNECT") throw invalid("tunnels can't be used by calls that wait");
    const target = this.#targetOf(path);
    const content = RequestContent.of(options.body, method);
    const headers = this.#fieldsOf(options.headers ?? {}, content.type, target);
    // A copy, so that it can be handed over and that no more than it is cloned.
    const body = content.bytes === undefined ? undefined : new Uint8Array(content.bytes);
    this.#pieces = [];
    const head = this.#call(
      { kind: "request", method, path, headers, body, timeoutMs },
      timeoutMs,
      body === undefined ? [] : [body.buffer],
    );
    const response = new SyncResponse(head as SyncHead, Buffer.concat(this.#pieces));
    this.#pieces = [];
    for (const value of response.headers.getAll("set-cookie")) {
      this.#cookies?.setFromHeader(value, target.url);
    }
    return response;
  }

  /** See {@link request}; so are the other methods of HTTP that follow. */
  get(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "GET", path, headers });
  }

  head(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "HEAD", path, headers });
  }

  post(path: string, body?: SyncBody, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "POST", path, headers, ...(body !== undefined && { body }) });
  }

  put(path: string, body?: SyncBody, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "PUT", path, headers, ...(body !== undefined && { body }) });
  }

  patch(path: string, body?: SyncBody, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "PATCH", path, headers, ...(body !== undefined && { body }) });
  }

  delete(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "DELETE", path, headers });
  }

  options(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "OPTIONS", path, headers });
  }

  trace(path: string, headers: FieldInput = {}): SyncResponse {
    return this.request({ method: "TRACE", path, headers });
  }

  /** Closes the connection, and keeps the worker for the next one. */
  disconnect(): void {
    this.#call({ kind: "close" }, GRACE_MS);
  }

  /** Ends the worker, and its connection with it. Further calls throw `STOPPED`. */
  close(): void {
    if (!this.#channel.isOver) this.#channel.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #targetOf(path: string): HttpTarget {
    if (this.#target === undefined) {
      throw new NetError("INVALID_STATE", "the client is not connected", { operation: "request" });
    }
    return new HttpTarget(`${this.#target.origin}${path}`);
  }

  #fieldsOf(headers: FieldInput, type: string | undefined, target: HttpTarget): FieldPair[] {
    const list = new FieldList();
    list.addAll(headers);
    list.addMissing("Content-Type", type);
    list.addMissing("Cookie", this.#cookies?.cookieHeader(target.url));
    return list.pairs;
  }

  #call(order: SyncOrder, timeoutMs: number, transfer?: ArrayBuffer[]): SyncHead | undefined {
    if (this.#channel.isOver) throw new NetError("STOPPED", "the client is closed");
    const head = this.#channel.call(order, timeoutMs === 0 ? 0 : timeoutMs + GRACE_MS, transfer);
    const error = this.#listenerError;
    this.#listenerError = undefined;
    if (error !== undefined) throw error;
    return head;
  }

  #heard(message: SyncMessage): void {
    try {
      if (message.kind === "body") this.#tellBody(message.bytes);
      else if (message.kind === "event") this.#tell(message.name, message.values);
    } catch (error) {
      this.#listenerError ??= handlerError("the listener", "receive", error);
    }
  }

  #tellBody(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#listener.onBody?.(bytes);
  }

  #tell(name: string, values: readonly unknown[]): void {
    const [first, ...others] = values;
    const isError = name === "onParseError";
    const handler = this.#listener[name as keyof HttpSyncListener] as
      | ((...values: readonly unknown[]) => void)
      | undefined;
    if (first === undefined) handler?.call(this.#listener);
    else handler?.call(this.#listener, isError ? revived(first as SyncError) : first, ...others);
  }
}
