/** The forms a request target can have (RFC 9112 §3.2), and which method may have which. */
import { COLON } from "./character-table.js";
import { HOST_FORM, hostForm } from "./host.js";

/**
 * `origin`: a path with optional query. `absolute`: a whole URI, as proxies get it. `authority`: host
 * and port, of CONNECT alone. `asterisk`: "*", of OPTIONS alone.
 */
export type TargetForm = "origin" | "absolute" | "authority" | "asterisk";

const ASTERISK = 0x2a;
const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

/** Form of the target `bytes[start … end)`; undefined where it has none that `method` allows. */
export function targetFormOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  method: string,
): TargetForm | undefined {
  if (method === "CONNECT") {
    return hostForm(bytes, start, end) === HOST_FORM.hostAndPort ? "authority" : undefined;
  }
  if (bytes[start] === SLASH) return "origin";
  if (bytes[start] === ASTERISK) {
    return method === "OPTIONS" && end - start === 1 ? "asterisk" : undefined;
  }
  const authorityStart = findAuthority(bytes, start, end);
  if (authorityStart < 0) return undefined;
  const form = hostForm(bytes, authorityStart, authorityEnd(bytes, authorityStart, end));
  return form === HOST_FORM.host || form === HOST_FORM.hostAndPort ? "absolute" : undefined;
}

/**
 * Where the authority of an absolute target begins, behind `scheme://`; −1 where there is none. A
 * scheme has letters only here: so do those that HTTP proxies are asked for.
 */
export function findAuthority(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && isLetter(bytes[position]!)) position++;
  const hasSlashes =
    bytes[position] === COLON && bytes[position + 1] === SLASH && bytes[position + 2] === SLASH;
  return position > start && position + 2 < end && hasSlashes ? position + 3 : -1;
}

/** Where an authority that begins at `start` ends, at the latest at `end`. */
export function authorityEnd(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && bytes[position] !== SLASH && bytes[position] !== QUESTION_MARK) {
    position++;
  }
  return position;
}

function isLetter(octet: number): boolean {
  return (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a;
}
