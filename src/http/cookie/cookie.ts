/** What the SameSite attribute of a cookie says. */
export type SameSite = "strict" | "lax" | "none";

/** A cookie in a store, with the names of RFC 6265bis §5.7. Does not change. */
export interface Cookie {
  /** Its name. */
  readonly name: string;
  /** Its value, as it was sent. */
  readonly value: string;
  /** Lower-case, without a leading dot; non-ASCII names as A-labels. */
  readonly domain: string;
  /** Sent to `domain` alone, not to hosts below it. */
  readonly hostOnly: boolean;
  /** The path below which it is sent. */
  readonly path: string;
  /** When it expires, in milliseconds since 1970 UTC; undefined for a session cookie. */
  readonly expiresMs: number | undefined;
  /** Sent over https and wss only. */
  readonly secure: boolean;
  /** Not visible to scripts. */
  readonly httpOnly: boolean;
  /** Undefined where no attribute was given: enforced as `lax`. */
  readonly sameSite: SameSite | undefined;
  /** When it came first, in milliseconds since 1970 UTC. */
  readonly createdMs: number;
}

/** A cookie that the application sets itself. A {@link Cookie} of any store can be given too. */
export interface CookieInit {
  /** Without control characters, "=" and ";"; not empty. */
  readonly name: string;
  /** Without control characters and ";". */
  readonly value: string;
  /** The domain that it is for. */
  readonly domain: string;
  /** Default true. */
  readonly hostOnly?: boolean | undefined;
  /** Begins with "/". Default "/". */
  readonly path?: string | undefined;
  /** Time to live in seconds; 0 or less removes the cookie. Goes before `expiresMs`. */
  readonly maxAgeSeconds?: number | undefined;
  /** Milliseconds since 1970 UTC. With neither it is a session cookie. */
  readonly expiresMs?: number | undefined;
  /** Default false. */
  readonly secure?: boolean | undefined;
  /** Default false. */
  readonly httpOnly?: boolean | undefined;
  /** With which requests from other sites it goes. Default: not said, which counts as `lax`. */
  readonly sameSite?: SameSite | undefined;
  /** Default: now. A cookie that is replaced keeps its own. */
  readonly createdMs?: number | undefined;
}

/** What names one cookie of a store. */
export interface CookieKey {
  /** Its domain. */
  readonly domain: string;
  /** Default "/". */
  readonly path?: string | undefined;
  /** Its name. */
  readonly name: string;
}

/** Which cookies; a part that is left out takes all. `domain` is exact, without those below it. */
export interface CookieFilter {
  /** Those of this domain; left out: of all. */
  readonly domain?: string | undefined;
  /** Those of this path; left out: of all. */
  readonly path?: string | undefined;
  /** Those of this name; left out: of all. */
  readonly name?: string | undefined;
}

/** Where a request goes; a `URL` is one. */
export interface CookieTarget {
  /** With its colon: `https:` and `wss:` are secure. */
  readonly protocol: string;
  /** Without a port: cookies are the same for all ports. */
  readonly hostname: string;
  /** Path of the URL. */
  readonly pathname: string;
}

/** On whose behalf cookies are asked for or set. */
export interface CookieContext {
  /**
   * How the request came about, for the SameSite attribute: `strict` from the same site, `lax` by
   * navigation from another site with a safe method, `none` otherwise from another site. Not given:
   * as `strict`, which is right for a program that acts for itself.
   */
  readonly sameSiteContext?: SameSite | undefined;
  /** Asked by what is not HTTP, a script in a page for example: no cookies with HttpOnly. Default false. */
  readonly nonHttpApi?: boolean | undefined;
}

/** Why a cookie was not taken. */
export type CookieRefusal =
  /** No name, a control character, or no cookie at all. */
  | "malformed"
  /** Name and value together are longer than `maxCookieBytes`. */
  | "too-long"
  /** Its Domain is another than that of the host. */
  | "domain-mismatch"
  /** Its Domain is one under which anybody can have names, `com` or `co.uk`. */
  | "public-suffix"
  /** It is Secure, or would replace one that is, and the connection is not. */
  | "insecure"
  /** It is HttpOnly, or would replace one that is, and does not come from HTTP. */
  | "http-only"
  /** SameSite does not let it be set by this request. */
  | "cross-site"
  /** Its name begins with `__Secure-` or `__Host-`, and it is not what that promises. */
  | "prefix";

/** What became of a Set-Cookie; `expired`: it was no longer valid, and what it replaces is removed. */
export type SetCookieOutcome = "stored" | "expired" | CookieRefusal;
