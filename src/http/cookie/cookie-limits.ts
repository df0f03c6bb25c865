/** Bounds of a cookie store. `docs/limits.md` is compared with the table. */
import { count, type Given, type OptionTable, optionNames, readOptions } from "../../options.js";

/** Bounds of a cookie store (RFC 6265 §6.1). */
export interface CookieLimits {
  /** Cookies in all; above, the one longest unused goes. Default 3,000. */
  readonly maxCookies: number;
  /** Cookies of one domain; above, one that is not Secure and longest unused goes. Default 50. */
  readonly maxCookiesPerDomain: number;
  /** Bytes of name and value together; a longer cookie is not taken. Default 4,096. */
  readonly maxCookieBytes: number;
}

/** Default and range of each limit. */
export const COOKIE_LIMITS: OptionTable<CookieLimits> = {
  maxCookies: count(3_000, "cookies", { min: 1, max: 1_000_000 }),
  maxCookiesPerDomain: count(50, "cookies", { min: 1, max: 100_000 }),
  // With so many a cookie fits into a line of the cookie file, whatever its other fields are.
  maxCookieBytes: count(4_096, "bytes of name and value", { min: 1, max: 8_000 }),
};

/** Longest domain of a cookie: that of DNS names, and a dot at the end. */
export const MAX_DOMAIN_BYTES = 254;

/** Longest path of a cookie (RFC 6265bis §5.6). */
export const MAX_PATH_BYTES = 1_024;

/** The limits in `options`, with defaults. Throws `INVALID_ARGUMENT`. */
export function cookieLimits(options: Given<CookieLimits>): CookieLimits {
  return readOptions<CookieLimits>(COOKIE_LIMITS, options);
}

/** Names of the options that are limits. */
export const COOKIE_LIMIT_NAMES: readonly string[] = optionNames<CookieLimits>(COOKIE_LIMITS);
