/**
 * The cookies that a request brings, taken apart as RFC 6265bis §4.2.1 has them. What the peer sends may be
 * anything: what is no pair is passed over, and so is what comes behind {@link MAX_REQUEST_COOKIES} pairs.
 */
import type { Fields } from "../../fields.js";

/** Cookies of one request that are looked at; a browser sends at most 180 to a site. */
export const MAX_REQUEST_COOKIES: number = 300;

const SPACE = 0x20;
const TAB = 0x09;

/**
 * Name → value, both as they were sent. Of several cookies with one name the first counts: it has the
 * longest path (RFC 6265bis §5.8.3).
 */
export function cookiesOf(headers: Pick<Fields, "getAll">): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  let leftCount = MAX_REQUEST_COOKIES;
  for (const text of headers.getAll("cookie")) {
    for (let start = 0; start < text.length && leftCount > 0; leftCount--) {
      const mark = text.indexOf(";", start);
      const end = mark < 0 ? text.length : mark;
      addPair(cookies, text, start, end);
      start = end + 1;
    }
  }
  return cookies;
}

/** Adds the pair between two places, if there is one. */
function addPair(cookies: Map<string, string>, text: string, start: number, end: number): void {
  const equals = text.indexOf("=", start);
  // Without a name, or without "=": no server sets such a cookie on purpose.
  if (equals < 0 || equals >= end) return;
  const name = trimmed(text, start, equals);
  if (name !== "" && !cookies.has(name)) cookies.set(name, trimmed(text, equals + 1, end));
}

/** The text between two places, without blanks at its ends. */
function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
