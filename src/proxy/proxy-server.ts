/** A forward proxy: HTTP, CONNECT, SOCKS 5, 4a and 4 on one port (HP §6.2). */
import { randomBytes } from "node:crypto";
import type {
  ComponentStats,
  StopOptions,
  StopResult,
} from "../connection/component/component-options.js";
import type { ServiceState } from "../connection/component/service-state.js";
import type { WaitOptions } from "../connection/connection.js";
import { engineServiceOf } from "../connection/engine-service.js";
import { handlerError, tellHandlerError } from "../connection/events/handlers.js";
import type { AdmissionOptions } from "../connection/listening/admission.js";
import type { ListenOptions } from "../connection/listening/listening.js";
import type { Address, EngineChoice, IpAddress } from "../engine/engine.js";
import {
  assertBoolean,
  assertFunction,
  assertObject,
  assertText,
  invalidArgument,
  type NetError,
} from "../errors.js";
import { HttpAgent, type HttpAgentStats } from "../http/client/http-agent.js";
import { HandlerCalls } from "../http/server/handler-calls.js";
import type { HttpExchange } from "../http/server/http-exchange.js";
import { HttpRole } from "../http/server/http-role.js";
import type { HttpServerOptions } from "../http/server/http-server-options.js";
import {
  HttpServerConfiguration,
  type HttpSettingsInput,
  settingsAmong,
} from "../http/server/http-server-settings.js";
import type { ResponseReport } from "../http/server/response/response-report.js";
import type { ServerExchange } from "../http/server/server-exchange.js";
import { type Given, optionNames, readOptions } from "../options.js";
import { type ServerSecurity, secured } from "../tcp/secured.js";
import { type Authentication, Authenticator } from "./authentication.js";
import { type DestinationOptions, DestinationRules } from "./destination-rules.js";
import { Forwarder } from "./forwarder.js";
import { HandlerWaits } from "./handler-waits.js";
import { OutgoingStreams } from "./outgoing-streams.js";
import { Passage } from "./passage.js";
import type { ProxyHandlers } from "./proxy-handlers.js";
import { ProxyRole } from "./proxy-role.js";
import { PROXY_NUMBERS, type ProxyNumbers } from "./proxy-settings.js";
import { TunnelMaker } from "./tunnel-maker.js";

/** Options of a {@link ProxyServer}: handlers, rules, numbers, and the settings of an HTTP server. */
export interface ProxyServerOptions
  extends Given<ProxyHandlers>,
    AdmissionOptions,
    Given<ProxyNumbers>,
    HttpSettingsInput,
    ServerSecurity {
  /**
   * Names and passwords, or a function that checks them: Basic (RFC 7617), SOCKS 5 (RFC 1929). Default: none is asked
   * for.
   */
  readonly authenticate?: Authentication | undefined;
  /** Where clients may have it connect to. Default: everywhere but {@link PRIVATE_NETWORKS}. */
  readonly destinations?: DestinationOptions | undefined;
  /** Whether SOCKS 5 clients can have their datagrams relayed (UDP ASSOCIATE, RFC 1928 §7). Default true. */
  readonly relaysDatagrams?: boolean | undefined;
  /**
   * What Via calls the proxy (RFC 9110 §7.6.3), or false for no Via, and then loops are not found. Default: a name of
   * its own.
   */
  readonly via?: string | false | undefined;
  /** What moves the bytes, of clients and of destinations. */
  readonly engine?: EngineChoice | undefined;
}

/** What a proxy has done so far. */
export interface ProxyStats extends ComponentStats {
  /** Requests of HTTP that came, CONNECT included. */
  readonly requestCount: number;
  /** SOCKS handshakes that began. */
  readonly socksCount: number;
  /** Tunnels at present, those that are being made included. */
  readonly tunnelCount: number;
  /** Tunnels that were made. */
  readonly madeTunnelCount: number;
  /** Clients whose datagrams are relayed at present. */
  readonly associationCount: number;
  /** Datagrams that were dropped, of clients that have left. */
  readonly droppedCount: number;
  /** Requests that went over an upstream connection which had carried another one. */
  readonly reusedCount: number;
  /** Upstream connections of requests, since it began to listen. */
  readonly upstream: HttpAgentStats;
}

const HANDLER_NAMES: readonly (keyof ProxyHandlers)[] = [
  "onRequest",
  "onResponse",
  "onTunnel",
  "onAccess",
  "onRefuse",
  "onHandlerError",
];

const OPTION_NAMES: readonly string[] = [
  ...HANDLER_NAMES,
  ...optionNames<ProxyNumbers>(PROXY_NUMBERS),
  "access",
  "proxyHeader",
  "authenticate",
  "destinations",
  "relaysDatagrams",
  "via",
  "engine",
  "tls",
];

/** What waits in a tunnel on each side, at most, before the other side is held back. */
const HIGH_WATER_MARK_BYTES = 262_144;

/** A forward proxy: HTTP, CONNECT, SOCKS 5, 4a and 4 on one port. It runs on every engine. */
export class ProxyServer implements AsyncDisposable {
  readonly #passage: Passage;
  readonly #role: ProxyRole;
  readonly #http: HttpRole;
  /** What requests are sent on with; each time that it was stopped another one. */
  #agent: HttpAgent;
  readonly #makeAgent: () => HttpAgent;
  readonly #tunnels: TunnelMaker;
  readonly #forwarder: Forwarder;
  /** Without `access.allow` and `authenticate`, any client may use the proxy. */
  readonly #isOpen: boolean;
  readonly #handlers: Given<ProxyHandlers>;
  #keepsProcess = true;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: ProxyServerOptions = {}) {
    assertObject("the options", options);
    const settings = settingsAmong(options, OPTION_NAMES);
    for (const name of HANDLER_NAMES) {
      if (options[name] !== undefined) assertFunction(name, options[name]);
    }
    const numbers = readOptions<ProxyNumbers>(PROXY_NUMBERS, options);
    const configuration = new HttpServerConfiguration({
      highWaterMarkBytes: HIGH_WATER_MARK_BYTES,
      ...settings,
    });
    const { authenticate, destinations, engine: wanted, relaysDatagrams = true, via } = options;
    assertBoolean("relaysDatagrams", relaysDatagrams);
    const rules = new DestinationRules(destinations);
    this.#handlers = options;
    const { access, proxyHeader } = options;
    this.#isOpen = access?.allow === undefined && authenticate === undefined;
    const [engine, security] = secured("server", options);
    const { wheel } = engineServiceOf(engine);
    const waits = new HandlerWaits(wheel.clock, numbers.handlerTimeoutMs, (error) =>
      this.#tell(error),
    );
    const authenticator =
      authenticate === undefined ? undefined : new Authenticator(authenticate, waits);
    const outgoing = new OutgoingStreams({
      engine: wanted,
      settings: {
        highWaterMarkBytes: settings.highWaterMarkBytes ?? HIGH_WATER_MARK_BYTES,
        closeTimeoutMs: settings.closeTimeoutMs ?? 5_000,
      },
    });
    this.#makeAgent = () =>
      new HttpAgent({
        ...(wanted !== undefined && { engine: wanted }),
        allowAddress: rules.allowsAddress,
        connectTimeoutMs: numbers.connectTimeoutMs,
        headTimeoutMs: numbers.upstreamTimeoutMs,
        bodyTimeoutMs: configuration.limits.bodyTimeoutMs,
        idleTimeoutMs: numbers.upstreamIdleTimeoutMs,
        maxConnections: numbers.maxUpstreams,
        maxConnectionsPerOrigin: numbers.maxUpstreamsPerOrigin,
      });
    this.#agent = this.#makeAgent();
    const handlers = options;
    const failed = (name: string, cause: unknown): void => this.#failed(name, cause);
    this.#tunnels = new TunnelMaker({
      ...{ numbers, rules, outgoing, authenticator, handlers, waits, failed, relaysDatagrams },
    });
    const pseudonym = pseudonymOf(via);
    const tunnels = this.#tunnels;
    const agent = this.#agent;
    this.#forwarder = new Forwarder({ agent, tunnels, rules, handlers, waits, pseudonym });
    const http = this.#httpOptions();
    this.#http = new HttpRole(http, wheel, new HandlerCalls(http), configuration);
    this.#role = new ProxyRole(this.#http, tunnels);
    const admission = {
      access: this.#isOpen ? { ...access, allow: LOOPBACK_NETWORKS } : access,
      proxyHeader,
    };
    const stopRest = () => this.#stopAgent();
    const parts = { engine, security, settings: configuration.transport(), admission, stopRest };
    this.#passage = new Passage(this.#role, parts, outgoing);
    this.#http.listening = this.#passage.listening;
  }

  #httpOptions(): HttpServerOptions {
    const { onRefuse, onAccess } = this.#handlers;
    return {
      onRequest: (exchange) => this.#forwarder.handle(exchange as ServerExchange),
      onHandlerError: (error) => this.#tell(error),
      ...(onAccess !== undefined && {
        onResponseComplete: (exchange: HttpExchange, report: ResponseReport) =>
          this.#complete(exchange, report),
      }),
      ...(onRefuse !== undefined && {
        onRefuse: (error: NetError, address: Address | undefined) =>
          onRefuse.call(this.#handlers, error, address),
      }),
    };
  }

  #complete(exchange: HttpExchange, report: ResponseReport): void {
    const { user, error, isReused, isTunnel } = Forwarder.progressOf(exchange);
    // Tunnels are told of when they end, those that were not made as well.
    if (isTunnel) return;
    this.#tunnels.tell({
      protocol: "http",
      client: exchange.connection.remoteAddress?.host,
      user,
      method: exchange.method,
      target: exchange.target.replace(/\?.*/, ""),
      status: report.status,
      isReused,
      fromClientBytes: exchange.body.receivedBytes,
      toClientBytes: report.bodyBytes,
      startedAt: report.startedAt,
      durationMs: report.durationMs,
      error: error ?? report.cut?.cause,
    });
  }

  #failed(name: string, cause: unknown): void {
    this.#tell(handlerError(name, "request", cause, undefined));
  }

  #tell(error: NetError): void {
    tellHandlerError(this.#handlers, error);
  }

  /**
   * Begins to listen, on `127.0.0.1` unless told otherwise. Rejects as `TcpServer.listen` does, and with
   * `INVALID_ARGUMENT` for an address that others reach while neither `authenticate` nor `access.allow` is
   * given: that would be an open relay.
   */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  async listen(options: ListenOptions = {}): Promise<Address> {
    assertObject("the options of listen", options);
    const { host, path } = options;
    const isLocal = path !== undefined || host === undefined || LOCAL_HOST.test(host);
    if (!isLocal && this.#isOpen) {
      throw invalidArgument(
        `a proxy that listens on ${host} needs authenticate or access.allow: it would serve anybody`,
        { operation: "listen" },
      );
    }
    return await this.#passage.listen(options);
  }

  /**
   * Stops: nothing new comes in; requests and tunnels get `drainMs` (default 5,000) to end, then they are cut.
   * Resolves when all connections have ended, those to destinations too. Each client counts once in the result, as cut
   * where its connection was, or that to the destination of its tunnel.
   */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    return await this.#passage.stop(options);
  }

  /** Ends upstream connections; the next start makes another agent. */
  async #stopAgent(): Promise<void> {
    const agent = this.#agent;
    this.#agent = this.#makeAgent();
    if (!this.#keepsProcess) this.#agent.unref();
    this.#forwarder.agent = this.#agent;
    await agent.stop({ drainMs: 0 });
  }

  /** Resolves when the proxy is stopped, at once if it is. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#passage.stopped(options);
  }

  /** Lets the process end while it listens and connections are open. */
  unref(): void {
    this.#passage.unref();
    this.#keepsProcess = false;
    this.#agent.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#passage.ref();
    this.#keepsProcess = true;
    this.#agent.ref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** `starting`, `started`, `stopping` or `stopped`. */
  get state(): ServiceState {
    return this.#passage.state;
  }

  /** Where it listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.#passage.address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.#passage.port;
  }

  /** Connections of clients at present. */
  get connectionCount(): number {
    return this.#passage.connectionCount;
  }

  /** What it has done so far. */
  get stats(): ProxyStats {
    return {
      ...this.#passage.stats,
      requestCount: this.#http.resources.requestCount,
      socksCount: this.#role.socksCount,
      tunnelCount: this.#tunnels.tunnelCount,
      madeTunnelCount: this.#tunnels.madeCount,
      associationCount: this.#tunnels.associationCount,
      droppedCount: this.#tunnels.droppedCount,
      reusedCount: this.#forwarder.reusedCount,
      upstream: this.#agent.stats,
    };
  }
}

/** Networks that may connect by default: this machine. */
const LOOPBACK_NETWORKS: readonly string[] = ["127.0.0.0/8", "::1"];

const LOCAL_HOST = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** The name in Via, which shows a request that comes back. */
function pseudonymOf(via: unknown): string | undefined {
  if (via === false) return undefined;
  if (via === undefined) return `hp-socket-${randomBytes(4).toString("hex")}`;
  assertText("via", via);
  if (!/^[\w.:-]+$/.test(via as string)) {
    throw invalidArgument("via must be a name of letters, digits, '-', '_', '.' and ':'");
  }
  return via as string;
}
