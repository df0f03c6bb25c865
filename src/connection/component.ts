/**
 * What is behind every component: its settings, its connections, and its life from start to stop. Servers,
 * agents and clients of all protocols are made of one of these and of what makes their role.
 */
import type { Address, Engine, StreamSocket } from "../engine/engine.js";
import { assertInteger, assertKnownKeys, NetError } from "../errors.js";
import type { CloseReason } from "./close-reason.js";
import type {
  ChangeableSettings,
  ComponentStats,
  StopOptions,
  StopResult,
} from "./component-options.js";
import type { ComponentSecurity } from "./component-security.js";
import type { WaitOptions } from "./connection.js";
import { ConnectionKeys } from "./connection-keys.js";
import { ConnectionRegistry } from "./connection-registry.js";
import { type EngineService, engineServiceOf } from "./engine-service.js";
import type { PacketEvents } from "./packet-events.js";
import { PacketTopics } from "./packet-topics.js";
import type { Receiver } from "./receiver.js";
import { nextServiceState, type ServiceEvent, type ServiceState } from "./service-state.js";
import { type ConnectionSettings, connectionSettings, SETTING_NAMES } from "./settings.js";
import { type ConnectionHost, StreamConnection } from "./stream-connection.js";
import { throwIfAborted, Waiter } from "./waiter.js";

/** What a component of this role does with its connections. */
export interface ComponentRole {
  /** Who is told of packets; undefined where a protocol of ours reads. */
  readonly packetEvents: PacketEvents | undefined;
  /** The receiver of a connection, made with its first byte at the latest. */
  createReceiver(connection: StreamConnection): Receiver;
  /** The stream is open. May refuse or end the connection. */
  opened(connection: StreamConnection, isOutgoing: boolean): void;
  /** The connection is ready for data. May refuse or end it. */
  ready(connection: StreamConnection): void;
  /** The connection is gone: calls `onClose`. */
  closed(connection: StreamConnection, reason: CloseReason): void;
  /** A peer was not let in, or accepting failed. */
  refused(error: NetError, remoteAddress: Address | undefined): void;
  /** The component has stopped. */
  shutdown(): void;
  /** Stops what lets connections in. */
  closeListeners?(): void;
  /** Whether something that lets connections in is still closing. */
  hasListeners?(): boolean;
  /** Somebody begins to wait for the component's stop: a client's own matter. */
  isEndAwaited?(connection: StreamConnection): boolean;
}

interface Stopping {
  /** Only what had started gets `onShutdown`. */
  readonly hadStarted: boolean;
  readonly promise: Promise<StopResult>;
  readonly resolve: (result: StopResult) => void;
  endedCount: number;
  cutCount: number;
}

/** See the head of the file. */
export class Component implements ConnectionHost {
  readonly service: EngineService;
  readonly security: ComponentSecurity | undefined;
  readonly registry: ConnectionRegistry<StreamConnection> = new ConnectionRegistry();
  /** Connections by the application's own keys. */
  readonly keys: ConnectionKeys<StreamConnection> = new ConnectionKeys();
  /** Settings in force. */
  settings: ConnectionSettings;
  /** Whether its sockets keep the process alive. */
  isHeld = true;
  readonly role: ComponentRole;
  readonly topics: PacketTopics<StreamConnection> = new PacketTopics<StreamConnection>();
  /** What was asked for; what was left out follows from it. */
  #given: Partial<ConnectionSettings>;
  readonly #closeWaiters: Map<number, (() => void)[]> = new Map();
  #state: ServiceState = "stopped";
  #stopping: Stopping | undefined;
  #stopWaiters: Waiter<void>[] = [];
  #openedCount = 0;
  #closedCount = 0;
  #refusedCount = 0;
  #closedReceivedBytes = 0;
  #closedSentBytes = 0;

  /** Throws `INVALID_ARGUMENT` for settings that can't be. */
  constructor(
    role: ComponentRole,
    engine: Engine,
    security: ComponentSecurity | undefined,
    given: Partial<ConnectionSettings>,
  ) {
    this.role = role;
    this.#given = given;
    this.settings = connectionSettings(given);
    this.service = engineServiceOf(engine);
    this.security = security;
  }

  get packetEvents(): PacketEvents | undefined {
    return this.role.packetEvents;
  }

  // — state and settings —

  get state(): ServiceState {
    return this.#state;
  }

  /** Moves on; throws `INVALID_STATE` where the life of a component has no such step. */
  move(event: ServiceEvent): void {
    this.#state = nextServiceState(this.#state, event);
  }

  /** See `TcpServer.configure`. `known`: names of the component's options that can't be changed. */
  configure(changes: ChangeableSettings, known: readonly string[]): void {
    const { tls, ...settings } = changes;
    assertKnownKeys("configure", settings, known);
    for (const name of Object.keys(settings)) {
      if ((SETTING_NAMES as readonly string[]).includes(name)) continue;
      throw new NetError("SETTING_FIXED", `${name} can't be changed once the component is made`, {
        operation: "configure",
      });
    }
    if (tls !== undefined && this.security === undefined) {
      throw new NetError("SETTING_FIXED", "tls can't be switched on once the component is made");
    }
    const given = { ...this.#given, ...settings };
    const changed = connectionSettings(given);
    if (tls !== undefined) this.security?.update(tls);
    // A model holds for connections to come: the others get their receiver while the old one is in force.
    if (changed.receive !== this.settings.receive) {
      for (const connection of this.registry.list()) connection.keepModel();
    }
    this.settings = changed;
    this.#given = given;
    for (const connection of this.registry.list()) connection.settingsChanged();
  }

  get stats(): ComponentStats {
    let receivedBytes = this.#closedReceivedBytes;
    let sentBytes = this.#closedSentBytes;
    for (const connection of this.registry.list()) {
      receivedBytes += connection.receivedBytes;
      sentBytes += connection.sentBytes;
    }
    return {
      engine: this.service.engine.name,
      state: this.#state,
      connectionCount: this.connectionCount,
      openedCount: this.#openedCount,
      closedCount: this.#closedCount,
      refusedCount: this.#refusedCount,
      handshakeCount: this.security?.underWayCount ?? 0,
      receivedBytes,
      sentBytes,
    };
  }

  get connectionCount(): number {
    return this.registry.count;
  }

  ref(): void {
    this.isHeld = true;
    for (const connection of this.registry.list()) connection.ref();
  }

  unref(): void {
    this.isHeld = false;
    for (const connection of this.registry.list()) connection.unref();
  }

  // — stopping —

  /** See `TcpServer.stop`. */
  stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = options.drainMs ?? 5_000;
    assertInteger("drainMs", drainMs, 0, 2 ** 31 - 1);
    if (this.#stopping !== undefined) return this.#stopping.promise;
    if (this.#state === "stopped") return Promise.resolve({ drainedCount: 0, cutCount: 0 });
    const hadStarted = this.#state === "started";
    this.move("stop");
    const { promise, resolve } = withResolvers<StopResult>();
    this.#stopping = { hadStarted, promise, resolve, endedCount: 0, cutCount: 0 };
    this.role.closeListeners?.();
    for (const connection of this.registry.list()) {
      // Whoever waits for the end must live to see it, `unref` or not.
      connection.ref();
      if (drainMs === 0 || connection.state === "connecting") this.#cut(connection);
      else connection.stop();
    }
    if (drainMs > 0 && this.registry.count > 0) {
      const timer = this.service.wheel.clock.setTimer(drainMs, () => {
        for (const connection of this.registry.list()) this.#cut(connection);
      });
      void promise.then(() => timer.cancel());
    }
    queueMicrotask(() => this.finishStop());
    return promise;
  }

  #cut(connection: StreamConnection): void {
    const error = new NetError("STOPPED", undefined, {
      operation: "close",
      connectionId: connection.id,
    });
    if (connection.cut(error) && this.#stopping !== undefined) this.#stopping.cutCount++;
  }

  /** Ends the stop when nothing is left. */
  finishStop(): void {
    const stopping = this.#stopping;
    if (stopping === undefined || this.registry.count > 0) return;
    if (this.role.hasListeners?.() === true) return;
    this.#stopping = undefined;
    this.move("finished");
    if (stopping.hadStarted) this.role.shutdown();
    this.#wakeStopped();
    stopping.resolve({
      drainedCount: stopping.endedCount - stopping.cutCount,
      cutCount: stopping.cutCount,
    });
  }

  /** The component is stopped because its only connection has ended, without anybody's asking. */
  endedByItself(): void {
    if (this.#state === "stopping") return;
    this.move("stop");
    this.move("finished");
    this.#wakeStopped();
  }

  #wakeStopped(): void {
    const waiters = this.#stopWaiters;
    this.#stopWaiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  /** See `TcpServer.stopped`. */
  async stopped(options: WaitOptions = {}): Promise<void> {
    throwIfAborted(options, "close");
    if (this.#state === "stopped") return;
    const waiter: Waiter<void> = new Waiter<void>(this.service.wheel, options, {
      code: "CLOSE_TIMEOUT",
      operation: "close",
      forget: () => {
        this.#stopWaiters = this.#stopWaiters.filter((other) => other !== waiter);
      },
    });
    this.#stopWaiters.push(waiter);
    await waiter.promise;
  }

  // — connections —

  /** Enters a connection: an accepted stream's, or one that is still to be made. */
  admit(stream?: StreamSocket): StreamConnection {
    const connection = new StreamConnection(this);
    this.registry.add(connection);
    if (stream !== undefined) {
      connection.stream = stream;
      stream.sink = connection;
    }
    return connection;
  }

  giveKey(connection: StreamConnection, key: unknown, last: unknown): unknown {
    return this.keys.give(connection, key, last);
  }

  createReceiver(connection: StreamConnection): Receiver {
    return this.role.createReceiver(connection);
  }

  connectionOpened(connection: StreamConnection, isOutgoing: boolean): void {
    this.#openedCount++;
    this.role.opened(connection, isOutgoing);
  }

  connectionReady(connection: StreamConnection): void {
    this.role.ready(connection);
  }

  connectionClosed(connection: StreamConnection, reason: CloseReason): void {
    this.registry.remove(connection);
    this.keys.take(connection, connection.key);
    this.topics.table.leave(connection);
    this.#closedCount++;
    this.#closedReceivedBytes += connection.receivedBytes;
    this.#closedSentBytes += connection.sentBytes;
    if (this.#stopping !== undefined) this.#stopping.endedCount++;
    this.role.closed(connection, reason);
    const waiters = this.#closeWaiters.get(connection.id);
    if (waiters !== undefined) {
      this.#closeWaiters.delete(connection.id);
      for (const resolve of waiters) resolve();
    }
    this.finishStop();
  }

  isEndAwaited(connection: StreamConnection): boolean {
    return this.#closeWaiters.has(connection.id) || this.role.isEndAwaited?.(connection) === true;
  }

  whenClosed(connection: StreamConnection): Promise<void> {
    if (connection.state === "closed") return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.#closeWaiters.get(connection.id);
      if (waiters === undefined) this.#closeWaiters.set(connection.id, [resolve]);
      else waiters.push(resolve);
    });
  }

  /** A peer was not let in, or accepting failed. */
  tellRefused(error: NetError, remoteAddress: Address | undefined): void {
    this.#refusedCount++;
    this.role.refused(error, remoteAddress);
  }
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
