/**
 * An HTTP agent: requests to any number of hosts over connections that are kept and used again
 * (HP §2.14). Built on `TcpAgent`, so that it runs on every engine.
 */
import type { StopOptions } from "../../connection/component-options.js";
import { assertInteger, NetError } from "../../errors.js";
import { createLimits } from "../../protocol/http1/limits.js";
import { ClientExchange } from "./client-exchange.js";
import {
  type AgentNumbers,
  agentNumbers,
  assertAgentOptions,
  type HttpAgentOptions,
} from "./client-options.js";
import {
  assertRequestOptions,
  type HttpRequestOptions,
  planRequest,
  type RequestDefaults,
} from "./client-request.js";
import { ConnectionPools } from "./connection-pools.js";
import { HttpDialer } from "./http-dialer.js";
import { type FetchAgent, fetchWith, type HttpFetchInit } from "./http-fetch.js";
import { HttpProxy } from "./http-proxy.js";
import type { HttpResponse } from "./http-response.js";
import { TargetCache } from "./http-target.js";

/** What an {@link HttpAgent} does at the moment. */
export interface HttpAgentStats {
  /** Origins and proxies that there are connections to. */
  readonly originCount: number;
  /** Connections that are there or are being made. */
  readonly connectionCount: number;
  /** Those without a request. */
  readonly idleCount: number;
  /** Requests that wait for a connection. */
  readonly queuedCount: number;
  /** Requests that were taken since the agent was made. */
  readonly requestCount: number;
  /** How often a request was sent again because its connection broke before an answer came. */
  readonly repeatedCount: number;
}

/** See the head of the file. */
export class HttpAgent implements AsyncDisposable {
  /** The numbers in force. */
  readonly numbers: AgentNumbers;
  readonly #pools: ConnectionPools;
  readonly #dialer: HttpDialer;
  readonly #targets: TargetCache = new TargetCache();
  readonly #proxy: HttpProxy | undefined;
  readonly #defaults: RequestDefaults;
  readonly #fetchAgent: FetchAgent;
  #requestCount = 0;
  #isStopped = false;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: HttpAgentOptions = {}) {
    assertAgentOptions(options);
    const { engine, tls, headers, cookies, proxy } = options;
    this.numbers = agentNumbers(options);
    this.#proxy = proxy === undefined ? undefined : new HttpProxy(proxy);
    this.#defaults = { ...this.numbers, headers, cookies };
    this.#dialer = new HttpDialer({ engine, tls, limits: createLimits(options.limits) });
    this.#pools = new ConnectionPools(this.numbers, this.#dialer);
    this.#fetchAgent = {
      numbers: this.numbers,
      wheel: this.#dialer.wheel,
      send: (request, omitted) => this.#send(request, omitted),
    };
  }

  /**
   * Asks for something. Resolves with the head of the response; its body follows.
   *
   * Rejects with what ended the request before: `INVALID_ARGUMENT`, `HTTP_QUEUE_FULL`, what
   * `TcpAgent.connect` and TLS reject with, `HTTP_PROXY_REFUSED`, `HTTP_HEAD_TIMEOUT`,
   * `REQUEST_TIMEOUT`, `ABORTED`, `STOPPED`, `CONNECTION_RESET`, `CONNECTION_CLOSED`,
   * `HTTP_MALFORMED` and the other codes of a response that can't be read. What ends it later goes to
   * the body. A request that may be repeated does not fail when a kept connection turns out to be
   * dead.
   */
  request(options: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send(options, NOTHING);
  }

  /**
   * A call in the manner of `fetch`: follows redirects and decodes. Rejects as {@link request} does,
   * and with `HTTP_REDIRECT_LIMIT`, `HTTP_REDIRECT_REFUSED`; reading the body can reject with
   * `HTTP_CONTENT_MALFORMED` and `HTTP_CONTENT_TOO_LARGE` besides.
   */
  fetch(url: string | URL, init: HttpFetchInit = {}): Promise<HttpResponse> {
    return fetchWith(this.#fetchAgent, url, init);
  }

  #send(options: HttpRequestOptions, omitted: readonly string[]): Promise<HttpResponse> {
    try {
      assertRequestOptions(options);
      if (this.#isStopped) throw stopped();
      return this.#begin(options, omitted);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #begin(options: HttpRequestOptions, omitted: readonly string[]): Promise<HttpResponse> {
    const target = this.#targets.of(options.url);
    const proxy = this.#proxy?.serves(target) === true ? this.#proxy : undefined;
    const isAbsolute = proxy !== undefined && !target.isSecure;
    const proxyAuthorization = isAbsolute ? proxy.authorization : undefined;
    const route = { target, isAbsolute, proxyAuthorization, omitted };
    const plan = planRequest(options, route, this.#defaults);
    const key = isAbsolute ? `proxy ${proxy.host}` : target.origin;
    const pool = this.#pools.of(key, { target, proxy });
    const exchange = new ClientExchange(pool, plan);
    this.#requestCount++;
    pool.add(exchange, options.connectTimeoutMs ?? this.numbers.connectTimeoutMs);
    return exchange.promise;
  }

  /** What it does at the moment. */
  get stats(): HttpAgentStats {
    const { originCount, connectionCount, idleCount, queuedCount, repeatedCount } = this.#pools;
    const requestCount = this.#requestCount;
    return { originCount, connectionCount, idleCount, queuedCount, requestCount, repeatedCount };
  }

  /** Closes the connections that have no request; answers how many. */
  closeIdle(): number {
    return this.#pools.closeIdle();
  }

  /**
   * Stops, for good: nothing new is begun, requests that wait fail with `STOPPED`, those under way
   * get `drainMs` (default 5,000) to end, then they fail, too. Resolves when all connections have
   * ended.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    const { drainMs = 5_000 } = options;
    assertInteger("drainMs", drainMs, 0, 2 ** 31 - 1);
    this.#isStopped = true;
    this.#pools.stop(stopped());
    await this.#pools.empty(drainMs);
    await this.#dialer.stop(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** `agent.fetch` as a function of its own, for what takes a function like `fetch`. */
export function createFetch(
  agent: HttpAgent,
): (url: string | URL, init?: HttpFetchInit) => Promise<HttpResponse> {
  return (url, init) => agent.fetch(url, init);
}

const NOTHING: readonly string[] = [];

function stopped(): NetError {
  return new NetError("STOPPED", "the agent is stopped", { operation: "request" });
}
