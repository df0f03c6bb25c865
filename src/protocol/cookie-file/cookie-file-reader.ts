/**
 * Reads the original's cookie file (HP §3.6). Line by line, the only state is the section that the
 * last domain line began:
 *
 *     domain SP path LF                                     begins a section
 *     TAB name;value;expires;httpOnly;secure;sameSite LF    a cookie of that section
 *     LF                                                    nothing
 *
 * As there, a CR before the LF is no part of the line, white space around names, values, domain
 * and path is none of them, and a flag is set when it is not 0. Unlike there nothing is guessed:
 * what could not have been written makes the whole file malformed, and no cookie is taken from it.
 */
import { Buffer } from "node:buffer";
import { NetError } from "../../errors.js";
import {
  type CookieLine,
  type CookieSection,
  MAX_LINE_BYTES,
  SAME_SITE_VALUES,
} from "./cookie-section.js";
import { isCookieText, trimSpace } from "./cookie-text.js";

const FIELD_COUNT = 6;

interface OpenSection extends CookieSection {
  readonly cookies: CookieLine[];
}

/**
 * The sections of a file in their order, empty ones included; cookies that expire at
 * `nowSeconds` or before are left out. Throws `COOKIE_FILE_MALFORMED`, which names the line.
 */
export function parseCookieFile(bytes: Uint8Array, nowSeconds: number): CookieSection[] {
  const sections: OpenSection[] = [];
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("latin1")
    .split("\n");
  for (const [index, raw] of lines.entries()) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line.length >= MAX_LINE_BYTES) {
      throw malformed(index, `is longer than ${MAX_LINE_BYTES} bytes`);
    }
    if (line === "") continue;
    if (!line.startsWith("\t")) {
      sections.push(parseSection(line, index));
      continue;
    }
    const section = sections.at(-1);
    if (section === undefined) throw malformed(index, "is a cookie before any domain");
    const cookie = parseCookie(line.slice(1), index);
    if (cookie.expiresSeconds > nowSeconds) section.cookies.push(cookie);
  }
  return sections;
}

function parseSection(line: string, index: number): OpenSection {
  const text = trimSpace(line);
  const space = text.indexOf(" ");
  if (space < 0) throw malformed(index, "is not a domain and a path");
  const domain = text.slice(0, space).replace(/^\.+/, "").toLowerCase();
  const path = trimSpace(text.slice(space));
  if (domain === "") throw malformed(index, "has no domain");
  if (!isCookieText(domain, "") || !isCookieText(path, "")) {
    throw malformed(index, "has a control character");
  }
  if (!path.startsWith("/")) throw malformed(index, "has a path that does not begin with /");
  return { domain, path, cookies: [] };
}

function parseCookie(line: string, index: number): CookieLine {
  const fields = line.split(";").map(trimSpace);
  if (fields.length !== FIELD_COUNT) {
    throw malformed(index, `has ${fields.length} fields, not ${FIELD_COUNT}`);
  }
  const [name = "", value = "", expires = "", httpOnly = "", secure = "", sameSite = ""] = fields;
  if (name === "") throw malformed(index, "is a cookie without a name");
  if (!isCookieText(name, "") || !isCookieText(value, "")) {
    throw malformed(index, "has a control character");
  }
  return {
    name,
    value,
    expiresSeconds: parseExpires(expires, index),
    httpOnly: parseFlag(httpOnly, index),
    secure: parseFlag(secure, index),
    sameSite: SAME_SITE_VALUES[parseChoice(sameSite, index)] ?? "none",
  };
}

/** Above 2^53 seconds the number is rounded, which does no harm. */
function parseExpires(field: string, index: number): number {
  if (!/^\d{1,19}$/.test(field) || Number(field) === 0) {
    throw malformed(index, "has an expiry that is no number of seconds above 0");
  }
  return Math.min(Number(field), Number.MAX_SAFE_INTEGER);
}

/** The original writes a BOOL of the application's as it is: anything but 0 is true. */
function parseFlag(field: string, index: number): boolean {
  if (!/^-?\d{1,10}$/.test(field)) throw malformed(index, "has a flag that is no number");
  return Number(field) !== 0;
}

function parseChoice(field: string, index: number): number {
  if (!/^[012]$/.test(field)) throw malformed(index, "has a SameSite that is not 0, 1 or 2");
  return Number(field);
}

/** Values are secrets: the message shows none. */
function malformed(index: number, what: string): NetError {
  return new NetError("COOKIE_FILE_MALFORMED", `line ${index + 1} ${what}`);
}
