/**
 * One socket without sessions, from its opening to its end: what a cast and a node are made of. It opens, joins
 * groups, sends to any address, delivers what comes, and closes. Hot where datagrams pass.
 */
import type { AsyncResource } from "node:async_hooks";
import process from "node:process";
import { owned } from "../bytes/lending.js";
import { CLOSED_LOCALLY, type CloseReason, reasonOf } from "../connection/close-reason.js";
import {
  nextServiceState,
  type ServiceEvent,
  type ServiceState,
} from "../connection/component/service-state.js";
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { type EngineService, engineServiceOf } from "../connection/engine-service.js";
import { handlerScope } from "../connection/events/handler-scope.js";
import { assertMayListen, callHandler, handlerError } from "../connection/events/handlers.js";
import { beginWait } from "../connection/waiting/waiter.js";
import { DRAINED, STOPPED, WaiterList } from "../connection/waiting/waiter-list.js";
import { DatagramPort, type PortOwner } from "../datagram/datagram-port.js";
import type {
  DatagramTarget,
  Engine,
  GroupMembership,
  IpAddress,
  PeerKey,
} from "../engine/engine.js";
import { describe, NetError, type Operation } from "../errors.js";
import type { Given } from "../options.js";
import { assertMembership } from "./cast-options.js";
import {
  assertCastChanges,
  type CastHandlers,
  type CastSettings,
  castSettings,
} from "./cast-settings.js";
import { type PeerAddress, type PeerOwner, type SendTarget, UdpPeers } from "./udp-peer-address.js";

/** What a cast or node has done so far. */
export interface CastStats {
  /** Engine that moves the datagrams. */
  readonly engine: string;
  /** Where it is in its life. */
  readonly state: ServiceState;
  /** Bytes received. */
  readonly receivedBytes: number;
  /** Bytes that the kernel has taken. */
  readonly sentBytes: number;
  /** Bytes that wait to be sent. */
  readonly pendingBytes: number;
  /** Sends that were dropped at `maxPendingBytes`. */
  readonly droppedCount: number;
  /** Datagrams that the system refused to send. */
  readonly failedCount: number;
  /** Datagrams that came and that the system dropped because they were not taken in time, as far as it tells. */
  readonly missedCount: number;
}

interface Opening {
  readonly resolve: (address: IpAddress) => void;
  readonly reject: (error: NetError) => void;
}

/** One socket without sessions, from its opening to its end: what a cast and a node are made of. */
export class CastSocket<Handle> implements PortOwner, PeerOwner {
  settings: CastSettings;
  readonly service: EngineService;
  readonly peers: UdpPeers = new UdpPeers(this);
  private readonly handle: Handle;
  private readonly handlers: Given<CastHandlers<Handle>>;
  private readonly scope: AsyncResource | undefined = handlerScope();
  private given: Given<CastSettings>;
  private serviceState: ServiceState = "stopped";
  private port: DatagramPort | undefined = undefined;
  private opening: Opening | undefined = undefined;
  private groups: readonly GroupMembership[] = [];
  private multicastInterface: string | undefined = undefined;
  private readonly stopWaiters: WaiterList = new WaiterList();
  private readonly drainWaiters: WaiterList = new WaiterList();
  private startCount = 0;
  private isAbove = false;
  private isHeld = true;
  private reason: CloseReason | undefined = undefined;
  private receivedBytes = 0;
  private sentBytes = 0;
  private droppedCount = 0;
  private failedCount = 0;
  private missedBefore = 0;

  constructor(
    engine: Engine,
    handle: Handle,
    options: Given<CastSettings> & Given<CastHandlers<Handle>>,
  ) {
    this.handle = handle;
    this.handlers = options;
    this.given = options;
    this.settings = castSettings(options);
    this.service = engineServiceOf(engine);
  }

  // — state and settings —

  get state(): ServiceState {
    return this.serviceState;
  }

  private move(event: ServiceEvent): void {
    this.serviceState = nextServiceState(this.serviceState, event);
  }

  get address(): IpAddress | undefined {
    return this.port?.address;
  }

  get isOpen(): boolean {
    return this.serviceState === "started" && this.port?.isOpen === true;
  }

  get pendingBytes(): number {
    return this.port?.pendingBytes ?? 0;
  }

  get stats(): CastStats {
    return {
      engine: this.service.engine.name,
      state: this.serviceState,
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      pendingBytes: this.pendingBytes,
      droppedCount: this.droppedCount,
      failedCount: this.failedCount,
      missedCount: this.missedBefore + (this.port?.droppedCount ?? 0),
    };
  }

  configure(changes: Given<CastSettings>): void {
    assertCastChanges(changes);
    const given = { ...this.given, ...changes };
    const settings = castSettings(given);
    this.given = given;
    this.settings = settings;
    if (this.isOpen) this.applyMulticast();
  }

  private applyMulticast(): void {
    const { port, settings, multicastInterface } = this;
    if (port === undefined) return;
    port.groups.setMulticastTtl(settings.multicastTtl);
    port.groups.setMulticastLoop(settings.multicastLoop);
    if (multicastInterface !== undefined) port.groups.setMulticastInterface(multicastInterface);
  }

  // — opening and closing —

  /**
   * Opens the socket that `find` describes, joins the groups, and resolves with its address. Rejects with what the
   * system says.
   */
  async open(
    find: () => Promise<DatagramTarget>,
    groups: readonly GroupMembership[],
    multicastInterface: string | undefined,
  ): Promise<IpAddress> {
    this.move("start");
    this.reason = undefined;
    const start = ++this.startCount;
    const isCurrent = (): boolean => start === this.startCount && this.serviceState === "starting";
    try {
      const target = await find();
      if (!isCurrent()) throw stopped();
      this.askListen(target);
      if (!isCurrent()) throw stopped();
      this.groups = groups;
      this.multicastInterface = multicastInterface;
      return await new Promise<IpAddress>((resolve, reject) => {
        this.opening = { resolve, reject };
        this.port = new DatagramPort(this.service, target, this);
        if (!this.isHeld) this.port.unref();
      });
    } catch (error) {
      if (isCurrent()) {
        this.move("stop");
        this.finish();
      }
      throw error;
    }
  }

  private askListen(target: DatagramTarget): void {
    const { onPrepareListen } = this.handlers;
    if (onPrepareListen !== undefined) assertMayListen(() => this.call(onPrepareListen, target));
  }

  stop(): Promise<void> {
    const promise = this.stopped();
    if (this.serviceState === "stopped" || this.serviceState === "stopping") return promise;
    this.move("stop");
    if (this.port === undefined) queueMicrotask(() => this.finish());
    else this.port.close();
    return promise;
  }

  async stopped(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "stopped", "close");
    if (this.serviceState === "stopped") return;
    await this.stopWaiters.wait(this.service.wheel, options, STOPPED);
  }

  /** Everything is over. */
  private finish(): void {
    if (this.serviceState !== "stopping") return;
    this.move("finished");
    const { onShutdown } = this.handlers;
    if (onShutdown !== undefined && this.reason !== undefined) {
      this.guard("onShutdown", "close", undefined, () => this.call(onShutdown));
    }
    this.stopWaiters.resolve();
  }

  ref(): void {
    this.isHeld = true;
    this.port?.ref();
  }

  unref(): void {
    this.isHeld = false;
    this.port?.unref();
  }

  pause(): boolean {
    if (!this.isOpen) return false;
    this.port?.pause();
    return true;
  }

  resume(): boolean {
    if (!this.isOpen) return false;
    this.port?.resume();
    return true;
  }

  join(membership: GroupMembership): void {
    assertMembership("joinGroup", membership);
    this.opened().groups.joinGroup(membership);
  }

  leave(membership: GroupMembership): void {
    assertMembership("leaveGroup", membership);
    this.opened().groups.leaveGroup(membership);
  }

  private opened(): DatagramPort {
    if (this.port !== undefined && this.isOpen) return this.port;
    throw new NetError("INVALID_STATE", `the socket is ${this.serviceState}`, {
      operation: "configure",
    });
  }

  // — sending —

  sendTo(to: SendTarget, data: Data): SendResult {
    return this.sendToPeer(this.peers.at(to), bytesOf(data));
  }

  sendAllTo(to: SendTarget, pieces: readonly Data[]): SendResult {
    if (!Array.isArray(pieces)) {
      throw new NetError("INVALID_ARGUMENT", `pieces must be an array, not ${describe(pieces)}`);
    }
    return this.sendToPeer(this.peers.at(to), Buffer.concat(pieces.map(bytesOf)));
  }

  private sendToPeer(peer: PeerAddress, bytes: Buffer): SendResult {
    const { port, settings } = this;
    const { maxDatagramBytes, maxPendingBytes, highWaterMarkBytes } = settings;
    if (bytes.length > maxDatagramBytes) {
      const text = `a datagram of ${bytes.length} bytes is above maxDatagramBytes (${maxDatagramBytes})`;
      throw new NetError("PACKET_INVALID", text, { operation: "send" });
    }
    if (port === undefined || !this.isOpen) return false;
    if (port.pendingBytes > 0 && port.pendingBytes + bytes.length > maxPendingBytes) {
      this.droppedCount++;
      this.isAbove = true;
      return false;
    }
    port.send(peer, bytes);
    if (port.pendingBytes < highWaterMarkBytes) return true;
    this.isAbove = true;
    return "slow";
  }

  async drained(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "drained", "send");
    if (this.pendingBytes <= this.settings.lowWaterMarkBytes) return;
    await this.drainWaiters.wait(this.service.wheel, options, DRAINED);
  }

  peerSent(
    peer: PeerAddress,
    byteCount: number,
    count: number,
    error: NetError | undefined,
    failedCount: number,
  ): void {
    const segmentBytes = Math.ceil(byteCount / count);
    const sentBytes = error === undefined ? byteCount : byteCount - failedCount * segmentBytes;
    this.sentBytes += Math.max(0, sentBytes);
    if (error !== undefined) {
      this.failedCount += failedCount;
      this.tellError(error, peer);
    } else {
      const { onSend } = this.handlers;
      if (onSend !== undefined) {
        this.guard("onSend", "send", peer, () => this.call(onSend, this.handle, byteCount, peer));
      }
    }
    if (this.pendingBytes <= this.settings.lowWaterMarkBytes) this.wentBelow();
  }

  private wentBelow(): void {
    this.drainWaiters.resolve();
    if (!this.isAbove) return;
    this.isAbove = false;
    const { onDrain } = this.handlers;
    if (onDrain !== undefined && this.isOpen) {
      this.guard("onDrain", "send", undefined, () => this.call(onDrain, this.handle));
    }
  }

  // — the port's calls —

  portOpened(address: IpAddress): void {
    if (this.serviceState !== "starting") return;
    try {
      this.applyMulticast();
      for (const membership of this.groups) this.port?.groups.joinGroup(membership);
    } catch (error) {
      this.opening?.reject(error as NetError);
      this.opening = undefined;
      void this.stop();
      return;
    }
    this.move("ready");
    // It was open, so that `onClose` is called.
    this.reason = CLOSED_LOCALLY;
    this.opening?.resolve(address);
    this.opening = undefined;
  }

  datagramsReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    this.receivedBytes += bytes.length;
    const peer = this.peers.of(from);
    if (segmentBytes >= bytes.length) {
      this.received(bytes, peer);
      return;
    }
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      this.received(bytes.subarray(at, Math.min(at + segmentBytes, bytes.length)), peer);
    }
  }

  private received(datagram: Buffer, peer: PeerAddress): void {
    const { onReceive } = this.handlers;
    const { maxDatagramBytes, delivery } = this.settings;
    if (this.serviceState !== "started") return;
    if (datagram.length > maxDatagramBytes) {
      const text = `a datagram of ${datagram.length} bytes came, above maxDatagramBytes (${maxDatagramBytes})`;
      this.tellError(new NetError("DATAGRAM_TOO_LONG", text, { operation: "receive" }), peer);
      return;
    }
    if (onReceive === undefined) return;
    const bytes = delivery === "copy" ? owned(datagram) : datagram;
    this.guard("onReceive", "receive", peer, () => this.call(onReceive, this.handle, bytes, peer));
  }

  portClosed(error: NetError | undefined): void {
    this.missedBefore += this.port?.droppedCount ?? 0;
    this.port = undefined;
    this.peers.clear();
    const { opening } = this;
    this.opening = undefined;
    opening?.reject(error ?? stopped());
    if (this.serviceState === "started" || this.serviceState === "starting") this.move("stop");
    if (!this.drainWaiters.isEmpty) this.drainWaiters.reject(error ?? stopped());
    const { onClose } = this.handlers;
    if (this.reason !== undefined) {
      const reason = error === undefined ? this.reason : reasonOf(error, "receive");
      if (onClose !== undefined) {
        this.guard("onClose", "close", undefined, () => this.call(onClose, this.handle, reason));
      }
    }
    this.finish();
  }

  // — handlers —

  private call(handler: (...given: never[]) => unknown, ...given: unknown[]): unknown {
    const { scope, handlers } = this;
    const call = handler as (...given: unknown[]) => unknown;
    return scope === undefined
      ? call.apply(handlers, given)
      : scope.runInAsyncScope(call, handlers, ...given);
  }

  /** Calls a handler. Its failure is reported, and ends nothing: there is no connection. */
  private guard(
    name: string,
    operation: Operation,
    peer: PeerAddress | undefined,
    call: () => unknown,
  ): void {
    callHandler(call, (cause) => {
      const error = handlerError(name, operation, cause);
      if (this.handlers.onError === undefined) process.emitWarning(error);
      else this.tellError(error, peer);
    });
  }

  private tellError(error: NetError, peer: PeerAddress | undefined): void {
    const { onError } = this.handlers;
    if (onError === undefined) return;
    callHandler(
      () => this.call(onError, this.handle, error, peer),
      (cause) => process.emitWarning(handlerError("onError", "receive", cause)),
    );
  }
}

function stopped(): NetError {
  return new NetError("STOPPED", "the component was stopped while its socket was being opened", {
    operation: "listen",
  });
}
