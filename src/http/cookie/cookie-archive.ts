/** The cookie file of a store: what goes into it, what is taken out, and reading it whole. */
import { readFile, stat } from "node:fs/promises";
import { NetError } from "../../errors.js";
import { parseCookieFile } from "../../protocol/cookie-file/cookie-file-reader.js";
import { writeCookieFile } from "../../protocol/cookie-file/cookie-file-writer.js";
import type { CookieLine, CookieSection } from "../../protocol/cookie-file/cookie-section.js";
import type { Cookie } from "./cookie.js";
import { isAddress, isPublicSuffix, MAX_EXPIRES_MS, tryCanonicalDomain } from "./cookie-rules.js";

/** Largest cookie file that is read. */
export const MAX_COOKIE_FILE_BYTES: number = 64 * 1024 ** 2;

/** The bytes of a file with these cookies; of session cookies it has the domain and path alone. */
export function encodeCookies(cookies: Iterable<Cookie>): Uint8Array {
  const sections = new Map<string, { domain: string; path: string; cookies: CookieLine[] }>();
  for (const cookie of cookies) {
    const { domain, path } = cookie;
    const key = `${domain} ${path}`;
    const section = sections.get(key) ?? { domain, path, cookies: [] };
    sections.set(key, section);
    if (cookie.expiresMs !== undefined) section.cookies.push(lineOf(cookie, cookie.expiresMs));
  }
  return writeCookieFile([...sections.values()]);
}

function lineOf(cookie: Cookie, expiresMs: number): CookieLine {
  const { name, value, httpOnly, secure, sameSite = "none" } = cookie;
  // Up, so that a cookie does not expire a part of a second early: the file has whole ones.
  const expiresSeconds = Math.ceil(expiresMs / 1000);
  return { name, value, expiresSeconds, httpOnly, secure, sameSite };
}

/**
 * The cookies of a file. It does not tell which are host-only: those are that can't be otherwise,
 * and all when `hostOnly` is true. A domain that can't be one becomes "", which no rule lets in.
 */
export function decodeCookies(bytes: Uint8Array, nowMs: number, hostOnly: boolean): Cookie[] {
  return parseCookieFile(bytes, nowMs / 1000).flatMap((section) =>
    section.cookies.map((line) => cookieOf(section, line, { nowMs, hostOnly })),
  );
}

function cookieOf(
  section: CookieSection,
  { name, value, expiresSeconds, httpOnly, secure, sameSite }: CookieLine,
  { nowMs, hostOnly }: { nowMs: number; hostOnly: boolean },
): Cookie {
  const domain = tryCanonicalDomain(section.domain) ?? "";
  const isBound = isAddress(domain) || isPublicSuffix(domain) || /^__host-/i.test(name);
  return Object.freeze({
    name,
    value,
    domain,
    hostOnly: hostOnly || isBound,
    path: section.path,
    expiresMs: Math.min(expiresSeconds * 1000, MAX_EXPIRES_MS),
    secure,
    httpOnly,
    sameSite: sameSite === "none" ? undefined : sameSite,
    createdMs: nowMs,
  });
}

/**
 * Reads a whole file; one that is missing is empty where it may be. Rejects with
 * `COOKIE_FILE_UNAVAILABLE`, or `COOKIE_FILE_MALFORMED` above {@link MAX_COOKIE_FILE_BYTES}.
 */
export async function readCookieFile(path: string, mayBeMissing: boolean): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_COOKIE_FILE_BYTES) return await readFile(path);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (isMissing && mayBeMissing) return new Uint8Array();
    throw fileUnavailable("read", path, error);
  }
  throw new NetError(
    "COOKIE_FILE_MALFORMED",
    `${path} is larger than the ${MAX_COOKIE_FILE_BYTES} bytes of the largest cookie file`,
  );
}

/** The error for a file that can't be read or written. */
export function fileUnavailable(verb: "read" | "written", path: string, cause: unknown): NetError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new NetError("COOKIE_FILE_UNAVAILABLE", `${path} can't be ${verb}: ${message}`, {
    cause,
    ...(code === undefined ? {} : { systemCode: code }),
  });
}
