/** Fields of a light Response, as far as they need no look of the platform's. Hot. */

/** Values as they are sent; no name twice. */
export type PlainFields = Readonly<Record<string, string>>;

const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** Visible characters and bytes above ASCII, with white space in between only. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const MAX_COUNT = 16;

/** Fields that a Response from another server may have, and that are said anew on each connection. */
export const OF_THE_CONNECTION: readonly string[] = ["transfer-encoding", "keep-alive"];

const SPECIAL: readonly string[] = [...OF_THE_CONNECTION, "__proto__"];

/** Whether a field with such a name, in lower case, is not one like all others. */
export function isSpecialField(name: string): boolean {
  return SPECIAL.includes(name);
}

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
  const names: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== "string" || !NAME.test(name) || !VALUE.test(value)) return undefined;
    const lower = name.toLowerCase();
    if (names.includes(lower) || isSpecialField(lower)) return undefined;
    names.push(lower);
    fields[name] = value;
    if (names.length > MAX_COUNT) return undefined;
  }
  if (isText && !names.includes("content-type")) fields["content-type"] = TEXT["content-type"]!;
  return fields;
}

/**
 * The same of Headers of the platform's, which have looked at names and values: as an object they are copied and sent at half
 * the cost. Their names are in small letters then, which nobody but `util.inspect` shows otherwise. Undefined where
 * there is more to them.
 */
export function fieldsOfHeaders(headers: Headers, isText: boolean): PlainFields | undefined {
  if (Object.getPrototypeOf(headers) !== Headers.prototype) return undefined;
  const fields: Record<string, string> = {};
  let count = 0;
  for (const [name, value] of headers) {
    if (++count > MAX_COUNT || name === "set-cookie" || isSpecialField(name)) return undefined;
    fields[name] = value;
  }
  if (isText && fields["content-type"] === undefined) {
    fields["content-type"] = TEXT["content-type"]!;
  }
  return fields;
}

function isRecord(headers: unknown): headers is Record<string, unknown> {
  if (typeof headers !== "object" || headers === null) return false;
  return Object.getPrototypeOf(headers) === Object.prototype && !(Symbol.iterator in headers);
}
