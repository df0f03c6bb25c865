import { NetError } from "../errors.js";
import { addressText } from "./address-text.js";
import type { IpAddress, PeerKey } from "./engine.js";
import { addressOfPeer, peerKeyOf } from "./peer-key.js";

/**
 * Where a socket sends a datagram; undefined: to its peer. `peerKey`: the key of the peer, where it is known. Throws
 * `INVALID_ARGUMENT` where the socket has no peer and `to` is left out, or has one and `to` is another.
 */
export function datagramDestination(
  to: PeerKey | undefined,
  peer: IpAddress | undefined,
  peerKey: PeerKey | undefined,
): PeerKey | undefined {
  if (peer === undefined && to === undefined) {
    throw wrongDestination("a datagram without a peer needs an address");
  }
  if (peer === undefined || to === undefined) return to;
  if (to === peerKey || to === peerKeyOf(peer)) return undefined;
  const text = `a datagram socket with the peer ${addressText(peer)} can't send to`;
  throw wrongDestination(`${text} ${addressText(addressOfPeer(to))}`);
}

function wrongDestination(text: string): NetError {
  return new NetError("INVALID_ARGUMENT", text, { operation: "send" });
}
