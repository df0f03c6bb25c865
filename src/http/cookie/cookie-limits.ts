import { assertInteger } from "../../errors.js";

/** Bounds of a cookie store (RFC 6265 §6.1). */
export interface CookieLimits {
  /** Cookies in all; above, the one longest unused goes. Default 3,000. */
  readonly maxCookies: number;
  /** Cookies of one domain; above, one that is not Secure and longest unused goes. Default 50. */
  readonly maxCookiesPerDomain: number;
  /** Bytes of name and value together; a longer cookie is not taken. Default 4,096. */
  readonly maxCookieBytes: number;
}

/** Default, least and greatest value of each limit; `docs/limits.md` is checked against it. */
export const COOKIE_LIMITS: Readonly<
  Record<keyof CookieLimits, { standard: number; min: number; max: number }>
> = {
  maxCookies: { standard: 3_000, min: 1, max: 1_000_000 },
  maxCookiesPerDomain: { standard: 50, min: 1, max: 100_000 },
  // With so many a cookie fits into a line of the cookie file, whatever its other fields are.
  maxCookieBytes: { standard: 4_096, min: 1, max: 8_000 },
};

/** Longest domain of a cookie: that of DNS names, and a dot at the end. */
export const MAX_DOMAIN_BYTES = 254;

/** Longest path of a cookie (RFC 6265bis §5.6). */
export const MAX_PATH_BYTES = 1_024;

/** The limits in `options`, with defaults. Throws `INVALID_ARGUMENT`. */
export function cookieLimits(options: Partial<CookieLimits>): CookieLimits {
  const limit = (name: keyof CookieLimits): number => {
    const { standard, min, max } = COOKIE_LIMITS[name];
    const value = options[name] ?? standard;
    assertInteger(name, value, min, max);
    return value;
  };
  return {
    maxCookies: limit("maxCookies"),
    maxCookiesPerDomain: limit("maxCookiesPerDomain"),
    maxCookieBytes: limit("maxCookieBytes"),
  };
}

/** Names of the options that are limits. */
export const COOKIE_LIMIT_NAMES: readonly string[] = Object.keys(COOKIE_LIMITS);
