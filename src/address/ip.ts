/**
 * IP addresses as text and as bytes. Strict on purpose, since access lists stand on it: an IPv4 address
 * has four decimal numbers without leading zeros (which some programs read as octal), and an IPv4-mapped
 * IPv6 address (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) is the IPv4 address, so that a peer can't get past
 * a list by the form in which its address is told.
 */
import { describe, invalidArgument } from "../errors.js";

/** An IP address in parts; see {@link parseIp}. */
export interface Ip {
  readonly family: "IPv4" | "IPv6";
  /** 4 or 16 bytes, in network order. */
  readonly bytes: Uint8Array;
  /** The zone of an IPv6 address (RFC 4007), `eth0` in `fe80::1%eth0`; undefined where it has none. */
  readonly zone: string | undefined;
}

/** With a zone of the longest kind. */
const MAX_TEXT_LENGTH = 110;
const ZONE = /^[\w.:@-]{1,64}$/;
const GROUP = /^[0-9a-fA-F]{1,4}$/;
const GROUPS = 8;

/**
 * Reads an IP address: IPv4 (`192.0.2.1`) or IPv6 (`2001:db8::1`, `fe80::1%eth0`, RFC 4291 §2.2). An
 * IPv4-mapped IPv6 address is read as the IPv4 address.
 *
 * @returns undefined where the text is no IP address: host names, ports, brackets, numbers with leading
 * zeros, fewer than four numbers.
 */
export function parseIp(text: string): Ip | undefined {
  if (typeof text !== "string" || text.length > MAX_TEXT_LENGTH) return undefined;
  if (!text.includes(":")) return parseIpv4(text);
  const at = text.indexOf("%");
  const zone = at < 0 ? undefined : text.slice(at + 1);
  if (zone !== undefined && !ZONE.test(zone)) return undefined;
  const bytes = parseIpv6(at < 0 ? text : text.slice(0, at));
  if (bytes === undefined) return undefined;
  if (isMapped(bytes)) return { family: "IPv4", bytes: bytes.subarray(12), zone: undefined };
  return { family: "IPv6", bytes, zone };
}

/**
 * An IP address as text, always the same text for the same address: IPv6 as RFC 5952 wants it (small
 * letters, no leading zeros, the longest run of zeros as `::`), an IPv4-mapped one as IPv4.
 *
 * @throws NetError `INVALID_ARGUMENT` where there are neither 4 nor 16 bytes.
 */
export function formatIp(ip: Pick<Ip, "bytes"> & Partial<Ip>): string {
  const { bytes, zone } = ip;
  if (!(bytes instanceof Uint8Array) || (bytes.length !== 4 && bytes.length !== 16)) {
    throw invalidArgument(`an IP address has 4 or 16 bytes, not ${describe(bytes)}`);
  }
  if (bytes.length === 4) return bytes.join(".");
  if (isMapped(bytes)) return bytes.subarray(12).join(".");
  return zone === undefined ? ipv6Text(bytes) : `${ipv6Text(bytes)}%${zone}`;
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

/** Whether 16 bytes are an IPv4-mapped address. */
function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  for (let index = 0; index < 10; index++) if (bytes[index] !== 0) return false;
  return true;
}

function parseIpv4(text: string): Ip | undefined {
  const bytes = ipv4Bytes(text);
  return bytes === undefined ? undefined : { family: "IPv4", bytes, zone: undefined };
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let count = 0;
  let value = -1;
  for (let index = 0; index <= text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit >= 0 && digit <= 9) {
      if (value === 0) return undefined; // a leading zero
      value = Math.max(value, 0) * 10 + digit;
      if (value > 255) return undefined;
    } else {
      if (value < 0 || count === 4 || (index < text.length && text[index] !== "."))
        return undefined;
      bytes[count++] = value;
      value = -1;
    }
  }
  return count === 4 ? bytes : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  const [before = "", after] = halves;
  if (halves.length > 2) return undefined;
  const head = groupsOf(before, after === undefined);
  const tail = groupsOf(after ?? "", after !== undefined);
  if (head === undefined || tail === undefined) return undefined;
  const count = head.length + tail.length;
  if (after === undefined ? count !== GROUPS : count >= GROUPS) return undefined;
  const bytes = new Uint8Array(GROUPS * 2);
  const view = new DataView(bytes.buffer);
  for (const [index, group] of head.entries()) view.setUint16(index * 2, group);
  for (const [index, group] of tail.entries()) {
    view.setUint16((GROUPS - tail.length + index) * 2, group);
  }
  return bytes;
}

/** The numbers between the colons. At the end of an address the last two may be written as IPv4. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const words = text.split(":");
  for (const [index, word] of words.entries()) {
    if (GROUP.test(word)) {
      groups.push(Number.parseInt(word, 16));
    } else {
      const bytes = isEnd && index === words.length - 1 ? ipv4Bytes(word) : undefined;
      if (bytes === undefined) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      groups.push(a * 256 + b, c * 256 + d);
    }
  }
  return groups;
}

/** RFC 5952 §4. */
function ipv6Text(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const groups = Array.from({ length: GROUPS }, (_, index) => view.getUint16(index * 2));
  const { start, length } = longestZeros(groups);
  const texts = groups.map((group) => group.toString(16));
  if (length < 2) return texts.join(":");
  return `${texts.slice(0, start).join(":")}::${texts.slice(start + length).join(":")}`;
}

/** The longest run of zeros, the first one where several are as long. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}
