/**
 * `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2), as Host and the targets of requests
 * have it.
 */
import { COLON, HEX_VALUE, HOST_NAME } from "./character-table.js";

const PERCENT = 0x25;
const DOT = 0x2e;
const ZERO = 0x30;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MAX_PORT = 65_535;

/** What `hostForm` found. */
export const HOST_FORM = {
  /** No host at all, which Host may be (RFC 9112 §3.2). */
  empty: 0,
  /** A host without port. */
  host: 1,
  /** A host with port. */
  hostAndPort: 2,
  /** None of these. */
  malformed: -1,
} as const;

/** What `bytes[start … end)` is: one of {@link HOST_FORM}. */
export function hostForm(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return HOST_FORM.empty;
  const hostEnd =
    bytes[start] === OPEN_BRACKET ? addressEnd(bytes, start, end) : nameEnd(bytes, start, end);
  if (hostEnd <= start) return HOST_FORM.malformed;
  if (hostEnd === end) return HOST_FORM.host;
  if (bytes[hostEnd] !== COLON) return HOST_FORM.malformed;
  // An empty port, which the grammar allows, is as good as none.
  if (hostEnd + 1 === end) return HOST_FORM.host;
  return isPort(bytes, hostEnd + 1, end) ? HOST_FORM.hostAndPort : HOST_FORM.malformed;
}

/** Where a registered name or an IPv4 address ends; −1 where an octet may not stand in one. */
function nameEnd(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end) {
    const octet = bytes[position]!;
    if (HOST_NAME[octet] === 1) position++;
    else if (octet === PERCENT && isEncoded(bytes, position, end)) position += 3;
    else return octet === COLON ? position : -1;
  }
  return position;
}

/** Where an IPv6 address in brackets ends; −1 where there is none. */
function addressEnd(bytes: Uint8Array, start: number, end: number): number {
  let position = start + 1;
  let colonCount = 0;
  while (position < end && bytes[position] !== CLOSE_BRACKET) {
    const octet = bytes[position]!;
    if (octet === COLON) colonCount++;
    else if (octet !== DOT && HEX_VALUE[octet]! < 0) return -1;
    position++;
  }
  return position < end && colonCount >= 2 ? position + 1 : -1;
}

function isEncoded(bytes: Uint8Array, position: number, end: number): boolean {
  return (
    position + 2 < end &&
    HEX_VALUE[bytes[position + 1]!]! >= 0 &&
    HEX_VALUE[bytes[position + 2]!]! >= 0
  );
}

function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  let port = 0;
  for (let position = start; position < end; position++) {
    const digit = bytes[position]! - ZERO;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > MAX_PORT) return false;
  }
  return true;
}
