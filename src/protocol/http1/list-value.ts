/**
 * The grammar of the fields that are lists and steer a message: what a sender may write there (RFC 9110
 * §5.6.1: no empty elements). Values are `bytes[start … end)`.
 */
import {
  BACKSLASH,
  COMMA,
  EQUALS,
  FIELD_TEXT,
  HTAB,
  QUOTE,
  QUOTED_TEXT,
  SEMICOLON,
  SP,
  TOKEN,
} from "./character-table.js";

const SLASH = 0x2f;

/** Reads one element that begins at `position`; returns where it ends, or −1 where there is none. */
type ElementReader = (bytes: Uint8Array, position: number, end: number) => number;

/** `1#token`: what Connection has (RFC 9110 §7.6.1). */
export function isTokenList(bytes: Uint8Array, start: number, end: number): boolean {
  return isListOf(tokenEnd, bytes, start, end);
}

/** `1#( token [ "/" token ] )`: what Upgrade has (RFC 9110 §7.8). */
export function isProtocolList(bytes: Uint8Array, start: number, end: number): boolean {
  return isListOf(protocolEnd, bytes, start, end);
}

/** `1#( token [ "=" ( token / quoted-string ) parameters ] )`: what Expect has (RFC 9110 §10.1.1). */
export function isExpectationList(bytes: Uint8Array, start: number, end: number): boolean {
  return isListOf(expectationEnd, bytes, start, end);
}

function isListOf(
  elementEnd: ElementReader,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  let position = start;
  for (;;) {
    position = elementEnd(bytes, skipBlank(bytes, position, end), end);
    if (position < 0) return false;
    position = skipBlank(bytes, position, end);
    if (position === end) return true;
    if (bytes[position] !== COMMA) return false;
    position++;
  }
}

function tokenEnd(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && TOKEN[bytes[position]!] === 1) position++;
  return position === start ? -1 : position;
}

function protocolEnd(bytes: Uint8Array, start: number, end: number): number {
  const nameEnd = tokenEnd(bytes, start, end);
  if (nameEnd < 0 || nameEnd === end || bytes[nameEnd] !== SLASH) return nameEnd;
  return tokenEnd(bytes, nameEnd + 1, end);
}

function expectationEnd(bytes: Uint8Array, start: number, end: number): number {
  const nameEnd = tokenEnd(bytes, start, end);
  if (nameEnd < 0 || nameEnd === end || bytes[nameEnd] !== EQUALS) return nameEnd;
  let position = wordEnd(bytes, nameEnd + 1, end);
  while (position >= 0) {
    const semicolon = skipBlank(bytes, position, end);
    if (semicolon === end || bytes[semicolon] !== SEMICOLON) return position;
    position = parameterEnd(bytes, skipBlank(bytes, semicolon + 1, end), end);
  }
  return -1;
}

function parameterEnd(bytes: Uint8Array, start: number, end: number): number {
  const nameEnd = tokenEnd(bytes, start, end);
  if (nameEnd < 0 || nameEnd === end || bytes[nameEnd] !== EQUALS) return -1;
  return wordEnd(bytes, nameEnd + 1, end);
}

/** A token or a quoted string (RFC 9110 §5.6.4). */
function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || bytes[start] !== QUOTE) return tokenEnd(bytes, start, end);
  for (let position = start + 1; position < end; position++) {
    const octet = bytes[position]!;
    if (octet === QUOTE) return position + 1;
    if (octet === BACKSLASH) {
      position++;
      if (position === end || FIELD_TEXT[bytes[position]!] !== 1) return -1;
    } else if (QUOTED_TEXT[octet] !== 1) return -1;
  }
  return -1;
}

function skipBlank(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && (bytes[position] === SP || bytes[position] === HTAB)) position++;
  return position;
}
