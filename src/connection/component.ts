/**
 * What servers, agents and clients have in common: settings, handlers, connections, and a life from
 * start to stop.
 */
import type { Address, Engine, EngineChoice, StreamSocket } from "../engine/engine.js";
import { assertInteger, assertKnownKeys, NetError, type Operation } from "../errors.js";
import type { ReceiveModel } from "../receive/receive-model.js";
import type { CloseReason } from "./close-reason.js";
import type { ComponentSecurity } from "./component-security.js";
import type { Connection, WaitOptions } from "./connection.js";
import type { ConnectionOwner } from "./connection-life.js";
import { ConnectionRegistry } from "./connection-registry.js";
import { type EngineService, engineServiceOf } from "./engine-service.js";
import { HandlerCaller } from "./handler-caller.js";
import { HANDLER_NAMES, type Handlers } from "./handlers.js";
import { LiveConnection } from "./live-connection.js";
import { nextServiceState, type ServiceEvent, type ServiceState } from "./service-state.js";
import {
  assertFunction,
  type ConnectionSettings,
  connectionSettings,
  SETTING_NAMES,
} from "./settings.js";
import type { TlsSettings } from "./tls-settings.js";
import { throwIfAborted, Waiter } from "./waiter.js";

/** Options of every component: settings and handlers in one object. */
export interface ComponentOptions<Handle, Received extends Buffer | number, Context>
  extends Partial<Omit<ConnectionSettings, "receive">>,
    Handlers<Handle, Received> {
  /** How received bytes become what `onReceive` gets. Default: `push()`. */
  readonly receive?: ReceiveModel<Received>;
  /** What moves the bytes: a name, an engine, or `auto` (default; `HP_SOCKET_ENGINE` overrides it). */
  readonly engine?: EngineChoice;
  /** Makes the `context` of each new connection. */
  readonly context?: (connection: Connection<Context>) => Context;
}

/** Settings that can be given to `configure`. */
export interface ChangeableSettings extends Partial<ConnectionSettings> {
  /** Other certificates and rules, for handshakes to come. */
  readonly tls?: TlsSettings;
}

/** What a component has done so far. */
export interface ComponentStats {
  /** Engine that moves the bytes. */
  readonly engine: string;
  readonly state: ServiceState;
  readonly connectionCount: number;
  /** Connections that were opened. */
  readonly openedCount: number;
  /** Connections that have ended. */
  readonly closedCount: number;
  /** Peers that were not let in. */
  readonly refusedCount: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Bounds of a stop. */
export interface StopOptions {
  /** Time that connections get to send what waits, in milliseconds. Default 5,000; 0: they are cut. */
  readonly drainMs?: number;
}

/** What a stop has done. */
export interface StopResult {
  /** Connections that sent everything. */
  readonly drainedCount: number;
  /** Connections that were cut at the end of `drainMs`. */
  readonly cutCount: number;
}

const OPTION_NAMES: readonly string[] = [
  ...SETTING_NAMES,
  ...HANDLER_NAMES,
  "engine",
  "context",
  "tls",
];

interface Stopping {
  /** Only what had started gets `onShutdown`. */
  readonly hadStarted: boolean;
  readonly promise: Promise<StopResult>;
  readonly resolve: (result: StopResult) => void;
  endedCount: number;
  cutCount: number;
}

/** Base of the components; see the head of the file. */
export abstract class Component<Handle, Received extends Buffer | number, Context>
  extends HandlerCaller<Handle, Received>
  implements ConnectionOwner<LiveConnection>, AsyncDisposable
{
  readonly service: EngineService;
  readonly security: ComponentSecurity | undefined;
  /** Settings in force. Change them with {@link configure}. */
  settings: ConnectionSettings;
  /** What was asked for; what was left out follows from it. */
  private given: Partial<ConnectionSettings>;
  protected readonly registry: ConnectionRegistry<LiveConnection> = new ConnectionRegistry();
  private readonly makeContext: ((connection: Connection<Context>) => Context) | undefined;
  private readonly closeWaiters: Map<number, (() => void)[]> = new Map();
  private serviceState: ServiceState = "stopped";
  private stopping: Stopping | undefined = undefined;
  private stopWaiters: Waiter<void>[] = [];
  private openedCount = 0;
  private closedCount = 0;
  protected refusedCount = 0;
  private closedReceivedBytes = 0;
  private closedSentBytes = 0;

  /** `engine` is the one that `options.engine` stands for. */
  constructor(
    options: ComponentOptions<Handle, Received, Context>,
    engine: Engine,
    security?: ComponentSecurity,
  ) {
    super(options);
    assertKnownKeys("options", options, OPTION_NAMES);
    for (const name of [...HANDLER_NAMES, "context"] as const) {
      if (options[name] !== undefined) assertFunction(name, options[name]);
    }
    this.given = options as Partial<ConnectionSettings>;
    this.settings = connectionSettings(this.given);
    this.service = engineServiceOf(engine);
    this.security = security;
    this.makeContext = options.context;
  }

  // — state and settings —

  /** Where the component is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.serviceState;
  }

  protected move(event: ServiceEvent): void {
    this.serviceState = nextServiceState(this.serviceState, event);
  }

  /**
   * Changes settings, also while running: limits and deadlines hold at once, `receive`, `noDelay`,
   * `keepAlive` and the kernel's buffer sizes for connections to come. Throws `SETTING_FIXED` for what
   * can't be changed, `INVALID_ARGUMENT` for a value that can't be; then nothing is changed.
   */
  configure(changes: ChangeableSettings): void {
    const { tls, ...settings } = changes;
    assertKnownKeys("configure", settings, OPTION_NAMES);
    for (const name of Object.keys(settings)) {
      if ((SETTING_NAMES as readonly string[]).includes(name)) continue;
      throw new NetError("SETTING_FIXED", `${name} can't be changed once the component is made`, {
        operation: "configure",
      });
    }
    if (tls !== undefined && this.security === undefined) {
      throw new NetError("SETTING_FIXED", "tls can't be switched on once the component is made");
    }
    const given = { ...this.given, ...settings };
    const changed = connectionSettings(given);
    if (tls !== undefined) this.security?.update(tls);
    this.settings = changed;
    this.given = given;
    for (const connection of this.registry.list()) connection.settingsChanged();
  }

  /** What the component has done so far. */
  get stats(): ComponentStats {
    let receivedBytes = this.closedReceivedBytes;
    let sentBytes = this.closedSentBytes;
    for (const connection of this.registry.list()) {
      receivedBytes += connection.stats.receivedBytes;
      sentBytes += connection.stats.sentBytes;
    }
    return {
      engine: this.service.engine.name,
      state: this.serviceState,
      connectionCount: this.connectionCount,
      openedCount: this.openedCount,
      closedCount: this.closedCount,
      refusedCount: this.refusedCount,
      receivedBytes,
      sentBytes,
    };
  }

  /** Connections at present, those included that are being made or closed. */
  get connectionCount(): number {
    return this.registry.count;
  }

  // — stopping —

  /**
   * Stops: nothing new comes in, what waits is sent, every connection is closed, and whatever is left
   * after `drainMs` is cut. Resolves when all is over and `onShutdown` was called. May be called
   * anywhere, handlers included; a second call joins the first.
   */
  stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = options.drainMs ?? 5_000;
    assertInteger("drainMs", drainMs, 0, 2 ** 31 - 1);
    if (this.stopping !== undefined) return this.stopping.promise;
    if (this.serviceState === "stopped") return Promise.resolve({ drainedCount: 0, cutCount: 0 });
    const hadStarted = this.serviceState === "started";
    this.move("stop");
    const { promise, resolve } = withResolvers<StopResult>();
    this.stopping = { hadStarted, promise, resolve, endedCount: 0, cutCount: 0 };
    this.closeListeners();
    for (const connection of this.registry.list()) {
      // Whoever waits for the end must live to see it, `unref` or not.
      connection.stream.ref();
      if (drainMs === 0 || connection.state === "connecting") this.cut(connection);
      else this.drain(connection);
    }
    if (drainMs > 0 && this.registry.count > 0) {
      const timer = this.service.wheel.clock.setTimer(drainMs, () => {
        for (const connection of this.registry.list()) this.cut(connection);
      });
      void promise.then(() => timer.cancel());
    }
    queueMicrotask(() => this.finishStop());
    return promise;
  }

  /** Ends a connection in good order; for components whose peers still have something to get. */
  protected drain(connection: LiveConnection): void {
    connection.close();
  }

  private cut(connection: LiveConnection): void {
    const error = new NetError("STOPPED", undefined, {
      operation: "close",
      connectionId: connection.id,
    });
    if (connection.cut(error) && this.stopping !== undefined) this.stopping.cutCount++;
  }

  /** Ends the stop when nothing is left. */
  protected finishStop(): void {
    const stopping = this.stopping;
    if (stopping === undefined || this.registry.count > 0 || this.hasListeners()) return;
    this.stopping = undefined;
    this.move("finished");
    if (stopping.hadStarted) this.guard("onShutdown", () => this.handlers.onShutdown?.());
    this.wakeStopped();
    stopping.resolve({
      drainedCount: stopping.endedCount - stopping.cutCount,
      cutCount: stopping.cutCount,
    });
  }

  /** Tells those who wait in {@link stopped}. */
  protected wakeStopped(): void {
    const waiters = this.stopWaiters;
    this.stopWaiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  /** Resolves when the component is stopped, at once if it is (HP §2.3 Wait). */
  async stopped(options: WaitOptions = {}): Promise<void> {
    throwIfAborted(options, "close");
    if (this.serviceState === "stopped") return;
    const waiter: Waiter<void> = new Waiter<void>(this.service.wheel, options, {
      code: "CLOSE_TIMEOUT",
      operation: "close",
      forget: () => {
        this.stopWaiters = this.stopWaiters.filter((other) => other !== waiter);
      },
    });
    this.stopWaiters.push(waiter);
    await waiter.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Closes what lets connections in. */
  protected closeListeners(): void {}

  /** Whether something that lets connections in is still closing. */
  protected hasListeners(): boolean {
    return false;
  }

  // — calls of the connections —

  /** Enters a connection: an accepted stream's, or one that is still to be made. */
  protected admit(stream?: StreamSocket): LiveConnection {
    const connection = new LiveConnection(this);
    this.registry.add(connection);
    if (stream !== undefined) {
      connection.stream = stream;
      stream.sink = connection;
    }
    return connection;
  }

  /** Makes the context; a factory that fails ends the connection. Answers whether to go on. */
  protected equip(connection: LiveConnection, operation: Operation): boolean {
    const make = this.makeContext;
    if (make === undefined) return true;
    try {
      connection.context = make(connection as Connection as Connection<Context>);
      return connection.state === "connecting";
    } catch (error) {
      this.failed(connection, "context", operation, error);
      return false;
    }
  }

  connectionOpened(connection: LiveConnection, outgoing: boolean): void {
    this.openedCount++;
    if (outgoing) this.ask(connection, "onConnect", "connect");
    else this.ask(connection, "onAccept", "accept");
  }

  connectionReady(connection: LiveConnection): void {
    this.ask(connection, "onHandshake", "handshake");
  }

  connectionClosed(connection: LiveConnection, reason: CloseReason): void {
    this.registry.remove(connection);
    const stats = connection.stats;
    this.closedCount++;
    this.closedReceivedBytes += stats.receivedBytes;
    this.closedSentBytes += stats.sentBytes;
    if (this.stopping !== undefined) this.stopping.endedCount++;
    this.connectionGone(connection);
    this.guard("onClose", () => this.handlers.onClose?.(this.handleOf(connection), reason));
    const waiters = this.closeWaiters.get(connection.id);
    if (waiters !== undefined) {
      this.closeWaiters.delete(connection.id);
      for (const resolve of waiters) resolve();
    }
    this.finishStop();
  }

  /** Asks `onPrepareConnect`; on refusal or failure the connection is ended. Answers whether to go on. */
  protected allowsConnect(connection: LiveConnection): boolean {
    if (!this.equip(connection, "connect")) return false;
    this.ask(connection, "onPrepareConnect", "connect");
    return connection.state === "connecting";
  }

  /** For components that keep book on their connections. Called before `onClose`. */
  protected connectionGone(_connection: LiveConnection): void {}

  awaitsEnd(connection: LiveConnection): boolean {
    return this.closeWaiters.has(connection.id);
  }

  whenClosed(connection: LiveConnection): Promise<void> {
    if (connection.state === "closed") return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.closeWaiters.get(connection.id);
      if (waiters === undefined) this.closeWaiters.set(connection.id, [resolve]);
      else waiters.push(resolve);
    });
  }

  /** A peer was not let in, or accepting failed. */
  protected tellRefused(error: NetError, remoteAddress: Address | undefined): void {
    this.refusedCount++;
    this.guard("onRefuse", () => this.handlers.onRefuse?.(error, remoteAddress));
  }
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
