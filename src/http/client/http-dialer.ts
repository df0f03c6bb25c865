/**
 * Makes connections for HTTP clients: name lookup, TCP, the tunnel through a proxy, TLS, all within
 * one time. What is made belongs to the caller; what fails is gone when the promise rejects.
 */
import type { StopResult } from "../../connection/component/component-options.js";
import { StreamComponent } from "../../connection/component/stream-component.js";
import type { WaitOptions } from "../../connection/connection.js";
import type { Events } from "../../connection/events/events.js";
import type { ConnectionSettings } from "../../connection/settings.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { ClientTls } from "../../connection/tls/tls-settings.js";
import type { ConnectOptions } from "../../dial/connect-options.js";
import { Dialing } from "../../dial/dialing.js";
import type { EngineChoice } from "../../engine/engine.js";
import type { Given } from "../../options.js";
import type { Http1Limits } from "../../protocol/http1/limits.js";
import { secured } from "../../tcp/secured.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import { ClientReceiver } from "./client-receiver.js";
import { ClientRole, type ContextFactory } from "./client-role.js";
import type { ResponseEvents } from "./http-client-handlers.js";
import type { DialRoute } from "./http-proxy.js";
import { PollQueue } from "./poll-queue.js";
import { SpareParsers } from "./spare-parsers.js";

/** From where, and to which addresses. */
export type DialLocality = Pick<
  ConnectOptions,
  "localHost" | "localPort" | "family" | "allowAddress"
>;

/** The greatest bound of a queue: the requests bound it instead. */
const QUEUE_BYTES = 2 ** 32;

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
  readonly settings: Given<Pick<ConnectionSettings, "keepAlive" | "noDelay" | "maxPendingBytes">>;
  readonly locality: DialLocality;
  readonly makeContext: ContextFactory | undefined;
}

/** The handlers of connections, and of responses. */
export interface DialerEvents<Handle> {
  readonly connections: Events<Handle, Buffer>;
  readonly responses: ResponseEvents<Handle>;
}

/** Makes connections. */
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
export class HttpDialer<Handle> implements Dialer {
  /** Deadlines of requests go here. */
  readonly wheel: TimingWheel;
  private options: DialerOptions;
  private readonly events: DialerEvents<Handle>;
  private readonly plain: Maker<Handle>;
  private secure: Maker<Handle> | undefined;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: DialerOptions, events: DialerEvents<Handle>) {
    this.options = options;
    this.events = events;
    this.plain = this.maker(undefined);
    this.wheel = this.plain.component.service.wheel;
    if (options.tls !== undefined) this.secureMaker();
  }

  private maker(tls: ClientTls | undefined): Maker<Handle> {
    const { limits, settings, makeContext } = this.options;
    const { connections } = this.events;
    const [engine, security] = secured("client", {
      ...(this.options.engine !== undefined && { engine: this.options.engine }),
      ...(tls !== undefined && { tls }),
    });
    const shared = {
      parsers: new SpareParsers(limits),
      polls: new PollQueue(engine.clock),
      events: connections,
      holdsProcess: () => component.keepsProcess,
    };
    const role = new ClientRole(connections, shared, makeContext);
    const component: StreamComponent = new StreamComponent(
      role,
      engine,
      security,
      // The attempt as a whole is bounded, the handshake with it.
      { ...settings, delivery: "borrow", halfOpen: true, handshakeTimeoutMs: 0 },
    );
    return { component, role };
  }

  /** TLS begins when it is asked for, since a tunnel may have to be made before. */
  private secureMaker(): Maker<Handle> {
    if (this.secure === undefined) {
      this.secure = this.maker({
        alpnProtocols: ["http/1.1"],
        ...this.options.tls,
        start: "manual",
      });
      this.secure.component.keepsProcess = this.keepsProcess;
    }
    return this.secure;
  }

  /** Makes a connection. Rejects like `TcpAgent.connect` and `startTls`, and with `PROXY_REFUSED` and its like. */
  async connect(route: DialRoute, bounds: DialBounds): Promise<ClientReceiver> {
    const { target, proxies, forward } = route;
    const { clock } = this.wheel;
    const { component, role } = target.isSecure ? this.secureMaker() : this.plain;
    start(component);
    const startMs = clock.now();
    let lookedUpMs = startMs;
    const connection = component.admit();
    const dialing = new Dialing(component, connection, {
      ...this.options.locality,
      ...bounds.locality,
      timeoutMs: bounds.timeoutMs,
      signal: bounds.signal,
      host: target.hostname,
      port: target.port,
      route: proxies,
      isForwarded: forward !== undefined,
      refusesEarly: true,
      timeoutName: "connectTimeoutMs",
      onLookup: () => {
        lookedUpMs = clock.now();
      },
    });
    if (role.prepareConnect(connection)) dialing.start();
    await dialing.promise;
    const receiver = role.takeReceiver(connection);
    const connectedMs = clock.now();
    if (target.isSecure) await this.startTls(receiver, this.left(bounds, startMs));
    receiver.timing = {
      lookupMs: lookedUpMs - startMs,
      connectMs: connectedMs - lookedUpMs,
      tlsMs: target.isSecure ? clock.now() - connectedMs : 0,
    };
    this.events.responses.attach(receiver);
    return receiver;
  }

  private async startTls({ connection }: ClientReceiver, bounds: DialBounds): Promise<void> {
    try {
      await connection.startTls(bounds, "the rest of connectTimeoutMs");
    } catch (error) {
      connection.abort();
      throw error;
    }
  }

  private left({ timeoutMs, signal }: DialBounds, startMs: number): DialBounds {
    if (timeoutMs === 0) return { timeoutMs, signal };
    const leftMs = timeoutMs - (this.wheel.clock.now() - startMs);
    return { timeoutMs: Math.max(1, Math.ceil(leftMs)), signal };
  }

  /** The connections that there are or that are being made, by id. */
  connectionIds(): number[] {
    const secure = this.secure?.component.registry.ids() ?? [];
    return [...this.plain.component.registry.ids(), ...secure].sort((one, other) => one - other);
  }

  /** The connection with this id, or undefined. */
  connection(id: number): StreamConnection | undefined {
    const { registry } = this.plain.component;
    return registry.find(id) ?? this.secure?.component.registry.find(id);
  }

  /** The receivers of the connections that are open and have not left HTTP. */
  receivers(): ClientReceiver[] {
    const plain = this.plain.component.registry.list();
    const secure = this.secure?.component.registry.list() ?? [];
    return [...plain, ...secure]
      .map(({ receiver }) => receiver)
      .filter((receiver) => receiver instanceof ClientReceiver);
  }

  /** Connections take any amount: the senders bound what waits. */
  unboundQueues(): void {
    const changes = { maxPendingBytes: QUEUE_BYTES };
    this.options = { ...this.options, settings: { ...this.options.settings, ...changes } };
    for (const maker of [this.plain, this.secure])
      maker?.component.configure(changes, Object.keys(changes));
  }

  /** Whether connections keep the process alive, but for those that wait for a next request. */
  get keepsProcess(): boolean {
    return this.plain.component.keepsProcess;
  }

  set keepsProcess(keepsProcess: boolean) {
    for (const maker of [this.plain, this.secure]) {
      if (keepsProcess) maker?.component.ref();
      else maker?.component.unref();
    }
    for (const { isKept, connection } of this.receivers()) if (isKept) connection.unref();
  }

  /** See `HttpClient.stopped`. */
  async stopped(options?: WaitOptions): Promise<void> {
    const makers = [this.plain, this.secure];
    await Promise.all(makers.map((maker) => maker?.component.stopped(options)));
  }

  /** Ends what is left. Resolves when all connections have ended. */
  async stop(drainMs: number): Promise<StopResult> {
    const makers = [this.plain, this.secure];
    const results = await Promise.all(makers.map((maker) => maker?.component.stop({ drainMs })));
    const sum = (name: keyof StopResult): number =>
      results.reduce((total, result) => total + (result?.[name] ?? 0), 0);
    return { drainedCount: sum("drainedCount"), cutCount: sum("cutCount") };
  }
}

/** The first connection starts the component, also after a stop. */
function start(component: StreamComponent): void {
  if (component.state === "started") return;
  component.move("start");
  component.move("ready");
}
