/**
 * Makes connections for HTTP clients: name lookup, TCP, the tunnel through a proxy, TLS, all within
 * one time. What is made belongs to the caller; what fails is gone when the promise rejects.
 */
import type { Connection } from "../../connection/connection.js";
import { engineServiceOf } from "../../connection/engine-service.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { ClientTls } from "../../connection/tls-settings.js";
import { chooseEngine } from "../../engine/choose-engine.js";
import type { EngineChoice } from "../../engine/engine.js";
import { NetError } from "../../errors.js";
import type { Http1Limits } from "../../protocol/http1/limits.js";
import { TcpAgent, type TcpAgentOptions } from "../../tcp/tcp-agent.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import { ClientExchange, type ExchangeOwner } from "./client-exchange.js";
import { HttpClientConnection } from "./http-client-connection.js";
import type { HttpProxy } from "./http-proxy.js";
import type { HttpResponse } from "./http-response.js";
import type { HttpTarget } from "./http-target.js";
import { RequestContent } from "./request-content.js";

/** Where to connect. */
export interface DialRoute {
  readonly target: HttpTarget;
  /** Through which proxy. */
  readonly proxy: HttpProxy | undefined;
}

/** Bounds of an attempt. */
export interface DialBounds {
  /** For everything together; 0: no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What the connections are made with. */
export interface DialerOptions {
  readonly engine: EngineChoice | undefined;
  readonly tls: Omit<ClientTls, "start"> | undefined;
  readonly limits: Http1Limits;
}

type HttpTcpAgent = TcpAgent<Buffer, HttpClientConnection>;

/** Whoever makes connections bounds them: see `maxConnections` of `HttpAgent`. */
const MAX_CONNECTIONS = 5_000_000;

/** See the head of the file. */
export class HttpDialer implements ExchangeOwner {
  /** Deadlines of requests go here. */
  readonly wheel: TimingWheel;
  readonly #options: DialerOptions;
  readonly #plain: HttpTcpAgent;
  #secure: HttpTcpAgent | undefined;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: DialerOptions) {
    this.#options = options;
    this.#plain = new TcpAgent(this.#agentOptions());
    this.wheel = engineServiceOf(chooseEngine(options.engine)).wheel;
    if (options.tls !== undefined) this.#secureAgent();
  }

  #agentOptions(): TcpAgentOptions<Buffer, HttpClientConnection> {
    const { engine, limits } = this.#options;
    return {
      ...(engine !== undefined && { engine }),
      delivery: "borrow",
      halfOpen: true,
      maxConnections: MAX_CONNECTIONS,
      // The attempt as a whole is bounded, the handshake with it.
      handshakeTimeoutMs: 0,
      context: (connection) => new HttpClientConnection(liveOf(connection), limits),
      onReceive: ({ context }, bytes) => context.received(bytes),
      onDrain: ({ context }) => context.drained(),
      onEnd: ({ context }) => context.ended(),
      onClose: ({ context }, reason) => context?.closed(reason),
    };
  }

  /** TLS begins when it is asked for, since a tunnel may have to be made before. */
  #secureAgent(): HttpTcpAgent {
    const tls: ClientTls = {
      alpnProtocols: ["http/1.1"],
      ...this.#options.tls,
      start: "manual",
    };
    this.#secure ??= new TcpAgent({ ...this.#agentOptions(), tls });
    return this.#secure;
  }

  /** Makes a connection. Rejects like `TcpAgent.connect` and `startTls`, and with `HTTP_PROXY_REFUSED`. */
  async connect(route: DialRoute, bounds: DialBounds): Promise<HttpClientConnection> {
    const { target, proxy } = route;
    const { clock } = this.wheel;
    const agent = target.isSecure ? this.#secureAgent() : this.#plain;
    const startMs = clock.now();
    let lookedUpMs = startMs;
    const { context: connection } = await agent.connect({
      ...bounds,
      host: proxy?.hostname ?? target.hostname,
      port: proxy?.port ?? target.port,
      onLookup: () => {
        lookedUpMs = clock.now();
      },
    });
    if (!target.isSecure) {
      const connectMs = clock.now() - lookedUpMs;
      connection.timing = { lookupMs: lookedUpMs - startMs, connectMs, tlsMs: 0 };
      return connection;
    }
    try {
      if (proxy !== undefined) {
        await this.#makeTunnel(connection, { target, proxy }, this.#left(bounds, startMs));
      }
      const connectedMs = clock.now();
      // Certificate and server name are those of the origin, also behind a proxy.
      connection.live.remoteHost = target.hostname;
      await connection.live.startTls(this.#left(bounds, startMs));
      const tlsMs = clock.now() - connectedMs;
      const connectMs = connectedMs - lookedUpMs;
      connection.timing = { lookupMs: lookedUpMs - startMs, connectMs, tlsMs };
      return connection;
    } catch (error) {
      connection.live.abort();
      throw error;
    }
  }

  #left({ timeoutMs, signal }: DialBounds, startMs: number): DialBounds {
    if (timeoutMs === 0) return { timeoutMs, signal };
    const leftMs = timeoutMs - (this.wheel.clock.now() - startMs);
    return { timeoutMs: Math.max(1, Math.ceil(leftMs)), signal };
  }

  async #makeTunnel(
    connection: HttpClientConnection,
    { target, proxy }: { readonly target: HttpTarget; readonly proxy: HttpProxy },
    { timeoutMs, signal }: DialBounds,
  ): Promise<void> {
    const { authorization } = proxy;
    const authority = `${target.url.hostname}:${target.port}`;
    const exchange = new ClientExchange(this, {
      target,
      head: {
        method: "CONNECT",
        target: authority,
        host: authority,
        fields: authorization === undefined ? {} : { "Proxy-Authorization": authorization },
      },
      content: RequestContent.NONE,
      trailers: undefined,
      asksUpgrade: false,
      expectsContinue: false,
      keepsBody: false,
      mayRepeat: false,
      continueTimeoutMs: 0,
      headTimeoutMs: 0,
      bodyTimeoutMs: 0,
      timeoutMs,
      signal,
      onInterim: undefined,
      onHead: undefined,
    });
    connection.startTunnel(exchange);
    const answer = await exchange.promise.catch((error: NetError) => error);
    const isMade = !(answer instanceof NetError) && answer.status < 300;
    if (isMade && connection.live.isOpen) return;
    const refusal = isMade ? connection.live.endError() : answer;
    throw tunnelError(refusal, `the proxy ${proxy.host}`, authority);
  }

  /** Exchanges of ours are never without a connection. */
  withdraw(): void {
    // Nothing to take back.
  }

  /** Lets go of what is left. Resolves when all connections have ended. */
  async stop(drainMs: number): Promise<void> {
    await Promise.all([this.#plain.stop({ drainMs }), this.#secure?.stop({ drainMs })]);
  }
}

function liveOf(connection: Connection<HttpClientConnection>): StreamConnection {
  return connection as Connection as StreamConnection;
}

function tunnelError(answer: NetError | HttpResponse, proxy: string, authority: string): NetError {
  const detail = { operation: "connect", cause: answer } as const;
  if (!(answer instanceof NetError)) {
    const text = `${proxy} answered ${answer.status} to CONNECT ${authority}`;
    return new NetError("HTTP_PROXY_REFUSED", text, { operation: "connect" });
  }
  if (answer.code === "ABORTED") return answer;
  if (answer.code !== "REQUEST_TIMEOUT") {
    const text = `${proxy} made no tunnel to ${authority}: ${answer.message}`;
    return new NetError("HTTP_PROXY_REFUSED", text, detail);
  }
  const text = `${proxy} made no tunnel to ${authority} within connectTimeoutMs`;
  return new NetError("CONNECT_TIMEOUT", text, detail);
}
