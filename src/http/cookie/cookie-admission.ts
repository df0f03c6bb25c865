/**
 * Which cookies a store takes (RFC 6265 §5.3, RFC 6265bis §5.7). Each function returns the first
 * reason against a cookie.
 */
import { isCookieText } from "../../protocol/cookie-file/cookie-text.js";
import type { Cookie, CookieRefusal } from "./cookie.js";
import type { CookieIndex } from "./cookie-index.js";
import { type CookieLimits, MAX_DOMAIN_BYTES, MAX_PATH_BYTES } from "./cookie-limits.js";
import type { CookieRequest } from "./cookie-request.js";
import {
  defaultPath,
  isPublicSuffix,
  isWithin,
  type ParsedSetCookie,
  parseSetCookie,
  pathMatch,
} from "./cookie-rules.js";

/** The cookie that a Set-Cookie sets, which may have expired; or why it is not taken. */
export function admitCookie(
  setCookie: string,
  request: CookieRequest,
  { index, limits, nowMs }: { index: CookieIndex; limits: CookieLimits; nowMs: number },
): Cookie | CookieRefusal {
  const parsed = parseSetCookie(setCookie, nowMs);
  if (parsed === undefined) return "malformed";
  const cookie = receivedCookie(parsed, request, nowMs);
  if (typeof cookie === "string") return cookie;
  const former = index.find(cookie.domain, cookie.path, cookie.name)?.cookie;
  return (
    refusalByRules(cookie, limits) ??
    refusalByRequest(cookie, request, former) ??
    (!request.isSecure && isShadowing(cookie, index) ? "insecure" : cookie)
  );
}

/** What a Set-Cookie is for the host that sent it. */
function receivedCookie(
  parsed: ParsedSetCookie,
  { host, path: requestPath }: CookieRequest,
  nowMs: number,
): Cookie | CookieRefusal {
  const { name, value, expiresMs, secure, httpOnly, sameSite } = parsed;
  const domain = parsed.domain ?? host;
  const isShared = parsed.domain !== undefined && isPublicSuffix(domain);
  // A host that is a public suffix itself may have cookies of its own.
  if (isShared && domain !== host) return "public-suffix";
  if (!isWithin(host, domain)) return "domain-mismatch";
  const hostOnly = parsed.domain === undefined || isShared;
  const path = parsed.path ?? defaultPath(requestPath);
  if (!isCookieText(path, "")) return "malformed";
  // The default path does not do, even where it is the same.
  if (hasPrefix(name, "__host-") && parsed.path !== "/") return "prefix";
  const flags = { secure, httpOnly, sameSite };
  return Object.freeze({
    name,
    value,
    domain,
    hostOnly,
    path,
    expiresMs,
    createdMs: nowMs,
    ...flags,
  });
}

/** Reasons against a cookie of any origin. */
export function refusalByRules(cookie: Cookie, limits: CookieLimits): CookieRefusal | undefined {
  const { name, value, domain, hostOnly, path, secure } = cookie;
  if (name.length + value.length > limits.maxCookieBytes) return "too-long";
  // A file may have these. The name would be another one in a Cookie field.
  if (name.includes("=") || domain === "") return "malformed";
  if (domain.length > MAX_DOMAIN_BYTES || path.length > MAX_PATH_BYTES) return "too-long";
  if (!hostOnly && isPublicSuffix(domain)) return "public-suffix";
  if (hasPrefix(name, "__secure-") && !secure) return "prefix";
  if (hasPrefix(name, "__host-") && !(secure && hostOnly && path === "/")) return "prefix";
  return undefined;
}

/** Reasons against a cookie that comes with a response. `sameKey` is what it would replace. */
function refusalByRequest(
  cookie: Cookie,
  request: CookieRequest,
  sameKey: Cookie | undefined,
): CookieRefusal | undefined {
  if (cookie.secure && !request.isSecure) return "insecure";
  if (request.nonHttpApi && (cookie.httpOnly || sameKey?.httpOnly === true)) return "http-only";
  // A request from another site may set only what may be sent to it again.
  if (request.site === "none" && cookie.sameSite !== "none") return "cross-site";
  return undefined;
}

/**
 * Whether a cookie from an insecure connection would stand in for one that is Secure: the same
 * name, on domains of which one is within the other, under its path.
 */
function isShadowing({ name, domain, path }: Cookie, index: CookieIndex): boolean {
  for (const { cookie } of index.all()) {
    if (!cookie.secure || cookie.name !== name) continue;
    const isRelated = isWithin(domain, cookie.domain) || isWithin(cookie.domain, domain);
    if (isRelated && pathMatch(path, cookie.path)) return true;
  }
  return false;
}

function hasPrefix(name: string, prefix: string): boolean {
  return name.slice(0, prefix.length).toLowerCase() === prefix;
}
