/** Conditional requests (RFC 9110 §13): whether a request is to be carried out at all. */
import type { Fields } from "../../fields.js";
import { parseHttpDate } from "./http-date.js";

/** What tells one state of a resource from another. */
export interface Validators {
  /** With its quotes, `W/` before it for a weak one; undefined where there is none. */
  readonly etag: string | undefined;
  /** Milliseconds since 1970 UTC; undefined where it is not known. */
  readonly modifiedMs: number | undefined;
}

/** What a conditional request leads to: it is carried out, or gets 304 or 412. */
export type Verdict = "proceed" | 304 | 412;

/** In the order of RFC 9110 §13.2.2. `nowMs`: the present, since 1970 UTC. */
export function checkPreconditions(
  method: string,
  headers: Fields,
  current: Validators,
  nowMs: number,
): Verdict {
  const isReading = method === "GET" || method === "HEAD";
  const ifMatch = list(headers, "if-match");
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current.etag, isSameStrongly)) return 412;
  } else if (isModified(singleValue(headers, "if-unmodified-since"), current, nowMs) === true)
    return 412;
  const ifNoneMatch = list(headers, "if-none-match");
  if (ifNoneMatch !== undefined) {
    if (!matches(ifNoneMatch, current.etag, isSameWeakly)) return "proceed";
    return isReading ? 304 : 412;
  }
  if (!isReading) return "proceed";
  return isModified(singleValue(headers, "if-modified-since"), current, nowMs) === false
    ? 304
    : "proceed";
}

/** Whether a Range is to be heeded (RFC 9110 §13.1.5): without If-Range it is. */
export function ifRangeHolds(headers: Fields, current: Validators, nowMs: number): boolean {
  if (!headers.has("if-range")) return true;
  const value = singleValue(headers, "if-range") ?? "";
  if (value.startsWith('"') || value.startsWith("W/")) {
    return current.etag !== undefined && isSameStrongly(value, current.etag);
  }
  const { modifiedMs } = current;
  return modifiedMs !== undefined && parseHttpDate(value, nowMs) === wholeSeconds(modifiedMs);
}

/** The value of a field that is no list; undefined where it is not there, or several times. */
export function singleValue(headers: Fields, name: string): string | undefined {
  const values = headers.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** An entity tag, which may have commas between its quotes, or nothing, up to the next comma. */
const ELEMENT = /[ \t]*(?:((?:W\/)?"[^"]*")[ \t]*)?(?:,|$)/y;

/**
 * Entity tags of all fields of this name, or "*" alone; undefined where there is no such field, none
 * where what it has is malformed.
 */
function list(headers: Fields, name: string): readonly string[] | undefined {
  if (!headers.has(name)) return undefined;
  const text = headers.getAll(name).join(",");
  if (text === "*") return ["*"];
  const tags: string[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < text.length) {
    const element = ELEMENT.exec(text);
    if (element === null) return [];
    if (element[1] !== undefined) tags.push(element[1]);
  }
  return tags;
}

function matches(
  tags: readonly string[],
  etag: string | undefined,
  isSame: (one: string, other: string) => boolean,
): boolean {
  if (tags[0] === "*") return true;
  return etag !== undefined && tags.some((tag) => isSame(tag, etag));
}

function isSameStrongly(one: string, other: string): boolean {
  return one === other && !one.startsWith("W/");
}

function isSameWeakly(one: string, other: string): boolean {
  return one.replace(/^W\//, "") === other.replace(/^W\//, "");
}

/** Whether the resource has changed since the date; undefined where that can't be told. */
function isModified(
  date: string | undefined,
  { modifiedMs }: Validators,
  nowMs: number,
): boolean | undefined {
  if (date === undefined || modifiedMs === undefined) return undefined;
  const sinceMs = parseHttpDate(date, nowMs);
  return sinceMs === undefined ? undefined : wholeSeconds(modifiedMs) > sinceMs;
}

function wholeSeconds(epochMs: number): number {
  return Math.floor(epochMs / 1000) * 1000;
}
