/**
 * Writes ASN.1 values in DER (X.690): tag, length, content. Just what a certificate is made of.
 *
 *     ┌─────┬──────────────────────────────┬─────────┐
 *     │ tag │ length: 0–127, or 0x80 + n   │ content │
 *     │     │ and the length in n bytes    │         │
 *     └─────┴──────────────────────────────┴─────────┘
 */
import { Buffer } from "node:buffer";

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** From this year on times are written with four digits of the year (RFC 5280 §4.1.2.5). */
const GENERALIZED_FROM_YEAR = 2_050;

/** One value: `tag`, and its content in pieces. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(bytes.length)]), bytes]);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return der(TAG.sequence, ...items);
}

export function set(...items: readonly Uint8Array[]): Buffer {
  return der(TAG.set, ...items);
}

export function derTrue(): Buffer {
  return der(TAG.boolean, Buffer.from([0xff]));
}

/** A positive whole number, given as its bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  const sign = digits[0]! >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0);
  return der(TAG.integer, sign, digits);
}

/** Bits, the last `unusedCount` of which don't count. */
export function bitString(bytes: Uint8Array, unusedCount = 0): Buffer {
  return der(TAG.bitString, Buffer.from([unusedCount]), bytes);
}

export function octetString(bytes: Uint8Array): Buffer {
  return der(TAG.octetString, bytes);
}

export function utf8String(text: string): Buffer {
  return der(TAG.utf8String, Buffer.from(text));
}

/** `1.2.840.10045.4.3.2`: the first two numbers share a byte, the others have 7 bits in each. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [40 * first + second];
  for (const number of rest) {
    const digits = [number & 0x7f];
    for (let left = number >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f));
    bytes.push(...digits);
  }
  return der(TAG.objectIdentifier, Buffer.from(bytes));
}

/** A time of UTC, to the second. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]|\..*/g, "");
  const isLong = at.getUTCFullYear() >= GENERALIZED_FROM_YEAR;
  const text = `${isLong ? digits : digits.slice(2)}Z`;
  return der(isLong ? TAG.generalizedTime : TAG.utcTime, Buffer.from(text));
}
