/**
 * Makes connections for HTTP clients: name lookup, TCP, the tunnel through a proxy, TLS, all within
 * one time. What is made belongs to the caller; what fails is gone when the promise rejects.
 */

import type { Events } from "../../connection/events.js";
import type { ConnectionSettings } from "../../connection/settings.js";
import { StreamComponent } from "../../connection/stream-component.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { ClientTls } from "../../connection/tls-settings.js";
import type { ConnectOptions } from "../../dial/connect-options.js";
import { Dialing } from "../../dial/dialing.js";
import type { EngineChoice } from "../../engine/engine.js";
import { NetError } from "../../errors.js";
import type { Http1Limits } from "../../protocol/http1/limits.js";
import { secured } from "../../tcp/secured.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import { ClientExchange, type ExchangeOwner } from "./client-exchange.js";
import type { ClientReceiver } from "./client-receiver.js";
import { ClientRole, type ContextFactory } from "./client-role.js";
import type { ResponseEvents } from "./http-client-handlers.js";
import type { HttpProxy } from "./http-proxy.js";
import type { HttpResponse } from "./http-response.js";
import type { HttpTarget } from "./http-target.js";
import { PollQueue } from "./poll-queue.js";
import { RequestContent } from "./request-content.js";
import { SpareParsers } from "./spare-parsers.js";

/** Where to connect. */
export interface DialRoute {
  readonly target: HttpTarget;
  /** Through which proxy. */
  readonly proxy: HttpProxy | undefined;
}

/** From where, and to which addresses. */
export type DialLocality = Pick<ConnectOptions, "localHost" | "localPort" | "family">;

/** Bounds of an attempt. */
export interface DialBounds {
  /** For everything together; 0: no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly locality?: DialLocality;
}

/** What the connections are made with. */
export interface DialerOptions {
  readonly engine: EngineChoice | undefined;
  readonly tls: Omit<ClientTls, "start"> | undefined;
  readonly limits: Http1Limits;
  readonly settings: Partial<Pick<ConnectionSettings, "keepAlive" | "noDelay">>;
  readonly locality: DialLocality;
  readonly makeContext: ContextFactory | undefined;
}

/** Who is told of connections, and of responses. */
export interface DialerEvents<Handle> {
  readonly connections: Events<Handle, Buffer>;
  readonly responses: ResponseEvents<Handle>;
}

/** Who makes connections. */
export interface Dialer {
  readonly wheel: TimingWheel;
  connect(route: DialRoute, bounds: DialBounds): Promise<ClientReceiver>;
}

/** Connections of one kind, and what they are made with. */
interface Maker<Handle> {
  readonly component: StreamComponent;
  readonly role: ClientRole<Handle>;
}

/** Makes connections for one client or agent. */
export class HttpDialer<Handle> implements Dialer, ExchangeOwner {
  /** Deadlines of requests go here. */
  readonly wheel: TimingWheel;
  readonly #options: DialerOptions;
  readonly #events: DialerEvents<Handle>;
  readonly #plain: Maker<Handle>;
  #secure: Maker<Handle> | undefined;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: DialerOptions, events: DialerEvents<Handle>) {
    this.#options = options;
    this.#events = events;
    this.#plain = this.#maker(undefined);
    this.wheel = this.#plain.component.service.wheel;
    if (options.tls !== undefined) this.#secureMaker();
  }

  #maker(tls: ClientTls | undefined): Maker<Handle> {
    const { limits, settings, makeContext } = this.#options;
    const { connections } = this.#events;
    const [engine, security] = secured("client", {
      ...(this.#options.engine !== undefined && { engine: this.#options.engine }),
      ...(tls !== undefined && { tls }),
    });
    const shared = {
      parsers: new SpareParsers(limits),
      polls: new PollQueue(engine.clock),
      events: connections,
    };
    const role = new ClientRole(connections, shared, makeContext);
    const component = new StreamComponent(
      role,
      engine,
      security,
      // The attempt as a whole is bounded, the handshake with it.
      { ...settings, delivery: "borrow", halfOpen: true, handshakeTimeoutMs: 0 },
    );
    return { component, role };
  }

  /** TLS begins when it is asked for, since a tunnel may have to be made before. */
  #secureMaker(): Maker<Handle> {
    this.#secure ??= this.#maker({
      alpnProtocols: ["http/1.1"],
      ...this.#options.tls,
      start: "manual",
    });
    return this.#secure;
  }

  /** Makes a connection. Rejects like `TcpAgent.connect` and `startTls`, and with `HTTP_PROXY_REFUSED`. */
  async connect(route: DialRoute, bounds: DialBounds): Promise<ClientReceiver> {
    const { target, proxy } = route;
    const { clock } = this.wheel;
    const { component, role } = target.isSecure ? this.#secureMaker() : this.#plain;
    start(component);
    const startMs = clock.now();
    let lookedUpMs = startMs;
    const connection = component.admit();
    const dialing = new Dialing(component, connection, {
      ...this.#options.locality,
      ...bounds.locality,
      timeoutMs: bounds.timeoutMs,
      signal: bounds.signal,
      host: proxy?.hostname ?? target.hostname,
      port: proxy?.port ?? target.port,
      onLookup: () => {
        lookedUpMs = clock.now();
      },
    });
    if (role.prepareConnect(connection)) dialing.start();
    await dialing.promise;
    const receiver = role.takeReceiver(connection);
    const lookupMs = lookedUpMs - startMs;
    const connectedMs = target.isSecure
      ? await this.#secureConnection(receiver, route, { bounds, startMs })
      : clock.now();
    const connectMs = connectedMs - lookedUpMs;
    const tlsMs = target.isSecure ? clock.now() - connectedMs : 0;
    receiver.timing = { lookupMs, connectMs, tlsMs };
    // What a proxy says of its tunnel is no response to the application.
    this.#events.responses.attach(receiver);
    return receiver;
  }

  /** Makes the tunnel and begins TLS. Resolves with the moment at which TLS began. */
  async #secureConnection(
    receiver: ClientReceiver,
    { target, proxy }: DialRoute,
    { bounds, startMs }: { readonly bounds: DialBounds; readonly startMs: number },
  ): Promise<number> {
    const { connection } = receiver;
    try {
      if (proxy !== undefined) {
        await this.#makeTunnel(receiver, { target, proxy }, this.#left(bounds, startMs));
      }
      const connectedMs = this.wheel.clock.now();
      // Certificate and server name are those of the origin, also behind a proxy.
      connection.remoteHost = target.hostname;
      await connection.startTls(this.#left(bounds, startMs));
      return connectedMs;
    } catch (error) {
      connection.abort();
      throw error;
    }
  }

  #left({ timeoutMs, signal }: DialBounds, startMs: number): DialBounds {
    if (timeoutMs === 0) return { timeoutMs, signal };
    const leftMs = timeoutMs - (this.wheel.clock.now() - startMs);
    return { timeoutMs: Math.max(1, Math.ceil(leftMs)), signal };
  }

  async #makeTunnel(
    receiver: ClientReceiver,
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
      scope: undefined,
      trailers: undefined,
      asksUpgrade: false,
      expectsContinue: false,
      keepsBody: false,
      mayRepeat: false,
      continueTimeoutMs: 0,
      headTimeoutMs: 0,
      bodyTimeoutMs: 0,
      queueTimeoutMs: 0,
      timeoutMs,
      signal,
      onInterim: undefined,
      onHead: undefined,
    });
    receiver.startTunnel(exchange);
    const response = await exchange.promise.catch((error: NetError) => error);
    const isMade = !(response instanceof NetError) && response.status < 300;
    const { connection } = receiver;
    if (isMade && connection.isOpen) return;
    const refusal = isMade ? connection.endError() : response;
    throw tunnelError(refusal, `the proxy ${proxy.host}`, authority);
  }

  /** The connections that there are or that are being made, by id. */
  connectionIds(): number[] {
    const secure = this.#secure?.component.registry.ids() ?? [];
    return [...this.#plain.component.registry.ids(), ...secure].sort((one, other) => one - other);
  }

  /** The connection with this id, or undefined. */
  connection(id: number): StreamConnection | undefined {
    const { registry } = this.#plain.component;
    return registry.find(id) ?? this.#secure?.component.registry.find(id);
  }

  /** Exchanges of ours are never without a connection. */
  withdraw(): void {
    // Nothing to take back.
  }

  /** Lets go of what is left. Resolves when all connections have ended. */
  async stop(drainMs: number): Promise<void> {
    const makers = [this.#plain, this.#secure];
    await Promise.all(makers.map((maker) => maker?.component.stop({ drainMs })));
  }
}

/** The first connection starts the component, also after a stop. */
function start(component: StreamComponent): void {
  if (component.state === "started") return;
  component.move("start");
  component.move("ready");
}

function tunnelError(
  response: NetError | HttpResponse,
  proxy: string,
  authority: string,
): NetError {
  const detail = { operation: "connect", cause: response } as const;
  if (!(response instanceof NetError)) {
    const text = `${proxy} responded with ${response.status} to CONNECT ${authority}`;
    return new NetError("HTTP_PROXY_REFUSED", text, { operation: "connect" });
  }
  if (response.code === "ABORTED") return response;
  if (response.code !== "REQUEST_TIMEOUT") {
    const text = `${proxy} made no tunnel to ${authority}: ${response.message}`;
    return new NetError("HTTP_PROXY_REFUSED", text, detail);
  }
  const text = `${proxy} made no tunnel to ${authority} within connectTimeoutMs`;
  return new NetError("CONNECT_TIMEOUT", text, detail);
}
