/**
 * Strings that come again and again in heads, so that reading them allocates nothing: methods, and
 * names of fields as most peers spell them. The tables are fixed: a peer can't make them grow.
 */
import type { Buffer } from "node:buffer";

const METHODS = "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY";

const FIELD_NAMES =
  "Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges " +
  "Access-Control-Allow-Credentials Access-Control-Allow-Headers Access-Control-Allow-Methods " +
  "Access-Control-Allow-Origin Access-Control-Request-Headers Access-Control-Request-Method " +
  "Age Allow Authorization Cache-Control Connection Content-Disposition Content-Encoding " +
  "Content-Language Content-Length Content-Location Content-Range Content-Type Cookie Date ETag " +
  "Expect Expires Forwarded From Host If-Match If-Modified-Since If-None-Match If-Range " +
  "If-Unmodified-Since Keep-Alive Last-Modified Link Location Max-Forwards Origin Pragma " +
  "Proxy-Authenticate Proxy-Authorization Range Referer Retry-After Sec-Fetch-Dest Sec-Fetch-Mode " +
  "Sec-Fetch-Site Sec-Fetch-User Sec-WebSocket-Accept Sec-WebSocket-Extensions " +
  "Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version Server Set-Cookie " +
  "Strict-Transport-Security TE Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests " +
  "User-Agent Vary Via WWW-Authenticate X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto " +
  "X-Real-IP X-Requested-With";

/** Strings by their length. */
type TextTable = readonly (readonly string[])[];

function createTable(texts: readonly string[]): TextTable {
  const table: string[][] = [];
  for (const text of texts) {
    while (table.length <= text.length) table.push([]);
    table[text.length]!.push(text);
  }
  return table;
}

const methods = createTable(METHODS.split(" "));
const names = createTable(FIELD_NAMES.split(" ").flatMap((name) => [name, name.toLowerCase()]));

/** The method that is `bytes[start … end)`. */
export function methodText(bytes: Buffer, start: number, end: number): string {
  return lookUp(methods, bytes, start, end);
}

/** The field name that is `bytes[start … end)`, as it is spelt there. */
export function fieldNameText(bytes: Buffer, start: number, end: number): string {
  return lookUp(names, bytes, start, end);
}

/**
 * The text that is `bytes[start … end)`: `known` itself where it is the same. Peers ask for one
 * target over and over; comparing costs a third of making the string.
 */
export function sameText(bytes: Buffer, start: number, end: number, known: string): string {
  if (known.length === end - start && isExactly(bytes, start, known)) return known;
  return bytes.toString("latin1", start, end);
}

function lookUp(table: TextTable, bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length < table.length) {
    for (const text of table[length]!) {
      if (isExactly(bytes, start, text)) return text;
    }
  }
  return bytes.toString("latin1", start, end);
}

function isExactly(bytes: Buffer, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}
