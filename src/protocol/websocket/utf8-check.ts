/**
 * Checks UTF-8 as it comes (RFC 6455 §8.1, RFC 3629 §4), whatever way it is cut: an octet that can't stand
 * where it stands is found with that octet, not with the end of the character or of the text.
 *
 * What is known between two calls is one number: 0 between characters, else, inside one, how many octets
 * are missing and between which bounds the next one has to be. Long parts are left to Node's own check,
 * which is some ten times faster than the loop.
 */
import { isUtf8 } from "node:buffer";

/** Between two characters: where a text begins, and has to end. */
export const UTF8_START: number = 0;

/** There was an octet that no UTF-8 has in this place. */
export const UTF8_INVALID: number = -1;

/** From here on a call into Node is cheaper than the loop. */
const NATIVE_FROM_BYTES = 64;

/** States: missing octets, lowest and highest value of the next one. */
const NEXT_LOW = 8;
const NEXT_HIGH = 16;

function inside(missing: number, low: number, high: number): number {
  return missing | (low << NEXT_LOW) | (high << NEXT_HIGH);
}

const ONE_MORE = inside(1, 0x80, 0xbf);
const TWO_MORE = inside(2, 0x80, 0xbf);

/** State behind the first octet of a character; −1 for octets that begin none. */
const AFTER_FIRST: Int32Array = new Int32Array(256).fill(UTF8_INVALID);
AFTER_FIRST.fill(UTF8_START, 0x00, 0x80);
AFTER_FIRST.fill(ONE_MORE, 0xc2, 0xe0);
AFTER_FIRST.fill(TWO_MORE, 0xe1, 0xf0);
AFTER_FIRST.fill(inside(3, 0x80, 0xbf), 0xf1, 0xf4);
AFTER_FIRST[0xe0] = inside(2, 0xa0, 0xbf);
AFTER_FIRST[0xed] = inside(2, 0x80, 0x9f);
AFTER_FIRST[0xf0] = inside(3, 0x90, 0xbf);
AFTER_FIRST[0xf4] = inside(3, 0x80, 0x8f);

/** The state behind `bytes[start … end)`, which follow what led to `state`; or {@link UTF8_INVALID}. */
export function checkUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < NATIVE_FROM_BYTES) return checkOctets(state, bytes, start, end);
  let position = start;
  let now = state;
  // At most three octets belong to a character that has begun before.
  for (; now > 0; position++) now = nextState(now, bytes[position]!);
  if (now < 0) return now;
  const border = lastBorder(bytes, position, end);
  if (!isUtf8(bytes.subarray(position, border))) return UTF8_INVALID;
  return checkOctets(UTF8_START, bytes, border, end);
}

/** The plain version: octet by octet. */
export function checkOctets(state: number, bytes: Uint8Array, start: number, end: number): number {
  let now = state;
  for (let position = start; position < end; position++) {
    const octet = bytes[position]!;
    if (now === UTF8_START && octet < 0x80) continue;
    now = nextState(now, octet);
    if (now < 0) return now;
  }
  return now;
}

function nextState(state: number, octet: number): number {
  if (state === UTF8_START) return AFTER_FIRST[octet]!;
  if (octet < ((state >>> NEXT_LOW) & 0xff) || octet > state >>> NEXT_HIGH) return UTF8_INVALID;
  const missing = (state & 0xff) - 1;
  if (missing === 0) return UTF8_START;
  return missing === 1 ? ONE_MORE : TWO_MORE;
}

/** Where the last character begins that may be cut by `end`, at most three octets before it. */
function lastBorder(bytes: Uint8Array, start: number, end: number): number {
  const lowest = Math.max(start, end - 3);
  for (let position = end - 1; position >= lowest; position--) {
    if (bytes[position]! >= 0xc0) return position;
    if (bytes[position]! < 0x80) break;
  }
  return end;
}
