/**
 * How the fields of a head say that its body is delimited (RFC 9112 §6). Whatever two recipients
 * could read in two ways is refused: a Content-Length that is a list, comes twice or beside
 * Transfer-Encoding, and each Transfer-Encoding that is not exactly "chunked".
 */
import { Buffer } from "node:buffer";
import { CR, HTAB, isText, TOKEN } from "./character-table.js";
import { FIELD_KIND } from "./field-kind.js";
import { BODY, type Head } from "./head.js";
import { FAULT } from "./parse-fault.js";

const CHUNKED = Buffer.from("chunked");
const ZERO = 0x30;

/**
 * Sets `bodyLength` as Content-Length and Transfer-Encoding have it, `BODY.none` where there is
 * neither. Returns a fault, or 0.
 */
export function readFraming(head: Head): number {
  const fault = readLength(head);
  if (fault !== 0 || !head.hasKind(FIELD_KIND.transferEncoding)) return fault;
  head.bodyLength = BODY.chunked;
  return head.minorVersion === 0 ? FAULT.codingInOldVersion : codingFault(head);
}

/** The same as far as Content-Length goes: sets `bodyLength` to it, or to `BODY.none`. */
export function readLength(head: Head): number {
  const kind = FIELD_KIND.contentLength;
  head.bodyLength = BODY.none;
  if (!head.hasKind(kind)) return 0;
  if (head.hasKind(FIELD_KIND.transferEncoding)) return FAULT.bothLengths;
  if (head.isRepeated(kind)) return FAULT.lengthRepeated;
  const length = parseLength(head.source, head.valueStart(kind), head.valueEnd(kind));
  if (length < 0 || endsInTab(head, kind)) return FAULT.lengthSyntax;
  head.bodyLength = length;
  return 0;
}

/** The number that `bytes[start … end)` writes in decimal; −1 where it writes none up to 2^53 − 1. */
export function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  let length = 0;
  for (let position = start; position < end; position++) {
    const digit = bytes[position]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}

/** Whether `bytes[start … end)` is the one value of Transfer-Encoding that is understood. */
export function isChunkedCoding(bytes: Uint8Array, start: number, end: number): boolean {
  return isText(bytes, start, end, CHUNKED);
}

function codingFault(head: Head): number {
  const kind = FIELD_KIND.transferEncoding;
  if (endsInTab(head, kind)) return FAULT.codingSyntax;
  if (
    !head.isRepeated(kind) &&
    isChunkedCoding(head.source, head.valueStart(kind), head.valueEnd(kind))
  ) {
    return 0;
  }
  const codings = head.getAll("transfer-encoding").join(",").toLowerCase().split(",");
  let chunkedCount = 0;
  for (const coding of codings) {
    const [name = "", ...parameters] = coding.split(";");
    const isChunked = name.trim() === "chunked";
    if (!isToken(name.trim()) || (isChunked && parameters.length > 0)) return FAULT.codingSyntax;
    if (isChunked) chunkedCount++;
  }
  const chunkedLast = codings.at(-1)?.trim() === "chunked";
  return chunkedLast && chunkedCount === 1 ? FAULT.codingUnknown : FAULT.codingNotLast;
}

/**
 * Whether HTAB is among the white space behind a value. It may be there, but other parsers take it
 * for a part of the value and then see another length, so it is not taken where lengths are told.
 */
function endsInTab(head: Head, kind: number): boolean {
  const bytes = head.source;
  for (let position = head.valueEnd(kind); bytes[position] !== CR; position++) {
    if (bytes[position] === HTAB) return true;
  }
  return false;
}

function isToken(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (TOKEN[text.charCodeAt(index)] !== 1) return false;
  }
  return text.length > 0;
}
