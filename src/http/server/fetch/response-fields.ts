/** Fields of a light Response, as far as they need no look of the platform's. Hot. */

/** Names in lower case, values as they are sent. */
export type PlainFields = Readonly<Record<string, string>>;

const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** Visible characters and bytes above ASCII, with white space in between only. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const MAX_COUNT = 16;

/** Fields that a Response from another server may have, and that are said anew on each connection. */
export const OF_THE_CONNECTION: readonly string[] = ["transfer-encoding", "keep-alive"];

const NONE: PlainFields = {};
const TEXT: PlainFields = { "content-type": "text/plain;charset=UTF-8" };

/**
 * The fields of an object as it is written in a program, with the type that text has; undefined where
 * there is more to it. `isText`: of the body.
 */
export function plainFields(headers: unknown, isText: boolean): PlainFields | undefined {
  if (headers === undefined) return isText ? TEXT : NONE;
  if (!isRecord(headers)) return undefined;
  const fields: Record<string, string> = {};
  let count = 0;
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== "string" || !NAME.test(name) || !VALUE.test(value)) return undefined;
    const lower = name.toLowerCase();
    if (lower in fields || OF_THE_CONNECTION.includes(lower)) return undefined;
    fields[lower] = value;
    if (++count > MAX_COUNT) return undefined;
  }
  if (isText && !("content-type" in fields)) fields["content-type"] = TEXT["content-type"]!;
  return fields;
}

/** `lower in fields` refuses names that every object has, which is meant. */
function isRecord(headers: unknown): headers is Record<string, unknown> {
  if (typeof headers !== "object" || headers === null) return false;
  return Object.getPrototypeOf(headers) === Object.prototype && !(Symbol.iterator in headers);
}
