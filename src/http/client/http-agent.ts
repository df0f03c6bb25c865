/**
 * An HTTP agent: requests to any number of hosts over connections that are kept and used again
 * (HP §2.14).
 */
import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../../connection/component/component-options.js";
import { closeOldOnes, closeSilentOnes } from "../../connection/component/mass-close.js";
import type { Connection, WaitOptions } from "../../connection/connection.js";
import { Events } from "../../connection/events/events.js";
import { assertFunction } from "../../connection/settings.js";
import { StopSignal } from "../../connection/waiting/stop-signal.js";
import { ProxyRouter } from "../../dial/proxy-route.js";
import { describe, invalidArgument, NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import { ClientExchange, type ExchangePlan } from "./client-exchange.js";
import {
  AGENT_NUMBER_NAMES,
  type AgentNumbers,
  agentNumbers,
  assertClientOptions,
  assertSwitch,
  CLIENT_OPTION_NAMES,
  type ClientOptions,
  dialerOptions,
} from "./client-options.js";
import type { ClientReceiver } from "./client-receiver.js";
import {
  assertRequestOptions,
  type HttpRequestOptions,
  planRequest,
  type RequestDefaults,
} from "./client-request.js";
import { ConnectionPools } from "./connection-pools.js";
import { fetchWith, type HttpFetch, type HttpFetchInit } from "./fetch/http-fetch.js";
import {
  assertClientHandlers,
  CLIENT_HANDLER_NAMES,
  type HttpClientHandlers,
  ResponseEvents,
} from "./http-client-handlers.js";
import { HttpDialer } from "./http-dialer.js";
import { type FollowingAgent, followWith, type HttpFollowOptions } from "./http-follow.js";
import { type DialRoute, dialRoute, routeKey } from "./http-proxy.js";
import type { HttpResponse } from "./http-response.js";
import { TargetCache } from "./http-target.js";

/**
 * A connection of an {@link HttpAgent}, as handlers see it: to look at, pause and close. Only the agent sends on it.
 */
export type HttpAgentConnection<Context = unknown> = Pick<
  Connection<Context>,
  | "id"
  | "context"
  | "state"
  | "isOpen"
  | "isPaused"
  | "pause"
  | "resume"
  | "close"
  | "abort"
  | "closed"
  | "closeReason"
  | "pendingBytes"
  | "localAddress"
  | "remoteAddress"
  | "remoteHost"
  | "tls"
  | "connectedAt"
  | "silentForMs"
  | "stats"
  | "setNoDelay"
  | "setKeepAlive"
  | "tcpInfo"
>;

/** Options of an {@link HttpAgent}. */
export interface HttpAgentOptions<Context = unknown>
  extends ClientOptions,
    Given<AgentNumbers>,
    Given<HttpClientHandlers<HttpAgentConnection<Context>>> {
  /** Makes the `context` of each new connection. */
  readonly context?: ((connection: HttpAgentConnection<Context>) => Context) | undefined;
  /** The agent has stopped, and all its connections have ended. */
  readonly onShutdown?: (() => void) | undefined;
}

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
  /** How often a request was sent again because its connection broke before a response came. */
  readonly repeatedCount: number;
}

const OPTION_NAMES: readonly string[] = [
  ...AGENT_NUMBER_NAMES,
  ...CLIENT_OPTION_NAMES,
  ...CLIENT_HANDLER_NAMES,
  "context",
  "onShutdown",
];

/**
 * Sends a request whose options were read by the caller, over the connections of an agent. Throws `STOPPED`; what
 * happens later is told to the plan's follower, or settles the promise of the exchange.
 */
export let sendPlanned: <Context>(
  agent: HttpAgent<Context>,
  route: DialRoute,
  plan: ExchangePlan,
) => ClientExchange;

/** Has the connections of an agent take any amount: the senders bound what waits. */
export let unboundQueues: (agent: HttpAgent) => void;

/** An HTTP agent: requests to any number of servers, over connections that are kept and used again. */
export class HttpAgent<Context = unknown> implements AsyncDisposable {
  /** The numbers in force. */
  readonly numbers: AgentNumbers;
  readonly #pools: ConnectionPools;
  readonly #dialer: HttpDialer<HttpAgentConnection<Context>>;
  readonly #events: Events<HttpAgentConnection<Context>, Buffer>;
  readonly #targets: TargetCache = new TargetCache();
  readonly #proxies: ProxyRouter;
  readonly #following: FollowingAgent;

  static {
    sendPlanned = (agent, route, plan) => {
      if (agent.#stopping !== undefined) throw stopped();
      return agent.#start(route, plan, agent.numbers.connectTimeoutMs);
    };
    unboundQueues = (agent) => agent.#dialer.unboundQueues();
  }
  #defaults: RequestDefaults;
  #requestCount = 0;
  #stopping: Promise<StopResult> | undefined;
  readonly #stopSignal: StopSignal = new StopSignal();

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: HttpAgentOptions<Context> = {}) {
    assertClientOptions("HttpAgent", options, OPTION_NAMES);
    assertClientHandlers(options);
    for (const name of ["context", "onShutdown"] as const) {
      if (options[name] !== undefined) assertFunction(name, options[name]);
    }
    const { headers, cookies, useCookies = true, proxy } = options;
    this.numbers = agentNumbers(options);
    this.#proxies = new ProxyRouter(proxy);
    this.#defaults = { ...this.numbers, headers, cookies, useCookies };
    this.#events = new Events<HttpAgentConnection<Context>, Buffer>(options);
    this.#dialer = new HttpDialer<HttpAgentConnection<Context>>(
      { ...dialerOptions(options), makeContext: options.context },
      {
        connections: this.#events,
        responses: new ResponseEvents(options, (connection) => handleOf(connection)),
      },
    );
    this.#pools = new ConnectionPools(this.numbers, this.#dialer);
    this.#following = {
      numbers: this.numbers,
      wheel: this.#dialer.wheel,
      send: (request, omitted) => this.#send(request, omitted),
    };
  }

  /**
   * Asks for something. Resolves with the head of the response; its body follows.
   *
   * Rejects with what ended the request before: `INVALID_ARGUMENT`, `HTTP_QUEUE_FULL`,
   * `HTTP_QUEUE_TIMEOUT`, what `TcpAgent.connect` and TLS reject with, `PROXY_REFUSED` and its like,
   * `HTTP_HEAD_TIMEOUT`, `REQUEST_TIMEOUT`, `ABORTED`, `STOPPED`, `CONNECTION_RESET`,
   * `CONNECTION_CLOSED`, `HTTP_MALFORMED` and the other codes of a response that can't be read. What
   * ends it later goes to the body. A request that may be repeated does not fail when a kept connection
   * turns out to be dead.
   */
  request(options: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send(options, NOTHING);
  }

  /**
   * Asks for something, follows redirects and decodes. Rejects as {@link request} does, and with
   * `HTTP_REDIRECT_LIMIT`, `HTTP_REDIRECT_REFUSED`; reading the body can reject with
   * `HTTP_CONTENT_MALFORMED` and `HTTP_CONTENT_TOO_LARGE` besides.
   */
  follow(url: string | URL, options: HttpFollowOptions = {}): Promise<HttpResponse> {
    return followWith(this.#following, url, options);
  }

  /**
   * The web's `fetch`, over the connections of this agent: takes a `Request`, text or a `URL`,
   * resolves with a `Response`. Rejects as `fetch` does: with the reason of the signal, or with a
   * `FetchFailure`, a TypeError that has the code of what happened. See {@link follow} for codes.
   */
  fetch(input: Request | string | URL, init?: HttpFetchInit): Promise<Response> {
    return fetchWith(this, input, init);
  }

  #send(options: HttpRequestOptions, omitted: readonly string[]): Promise<HttpResponse> {
    try {
      assertRequestOptions(options);
      if (this.#stopping !== undefined) throw stopped();
      return this.#begin(options, omitted);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #begin(options: HttpRequestOptions, omitted: readonly string[]): Promise<HttpResponse> {
    const target = this.#targets.of(options.url);
    const asksUpgrade = options.upgrade !== undefined;
    const route = dialRoute(target, this.#proxies, options.proxy, asksUpgrade);
    const plan = planRequest(options, { ...route, omitted }, this.#defaults);
    const { connectTimeoutMs = this.numbers.connectTimeoutMs } = options;
    return this.#start(route, plan, connectTimeoutMs).promise;
  }

  #start(route: DialRoute, plan: ExchangePlan, connectTimeoutMs: number): ClientExchange {
    const pool = this.#pools.of(routeKey(route), route);
    const exchange = new ClientExchange(pool, plan);
    this.#requestCount++;
    pool.add(exchange, connectTimeoutMs);
    return exchange;
  }

  /** Whether cookies go with requests and are taken from responses, unless a request says otherwise. */
  get useCookies(): boolean {
    return this.#defaults.useCookies;
  }

  set useCookies(useCookies: boolean) {
    assertSwitch("useCookies", useCookies);
    this.#defaults = { ...this.#defaults, useCookies };
  }

  /** What it does at the moment. */
  get stats(): HttpAgentStats {
    const { originCount, connectionCount, idleCount, waitingCount, repeatedCount } = this.#pools;
    const requestCount = this.#requestCount;
    return {
      originCount,
      connectionCount,
      idleCount,
      queuedCount: waitingCount,
      requestCount,
      repeatedCount,
    };
  }

  /** Ids of the connections at present. */
  connectionIds(): number[] {
    return this.#dialer.connectionIds();
  }

  /** The connection with this id, or undefined. */
  connection(id: number): HttpAgentConnection<Context> | undefined {
    const connection = this.#dialer.connection(id);
    return connection === undefined ? undefined : handleOf(connection);
  }

  /** Connections at present, those that are being made among them. */
  get connectionCount(): number {
    return this.#dialer.connectionIds().length;
  }

  /**
   * Receives nothing on the connection until {@link resume}: the server is held back. False for an id that is not
   * there.
   */
  pause(id: number): boolean {
    return this.connection(id)?.pause() ?? false;
  }

  /** Goes on receiving. False for an id that is not there. */
  resume(id: number): boolean {
    return this.connection(id)?.resume() ?? false;
  }

  /** Closes the connection when what waits is sent; a request on it fails. False for an id that is not there. */
  close(id: number): boolean {
    return this.connection(id)?.close() ?? false;
  }

  /** Ends the connection at once, with a reset; a request on it fails. False for an id that is not there. */
  abort(id: number): boolean {
    return this.connection(id)?.abort() ?? false;
  }

  /** Closes the connections that have no request; returns how many. */
  closeIdle(): number {
    return this.#pools.closeIdle();
  }

  /**
   * Closes all connections that have no request and from which nothing came for `silentMs`; returns how many
   * (HP §2.3). Those that have left HTTP are their protocol's, and stay.
   */
  closeSilent(silentMs: number): number {
    const free = this.#dialer.receivers().filter(({ isBusy }) => !isBusy);
    return closeSilentOnes(free, silentMs, retire);
  }

  /**
   * Closes all connections that are older than `ageMs`, each when the request that it has is over; returns
   * how many (HP §2.3). Those that have left HTTP are their protocol's, and stay.
   */
  closeOlderThan(ageMs: number): number {
    return closeOldOnes(this.#dialer.receivers(), ageMs, retire);
  }

  /**
   * Stops, for good: nothing new is begun, requests that wait fail with `STOPPED`, those under way
   * get `drainMs` (default 5,000) to end, then they fail, too. Resolves when all connections have
   * ended and `onShutdown` was called; a second call joins the first.
   */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    this.#stopping ??= this.#stop(drainMs);
    return await this.#stopping;
  }

  /** Resolves when the agent has been stopped, at once if it has. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  async stopped(options: WaitOptions = {}): Promise<void> {
    await this.#stopSignal.wait(this.#dialer.wheel, options);
  }

  /** Lets the process end while requests are under way. Connections without a request never hold it. */
  unref(): void {
    this.#dialer.keepsProcess = false;
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#dialer.keepsProcess = true;
  }

  async #stop(drainMs: number): Promise<StopResult> {
    // A caller that awaits the end keeps the process alive, whatever `unref` says.
    this.#dialer.keepsProcess = true;
    const { length } = this.#dialer.connectionIds();
    this.#pools.stop(stopped());
    await this.#pools.empty(drainMs);
    const { cutCount } = await this.#dialer.stop(0);
    this.#events.shutdown();
    this.#stopSignal.tell();
    return { drainedCount: Math.max(0, length - cutCount), cutCount };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** `agent.fetch` as a function of its own, for libraries that take a `fetch`. Throws `INVALID_ARGUMENT`. */
export function createFetch(agent: HttpAgent): HttpFetch {
  if (!(agent instanceof HttpAgent)) {
    throw invalidArgument(`agent must be an HttpAgent, not ${describe(agent)}`);
  }
  return (input, init) => agent.fetch(input, init);
}

const NOTHING: readonly string[] = [];

function handleOf<Context>(connection: Connection): HttpAgentConnection<Context> {
  return connection as HttpAgentConnection<Context>;
}

function retire(receiver: ClientReceiver, error: NetError): boolean {
  return receiver.retire(error);
}

function stopped(): NetError {
  return new NetError("STOPPED", "the component is stopped", { operation: "request" });
}
