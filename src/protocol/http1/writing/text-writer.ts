/**
 * Writes text into a buffer, octet by octet, each checked on the way: one pass, no string and no
 * buffer made. Hot. What is refused is refused with an error; the octets written up to there lie
 * behind the offset of the caller and are never sent.
 */
import { describe, NetError } from "../../../errors.js";
import { CR, LF } from "../character-table.js";

/**
 * What writers return when the buffer ends before the text does, or so soon behind it that a look
 * ahead could not tell: 40 bytes to spare are always enough.
 */
export const NO_ROOM: number = -1;

const ZERO = 0x30;

/**
 * Writes `text`, whose characters must all be in the class `table`, at `offset`; there must be room.
 * Returns the offset behind. Throws NetError `INVALID_ARGUMENT`; `what` names the text there.
 */
export function writeText(
  target: Uint8Array,
  offset: number,
  text: string,
  rule: { readonly table: Uint8Array; readonly what: string },
): number {
  const { table } = rule;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (table[code] !== 1) throw refused(rule.what, text);
    target[offset + index] = code;
  }
  return offset + text.length;
}

/** Writes octets that are known to be sound; there must be room. Returns the offset behind. */
export function writeOctets(target: Uint8Array, offset: number, octets: Uint8Array): number {
  for (let index = 0; index < octets.length; index++) target[offset + index] = octets[index]!;
  return offset + octets.length;
}

/** Writes CR LF; there must be room. Returns the offset behind. */
export function writeLineEnd(target: Uint8Array, offset: number): number {
  target[offset] = CR;
  target[offset + 1] = LF;
  return offset + 2;
}

/** Writes a whole number from 0 on in decimal; there must be room. Returns the offset behind. */
export function writeDecimal(target: Uint8Array, offset: number, value: number): number {
  let digits = 1;
  for (let bound = 10; bound <= value; bound *= 10) digits++;
  let rest = value;
  for (let index = offset + digits - 1; index >= offset; index--) {
    target[index] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return offset + digits;
}

/** The error for text that can't be sent. */
export function refused(what: string, text: unknown): NetError {
  return new NetError("INVALID_ARGUMENT", `${what}, not ${describe(text)}`, { operation: "send" });
}
