import { assertKnownKeys, assertOneOf, describe, NetError } from "../../errors.js";
import type { Cookie, CookieContext, CookieTarget, SameSite } from "./cookie.js";
import { assertObject } from "./cookie-builder.js";
import { isLoopback, tryCanonicalDomain } from "./cookie-rules.js";

/** What the rules ask of a request: where it goes, and on whose behalf. */
export interface CookieRequest {
  /** Canonical. */
  readonly host: string;
  readonly path: string;
  /** Whether cookies with Secure may go there and come from there. */
  readonly isSecure: boolean;
  readonly nonHttpApi: boolean;
  readonly site: SameSite;
}

const SITE_LEVEL: Readonly<Record<SameSite, number>> = { strict: 3, lax: 2, none: 1 };

/** Reads target and context. Throws `INVALID_ARGUMENT` for what is no URL of a host. */
export function cookieRequest(
  target: string | CookieTarget,
  context: CookieContext,
  secureOnLoopback: boolean,
): CookieRequest {
  const url = typeof target === "string" ? parseUrl(target) : target;
  assertObject("the URL", url);
  const { protocol, hostname, pathname } = url;
  const host = typeof hostname === "string" ? tryCanonicalDomain(hostname) : undefined;
  if (host === undefined || typeof protocol !== "string" || typeof pathname !== "string") {
    throw new NetError("INVALID_ARGUMENT", `the URL must have a host, not ${describe(hostname)}`, {
      operation: "configure",
    });
  }
  assertObject("context", context);
  assertKnownKeys("context", context, ["sameSiteContext", "nonHttpApi"]);
  const { sameSiteContext = "strict", nonHttpApi = false } = context;
  assertOneOf("sameSiteContext", sameSiteContext, ["strict", "lax", "none"]);
  return {
    host,
    path: pathOf(pathname),
    isSecure:
      protocol === "https:" || protocol === "wss:" || (secureOnLoopback && isLoopback(host)),
    nonHttpApi,
    site: sameSiteContext,
  };
}

/** Whether a cookie may go with a request, its domain and path aside. */
export function mayBeSent(cookie: Cookie, request: CookieRequest): boolean {
  if (cookie.secure && !request.isSecure) return false;
  if (cookie.httpOnly && request.nonHttpApi) return false;
  return SITE_LEVEL[cookie.sameSite ?? "lax"] <= SITE_LEVEL[request.site];
}

function parseUrl(text: string): CookieTarget {
  try {
    return new URL(text);
  } catch (error) {
    throw new NetError("INVALID_ARGUMENT", `the URL is malformed: ${describe(text)}`, {
      operation: "configure",
      cause: error,
    });
  }
}

/** A request target has its query behind the path; no part of it decides about cookies. */
function pathOf(pathname: string): string {
  const query = pathname.indexOf("?");
  const path = query < 0 ? pathname : pathname.slice(0, query);
  return path === "" ? "/" : path;
}
