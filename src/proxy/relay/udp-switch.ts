/**
 * A relay of datagrams: each address that sends to it is a session, which is given a destination and a socket of its
 * own to that; what comes back goes to the address.
 *
 *     client ─► front ─► session of the address ─► its socket ─► destination
 *     client ◄─ front ◄──────────────────────────── its socket ◄─ destination
 *
 * Datagrams are passed on as they are, none is read. A session ends when nothing has come for a while from either side,
 * or the destination's host reports that the port is closed; the next datagram of its client begins another session.
 */
import type { Buffer } from "node:buffer";
import { AccessControl } from "../../connection/access/access-control.js";
import { readAccess } from "../../connection/access/access-options.js";
import { ToldRefusals } from "../../connection/access/told-refusals.js";
import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../../connection/component/component-options.js";
import type { ServiceState } from "../../connection/component/service-state.js";
import type { WaitOptions } from "../../connection/connection.js";
import { type EngineService, engineServiceOf } from "../../connection/engine-service.js";
import { callHandler, handlerError, tellHandlerError } from "../../connection/events/handlers.js";
import { beginWait } from "../../connection/waiting/waiter.js";
import { STOPPED, WaiterList } from "../../connection/waiting/waiter-list.js";
import {
  assertDatagramListen,
  type DatagramListenOptions,
} from "../../datagram/datagram-options.js";
import { DatagramPort, type PortOwner } from "../../datagram/datagram-port.js";
import { listenTarget } from "../../datagram/resolve-peer.js";
import { chooseEngine } from "../../engine/choose-engine.js";
import type { IpAddress } from "../../engine/engine.js";
import { addressOfPeer, hostOfPeer, type PeerKey } from "../../engine/peer-key.js";
import { NetError } from "../../errors.js";
import { readOptions } from "../../options.js";
import { DestinationTable } from "../../pool/destination-table.js";
import { readHealthCheck } from "../../pool/health-check-options.js";
import { BALANCE } from "../../pool/pool-options.js";
import type { Timer } from "../../time/clock.js";
import {
  assertRelayDestinations,
  type Destination,
  destinationOf,
  statsOf,
  tableHandlers,
} from "./destination.js";
import { UDP_RELAY_NUMBERS, type UdpRelayNumbers } from "./relay-settings.js";
import { probeDatagrams } from "./udp-probe.js";
import {
  assertUdpRelayOptions,
  type UdpRelayOptions,
  type UdpRelayStats,
} from "./udp-relay-options.js";
import { UdpRelaySession, type UdpSessionOwner } from "./udp-relay-session.js";

interface Opening {
  readonly resolve: (address: IpAddress) => void;
  readonly reject: (error: NetError) => void;
}

/** The sessions of a UDP relay, and the socket that clients send to. */
export class UdpSwitch implements PortOwner, UdpSessionOwner {
  readonly service: EngineService;
  readonly numbers: UdpRelayNumbers;
  private readonly options: UdpRelayOptions;
  private readonly table: DestinationTable<Destination>;
  private readonly access: AccessControl | undefined;
  private readonly sessions: Map<PeerKey, UdpRelaySession> = new Map();
  /** Numbers by which `access` knows the sessions. */
  private readonly ids: Map<UdpRelaySession, number> = new Map();
  private frontPort: DatagramPort | undefined;
  private keepsProcess = true;
  private opening: Opening | undefined;
  private stopping: Promise<StopResult> | undefined;
  /** Told while stopping: a session has ended, the front is closed. */
  private sessionEnded: () => void = () => {};
  private frontClosed: () => void = () => {};
  private readonly stopWaiters: WaiterList = new WaiterList();
  private openedCount = 0;
  private refusedCount = 0;
  private receivedBytes = 0;
  private sentBytes = 0;
  private droppedCount = 0;
  private readonly told: ToldRefusals = new ToldRefusals();

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`, `NOT_SUPPORTED`. */
  constructor(options: UdpRelayOptions) {
    assertUdpRelayOptions(options);
    this.options = options;
    this.numbers = readOptions<UdpRelayNumbers>(UDP_RELAY_NUMBERS, options);
    const rules = readAccess(options.access);
    this.access = rules && new AccessControl(rules);
    const check = readHealthCheck(options.healthCheck);
    this.service = engineServiceOf(chooseEngine(options.engine, "datagram"));
    const { balance = BALANCE.standard } = options;
    const probe = check && {
      ...check,
      probe: ({ end }: Destination, signal: AbortSignal) =>
        probeDatagrams(this.service, end, check, signal),
    };
    this.table = new DestinationTable<Destination>(
      { ...this.numbers, balance, healthCheck: probe },
      this.service.wheel.clock,
      tableHandlers(options),
    );
    this.setDestinations(options.to);
  }

  /** Where datagrams of clients come from, and go back to; undefined when it is closed. */
  get front(): DatagramPort | undefined {
    return this.frontPort;
  }

  /** See `UdpRelay.setDestinations`. */
  setDestinations(to: readonly string[]): void {
    assertRelayDestinations("to", to);
    this.table.set(to, destinationOf);
  }

  /** See `UdpRelay.listen`. */
  async listen(options: DatagramListenOptions = {}): Promise<IpAddress> {
    assertDatagramListen(options);
    if (this.frontPort !== undefined || this.opening !== undefined || this.stopping !== undefined) {
      throw new NetError("INVALID_STATE", "the relay listens already, or stops", {
        operation: "listen",
      });
    }
    return await new Promise<IpAddress>((resolve, reject) => {
      const opening = { resolve, reject };
      this.opening = opening;
      this.open(options, opening).catch((error: unknown) => {
        // A `listen` that `stop` has overtaken was rejected already.
        if (this.opening === opening) this.openFailed(error as NetError);
      });
    });
  }

  private async open(options: DatagramListenOptions, opening: Opening): Promise<void> {
    const target = await listenTarget(this.service.engine, options, "127.0.0.1");
    if (this.opening !== opening) return;
    this.frontPort = new DatagramPort(this.service, target, this);
    if (!this.keepsProcess) this.frontPort.unref();
  }

  private openFailed(error: NetError): void {
    const { reject } = this.opening ?? {};
    this.opening = undefined;
    this.frontPort = undefined;
    this.stopWaiters.resolve();
    reject?.(error);
  }

  /** See `UdpRelay.stop`. */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = readStopOptions(options, 0);
    this.stopping ??= this.stopOnce(drainMs).finally(() => {
      this.stopping = undefined;
    });
    return await this.stopping;
  }

  private async stopOnce(drainMs: number): Promise<StopResult> {
    this.table.stop();
    this.overtakeListen();
    const { clock } = this.service.wheel;
    const beforeCount = this.sessions.size;
    const endMs = clock.now() + drainMs;
    while (this.sessions.size > 0 && clock.now() < endMs) {
      await new Promise<void>((resolve) => {
        const timer: Timer = clock.setTimer(Math.max(1, endMs - clock.now()), resolve, true);
        this.sessionEnded = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    const cutCount = this.sessions.size;
    for (const session of [...this.sessions.values()]) session.end(undefined);
    if (this.frontPort !== undefined) {
      await new Promise<void>((resolve) => {
        this.frontClosed = resolve;
        this.frontPort?.close();
      });
    }
    this.stopWaiters.resolve();
    return { drainedCount: beforeCount - cutCount, cutCount };
  }

  /** A `listen` that is not done yet fails. */
  private overtakeListen(): void {
    const opening = this.opening;
    this.opening = undefined;
    const text = "the relay was stopped while it began to listen";
    opening?.reject(new NetError("STOPPED", text, { operation: "listen" }));
  }

  /** See `UdpRelay.stopped`. */
  async stopped(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "stopped", "close");
    const isStopped = this.frontPort === undefined && this.stopping === undefined;
    if (isStopped && this.opening === undefined) return;
    await this.stopWaiters.wait(this.service.wheel, options, STOPPED);
  }

  /** See `UdpRelay.unref`. The sockets of sessions hold no process. */
  unref(): void {
    this.keepsProcess = false;
    this.frontPort?.unref();
  }

  /** See `UdpRelay.ref`. */
  ref(): void {
    this.keepsProcess = true;
    this.frontPort?.ref();
  }

  get state(): ServiceState {
    if (this.stopping !== undefined) return "stopping";
    if (this.opening !== undefined) return "starting";
    return this.frontPort === undefined ? "stopped" : "started";
  }

  get stats(): UdpRelayStats {
    let sentBytes = this.sentBytes;
    let droppedCount = this.droppedCount + (this.frontPort?.droppedCount ?? 0);
    for (const { client, upstream } of this.sessions.values()) {
      sentBytes += client.byteCount;
      droppedCount += client.droppedCount + upstream.droppedCount;
    }
    return {
      engine: this.service.engine.name,
      state: this.state,
      connectionCount: this.sessions.size,
      openedCount: this.openedCount,
      closedCount: this.openedCount - this.sessions.size,
      refusedCount: this.refusedCount,
      receivedBytes: this.receivedBytes,
      sentBytes,
      droppedCount,
      ejectedCount: this.table.unwellCount,
      destinations: statsOf(this.table.all),
    };
  }

  /** What a handler throws is reported, and changes nothing. */
  private call(name: string, call: () => void): void {
    callHandler(call, (cause) =>
      tellHandlerError(this.options, handlerError(name, "receive", cause)),
    );
  }

  // — the front's calls —

  portOpened(address: IpAddress): void {
    if (this.opening === undefined) return;
    this.table.start();
    this.opening.resolve(address);
    this.opening = undefined;
  }

  datagramsReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    this.receivedBytes += bytes.length;
    const session = this.sessions.get(from) ?? this.begin(from);
    if (session !== undefined) session.fromClient(bytes, segmentBytes);
    else this.droppedCount += segmentBytes === 0 ? 1 : Math.ceil(bytes.length / segmentBytes);
  }

  /** The new session of a stranger, unless it may not begin one. */
  private begin(from: PeerKey): UdpRelaySession | undefined {
    if (this.stopping !== undefined || this.frontPort === undefined) return undefined;
    const nowMs = this.service.arrivalMs();
    const host = this.access === undefined ? undefined : hostOfPeer(from);
    const code = this.access?.refusal(host, nowMs);
    const { maxConnections } = this.numbers;
    let error: NetError | undefined;
    if (code !== undefined) error = this.access?.errorOf(code);
    else if (this.sessions.size >= maxConnections) {
      const text = `there are ${maxConnections} sessions, as many as maxConnections allows`;
      error = new NetError("CONNECTION_LIMIT", text, { operation: "accept" });
    }
    if (error !== undefined) {
      this.refuse(error, from, nowMs);
      return undefined;
    }
    const [destination] = this.table.order();
    if (destination === undefined) return undefined;
    destination.useCount++;
    const id = ++this.openedCount;
    const session = new UdpRelaySession(this, from, destination);
    this.sessions.set(from, session);
    this.ids.set(session, id);
    this.access?.entered(id, host, nowMs);
    return session;
  }

  private refuse(error: NetError, from: PeerKey, nowMs: number): void {
    this.refusedCount++;
    if (!this.told.mayTell(nowMs)) return;
    this.call("onRefuse", () => this.options.onRefuse?.(error, addressOfPeer(from)));
  }

  portClosed(error: NetError | undefined): void {
    const isOpening = this.opening !== undefined;
    this.frontPort = undefined;
    this.frontClosed();
    if (error === undefined) return;
    if (isOpening) this.openFailed(error);
    else void this.stop();
  }

  // — the sessions' calls —

  answered({ destination }: UdpRelaySession): void {
    this.table.succeeded(destination, "connect");
    this.table.succeeded(destination, "use");
  }

  over(session: UdpRelaySession, error: NetError | undefined): void {
    const { client, upstream, destination, startedMs } = session;
    const { clock } = this.service.wheel;
    const peer = client.peer as PeerKey;
    this.sessions.delete(peer);
    const id = this.ids.get(session);
    this.ids.delete(session);
    if (id !== undefined) this.access?.gone(id);
    destination.useCount--;
    const droppedCount = client.droppedCount + upstream.droppedCount;
    this.sentBytes += client.byteCount;
    this.droppedCount += droppedCount;
    if (error !== undefined) this.table.failed(destination, "use", error);
    const { host, port } = addressOfPeer(peer);
    const record = {
      client: host,
      clientPort: port,
      destination: destination.name,
      fromClientDatagrams: upstream.datagramCount,
      fromClientBytes: upstream.byteCount,
      toClientDatagrams: client.datagramCount,
      toClientBytes: client.byteCount,
      droppedCount,
      startedAt: clock.originMs + startedMs,
      durationMs: clock.now() - startedMs,
      error,
    };
    this.call("onRelayed", () => this.options.onRelayed?.(record));
    this.sessionEnded();
  }
}
