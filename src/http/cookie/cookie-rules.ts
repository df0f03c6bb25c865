/**
 * The rules of RFC 6265 that a well-kept library knows: how Set-Cookie is read (§5.2), dates
 * (§5.1.1), domains (§5.1.3), paths (§5.1.4), public suffixes (§5.3). The only file that imports
 * tough-cookie; docs/decisions/0009 says what is taken from it and what not.
 */
import {
  canonicalDomain,
  defaultPath,
  domainMatch,
  getPublicSuffix,
  pathMatch,
  Cookie as ToughCookie,
} from "tough-cookie";
import { isCookieText, trimSpace } from "../../protocol/cookie-file/cookie-text.js";
import type { SameSite } from "./cookie.js";

export { defaultPath, pathMatch };

/** The last moment that a cookie can name: the end of the year 9999. */
export const MAX_EXPIRES_MS: number = 253_402_300_799_000;

/** Longest value of an attribute; longer ones count as not given (RFC 6265bis §5.6). */
const MAX_ATTRIBUTE_BYTES = 1_024;

/**
 * U+00A0 at the beginning or end of an attribute's name or value. It is white space to tough-cookie and
 * not to RFC 6265 (§2.2), so that a domain, a path or a name with it is another one.
 */
const OUTER_NBSP = /(?<=[;=][ \t]*)\u00a0|\u00a0(?=[ \t]*(?:[;=]|$))/g;

/** Stands for such a character: it is not trimmed, and no name, number or host has it either. */
const VISIBLE = "\u00a1";

/** What a Set-Cookie says, before the rules are applied. */
export interface ParsedSetCookie {
  readonly name: string;
  readonly value: string;
  /** Canonical; undefined without attribute. */
  readonly domain: string | undefined;
  readonly path: string | undefined;
  readonly expiresMs: number | undefined;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: SameSite | undefined;
}

/**
 * Reads a Set-Cookie; undefined when it has to be ignored whole. Octets are characters of Latin-1.
 * Name and value are found here, since tough-cookie cuts them at control characters and takes
 * U+00A0 for white space; the attributes are its work.
 */
export function parseSetCookie(header: string, nowMs: number): ParsedSetCookie | undefined {
  const pairEnd = header.includes(";") ? header.indexOf(";") : header.length;
  const pair = header.slice(0, pairEnd);
  const equals = pair.indexOf("=");
  const name = trimSpace(pair.slice(0, Math.max(equals, 0)));
  const value = trimSpace(pair.slice(equals + 1));
  if (name === "" || !isCookieText(name, "") || !isCookieText(value, "")) return undefined;
  const attributes = shortAttributes(header.slice(pairEnd));
  if (!isCookieText(trimSpace(attributes.replaceAll("\t", " ")), "")) return undefined;
  const parsed = ToughCookie.parse(`n=v${attributes.replace(OUTER_NBSP, VISIBLE)}`);
  if (parsed === undefined) return undefined;
  const domain = parsed.domain === null ? undefined : tryCanonicalDomain(parsed.domain);
  if (parsed.domain !== null && (domain === undefined || parsed.domain.startsWith("."))) {
    return undefined;
  }
  return {
    name,
    value,
    domain,
    path: parsed.path ?? undefined,
    expiresMs: expiresMs(parsed, nowMs),
    secure: parsed.secure,
    httpOnly: parsed.httpOnly,
    sameSite: sameSiteOf(parsed.sameSite),
  };
}

function shortAttributes(attributes: string): string {
  if (attributes.length <= MAX_ATTRIBUTE_BYTES) return attributes;
  const isShort = (attribute: string): boolean => {
    const value = attribute.slice(attribute.indexOf("=") + 1);
    return trimSpace(value).length <= MAX_ATTRIBUTE_BYTES;
  };
  return attributes.split(";").filter(isShort).join(";");
}

/**
 * Max-Age goes before Expires (RFC 6265 §5.3 step 3). It is counted from the receipt; tough-cookie
 * counts it from the last use, so that a cookie in use would never expire.
 */
function expiresMs(cookie: ToughCookie, nowMs: number): number | undefined {
  const { maxAge, expires } = cookie;
  if (maxAge !== null) return expiresAfter(Number(maxAge), nowMs);
  return expires instanceof Date ? expires.getTime() : undefined;
}

/** When a cookie expires that may be `seconds` old; long past for 0 and less. */
export function expiresAfter(seconds: number, nowMs: number): number {
  return seconds <= 0 ? 0 : Math.min(nowMs + seconds * 1000, MAX_EXPIRES_MS);
}

function sameSiteOf(value: string | undefined): SameSite | undefined {
  return value === "strict" || value === "lax" || value === "none" ? value : undefined;
}

/** Lower-case, as A-labels, an IPv6 address without brackets; undefined when it can't be a domain. */
export function tryCanonicalDomain(domain: string): string | undefined {
  // tough-cookie would trim it: what has a space is no host (RFC 6265 §5.2.3 removes a dot, no more).
  if (/^\s|\s$/.test(domain)) return undefined;
  try {
    const canonical = canonicalDomain(domain);
    if (canonical === undefined || canonical === "" || canonical.startsWith(".")) return undefined;
    return isCookieText(canonical, " ;/") ? canonical : undefined;
  } catch {
    // The URL parser has refused a domain that is not ASCII.
    return undefined;
  }
}

/** Whether a cookie of `domain` goes to `host`; both canonical (RFC 6265 §5.1.3). */
export function isWithin(host: string, domain: string): boolean {
  return domainMatch(host, domain, false) === true;
}

/** Whether anybody can have names under a domain. A name without dots always counts as one. */
export function isPublicSuffix(domain: string): boolean {
  if (isAddress(domain)) return false;
  if (!domain.includes(".")) return true;
  const options = { allowSpecialUseDomain: true, ignoreError: true };
  return getPublicSuffix(domain, options) === undefined;
}

/** Whether a canonical host is an IP address: URLs take any name that ends in a number for IPv4. */
export function isAddress(host: string): boolean {
  return host.includes(":") || /(^|\.)\d+$/.test(host);
}

/** Whether a host is this machine, for every resolver (RFC 6761 §6.3). */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1") return true;
  return isAddress(host) && host.startsWith("127.");
}

/** The domain above one: `example.com` for `www.example.com`. */
export function parentDomain(domain: string): string | undefined {
  const dot = domain.indexOf(".");
  return dot < 0 ? undefined : domain.slice(dot + 1);
}
