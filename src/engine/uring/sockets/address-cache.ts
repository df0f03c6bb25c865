/**
 * Addresses of datagrams, between the kernel's form and ours. A server hears from the same peers
 * again and again; what was translated once is looked up.
 */
import type { IpAddress } from "../../engine.js";
import { decodeAddress, encodeAddress, FAMILY_IPV4 } from "./socket-address.js";

/** Senders that are remembered; then all are forgotten. */
const MAX_SENDERS = 4_096;

/** See the head of the file. */
export class AddressCache {
  readonly #senders = new Map<number | string, IpAddress>();
  readonly #encoded = new WeakMap<IpAddress, Uint8Array>();
  readonly #isIpv6: boolean;

  /** For sockets of this family: an IPv6 socket reaches IPv4 peers by their mapped address. */
  constructor(isIpv6: boolean) {
    this.#isIpv6 = isIpv6;
  }

  /** The sender whose address lies in `bytes` from `at`. */
  sender(bytes: Buffer, at: number, byteCount: number): IpAddress {
    const key = this.#key(bytes, at, byteCount);
    const known = this.#senders.get(key);
    if (known !== undefined) return known;
    if (this.#senders.size === MAX_SENDERS) this.#senders.clear();
    const sender = decodeAddress(bytes.subarray(at, at + byteCount)) as IpAddress;
    this.#senders.set(key, sender);
    return sender;
  }

  /** `to` as the kernel takes it. Throws `INVALID_ARGUMENT` for what is no address. */
  encoded(to: IpAddress): Uint8Array {
    const known = this.#encoded.get(to);
    if (known !== undefined) return known;
    const isMapped = this.#isIpv6 && !to.host.includes(":");
    const bytes = encodeAddress(isMapped ? { ...to, host: `::ffff:${to.host}` } : to);
    this.#encoded.set(to, bytes);
    return bytes;
  }

  /** A number for IPv4: 32 bits of address, 16 of port. */
  #key(bytes: Buffer, at: number, byteCount: number): number | string {
    if (bytes[at] === FAMILY_IPV4) return bytes.readUIntBE(at + 2, 6);
    return bytes.toString("latin1", at, at + byteCount);
  }
}
