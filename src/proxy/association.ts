/**
 * What relays the datagrams of one SOCKS 5 client (RFC 1928 §7): a socket that the client sends to, and one for each
 * family that destinations are sent to from. It lives as long as the connection on which the client asked for it.
 *
 *     client ─► inner port ─► whose? rules ─► outer port ─► destination
 *     client ◄─ inner port ◄─ a header ◄─ was it sent to? ◄─ outer port ◄─ destination
 *
 * Invariants: nothing is relayed but of the client's address and of the port that it sent from first; nothing comes
 * back but from where it has sent to. What can't be relayed is dropped and counted, as networks do.
 */
import { Buffer } from "node:buffer";
import type { CloseReason } from "../connection/close-reason.js";
import type { EngineService } from "../connection/engine-service.js";
import { DUE, HOLD, type Receiver } from "../connection/receiver.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import {
  DatagramPort,
  type Destination,
  NOWHERE,
  type PortOwner,
} from "../datagram/datagram-port.js";
import { RecentMap } from "../datagram/recent-map.js";
import { anyAddress, ownSocket } from "../datagram/resolve-peer.js";
import type { IpAddress } from "../engine/engine.js";
import { addressOfPeer, familyOfPeer, type PeerKey, peerKeyOf } from "../engine/peer-key.js";
import { NetError } from "../errors.js";
import { encodeUdpHeader, readUdpDatagram } from "../protocol/socks/udp-header.js";
import { AssociationNames } from "./association-names.js";
import type { DestinationRules } from "./destination-rules.js";
import type { ProxyNumbers } from "./proxy-settings.js";

/** What all associations of a proxy share. */
export interface AssociationParts {
  /** What the sockets are opened with. */
  readonly service: EngineService;
  readonly numbers: ProxyNumbers;
  readonly rules: DestinationRules;
}

/** The outcome of an association. */
export interface AssociationReport {
  readonly error: NetError | undefined;
  readonly fromClientBytes: number;
  readonly toClientBytes: number;
}

/** What is kept for each datagram that waits for a socket to be opened, besides its bytes. */
const WAITING_COST = 128;

/** A peer of the association: the client, or a destination that it has sent to. */
class Peer implements Destination {
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  readonly peer: PeerKey;
  /** What stands before each datagram that comes from there. */
  readonly header: Buffer;

  constructor(peer: PeerKey) {
    this.peer = peer;
    this.header = encodeUdpHeader(addressOfPeer(peer));
  }

  datagramsSent(): void {
    // A datagram that could not be sent is lost, as on a network.
  }
}

/** What relays the datagrams of one client. */
export class Association implements Receiver, PortOwner {
  /** Datagrams that were dropped: of strangers, malformed, refused by the rules, or too many. */
  droppedCount = 0;
  private readonly connection: StreamConnection;
  private readonly parts: AssociationParts;
  private readonly inner: DatagramPort;
  private readonly outer: Map<"IPv4" | "IPv6", OuterSocket> = new Map();
  private readonly names: AssociationNames;
  /** The peers of the latest datagrams. */
  private readonly peers: RecentMap<PeerKey, Peer>;
  /** Where the client sends from; undefined before its first datagram. */
  private client: Peer | undefined = undefined;
  private readonly clientHost: string;
  private opened: ((relay: IpAddress | NetError) => void) | undefined;
  private done: ((report: AssociationReport) => void) | undefined;
  private heardMs: number;
  private fromClientBytes = 0;
  private toClientBytes = 0;

  /**
   * Takes the connection over. `opened`: told once where the client is to send to, or why it can't, and then the
   * connection has to be ended. `done`: told once, when the connection has ended. Throws what the engine does where it
   * can open no socket.
   */
  constructor(
    connection: StreamConnection,
    parts: AssociationParts,
    opened: (relay: IpAddress | NetError) => void,
    done: (report: AssociationReport) => void,
  ) {
    this.connection = connection;
    this.parts = parts;
    this.opened = opened;
    this.done = done;
    const { host: localHost = "" } = connection.stream.localAddress() ?? {};
    this.clientHost = plainHost(connection.stream.remoteAddress()?.host);
    const local = peerKeyOf({ host: plainHost(localHost), port: 0, family: "IPv4" });
    this.inner = new DatagramPort(parts.service, ownSocket(addressOfPeer(local)), this);
    // The client's connection keeps the process alive.
    this.inner.unref();
    this.heardMs = connection.wheel.clock.now();
    this.peers = new RecentMap(parts.numbers.maxAssociationPeers);
    this.names = new AssociationNames(parts.service.engine, parts.numbers.maxAssociationPeers);
    connection.receiveBy(this);
    connection.onDue = () => this.idlePassed();
    this.watchIdle(parts.numbers.tunnelIdleTimeoutMs);
  }

  // — the connection —

  received(bytes: Buffer): number {
    // A client sends nothing behind its request.
    return bytes.length;
  }

  ended(): void {
    this.connection.close();
  }

  drained(): void {
    // Nothing is sent but the reply.
  }

  closed(reason: CloseReason): void {
    const { done } = this;
    if (done === undefined) return;
    this.done = undefined;
    this.names.close();
    this.inner.close();
    for (const socket of this.outer.values()) socket.port?.close();
    const { fromClientBytes, toClientBytes } = this;
    done({ error: reason.cause, fromClientBytes, toClientBytes });
  }

  private watchIdle(delayMs: number): void {
    if (this.parts.numbers.tunnelIdleTimeoutMs > 0) {
      this.connection.deadlines.set(DUE.protocol, delayMs);
    }
  }

  private idlePassed(): void {
    const { tunnelIdleTimeoutMs } = this.parts.numbers;
    const silentMs = this.connection.wheel.clock.now() - this.heardMs;
    if (silentMs < tunnelIdleTimeoutMs) {
      this.watchIdle(Math.max(1, tunnelIdleTimeoutMs - silentMs));
      return;
    }
    const text = `no datagram was relayed for tunnelIdleTimeoutMs (${tunnelIdleTimeoutMs})`;
    this.connection.fail(new NetError("IDLE_TIMEOUT", text, { operation: "receive" }));
  }

  // — the client's side —

  portOpened(address: IpAddress): void {
    const { opened } = this;
    this.opened = undefined;
    opened?.(address);
    this.connection.release(HOLD.upgrade);
  }

  portClosed(error: NetError | undefined): void {
    if (error === undefined) return;
    const { opened } = this;
    this.opened = undefined;
    if (opened === undefined) this.connection.fail(error);
    else opened(error);
  }

  datagramsReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    this.client ??= this.firstHeard(from);
    if (this.client?.peer !== from) {
      this.droppedCount++;
      return;
    }
    this.heardMs = this.connection.wheel.clock.now();
    const step = Math.max(segmentBytes, 1);
    for (let at = 0; at < bytes.length; at += step) {
      this.relay(bytes.subarray(at, Math.min(at + step, bytes.length)));
    }
  }

  /** A client's datagrams come from the address that its connection comes from. */
  private firstHeard(from: PeerKey): Peer | undefined {
    return addressOfPeer(from).host === this.clientHost ? new Peer(from) : undefined;
  }

  private relay(datagram: Buffer): void {
    const read = readUdpDatagram(datagram);
    if (read === undefined || this.parts.rules.forbids(read.address.host, read.address.port)) {
      this.droppedCount++;
      return;
    }
    const { host, port } = read.address;
    const data = Buffer.from(read.data);
    const isKnown = this.names.lookUp(host, data.length, (found) => {
      const allowed = found.find((one) => this.parts.rules.allowsAddress(one.host, host, port));
      if (allowed === undefined) this.droppedCount++;
      else this.sendOut(peerKeyOf({ ...allowed, port }), data);
    });
    if (!isKnown) this.droppedCount++;
  }

  private sendOut(to: PeerKey, data: Buffer): void {
    if (this.done === undefined) return;
    const peer = this.peerAt(to);
    const family = familyOfPeer(to);
    let socket = this.outer.get(family);
    if (socket === undefined) {
      socket = new OuterSocket(this, family);
      this.outer.set(family, socket);
      socket.open(this.parts.service);
    }
    if (socket.send(peer, data, this.parts.numbers.maxAssociationPendingBytes)) {
      this.fromClientBytes += data.length;
    } else this.droppedCount++;
  }

  private peerAt(key: PeerKey): Peer {
    let peer = this.peers.get(key);
    if (peer === undefined) {
      peer = new Peer(key);
      this.peers.set(key, peer);
    }
    return peer;
  }

  // — the destinations' side —

  /** Datagrams of a destination, or of a stranger. */
  cameBack(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    const { client, inner } = this;
    const peer = this.peers.get(from);
    if (client === undefined || peer === undefined) {
      this.droppedCount++;
      return;
    }
    this.heardMs = this.connection.wheel.clock.now();
    const { maxAssociationPendingBytes } = this.parts.numbers;
    const step = Math.max(segmentBytes, 1);
    // An empty one is one datagram, too.
    for (let at = 0; at === 0 || at < bytes.length; at += step) {
      const data = bytes.subarray(at, Math.min(at + step, bytes.length));
      if (inner.pendingBytes + data.length > maxAssociationPendingBytes) {
        this.droppedCount++;
        continue;
      }
      this.toClientBytes += data.length;
      inner.send(client, Buffer.concat([peer.header, data]));
    }
  }

  outerClosed(family: "IPv4" | "IPv6"): void {
    this.outer.delete(family);
  }
}

/** What datagrams leave by to destinations of one family. */
class OuterSocket implements PortOwner {
  port: DatagramPort | undefined = undefined;
  private readonly association: Association;
  private readonly family: "IPv4" | "IPv6";
  private waiting: [Peer, Buffer][] = [];
  private waitingBytes = 0;

  constructor(association: Association, family: "IPv4" | "IPv6") {
    this.association = association;
    this.family = family;
  }

  /** Begins to open it; where that fails, what is sent is dropped. */
  open(service: EngineService): void {
    try {
      this.port = new DatagramPort(service, ownSocket(anyAddress(this.family)), this);
      this.port.unref();
    } catch {
      this.association.outerClosed(this.family);
    }
  }

  /** Returns false where the datagram is dropped. */
  send(to: Peer, data: Buffer, maxPendingBytes: number): boolean {
    const { port, waiting } = this;
    if (port === undefined) return false;
    if (port.address === undefined) {
      const cost = data.length + WAITING_COST;
      if (this.waitingBytes + cost > maxPendingBytes) return false;
      this.waitingBytes += cost;
      waiting.push([to, data]);
      return true;
    }
    if (port.pendingBytes + data.length > maxPendingBytes) return false;
    port.send(to, data);
    return true;
  }

  portOpened(): void {
    for (const [to, data] of this.waiting.splice(0)) this.port?.send(to, data);
  }

  datagramsReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    this.association.cameBack(bytes, from, segmentBytes);
  }

  portClosed(): void {
    this.port = undefined;
    this.association.outerClosed(this.family);
  }
}

/** An address without its zone, and of a mapped one the IPv4 address. */
function plainHost(host = "127.0.0.1"): string {
  return host.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}
