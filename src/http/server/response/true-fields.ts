/**
 * The fields that an application gives to a response, without those that are not true of it: how long a body is where
 * there is none, that the connection stays where it closes, that chunks follow to a peer that takes none. The
 * application can't know all of that; a peer that decides on it must not turn a response into a failure.
 */
import { CONNECTION_OPTION } from "../../../protocol/http1/connection-options.js";
import { FIELD_KIND } from "../../../protocol/http1/field-kind.js";
import { EncodedFields } from "../../../protocol/http1/writing/encoded-fields.js";
import type { FieldInput, FieldValue } from "../../../protocol/http1/writing/field-writer.js";
import { PassedFields } from "../../../protocol/http1/writing/passed-fields.js";
import { type FieldPair, fieldPairs, hasField } from "../../http-fields.js";

/** Of a 204, which must not have it (RFC 9110 §8.6). */
const LENGTH = "content-length";
/** Of a 204, and of responses to HTTP/1.0 (RFC 9112 §6.1). */
const CODING = "transfer-encoding";
const CONNECTION = "connection";
/** Where the connection closes, with the option of that name (RFC 9112 §9.6). */
const KEEP_ALIVE = "keep-alive";
const KEEP_ALIVE_OPTION = /(?:^|,)[ \t]*keep-alive[ \t]*(?=,|$)/gi;

/** What is sent of `fields`; mostly they themselves. `isKept`: the connection stays behind the response. */
export function trueFields(
  fields: FieldInput,
  statusCode: number,
  minorVersion: 0 | 1,
  isKept: boolean,
): FieldInput {
  const isBodyless = statusCode === 204;
  if (isKept && minorVersion === 1 && !isBodyless) return fields;
  const untrue: string[] = [];
  if (isBodyless) untrue.push(LENGTH);
  if (isBodyless || minorVersion === 0) untrue.push(CODING);
  if (!isKept) untrue.push(CONNECTION, KEEP_ALIVE);
  if (!mayHave(fields, untrue)) return fields;
  const sent: FieldPair[] = [];
  for (const [name, value] of fieldPairs(fields)) {
    const lower = String(name).toLowerCase();
    if (lower === CONNECTION && !isKept) sent.push([name, withoutKeepAlive(value)]);
    else if (!untrue.includes(lower)) sent.push([name, value]);
  }
  return sent;
}

function mayHave(fields: FieldInput, names: readonly string[]): boolean {
  if (fields instanceof EncodedFields) {
    const { notes } = fields;
    const isFramed = notes.contentLength >= 0 || notes.has(FIELD_KIND.transferEncoding);
    const stays = (notes.connectionOptions & CONNECTION_OPTION.keepAlive) !== 0;
    return isFramed || stays || notes.hasKeepAlive;
  }
  // Fields that are passed on have none of the connection that they came on.
  if (fields instanceof PassedFields && !names.includes(LENGTH)) return false;
  return names.some((name) => hasField(fields, name));
}

/** Without the option, all of the field where it is the only one. What can't be sent stays, and is refused as such. */
function withoutKeepAlive(value: FieldValue): FieldValue {
  if (typeof value === "number") return value;
  if (typeof value === "string") return isOnlyKeepAlive(value) ? [] : rest(value);
  return value.filter((one) => !isOnlyKeepAlive(one)).map(rest);
}

function isOnlyKeepAlive(value: unknown): boolean {
  return value !== "" && rest(value) === "";
}

function rest<Value>(value: Value): Value | string {
  if (typeof value !== "string") return value;
  const left = value.replace(KEEP_ALIVE_OPTION, "");
  return left.startsWith(",") && !value.startsWith(",") ? left.slice(1).trimStart() : left;
}
