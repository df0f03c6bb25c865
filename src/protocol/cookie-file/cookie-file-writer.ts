import { Buffer } from "node:buffer";
import { assertInteger, describe, NetError } from "../../errors.js";
import {
  type CookieLine,
  type CookieSection,
  MAX_LINE_BYTES,
  SAME_SITE_VALUES,
} from "./cookie-section.js";
import { isCookieText } from "./cookie-text.js";

/**
 * The bytes of the original's cookie file (HP §3.6): sections and cookies in the order given. An
 * empty value is written as one space, since the original takes two separators for one.
 *
 * Throws `INVALID_ARGUMENT` for what can't be written so that it is read the same: control
 * characters, white space at the ends, characters above Latin-1, a ";", lines above 8,191 bytes.
 */
export function writeCookieFile(sections: readonly CookieSection[]): Buffer {
  const lines: string[] = [];
  for (const section of sections) {
    lines.push(sectionLine(section));
    for (const cookie of section.cookies) lines.push(cookieLine(cookie));
  }
  return Buffer.from(lines.join(""), "latin1");
}

function sectionLine({ domain, path }: CookieSection): string {
  assertText("domain", domain, " ");
  if (domain === "" || domain.startsWith(".")) throw unwritable("domain", domain);
  assertText("path", path, "");
  if (!path.startsWith("/")) throw unwritable("path", path);
  return bounded(`${domain} ${path}\n`);
}

function cookieLine(cookie: CookieLine): string {
  assertText("name", cookie.name, ";");
  if (cookie.name === "") throw unwritable("name", cookie.name);
  assertText("value", cookie.value, ";");
  assertInteger("expiresSeconds", cookie.expiresSeconds, 1, Number.MAX_SAFE_INTEGER);
  const value = cookie.value === "" ? " " : cookie.value;
  const flags = `${Number(cookie.httpOnly)};${Number(cookie.secure)}`;
  const sameSite = SAME_SITE_VALUES.indexOf(cookie.sameSite);
  return bounded(`\t${cookie.name};${value};${cookie.expiresSeconds};${flags};${sameSite}\n`);
}

function bounded(line: string): string {
  if (line.length <= MAX_LINE_BYTES) return line;
  throw new NetError(
    "INVALID_ARGUMENT",
    `a line of a cookie file may have ${MAX_LINE_BYTES} bytes, not ${line.length}`,
  );
}

function assertText(what: string, text: string, without: string): void {
  if (!isCookieText(text, without)) throw unwritable(what, text);
}

function unwritable(what: string, text: string): NetError {
  return new NetError(
    "INVALID_ARGUMENT",
    `the ${what} ${describe(text)} of a cookie can't be written to a cookie file`,
  );
}
