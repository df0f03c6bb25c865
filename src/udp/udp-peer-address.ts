/**
 * Addresses of peers that have no session, as applications see them: text is made when it is read. Those that
 * were heard of last are remembered, so that none is made anew for each datagram, and one that was handed out is
 * known when something is sent to it.
 */
import { type Destination, NOWHERE } from "../datagram/datagram-port.js";
import { RecentMap } from "../datagram/recent-map.js";
import type { IpAddress } from "../engine/engine.js";
import {
  familyOfPeer,
  hostOfPeer,
  type PeerKey,
  peerKeyOf,
  portOfPeer,
} from "../engine/peer-key.js";
import type { NetError } from "../errors.js";
import { assertInteger, assertObject } from "../errors.js";

/** Peers that are remembered at most. */
export const MAX_PEERS = 4_096;

/** Hears what became of datagrams. */
export interface PeerOwner {
  peerSent(
    peer: PeerAddress,
    byteCount: number,
    count: number,
    error: NetError | undefined,
    failedCount: number,
  ): void;
}

/** The address of a peer without a session: it can be kept, and sent to. */
export interface UdpPeerAddress extends IpAddress {
  /** IP address, as text. */
  readonly host: string;
  /** UDP port. */
  readonly port: number;
  /** Which kind of address it is. */
  readonly family: "IPv4" | "IPv6";
  /** The address as plain data. */
  toJSON(): IpAddress;
}

/** The same as its socket sees it. */
export class PeerAddress implements UdpPeerAddress, Destination {
  readonly peer: PeerKey;
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  private readonly owner: PeerOwner;
  private hostText: string | undefined;

  constructor(owner: PeerOwner, peer: PeerKey) {
    this.owner = owner;
    this.peer = peer;
  }

  /** Whether it is what this socket has of the peer: what waits for the peer is noted in it. */
  isOf(owner: PeerOwner): boolean {
    return this.owner === owner;
  }

  get host(): string {
    this.hostText ??= hostOfPeer(this.peer);
    return this.hostText;
  }

  get port(): number {
    return portOfPeer(this.peer);
  }

  get family(): "IPv4" | "IPv6" {
    return familyOfPeer(this.peer);
  }

  datagramsSent(
    byteCount: number,
    count: number,
    error: NetError | undefined,
    failedCount: number,
  ): void {
    this.owner.peerSent(this, byteCount, count, error, failedCount);
  }

  toJSON(): IpAddress {
    return { host: this.host, port: this.port, family: this.family };
  }
}

/** Where to send: an address, or what a handler was given. */
export interface SendTarget {
  /** An IP address; names are looked up by `resolve` of the component. */
  readonly host: string;
  /** Port of UDP. */
  readonly port: number;
}

/** The peers of one socket. */
export class UdpPeers {
  private readonly owner: PeerOwner;
  private readonly peers: RecentMap<PeerKey, PeerAddress> = new RecentMap(MAX_PEERS);
  /** Addresses of the application's that were sent to before. */
  private known: WeakMap<SendTarget, PeerAddress> = new WeakMap();

  constructor(owner: PeerOwner) {
    this.owner = owner;
  }

  /** The peer with this key. */
  of(key: PeerKey): PeerAddress {
    const known = this.peers.get(key);
    if (known !== undefined) return known;
    const peer = new PeerAddress(this.owner, key);
    this.peers.set(key, peer);
    return peer;
  }

  /** The peer at an address of the application's. Throws `INVALID_ARGUMENT` for what is no address. */
  at(to: SendTarget): PeerAddress {
    if (to instanceof PeerAddress) return to.isOf(this.owner) ? to : this.of(to.peer);
    assertObject("the address", to);
    const known = this.known.get(to);
    // The application may have changed it since.
    if (known !== undefined && known.port === to.port && known.host === to.host) return known;
    assertInteger("port", to.port, 1, 65_535);
    const peer = this.of(peerKeyOf({ host: to.host, port: to.port, family: "IPv4" }));
    this.known.set(to, peer);
    return peer;
  }

  /** Forgets all. */
  clear(): void {
    this.peers.clear();
    this.known = new WeakMap();
  }
}
