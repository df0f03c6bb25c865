/**
 * IP addresses as text and as bytes. Strict on purpose, since access lists stand on it: an IPv4 address
 * has four decimal numbers without leading zeros (which some programs read as octal), and an IPv4-mapped
 * IPv6 address (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) is the IPv4 address, so that a peer can't get past
 * a list by the form in which its address is told.
 */
import { parseIp as ipBytes, formatIp as ipText, isMapped } from "../bytes/ip-bytes.js";
import { assertObject, describe, invalidArgument } from "../errors.js";

/** An IP address in parts; see {@link parseIp}. */
export interface Ip {
  /** Which kind of address it is. */
  readonly family: "IPv4" | "IPv6";
  /** 4 or 16 bytes, in network order. */
  readonly bytes: Uint8Array;
  /** The zone of an IPv6 address (RFC 4007), `eth0` in `fe80::1%eth0`; undefined where it has none. */
  readonly zone: string | undefined;
}

/** With a zone of the longest kind. */
const MAX_TEXT_LENGTH = 110;
const ZONE = /^[\w.:@-]{1,64}$/;

/**
 * Reads an IP address: IPv4 (`192.0.2.1`) or IPv6 (`2001:db8::1`, `fe80::1%eth0`, RFC 4291 §2.2). An
 * IPv4-mapped IPv6 address is read as the IPv4 address.
 *
 * @returns undefined where the text is no IP address: host names, ports, brackets, numbers with leading
 * zeros, fewer than four numbers.
 */
export function parseIp(text: string): Ip | undefined {
  if (typeof text !== "string" || text.length > MAX_TEXT_LENGTH) return undefined;
  const at = text.indexOf("%");
  const zone = at < 0 ? undefined : text.slice(at + 1);
  const bytes = ipBytes(at < 0 ? text : text.slice(0, at));
  if (bytes === undefined) return undefined;
  if (zone !== undefined && (bytes.length === 4 || !ZONE.test(zone))) return undefined;
  if (bytes.length === 4) return { family: "IPv4", bytes, zone };
  if (isMapped(bytes, 0)) return { family: "IPv4", bytes: bytes.subarray(12), zone: undefined };
  return { family: "IPv6", bytes, zone };
}

/**
 * An IP address as text, always the same text for the same address: IPv6 as RFC 5952 wants it (small
 * letters, no leading zeros, the longest run of zeros as `::`), an IPv4-mapped one as IPv4.
 *
 * @throws NetError `INVALID_ARGUMENT` where there are neither 4 nor 16 bytes.
 */
export function formatIp(ip: Pick<Ip, "bytes"> & Partial<Ip>): string {
  assertObject("ip", ip);
  const { bytes, zone } = ip;
  if (!(bytes instanceof Uint8Array) || (bytes.length !== 4 && bytes.length !== 16)) {
    throw invalidArgument(`an IP address has 4 or 16 bytes, not ${describe(bytes)}`);
  }
  if (bytes.length === 16 && isMapped(bytes, 0)) return ipText(bytes.subarray(12));
  const text = ipText(bytes);
  return zone === undefined || bytes.length === 4 ? text : `${text}%${zone}`;
}

/**
 * Orders two IP addresses, for `sort`: IPv4 before IPv6, then by number, then by zone. Negative, 0 or
 * positive; 0 for two texts of one address.
 *
 * @throws NetError `INVALID_ARGUMENT` where a text is no IP address.
 */
export function compareIps(one: string, other: string): number {
  const first = readIp("one", one);
  const second = readIp("other", other);
  const byLength = first.bytes.length - second.bytes.length;
  if (byLength !== 0) return byLength;
  for (const [index, byte] of first.bytes.entries()) {
    const difference = byte - (second.bytes[index] ?? 0);
    if (difference !== 0) return difference;
  }
  const zone = first.zone ?? "";
  const otherZone = second.zone ?? "";
  return zone < otherZone ? -1 : Number(zone > otherZone);
}

/** The same as {@link parseIp}, but throws `INVALID_ARGUMENT` where the text is no IP address. */
export function readIp(name: string, text: string): Ip {
  const ip = parseIp(text);
  if (ip !== undefined) return ip;
  throw invalidArgument(`${name} must be an IP address, not ${describe(text)}`);
}
