/**
 * Addresses of datagrams as keys: what a datagram comes with and goes to is looked up, compared and written
 * for the kernel as it is, and becomes text when it is asked for.
 *
 *     IPv4   a number: address × 65,536 + port, below 2^48
 *     IPv6   26 characters, a byte each: port · flow (zeros) · 16 of the address · zone, as the kernel has them
 */
import { Buffer } from "node:buffer";
import { formatIpv4, formatIpv6, parseIp } from "../bytes/ip-bytes.js";
import { assertInteger, describe, invalidArgument } from "../errors.js";
import type { IpAddress, PeerKey } from "./engine.js";
import { zoneIndex, zoneName } from "./ip-zone.js";

export type { PeerKey } from "./engine.js";

/** What the address of an IPv4 key is multiplied with. */
export const PORT_SPAN = 65_536;

/** Bytes of an IPv6 key. */
export const IPV6_KEY_BYTES = 26;

const IPV6_AT = 6;
const ZONE_AT = 22;

/** The key of an address. Throws `INVALID_ARGUMENT` for what is no address. */
export function peerKeyOf({ host, port }: IpAddress): PeerKey {
  assertInteger("port", port, 0, 65_535);
  const [text = "", zone] = host.split("%");
  const ip = parseIp(text);
  if (ip === undefined) throw invalidArgument(`host must be an IP address, not ${describe(host)}`);
  if (ip.length === 4) return Buffer.from(ip).readUInt32BE(0) * PORT_SPAN + port;
  const bytes = Buffer.alloc(IPV6_KEY_BYTES);
  bytes.writeUInt16BE(port, 0);
  bytes.set(ip, IPV6_AT);
  if (zone !== undefined) bytes.writeUInt32LE(zoneNumber(zone), ZONE_AT);
  return bytes.toString("latin1");
}

function zoneNumber(zone: string): number {
  const index = zoneIndex(zone);
  if (index !== undefined) return index;
  throw invalidArgument(`there is no network interface ${describe(zone)}`);
}

/** The address of a key. */
export function addressOfPeer(key: PeerKey): IpAddress {
  return { host: hostOfPeer(key), port: portOfPeer(key), family: familyOfPeer(key) };
}

/** Its family. */
export function familyOfPeer(key: PeerKey): "IPv4" | "IPv6" {
  return typeof key === "number" ? "IPv4" : "IPv6";
}

/** Its port. */
export function portOfPeer(key: PeerKey): number {
  if (typeof key === "number") return key & (PORT_SPAN - 1);
  return (key.charCodeAt(0) << 8) | key.charCodeAt(1);
}

/** Its host, as text. */
export function hostOfPeer(key: PeerKey): string {
  if (typeof key === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(Math.floor(key / PORT_SPAN));
    return formatIpv4(bytes, 0);
  }
  const bytes = Buffer.from(key, "latin1");
  const zone = bytes.readUInt32LE(ZONE_AT);
  const host = formatIpv6(bytes, IPV6_AT);
  return zone === 0 ? host : `${host}%${zoneName(zone)}`;
}
