/**
 * Who may begin a session: so many of one network in a second. A network is an IPv4 address, or the first 64 bits
 * of an IPv6 one, which is what one customer has.
 *
 * Each network has a bucket that fills with `perSecond` permits a second and holds as many. The networks that were
 * heard of last are remembered, {@link MAX_NETWORKS} of them at most; who is forgotten has a full bucket again.
 */
import { type PeerKey, PORT_SPAN } from "../engine/peer-key.js";
import { RecentMap } from "./recent-map.js";

/** Networks that are remembered. */
export const MAX_NETWORKS = 8_192;

/** Where the address begins in an IPv6 key, and where its first 64 bits end. */
const NETWORK_AT = 6;
const NETWORK_END = 14;

interface Bucket {
  permits: number;
  atMs: number;
}

/** Who may begin a session: so many of one network in a second. */
export class Admission {
  private readonly buckets: RecentMap<PeerKey, Bucket> = new RecentMap(MAX_NETWORKS);

  /** Networks that are remembered. */
  get networkCount(): number {
    return this.buckets.size;
  }

  /** Takes a permit for a new session of `peer`. Returns false where its network has none left. */
  admits(peer: PeerKey, perSecond: number, nowMs: number): boolean {
    if (perSecond === 0) return true;
    const network = networkOf(peer);
    let bucket = this.buckets.get(network);
    if (bucket === undefined) {
      bucket = { permits: perSecond, atMs: nowMs };
      this.buckets.set(network, bucket);
    }
    const gained = ((nowMs - bucket.atMs) * perSecond) / 1_000;
    bucket.permits = Math.min(perSecond, bucket.permits + Math.max(0, gained));
    bucket.atMs = nowMs;
    if (bucket.permits < 1) return false;
    bucket.permits--;
    return true;
  }

  /** Forgets all. */
  clear(): void {
    this.buckets.clear();
  }
}

/** The network of a peer. */
export function networkOf(peer: PeerKey): PeerKey {
  if (typeof peer === "number") return Math.floor(peer / PORT_SPAN);
  return peer.slice(NETWORK_AT, NETWORK_END);
}
