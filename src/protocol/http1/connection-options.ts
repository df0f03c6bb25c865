/**
 * What the Connection field says (RFC 9110 §7.6.1, RFC 9112 §9.3). Options are told apart as bits;
 * those that name other fields are not looked at here.
 */
import { Buffer } from "node:buffer";
import { COMMA, HTAB, isText, SP } from "./character-table.js";
import { FIELD_KIND } from "./field-kind.js";
import type { FieldSection } from "./field-section.js";
import type { Head } from "./head.js";

/** Options as bits. */
export const CONNECTION_OPTION = { close: 1, keepAlive: 2, upgrade: 4 } as const;

const CLOSE = Buffer.from("close");
const KEEP_ALIVE = Buffer.from("keep-alive");
const UPGRADE = Buffer.from("upgrade");

/** The options of all Connection fields. */
export function connectionOptions(section: FieldSection): number {
  if (!section.hasKind(FIELD_KIND.connection)) return 0;
  if (section.isRepeated(FIELD_KIND.connection)) {
    const list = Buffer.from(section.getAll("connection").join(","), "latin1");
    return optionsIn(list, 0, list.length);
  }
  const start = section.valueStart(FIELD_KIND.connection);
  return optionsIn(section.source, start, section.valueEnd(FIELD_KIND.connection));
}

/** The options in a list that is `bytes[start … end)`. */
export function optionsIn(bytes: Uint8Array, start: number, end: number): number {
  let options = 0;
  let elementStart = start;
  for (let position = start; position <= end; position++) {
    if (position < end && bytes[position] !== COMMA) continue;
    options |= optionOf(bytes, elementStart, position);
    elementStart = position + 1;
  }
  return options;
}

/** Whether the connection goes on after a message with these options (RFC 9112 §9.3). */
export function persists(head: Head, options: number): boolean {
  if ((options & CONNECTION_OPTION.close) !== 0) return false;
  return head.minorVersion === 1 || (options & CONNECTION_OPTION.keepAlive) !== 0;
}

function optionOf(bytes: Uint8Array, start: number, end: number): number {
  let first = start;
  let behind = end;
  while (first < behind && isBlank(bytes[first]!)) first++;
  while (behind > first && isBlank(bytes[behind - 1]!)) behind--;
  if (isText(bytes, first, behind, KEEP_ALIVE)) return CONNECTION_OPTION.keepAlive;
  if (isText(bytes, first, behind, CLOSE)) return CONNECTION_OPTION.close;
  return isText(bytes, first, behind, UPGRADE) ? CONNECTION_OPTION.upgrade : 0;
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB;
}
