/**
 * Peers of a datagram socket, between the text that Node has and their keys. A server hears from the same
 * hosts again and again: what was translated once is looked up.
 */
import { hostOfPeer, type PeerKey, PORT_SPAN, peerKeyOf } from "../peer-key.js";
import { ipAddress } from "./node-address.js";

/** Hosts that are remembered; then all are forgotten. */
const MAX_HOSTS = 4_096;

/** Peers of a datagram socket, between the text that Node has and their keys. */
export class NodePeers {
  private readonly isIpv6: boolean;
  /** Host → its key with port 0. */
  private readonly keys: Map<string, PeerKey> = new Map();
  /** Of IPv4 the number of the host, of IPv6 the whole key → host as this socket sends to it. */
  private readonly hosts: Map<PeerKey, string> = new Map();

  /** For sockets of this family: an IPv6 socket reaches IPv4 peers by their mapped address (RFC 4291 §2.5.5.2). */
  constructor(isIpv6: boolean) {
    this.isIpv6 = isIpv6;
  }

  /** The key of a host and port. */
  key(host: string, port: number): PeerKey {
    let key = this.keys.get(host);
    if (key === undefined) {
      if (this.keys.size === MAX_HOSTS) this.keys.clear();
      key = peerKeyOf(ipAddress(host, 0));
      this.keys.set(host, key);
    }
    if (typeof key === "number") return key + port;
    return String.fromCharCode(port >> 8, port & 0xff) + key.slice(2);
  }

  /** The host of a peer. */
  host(peer: PeerKey): string {
    const key = typeof peer === "number" ? Math.floor(peer / PORT_SPAN) : peer;
    let host = this.hosts.get(key);
    if (host === undefined) {
      if (this.hosts.size === MAX_HOSTS) this.hosts.clear();
      host = hostOfPeer(peer);
      if (this.isIpv6 && typeof peer === "number") host = `::ffff:${host}`;
      this.hosts.set(key, host);
    }
    return host;
  }
}
