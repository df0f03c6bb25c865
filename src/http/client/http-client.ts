/**
 * An HTTP client: one connection at a time, requests in their order, and every event of the responses
 * for who wants them (HP §2.14). An `HttpAgent` is the better choice for who only wants answers.
 */
import process from "node:process";
import type { Connection, WaitOptions } from "../../connection/connection.js";
import { callHandler, handlerError } from "../../connection/handlers.js";
import { throwIfAborted } from "../../connection/waiter.js";
import { assertInteger, describe, NetError } from "../../errors.js";
import { createLimits } from "../../protocol/http1/limits.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import { ClientExchange } from "./client-exchange.js";
import { ClientLink, type LinkOwner } from "./client-link.js";
import {
  agentNumbers,
  assertClientOptions,
  assertSwitch,
  CLIENT_NUMBER_NAMES,
  CLIENT_OPTION_NAMES,
  type ClientNumbers,
  type ClientOptions,
} from "./client-options.js";
import { assertRequestOptions, type HttpRequestOptions, planRequest } from "./client-request.js";
import {
  assertClientHandlers,
  CLIENT_HANDLER_NAMES,
  createEventSink,
  type HttpClientHandlers,
} from "./http-client-handlers.js";
import { HttpDialer } from "./http-dialer.js";
import { HttpProxy } from "./http-proxy.js";
import type { HttpResponse } from "./http-response.js";
import { HttpTarget } from "./http-target.js";
import type { RequestBody } from "./request-content.js";

/** Options of an {@link HttpClient}. */
export interface HttpClientOptions
  extends ClientOptions,
    Partial<ClientNumbers>,
    HttpClientHandlers<HttpClient> {
  /** Whether cookies are used, where there is a store. Default true. */
  readonly useCookies?: boolean;
}

/** What a client asks for, over the connection it has. */
export interface HttpClientRequest extends Omit<HttpRequestOptions, "url" | "connectTimeoutMs"> {
  /** Path with query; it begins with "/". Default `/`. */
  readonly path?: string;
}

/** A request whose method the call names. */
export type HttpClientCall = Omit<HttpClientRequest, "path" | "method" | "body">;

const OPTION_NAMES: readonly string[] = [
  ...CLIENT_OPTION_NAMES,
  ...CLIENT_NUMBER_NAMES,
  ...CLIENT_HANDLER_NAMES,
  "useCookies",
];

const NOTHING: readonly string[] = [];

/** Time that the last bytes get when the client is stopped. */
const STOP_MS = 1_000;

/** See the head of the file. */
export class HttpClient implements AsyncDisposable {
  readonly #options: HttpClientOptions;
  readonly #numbers: ClientNumbers;
  readonly #dialer: HttpDialer;
  readonly #proxy: HttpProxy | undefined;
  readonly #link: ClientLink;
  #useCookies: boolean;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: HttpClientOptions = {}) {
    assertClientOptions("HttpClient", options, OPTION_NAMES);
    assertClientHandlers(options);
    assertSwitch("useCookies", options.useCookies);
    const { engine, tls, proxy } = options;
    this.#options = options;
    this.#numbers = agentNumbers(options);
    this.#useCookies = options.useCookies ?? true;
    this.#proxy = proxy === undefined ? undefined : new HttpProxy(proxy);
    this.#dialer = new HttpDialer({ engine, tls, limits: createLimits(options.limits) });
    this.#link = new ClientLink(this.#linkOwner(), this.#dialer, this.#numbers, this.#proxy);
  }

  #linkOwner(): LinkOwner {
    const handlers: HttpClientHandlers<HttpClient> = this.#options;
    return {
      linkOpened: (connection) => {
        const { live } = connection;
        const failed = (name: string, cause: unknown): void => {
          live.fail(handlerError(name, "receive", cause, live.id));
        };
        connection.sink = createEventSink<HttpClient>(this, handlers, connection, failed);
        callHandler(
          () => handlers.onConnect?.(this),
          (cause) => live.fail(handlerError("onConnect", "connect", cause, live.id)),
        );
      },
      linkUpgraded: (upgraded) => {
        const live = this.#link.connection?.live;
        callHandler(
          () => handlers.onUpgrade?.(this, upgraded),
          (cause) => live?.fail(handlerError("onUpgrade", "receive", cause, live.id)),
        );
      },
      linkClosed: (reason) => {
        callHandler(
          () => handlers.onClose?.(this, reason),
          (cause) => process.emitWarning(handlerError("onClose", "close", cause)),
        );
      },
    };
  }

  // — the connection —

  /**
   * Connects to the server of a URL, of which scheme, host and port count. Rejects like
   * `TcpAgent.connect` and TLS, with `HTTP_PROXY_REFUSED`, and with `INVALID_STATE` while there is a
   * connection. `timeoutMs`: default `connectTimeoutMs`.
   */
  async connect(url: string | URL, options: WaitOptions = {}): Promise<this> {
    const target = new HttpTarget(url);
    const { timeoutMs = this.#numbers.connectTimeoutMs, signal } = options;
    assertInteger("timeoutMs", timeoutMs, 0, 2 ** 31 - 1);
    throwIfAborted(options, "connect");
    await this.#link.connect(target, { timeoutMs, signal });
    return this;
  }

  /** Whether requests can be sent. */
  get isConnected(): boolean {
    return this.#link.isOpen;
  }

  /** The connection below, for its addresses and figures; undefined while there is none. */
  get connection(): Connection | undefined {
    return this.#link.connection?.live;
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

  /** Closes the connection, or calls connecting off; requests without an answer fail. False when there is neither. */
  close(): boolean {
    return this.#link.close();
  }

  /** Closes the connection, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#link.close();
    await this.#dialer.stop(STOP_MS);
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
   * The same for who goes by the handlers: the body is told to `onBody` and not kept. Resolves when
   * the response is complete.
   */
  async send(options: HttpClientRequest = {}): Promise<HttpResponse> {
    const exchange = this.#exchangeFor(options, false);
    this.#link.add(exchange);
    const response = await exchange.promise;
    await response.body.read();
    return response;
  }

  /** See {@link request}; so are the other methods of HTTP that follow. */
  get(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "GET", path });
  }

  head(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "HEAD", path });
  }

  post(path: string, body?: RequestBody, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "POST", path, body: body ?? null });
  }

  put(path: string, body?: RequestBody, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "PUT", path, body: body ?? null });
  }

  patch(path: string, body?: RequestBody, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "PATCH", path, body: body ?? null });
  }

  delete(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "DELETE", path });
  }

  options(path: string, options: HttpClientCall = {}): Promise<HttpResponse> {
    return this.request({ ...options, method: "OPTIONS", path });
  }

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
    const isAbsolute = this.#proxy?.serves(target) === true && !target.isSecure;
    const proxyAuthorization = isAbsolute ? this.#proxy?.authorization : undefined;
    const route = { target, isAbsolute, proxyAuthorization, omitted: NOTHING };
    const { headers } = this.#options;
    const cookies = this.#useCookies ? this.#options.cookies : undefined;
    const plan = planRequest(full, route, { ...this.#numbers, headers, cookies });
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
