/**
 * One client of a UDP relay: its address, and a socket of its own to a destination, so that what comes back there is
 * for it.
 *
 *     finding ── address known, socket open ──► joined ── idle, refused, stopped ──► over
 *
 * Invariants: `over` is told once; datagrams go on in their order, those that came while it was finding first, and more
 * than may wait are dropped and counted, as networks do.
 */
import { Buffer } from "node:buffer";
import { isLent } from "../../bytes/lending.js";
import type { EngineService } from "../../connection/engine-service.js";
import {
  DatagramPort,
  NOWHERE,
  type PortOwner,
  type Destination as Sendable,
} from "../../datagram/datagram-port.js";
import { anyAddress, ownSocket, resolveDatagramHost } from "../../datagram/resolve-peer.js";
import type { IpAddress } from "../../engine/engine.js";
import type { PeerKey } from "../../engine/peer-key.js";
import type { NetError } from "../../errors.js";
import { Deadline, type DeadlineOwner } from "../../time/timing-wheel.js";
import type { Destination } from "./destination.js";
import type { UdpRelayNumbers } from "./relay-settings.js";

/** The relay, as a session sees it. */
export interface UdpSessionOwner {
  readonly service: EngineService;
  readonly numbers: UdpRelayNumbers;
  /** Where datagrams of clients come from, and go back to; undefined when it is closed. */
  readonly front: DatagramPort | undefined;
  /** Something came back from the destination. */
  answered(session: UdpRelaySession): void;
  /** The session has ended. Once. */
  over(session: UdpRelaySession, error: NetError | undefined): void;
}

/** What waits to be sent to one side. */
class Side implements Sendable {
  readonly peer: PeerKey | undefined;
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  pendingBytes = 0;
  /** Bytes and datagrams that were sent there. */
  byteCount = 0;
  datagramCount = 0;
  droppedCount = 0;

  constructor(peer: PeerKey | undefined) {
    this.peer = peer;
  }

  datagramsSent(byteCount: number, _count: number, _error: unknown, failedCount: number): void {
    this.pendingBytes -= byteCount;
    this.droppedCount += failedCount;
  }
}

/** One client of a UDP relay. */
export class UdpRelaySession implements PortOwner, DeadlineOwner {
  readonly destination: Destination;
  readonly startedMs: number;
  readonly client: Side;
  readonly upstream: Side = new Side(undefined);
  private readonly owner: UdpSessionOwner;
  private readonly lookup: AbortController = new AbortController();
  private readonly deadline: Deadline = new Deadline(this);
  private port: DatagramPort | undefined = undefined;
  private early: Buffer[] = [];
  private lastMs: number;
  private isOver = false;

  constructor(owner: UdpSessionOwner, peer: PeerKey, destination: Destination) {
    this.owner = owner;
    this.destination = destination;
    this.client = new Side(peer);
    this.startedMs = owner.service.arrivalMs();
    this.lastMs = this.startedMs;
    owner.service.wheel.set(this.deadline, owner.numbers.idleTimeoutMs);
    const { host, port } = destination.end;
    const query = { host, port, family: undefined };
    resolveDatagramHost(owner.service.engine, query, "connect", this.lookup.signal).then(
      ([address]) => this.found(address as IpAddress),
      (error: unknown) => this.end(error as NetError),
    );
  }

  private found(peer: IpAddress): void {
    if (this.isOver) return;
    try {
      const target = ownSocket(anyAddress(peer.family), peer);
      this.port = new DatagramPort(this.owner.service, target, this);
      // The front socket keeps the process alive.
      this.port.unref();
    } catch (error) {
      this.end(error as NetError);
    }
  }

  /** Datagrams of the client came. */
  fromClient(bytes: Buffer, segmentBytes: number): void {
    this.lastMs = this.owner.service.arrivalMs();
    const { port, early } = this;
    if (port?.isOpen === true && early.length === 0) {
      this.pass(port, this.upstream, bytes, segmentBytes);
      return;
    }
    for (const datagram of segments(Buffer.from(bytes), segmentBytes)) {
      if (early.length < this.owner.numbers.maxEarlyDatagrams) early.push(datagram);
      else this.upstream.droppedCount++;
    }
  }

  private pass(port: DatagramPort, to: Side, bytes: Buffer, segmentBytes: number): void {
    const { maxPendingBytes } = this.owner.numbers;
    const own = isLent(bytes) ? Buffer.from(bytes) : bytes;
    for (const datagram of segments(own, segmentBytes)) {
      if (to.pendingBytes + datagram.length > maxPendingBytes) {
        to.droppedCount++;
        continue;
      }
      to.pendingBytes += datagram.length;
      to.byteCount += datagram.length;
      to.datagramCount++;
      port.send(to, datagram);
    }
  }

  /** Ends it; `error` is why, unless it was idle or the relay stops. */
  end(error: NetError | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.lookup.abort();
    this.owner.service.wheel.clear(this.deadline);
    this.early = [];
    this.port?.close();
    this.owner.over(this, error);
  }

  deadlineReached(): void {
    const { service, numbers } = this.owner;
    const leftMs = this.lastMs + numbers.idleTimeoutMs - service.wheel.clock.now();
    if (leftMs > 0) service.wheel.set(this.deadline, leftMs);
    else this.end(undefined);
  }

  // — the port's calls —

  portOpened(): void {
    const { port, early } = this;
    if (port === undefined || this.isOver) return;
    this.early = [];
    for (const datagram of early) this.pass(port, this.upstream, datagram, datagram.length);
  }

  datagramsReceived(bytes: Buffer, _from: PeerKey, segmentBytes: number): void {
    if (this.isOver) return;
    this.lastMs = this.owner.service.arrivalMs();
    this.owner.answered(this);
    const { front } = this.owner;
    if (front !== undefined) this.pass(front, this.client, bytes, segmentBytes);
  }

  datagramRefused(error: NetError): void {
    // Too long for the path: the destination is not to blame.
    if (error.code === "DATAGRAM_TOO_LONG") this.upstream.droppedCount++;
    else this.end(error);
  }

  portClosed(error: NetError | undefined): void {
    this.port = undefined;
    if (error !== undefined) this.end(error);
  }
}

/** The datagrams of a train. */
function* segments(bytes: Buffer, segmentBytes: number): Generator<Buffer> {
  if (bytes.length <= segmentBytes || segmentBytes === 0) {
    yield bytes;
    return;
  }
  for (let at = 0; at < bytes.length; at += segmentBytes) {
    yield bytes.subarray(at, at + segmentBytes);
  }
}
