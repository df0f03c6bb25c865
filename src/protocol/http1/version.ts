/**
 * The protocol version (RFC 9112 §2.3), one octet at a time. Major version 1 is understood, and a minor
 * version above 1 is read as 1 (RFC 9110 §6.2).
 */
import { Buffer } from "node:buffer";
import { FAULT } from "./parse-fault.js";

const NAME = Buffer.from("HTTP/");
const MAJOR = 5;
const DOT = 6;
const MINOR = 7;
const ZERO = 0x30;
const ONE = 0x31;
const NINE = 0x39;
const POINT = 0x2e;

/** Octets of a version. */
export const VERSION_BYTES: number = 8;

/**
 * Checks the octet that is number `index` of a version. 0: it may stand there. A version that is
 * well formed but none of ours is found out with its last octet.
 */
export function versionFault(bytes: Uint8Array, versionStart: number, index: number): number {
  const octet = bytes[versionStart + index]!;
  if (index < MAJOR) return octet === NAME[index] ? 0 : FAULT.versionSyntax;
  if (index === DOT) return octet === POINT ? 0 : FAULT.versionSyntax;
  if (octet < ZERO || octet > NINE) return FAULT.versionSyntax;
  if (index < MINOR) return 0;
  return bytes[versionStart + MAJOR] === ONE ? 0 : FAULT.versionUnsupported;
}

/** The minor version of a version that was checked, at most 1. */
export function minorVersionAt(bytes: Uint8Array, versionStart: number): 0 | 1 {
  return bytes[versionStart + MINOR] === ZERO ? 0 : 1;
}
