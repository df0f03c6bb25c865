/**
 * An HTTP client: one connection at a time, requests in their order, and every event of the responses (HP §2.14).
 * Programs that need responses only are better served by an `HttpAgent`.
 */
import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../../connection/component/component-options.js";
import type { Connection, WaitOptions } from "../../connection/connection.js";
import { Events } from "../../connection/events/events.js";
import { assertFunction } from "../../connection/settings.js";
import { throwIfAborted } from "../../connection/waiting/waiter.js";
import { assertIp } from "../../dial/connect-options.js";
import { type ProxyChoice, ProxyRouter } from "../../dial/proxy-route.js";
import type { Address } from "../../engine/engine.js";
import { assertInteger, assertKnownKeys, assertOneOf, describe, NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import { ClientExchange } from "./client-exchange.js";
import { ClientLink } from "./client-link.js";
import {
  agentNumbers,
  assertClientOptions,
  assertSwitch,
  CLIENT_NUMBER_NAMES,
  CLIENT_OPTION_NAMES,
  type ClientNumbers,
  type ClientOptions,
  dialerOptions,
} from "./client-options.js";
import { assertRequestOptions, type HttpRequestOptions, planRequest } from "./client-request.js";
import {
  assertClientHandlers,
  CLIENT_HANDLER_NAMES,
  type HttpClientHandlers,
  ResponseEvents,
} from "./http-client-handlers.js";
import { type DialLocality, HttpDialer } from "./http-dialer.js";
import { dialRoute } from "./http-proxy.js";
import type { HttpResponse } from "./http-response.js";
import { HttpTarget } from "./http-target.js";
import type { RequestBody } from "./request-content.js";

/** Options of an {@link HttpClient}. */
export interface HttpClientOptions<Context = unknown>
  extends ClientOptions,
    Given<ClientNumbers>,
    Given<HttpClientHandlers<HttpClient<Context>>> {
  /** Makes the `context` of each new connection. */
  readonly context?: ((client: HttpClient<Context>) => Context) | undefined;
}

/** How an {@link HttpClient} connects. */
export interface HttpConnectOptions extends WaitOptions, DialLocality {
  /** Through which proxy, or `false` for none. Default: the client's. */
  readonly proxy?: ProxyChoice | undefined;
}

/** What a client asks for, over the connection it has. */
export interface HttpClientRequest
  extends Omit<HttpRequestOptions, "url" | "connectTimeoutMs" | "proxy"> {
  /** Path with query; it begins with "/". Default `/`. */
  readonly path?: string | undefined;
}

/** A request whose method the call names. */
export type HttpClientCall = Omit<HttpClientRequest, "path" | "method" | "body">;

const OPTION_NAMES: readonly string[] = [
  ...CLIENT_OPTION_NAMES,
  ...CLIENT_NUMBER_NAMES,
  ...CLIENT_HANDLER_NAMES,
  "context",
];

const CONNECT_OPTION_NAMES: readonly (keyof HttpConnectOptions)[] = [
  "timeoutMs",
  "signal",
  "localHost",
  "localPort",
  "family",
  "proxy",
];

const NOTHING: readonly string[] = [];

/** An HTTP client with one connection at a time, requests in their order, and every event of its responses. */
export class HttpClient<Context = unknown> implements AsyncDisposable {
  readonly #options: HttpClientOptions<Context>;
  readonly #numbers: ClientNumbers;
  readonly #dialer: HttpDialer<HttpClient<Context>>;
  readonly #proxies: ProxyRouter;
  readonly #link: ClientLink;
  /** The present connection, or the last one. */
  #connection: Connection | undefined;
  #useCookies: boolean;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: HttpClientOptions<Context> = {}) {
    assertClientOptions("HttpClient", options, OPTION_NAMES);
    assertClientHandlers(options);
    if (options.context !== undefined) assertFunction("context", options.context);
    const { proxy, useCookies = true } = options;
    this.#options = options;
    this.#numbers = agentNumbers(options);
    this.#useCookies = useCookies;
    this.#proxies = new ProxyRouter(proxy);
    this.#dialer = new HttpDialer<HttpClient<Context>>(
      { ...dialerOptions(options), makeContext: (connection) => this.#begin(connection) },
      {
        connections: new Events<HttpClient<Context>, Buffer>(options, this),
        responses: new ResponseEvents<HttpClient<Context>>(options, () => this),
      },
    );
    this.#link = new ClientLink(this.#dialer, this.#numbers);
  }

  /** A connection is about to be made: it is the present one from here on. */
  #begin(connection: Connection): Context | undefined {
    this.#connection = connection;
    return this.#options.context?.(this);
  }

  // — the connection —

  /**
   * Connects to the server of a URL, of which scheme, host and port count. Rejects like
   * `TcpAgent.connect` and TLS, with `PROXY_REFUSED` and its like, and with `INVALID_STATE` while there is a
   * connection. `timeoutMs`: default `connectTimeoutMs`.
   */
  async connect(url: string | URL, options: HttpConnectOptions = {}): Promise<this> {
    assertOptionsObject("the options of connect", options);
    assertKnownKeys("connect", options, CONNECT_OPTION_NAMES);
    const target = new HttpTarget(url);
    const { timeoutMs = this.#numbers.connectTimeoutMs, signal, proxy: given } = options;
    const { localHost, localPort, family } = options;
    assertInteger("timeoutMs", timeoutMs, 0, 2 ** 31 - 1);
    if (localHost !== undefined) assertIp("localHost", localHost);
    if (localPort !== undefined) assertInteger("localPort", localPort, 0, 65_535);
    if (family !== undefined) assertOneOf("family", family, ["any", "IPv4", "IPv6"]);
    const locality: DialLocality = {
      ...(localHost !== undefined && { localHost }),
      ...(localPort !== undefined && { localPort }),
      ...(family !== undefined && { family }),
    };
    throwIfAborted(options, "connect");
    await this.#link.connect(dialRoute(target, this.#proxies, given), {
      timeoutMs,
      signal,
      locality,
    });
    return this;
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  /** The present connection, or the last one, for its figures and settings; undefined before the first. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** The application's own, of the present or last connection. Throws `INVALID_STATE` before the first. */
  get context(): Context {
    return this.#lastConnection.context as Context;
  }

  set context(context: Context) {
    this.#lastConnection.context = context;
  }

  /** The present or last connection. Throws `INVALID_STATE` before the first. */
  get #lastConnection(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    throw new NetError("INVALID_STATE", "the client was never connected");
  }

  /** The address of this end; undefined while there is no connection. */
  get localAddress(): Address | undefined {
    return this.#connection?.localAddress;
  }

  /** Address of the server, or of the proxy. */
  get remoteAddress(): Address | undefined {
    return this.#connection?.remoteAddress;
  }

  /** Scheme, host and port that it is or was connected to; undefined before the first time. */
  get origin(): string | undefined {
    return this.#link.target?.origin;
  }

  /** Whether cookies go with requests and are taken from responses. */
  get useCookies(): boolean {
    return this.#useCookies;
  }

  set useCookies(use: boolean) {
    assertSwitch("useCookies", use);
    this.#useCookies = use;
  }

  /** Closes the connection, or calls connecting off; requests without a response fail. False when there is neither. */
  close(): boolean {
    return this.#link.close();
  }

  /**
   * Ends the connection at once, with a reset, or calls connecting off; requests without a response fail. False when
   * there is neither.
   */
  abort(): boolean {
    const isAborted = this.#connection?.abort() === true;
    return this.#link.close() || isAborted;
  }

  /**
   * Closes the connection, as {@link close} does: requests without a response fail. What waits is sent; what is left
   * after
   * `drainMs` (5 s) is cut. Resolves when the connection has ended.
   */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    this.#link.close();
    return await this.#dialer.stop(drainMs);
  }

  /** Resolves when the client is stopped, at once if it is. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#dialer.stopped(options);
  }

  /** Lets the process end while a request is under way. A connection without a request never holds it. */
  unref(): void {
    this.#dialer.keepsProcess = false;
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#dialer.keepsProcess = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // — requests —

  /**
   * Asks for something over the connection. Resolves with the head of the response; its body follows.
   * Rejects as `HttpAgent.request` does, and with `INVALID_STATE` without a connection. A request that
   * may be repeated has the connection made anew when that turns out to be dead.
   */
  request(options: HttpClientRequest = {}): Promise<HttpResponse> {
    try {
      const exchange = this.#exchangeFor(options, true);
      this.#link.add(exchange);
      return exchange.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The same for programs with handlers: the body goes to `onBody` and is not kept. Resolves when
   * the response is complete.
   */
  async send(options: HttpClientRequest = {}): Promise<HttpResponse> {
    const exchange = this.#exchangeFor(options, false);
    this.#link.add(exchange);
    const response = await exchange.promise;
    await response.body.read();
    return response;
  }

  /** Asks for `path` by GET. Otherwise as {@link request}. */
  get(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "GET", path });
  }

  /** Asks for `path` by HEAD; the response has no body. Otherwise as {@link request}. */
  head(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "HEAD", path });
  }

  /** Asks for `path` by POST with a body. Otherwise as {@link request}. */
  post(path: string, body?: RequestBody, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "POST", path, body: body ?? null });
  }

  /** Asks for `path` by PUT with a body. Otherwise as {@link request}. */
  put(path: string, body?: RequestBody, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "PUT", path, body: body ?? null });
  }

  /** Asks for `path` by PATCH with a body. Otherwise as {@link request}. */
  patch(path: string, body?: RequestBody, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "PATCH", path, body: body ?? null });
  }

  /** Asks for `path` by DELETE. Otherwise as {@link request}. */
  delete(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "DELETE", path });
  }

  /** Asks for `path` by OPTIONS. Otherwise as {@link request}. */
  options(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "OPTIONS", path });
  }

  /** Asks for `path` by TRACE. Otherwise as {@link request}. */
  trace(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "TRACE", path });
  }

  /** CONNECT: asks the server, which is a proxy, for a tunnel to `host:port`. */
  tunnel(authority: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "CONNECT", target: authority });
  }

  #exchangeFor(given: HttpClientRequest, keepsBody: boolean): ClientExchange {
    assertOptionsObject("a request", given);
    const { path = "/", ...options } = given;
    const target = this.#targetOf(path);
    const full: HttpRequestOptions = { ...options, url: target.url };
    assertRequestOptions(full);
    const route = { target, forward: this.#link.route?.forward, omitted: NOTHING };
    const { headers, cookies } = this.#options;
    const defaults = { ...this.#numbers, headers, cookies, useCookies: this.#useCookies };
    const plan = planRequest(full, route, defaults);
    return new ClientExchange(this.#link, { ...plan, keepsBody });
  }

  #targetOf(path: string): HttpTarget {
    const { target } = this.#link;
    if (!this.#link.isOpen || target === undefined) {
      throw new NetError("INVALID_STATE", "the client is not connected", { operation: "request" });
    }
    if (typeof path !== "string" || !path.startsWith("/")) {
      throw invalid(`path must begin with "/", not ${describe(path)}`);
    }
    return new HttpTarget(`${target.origin}${path}`);
  }
}
