/**
 * Which octets may stand where: one table of 256 entries for each class, so that the hot loops need
 * one look-up a byte. A code above 255, as a string may have it, is in no class.
 */

/** Octets with a meaning of their own in HTTP/1.1. */
export const HTAB: number = 0x09;
export const LF: number = 0x0a;
export const CR: number = 0x0d;
export const SP: number = 0x20;
export const QUOTE: number = 0x22;
export const COMMA: number = 0x2c;
export const COLON: number = 0x3a;
export const SEMICOLON: number = 0x3b;
export const EQUALS: number = 0x3d;
export const BACKSLASH: number = 0x5c;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const HEXADECIMAL = "0123456789abcdef";

function classOf(characters: string, ranges: readonly (readonly [number, number])[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  for (const [first, last] of ranges) table.fill(1, first, last + 1);
  return table;
}

/** 1 for `tchar` (RFC 9110 §5.6.2): what methods, field names and codings consist of. */
export const TOKEN: Uint8Array = classOf(`${ALPHABET}${DIGITS}!#$%&'*+-.^_\`|~`, []);

/**
 * 1 for what a field value or a reason phrase may contain (RFC 9110 §5.5): visible characters,
 * obs-text, SP and HTAB.
 */
export const FIELD_TEXT: Uint8Array = classOf("\t", [
  [0x20, 0x7e],
  [0x80, 0xff],
]);

/**
 * 1 for what a request target may contain: visible ASCII but "#", since a target has no fragment.
 * Characters that a URI should have percent-encoded, as `|` and `{`, are in: browsers send them.
 */
export const TARGET: Uint8Array = classOf("", [
  [0x21, 0x22],
  [0x24, 0x7e],
]);

/** 1 for what a registered name or an IPv4 address consists of, besides percent-encoding. */
export const HOST_NAME: Uint8Array = classOf(`${ALPHABET}${DIGITS}-._~!$&'()*+,;=`, []);

/** 1 for `qdtext` (RFC 9110 §5.6.4): what stands in a quoted string without a backslash before it. */
export const QUOTED_TEXT: Uint8Array = classOf("\t !", [
  [0x23, 0x5b],
  [0x5d, 0x7e],
  [0x80, 0xff],
]);

/** Value of a hexadecimal digit; −1 for all that is none. */
export const HEX_VALUE: Int8Array = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value++) {
  const digit = HEXADECIMAL.charAt(value);
  HEX_VALUE[digit.charCodeAt(0)] = value;
  HEX_VALUE[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Each octet, but A–Z as a–z. */
export const LOWER_CASE: Uint8Array = new Uint8Array(256);
for (let octet = 0; octet < 256; octet++) {
  LOWER_CASE[octet] = octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}

/** Whether `bytes[start … end)` is `lowerCase`, in any case of letters. */
export function isText(
  bytes: Uint8Array,
  start: number,
  end: number,
  lowerCase: Uint8Array,
): boolean {
  if (end - start !== lowerCase.length) return false;
  for (let index = 0; index < lowerCase.length; index++) {
    if (LOWER_CASE[bytes[start + index]!] !== lowerCase[index]) return false;
  }
  return true;
}
