/**
 * What is behind every component: its settings, its connections, and its life from start to stop. Servers,
 * agents and clients of all protocols are made of one of these and of what makes their role. It knows
 * nothing of what carries the bytes: streams have `stream-component.ts`, datagrams `src/datagram`.
 */
import type { Address, Engine } from "../../engine/engine.js";
import { assertKnownKeys, assertObject, NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import type { CloseReason } from "../close-reason.js";
import type { WaitOptions } from "../connection.js";
import { ConnectionRegistry } from "../connection-registry.js";
import { type EngineService, engineServiceOf } from "../engine-service.js";
import type { Member } from "../member.js";
import type { MemberHost } from "../member-host.js";
import { PacketTopics } from "../topics/packet-topics.js";
import { beginWait } from "../waiting/waiter.js";
import { STOPPED, WaiterList } from "../waiting/waiter-list.js";
import type { BroadcastResult } from "./broadcast.js";
import {
  type ComponentStats,
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "./component-options.js";
import { ConnectionKeys } from "./connection-keys.js";
import { nextServiceState, type ServiceEvent, type ServiceState } from "./service-state.js";

/** What a component of this role does with its connections. */
export interface ComponentRole<Held extends Member> {
  /** The connection is open. May refuse or end it. */
  opened(connection: Held, isOutgoing: boolean): void;
  /** The connection is ready for data. May refuse or end it. */
  ready(connection: Held): void;
  /** The connection is gone: calls `onClose`. */
  closed(connection: Held, reason: CloseReason): void;
  /** A peer was not let in, or accepting failed. */
  refused(error: NetError, remoteAddress: Address | undefined): void;
  /** The component has stopped. */
  shutdown(): void;
  /** Stops what lets connections in. */
  closeListeners?(): void;
  /** Whether something that lets connections in is still closing. */
  hasListeners?(): boolean;
  /** Whether a caller waits for the end of this connection, besides those who called `closed`. */
  isEndAwaited?(connection: Held): boolean;
}

/** Which settings a component has. */
export interface SettingsKind<Settings> {
  /** Their names. */
  readonly names: readonly string[];
  /** The settings with every default filled in. Throws `INVALID_ARGUMENT`. */
  read(given: Given<Settings>): Settings;
}

interface Stopping {
  /** Only what had started gets `onShutdown`. */
  readonly hadStarted: boolean;
  readonly promise: Promise<StopResult>;
  readonly resolve: (result: StopResult) => void;
  endedCount: number;
  cutCount: number;
}

/** Settings, connections and life of one component. */
export abstract class Component<Held extends Member, Settings extends Held["settings"]>
  implements MemberHost<Held>
{
  readonly service: EngineService;
  readonly registry: ConnectionRegistry<Held> = new ConnectionRegistry();
  /** Connections by the application's own keys. */
  readonly keys: ConnectionKeys<Held> = new ConnectionKeys();
  /** Settings in force. */
  settings: Settings;
  /** Whether its sockets keep the process alive. */
  keepsProcess = true;
  readonly role: ComponentRole<Held>;
  readonly topics: PacketTopics<Held> = new PacketTopics<Held>();
  private readonly kind: SettingsKind<Settings>;
  /** What was asked for; what was left out follows from it. */
  private given: Given<Settings>;
  /** Waiters for the end of a connection, by its id. */
  private readonly closeWaiters: Map<number, WaiterList> = new Map();
  private stateNow: ServiceState = "stopped";
  private stopping: Stopping | undefined;
  private readonly stopWaiters: WaiterList = new WaiterList();
  private openedCount = 0;
  private closedCount = 0;
  private refusedCount = 0;
  private closedReceivedBytes = 0;
  private closedSentBytes = 0;

  /** Throws `INVALID_ARGUMENT` for invalid settings. */
  constructor(
    role: ComponentRole<Held>,
    engine: Engine,
    kind: SettingsKind<Settings>,
    given: Given<Settings>,
  ) {
    this.role = role;
    this.kind = kind;
    this.given = given;
    this.settings = kind.read(given);
    this.service = engineServiceOf(engine);
  }

  // — state and settings —

  get state(): ServiceState {
    return this.stateNow;
  }

  /** Moves on; throws `INVALID_STATE` where the life of a component has no such step. */
  move(event: ServiceEvent): void {
    this.stateNow = nextServiceState(this.stateNow, event);
  }

  /**
   * See `TcpServer.configure`. `known`: names of the component's options that can't be changed; `before`
   * runs when the changes are found to be possible, and not in force yet.
   */
  change(
    changes: Given<Settings>,
    known: readonly string[],
    before?: (changed: Settings) => void,
  ): void {
    assertObject("the options of configure", changes);
    assertKnownKeys("configure", changes, known);
    for (const name of Object.keys(changes)) {
      if (this.kind.names.includes(name)) continue;
      throw new NetError("SETTING_FIXED", `${name} can't be changed once the component is made`, {
        operation: "configure",
      });
    }
    const given = { ...this.given, ...changes };
    const changed = this.kind.read(given);
    before?.(changed);
    this.settings = changed;
    this.given = given;
    for (const connection of this.registry.list()) connection.settingsChanged();
  }

  get stats(): ComponentStats {
    let receivedBytes = this.closedReceivedBytes;
    let sentBytes = this.closedSentBytes;
    for (const connection of this.registry.list()) {
      receivedBytes += connection.receivedBytes;
      sentBytes += connection.sentBytes;
    }
    return {
      engine: this.service.engine.name,
      state: this.stateNow,
      connectionCount: this.connectionCount,
      openedCount: this.openedCount,
      closedCount: this.closedCount,
      refusedCount: this.refusedCount,
      handshakeCount: 0,
      receivedBytes,
      sentBytes,
    };
  }

  get connectionCount(): number {
    return this.registry.count;
  }

  ref(): void {
    this.keepsProcess = true;
    for (const connection of this.registry.list()) connection.ref();
  }

  unref(): void {
    this.keepsProcess = false;
    for (const connection of this.registry.list()) connection.unref();
  }

  // — stopping —

  /** See `TcpServer.stop`. */
  stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    if (this.stopping !== undefined) return this.stopping.promise;
    if (this.stateNow === "stopped") return Promise.resolve({ drainedCount: 0, cutCount: 0 });
    const hadStarted = this.stateNow === "started";
    this.move("stop");
    const { promise, resolve } = withResolvers<StopResult>();
    this.stopping = { hadStarted, promise, resolve, endedCount: 0, cutCount: 0 };
    this.role.closeListeners?.();
    for (const connection of this.registry.list()) {
      // A caller that awaits the end keeps the process alive, whatever `unref` says.
      connection.ref();
      if (drainMs === 0 || connection.state === "connecting") this.cut(connection, drainMs);
      else connection.stop();
    }
    if (drainMs > 0 && this.registry.count > 0) {
      const timer = this.service.wheel.clock.setTimer(drainMs, () => {
        for (const connection of this.registry.list()) this.cut(connection, drainMs);
      });
      void promise.then(() => timer.cancel());
    }
    queueMicrotask(() => this.finishStop());
    return promise;
  }

  private cut(connection: Held, drainMs: number): void {
    const text = `the component was stopped, and the connection had not ended within drainMs (${drainMs})`;
    const error = new NetError("STOPPED", text, {
      operation: "close",
      connectionId: connection.id,
    });
    if (connection.cut(error) && this.stopping !== undefined) this.stopping.cutCount++;
  }

  /** Ends the stop when nothing is left. */
  finishStop(): void {
    const stopping = this.stopping;
    if (stopping === undefined || this.registry.count > 0) return;
    if (this.role.hasListeners?.() === true) return;
    this.stopping = undefined;
    this.move("finished");
    if (stopping.hadStarted) this.role.shutdown();
    this.stopWaiters.resolve();
    stopping.resolve({
      drainedCount: stopping.endedCount - stopping.cutCount,
      cutCount: stopping.cutCount,
    });
  }

  /** The only connection has ended by itself: the component is stopped. */
  endedByItself(): void {
    if (this.stateNow === "stopping") return;
    this.move("stop");
    this.move("finished");
    this.stopWaiters.resolve();
  }

  /** See `TcpServer.stopped`. */
  async stopped(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "stopped", "close");
    if (this.stateNow === "stopped") return;
    await this.stopWaiters.wait(this.service.wheel, options, STOPPED);
  }

  // — connections —

  /** Sends the same bytes to each of them. Throws `PACKET_INVALID`, before anything is sent. */
  abstract sendToAll(connections: readonly Held[], bytes: Buffer): BroadcastResult;

  giveKey(connection: Held, key: unknown, last: unknown): unknown {
    return this.keys.give(connection, key, last);
  }

  connectionOpened(connection: Held, isOutgoing: boolean): void {
    this.openedCount++;
    this.role.opened(connection, isOutgoing);
  }

  connectionReady(connection: Held): void {
    this.role.ready(connection);
  }

  connectionClosed(connection: Held, reason: CloseReason): void {
    this.registry.remove(connection);
    this.keys.take(connection, connection.key);
    this.topics.table.leave(connection);
    this.closedCount++;
    this.closedReceivedBytes += connection.receivedBytes;
    this.closedSentBytes += connection.sentBytes;
    if (this.stopping !== undefined) this.stopping.endedCount++;
    this.role.closed(connection, reason);
    const waiters = this.closeWaiters.get(connection.id);
    if (waiters !== undefined) {
      this.closeWaiters.delete(connection.id);
      waiters.resolve();
    }
    this.finishStop();
  }

  isEndAwaited(connection: Held): boolean {
    if (this.closeWaiters.get(connection.id)?.isEmpty === false) return true;
    return this.role.isEndAwaited?.(connection) === true;
  }

  async whenClosed(connection: Held, options: WaitOptions = {}): Promise<void> {
    beginWait(options, "closed", "close");
    if (connection.state === "closed") return;
    let waiters = this.closeWaiters.get(connection.id);
    if (waiters === undefined) {
      waiters = new WaiterList();
      this.closeWaiters.set(connection.id, waiters);
    }
    const giveUp = { code: "CLOSE_TIMEOUT", call: "closed", operation: "close" } as const;
    await waiters.wait(this.service.wheel, options, giveUp);
  }

  /** A peer was not let in, or accepting failed. */
  tellRefused(error: NetError, remoteAddress: Address | undefined): void {
    this.refusedCount++;
    this.role.refused(error, remoteAddress);
  }

  /** The same, but `onRefuse` is not called: there were too many of late. */
  countRefused(): void {
    this.refusedCount++;
  }
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
