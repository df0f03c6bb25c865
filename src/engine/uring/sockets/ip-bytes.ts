/** IP addresses between text and bytes (RFC 4291 §2.2, RFC 5952 §4). */
import { isIP } from "node:net";

const GROUPS = 8;

function parseIpv4(text: string): number[] {
  return text.split(".").map(Number);
}

/** Two bytes for each group of hexadecimal digits; an IPv4 tail gives its four. */
function parseGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return parseIpv4(group);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/**
 * The 4 or 16 bytes of an address without its zone; undefined for anything that is no IP literal.
 */
export function parseIp(text: string): Uint8Array | undefined {
  const family = isIP(text);
  if (family === 4) return Uint8Array.from(parseIpv4(text));
  if (family !== 6) return undefined;
  const [address] = text.split("%") as [string];
  const [head, tail] = address.split("::") as [string, string | undefined];
  const bytes = new Uint8Array(GROUPS * 2);
  bytes.set(parseGroups(head));
  if (tail !== undefined) {
    const last = parseGroups(tail);
    bytes.set(last, bytes.length - last.length);
  }
  return bytes;
}

/** `a.b.c.d` of the four bytes from `at`. */
export function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

const isMapped = (bytes: Uint8Array, at: number): boolean => {
  for (let index = 0; index < 10; index++) if (bytes[at + index] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
};

/** Where the longest run of zero groups starts, and its length; RFC 5952 §4.2. */
function longestZeroRun(groups: readonly number[]): readonly [number, number] {
  let best: readonly [number, number] = [0, 1];
  let start = 0;
  for (let index = 0; index < groups.length; index++) {
    if (groups[index] !== 0) start = index + 1;
    else if (index + 1 - start > best[1]) best = [start, index + 1 - start];
  }
  return best;
}

/** The sixteen bytes from `at` as text; a mapped IPv4 address as `::ffff:a.b.c.d`. */
export function formatIpv6(bytes: Uint8Array, at: number): string {
  if (isMapped(bytes, at)) return `::ffff:${formatIpv4(bytes, at + 12)}`;
  const groups: number[] = [];
  for (let index = 0; index < GROUPS; index++) {
    groups.push((bytes[at + 2 * index]! << 8) | bytes[at + 2 * index + 1]!);
  }
  const text = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(":");
  const [start, length] = longestZeroRun(groups);
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}
