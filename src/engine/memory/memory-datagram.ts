/**
 * One datagram socket in memory. The network decides what becomes of each datagram; here are binding, the peer
 * filter, groups, and the receive queue, which a pause fills and which then drops.
 */
import { assertInteger, NetError } from "../../errors.js";
import { addressText } from "../address-text.js";
import { datagramDestination } from "../datagram-destination.js";
import { DatagramRun } from "../datagram-run.js";
import type {
  DatagramSink,
  DatagramSocket,
  DatagramTarget,
  GroupMembership,
  IpAddress,
} from "../engine.js";
import { assertInterface, checkedMembership } from "../group-membership.js";
import { addressOfPeer, type PeerKey, peerKeyOf } from "../peer-key.js";
import { callSink } from "../sink-defect.js";
import { systemError } from "../system-error.js";
import type { MemoryBindings } from "./memory-bindings.js";
import type { MemoryNetwork } from "./memory-network.js";
import { SPENT_BYTE } from "./memory-stream.js";
import type { TurnLoop } from "./turn-loop.js";

/** Largest payload of a UDP datagram over IPv4: 65535 less 20 bytes IP and 8 bytes UDP head. */
const MAX_DATAGRAM_BYTES = 65_507;

const BROADCAST_HOST = "255.255.255.255";

/** What a {@link MemoryDatagram} is made of. */
export interface MemoryDatagramSetup {
  readonly loop: TurnLoop;
  readonly network: MemoryNetwork;
  readonly bindings: MemoryBindings<MemoryDatagram>;
  readonly target: DatagramTarget;
  readonly sink: DatagramSink;
  readonly lendsBytes: boolean;
  /** Whether the network has this host. */
  readonly isLocal: (host: string) => boolean;
}

interface HeldDatagram {
  readonly bytes: Buffer;
  readonly from: IpAddress;
}

/** RFC 1112 §4 and RFC 4291 §2.7. */
const isGroup = (host: string): boolean => /^(22[4-9]|23\d)\.|^ff/i.test(host);

/** One datagram socket in memory. */
export class MemoryDatagram implements DatagramSocket {
  readonly lendsBytes: boolean;
  /** What is lent is spent when the call returns. */
  readonly keepsTurn = false;
  private readonly setup: MemoryDatagramSetup;
  /** Groups, and whose datagrams are wanted; undefined: everybody's. */
  private readonly groups = new Map<string, Set<string> | undefined>();
  droppedCount = 0;
  private local: IpAddress | undefined;
  private held: HeldDatagram[] = [];
  private heldBytes = 0;
  private isLooped = true;
  private isOpen = false;
  private isPaused = false;
  private isClosed = false;

  constructor(setup: MemoryDatagramSetup) {
    this.setup = setup;
    this.lendsBytes = setup.lendsBytes;
    const { address, dualStack, reuseAddress, reusePort } = setup.target;
    if (!setup.isLocal(address.host) && !isGroup(address.host)) {
      this.closeWith("EADDRNOTAVAIL");
      return;
    }
    const isShared = reuseAddress || reusePort;
    const bound = setup.bindings.bind({ address, dualStack, isShared, owner: this });
    if (bound === undefined || "path" in bound) {
      this.closeWith("EADDRINUSE");
      return;
    }
    this.local = bound;
    setup.loop.post(() => this.opened(bound));
  }

  send(token: number, bytes: Uint8Array, to?: PeerKey): void {
    const sent = (error: NetError | undefined): void =>
      this.setup.sink.datagramSent(token, error, error === undefined ? 0 : 1);
    this.sendPiece(bytes, to, sent);
  }

  sendRun(token: number, pieces: readonly Uint8Array[], to?: PeerKey): void {
    const { sink } = this.setup;
    const run = new DatagramRun(token, pieces.length, (...result) => sink.datagramSent(...result));
    for (const piece of pieces) this.sendPiece(piece, to, (error) => run.sent(error));
  }

  private sendPiece(
    bytes: Uint8Array,
    to: PeerKey | undefined,
    sent: (error?: NetError) => void,
  ): void {
    if (this.isClosed) return;
    if (!this.isOpen) {
      throw new NetError("INVALID_STATE", "a datagram was sent before the socket was open", {
        operation: "send",
      });
    }
    const { peer } = this.setup.target;
    const key = datagramDestination(to, peer, undefined);
    const destination = key === undefined ? (peer as IpAddress) : addressOfPeer(key);
    const errnoName = this.whyNotSend(bytes, destination);
    if (errnoName === undefined) this.transmit(Buffer.from(bytes), destination);
    const text = addressText(destination);
    const error =
      errnoName === undefined ? undefined : systemError(errnoName, "send", undefined, text);
    this.setup.loop.post(() => {
      if (!this.isClosed) callSink(() => sent(error));
    });
  }

  joinGroup(membership: GroupMembership): void {
    const { group, source } = checkedMembership(membership);
    const sources = source === undefined ? undefined : (this.groups.get(group) ?? new Set());
    if (source !== undefined) sources?.add(source);
    this.groups.set(group, sources);
  }

  leaveGroup(membership: GroupMembership): void {
    const { group, source } = checkedMembership(membership);
    const sources = this.groups.get(group);
    if (source !== undefined) sources?.delete(source);
    if (source === undefined || sources?.size === 0) this.groups.delete(group);
  }

  setMulticastInterface(interfaceHost: string): void {
    assertInterface(interfaceHost, interfaceHost.includes(":"));
    // A memory network is one network.
  }

  setMulticastTtl(ttl: number): void {
    assertInteger("ttl", ttl, 0, 255);
    // All hosts of a memory network are neighbours: no router counts it down.
  }

  setMulticastLoop(on: boolean): void {
    this.isLooped = on;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.setup.loop.post(() => this.deliverHeld());
  }

  close(): void {
    this.closeWith(undefined);
  }

  ref(): void {
    // Memory never keeps a process alive.
  }

  unref(): void {
    // As above.
  }

  /** A copy of a datagram arrives, from within a turn. */
  arrive(bytes: Buffer, from: IpAddress): void {
    const { network, target } = this.setup;
    const { peer } = target;
    if (this.isClosed) return;
    if (peer !== undefined && (peer.host !== from.host || peer.port !== from.port)) return;
    if (this.heldBytes + bytes.length > network.windowBytes) {
      this.droppedCount++;
      return;
    }
    this.heldBytes += bytes.length;
    this.held.push({ bytes, from });
    this.deliverHeld();
  }

  private opened(address: IpAddress): void {
    if (this.isClosed) return;
    this.isOpen = true;
    callSink(() => this.setup.sink.datagramOpened(address));
    this.deliverHeld();
  }

  private deliverHeld(): void {
    while (this.isOpen && !this.isPaused && !this.isClosed) {
      const datagram = this.held.shift();
      if (datagram === undefined) return;
      const { bytes, from } = datagram;
      this.heldBytes -= bytes.length;
      const key = peerKeyOf(from);
      callSink(() => this.setup.sink.datagramReceived(bytes, key, bytes.length));
      if (this.lendsBytes) bytes.fill(SPENT_BYTE);
    }
  }

  private closeWith(errnoName: string | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.held = [];
    const { bindings, loop, sink, target } = this.setup;
    bindings.release(this);
    const text = addressText(target.address);
    const error =
      errnoName === undefined ? undefined : systemError(errnoName, "listen", undefined, text);
    loop.post(() => callSink(() => sink.datagramClosed(error)));
  }

  private whyNotSend(bytes: Uint8Array, to: IpAddress): string | undefined {
    if (bytes.length > MAX_DATAGRAM_BYTES) return "EMSGSIZE";
    if (to.family === "IPv6" && this.local?.family === "IPv4") return "EAFNOSUPPORT";
    return to.host === BROADCAST_HOST && !this.setup.target.broadcast ? "EACCES" : undefined;
  }

  private transmit(bytes: Buffer, to: IpAddress): void {
    const { loop, network } = this.setup;
    const from = this.sourceFor(to);
    const traffic = { kind: "datagram", from, to, byteCount: bytes.length } as const;
    const arrivalsMs = network.arrivalsOf(traffic, loop.now());
    for (const arrivalMs of arrivalsMs) {
      loop.post(() => {
        for (const receiver of this.receiversOf(to, from))
          receiver.arrive(Buffer.from(bytes), from);
      }, arrivalMs);
    }
  }

  private sourceFor(to: IpAddress): IpAddress {
    const local = this.local!;
    if (local.host !== "0.0.0.0" && local.host !== "::") return local;
    const host = to.family === "IPv6" ? "::1" : "127.0.0.1";
    return { host, port: local.port, family: to.family };
  }

  private hears(group: string, source: string): boolean {
    return this.groups.has(group) && this.groups.get(group)?.has(source) !== false;
  }

  private receiversOf(to: IpAddress, from: IpAddress): readonly MemoryDatagram[] {
    const { bindings } = this.setup;
    if (to.host === BROADCAST_HOST) {
      return bindings.findByPort(to.port).filter((other) => other.local?.family === "IPv4");
    }
    if (isGroup(to.host)) {
      return bindings
        .findByPort(to.port)
        .filter((other) => other.hears(to.host, from.host) && (other !== this || this.isLooped));
    }
    const receiver = bindings.find(to);
    return receiver === undefined ? [] : [receiver];
  }
}
