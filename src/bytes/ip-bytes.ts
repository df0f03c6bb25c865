/** IP addresses between text and bytes (RFC 4291 §2.2, RFC 5952 §4). */
const GROUPS = 8;
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i;

/** The four bytes of `a.b.c.d`, decimal and without leading zeros; undefined for anything else. */
function parseIpv4(text: string): Uint8Array | undefined {
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

/** Two bytes for each group of hexadecimal digits; an IPv4 tail, which only the last may be, gives its four. */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (isLast && index === groups.length - 1 && group.includes(".")) {
      const tail = parseIpv4(group);
      if (tail === undefined) return undefined;
      bytes.push(...tail);
      continue;
    }
    if (!IPV6_GROUP.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const zone = text.indexOf("%");
  if (zone === text.length - 1) return undefined;
  const address = zone === -1 ? text : text.slice(0, zone);
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves as [string, string | undefined];
  const first = parseGroups(head, tail === undefined);
  const last = parseGroups(tail ?? "", true);
  if (first === undefined || last === undefined) return undefined;
  const length = first.length + last.length;
  if (tail === undefined ? length !== 2 * GROUPS : length > 2 * GROUPS - 2) return undefined;
  const bytes = new Uint8Array(2 * GROUPS);
  bytes.set(first);
  bytes.set(last, bytes.length - last.length);
  return bytes;
}

/**
 * The 4 or 16 bytes of an address without its zone; undefined for anything that is no IP literal: forms
 * that some systems take for addresses (`127.1`, `0x7f.0.0.1`, `010.0.0.1`) are none.
 */
export function parseIp(text: string): Uint8Array | undefined {
  if (text.includes(":")) return parseIpv6(text);
  return parseIpv4(text);
}

/** The address of these 4 or 16 bytes as text. */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? formatIpv4(bytes, 0) : formatIpv6(bytes, 0);
}

/** `a.b.c.d` of the four bytes from `at`. */
export function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** Whether the sixteen bytes from `at` are an IPv4-mapped address (RFC 4291 §2.5.5.2). */
export const isMapped = (bytes: Uint8Array, at: number): boolean => {
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
