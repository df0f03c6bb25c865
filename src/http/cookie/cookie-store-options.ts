import { assertKnownKeys, describe, NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import { type Clock, systemClock } from "../../time/clock.js";
import type { Cookie, CookieRefusal } from "./cookie.js";
import { assertFlags, assertObject } from "./cookie-builder.js";
import { COOKIE_LIMIT_NAMES, type CookieLimits, cookieLimits } from "./cookie-limits.js";

/** Options of a `CookieStore`. */
export interface CookieStoreOptions extends Given<CookieLimits> {
  /**
   * Takes `localhost`, `127.0.0.0/8` and `::1` for secure without TLS, as browsers do. Default
   * false: another program may listen on another port of this machine, and cookies know no ports.
   */
  readonly secureOnLoopback?: boolean | undefined;
  /** Told of each Set-Cookie that is not taken. What it throws becomes a process warning. */
  readonly onIgnore?:
    | ((refusal: CookieRefusal, setCookie: string, host: string) => void)
    | undefined;
  /** Where time comes from. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** Counts of a `CookieStore`. */
export interface CookieStats {
  /** Cookies that are there now. */
  readonly cookieCount: number;
  /** Cookies that were taken, those that replaced another included. */
  readonly storedCount: number;
  /** Cookies that a limit has driven out. */
  readonly evictedCount: number;
  /** Cookies that were not taken, by reason. */
  readonly ignoredCounts: Readonly<Record<CookieRefusal, number>>;
}

/** What `CookieStore.toJSON` makes. Session cookies are in it. */
export interface CookieStoreJson {
  /** Version of the form. */
  readonly version: 1;
  /** The one longest unused comes first. */
  readonly cookies: readonly Cookie[];
}

/** How a file is taken in. */
export interface CookieLoadOptions {
  /** Keeps the cookies of the store, and prefers them to those of the file. Default true. */
  readonly keepExisting?: boolean | undefined;
  /** Takes all cookies of the file for host-only, since it does not tell. Default false. */
  readonly hostOnly?: boolean | undefined;
  /** Takes no file for an empty one. Default false. */
  readonly mayBeMissing?: boolean | undefined;
}

/** How a file is written. */
export interface CookieSaveOptions {
  /** Takes the cookies of the file in before; deleted ones come back that way. Default false. */
  readonly keepExisting?: boolean | undefined;
}

/** The options of a `CookieStore`, checked and with defaults. */
export interface CookieSettings {
  readonly limits: CookieLimits;
  readonly clock: Clock;
  readonly secureOnLoopback: boolean;
  readonly onIgnore: CookieStoreOptions["onIgnore"];
}

/** Checks the options of a `CookieStore`. Throws `INVALID_ARGUMENT`. */
export function cookieSettings(options: CookieStoreOptions): CookieSettings {
  assertObject("the options of CookieStore", options);
  const known = [...COOKIE_LIMIT_NAMES, "secureOnLoopback", "onIgnore", "clock"];
  assertKnownKeys("CookieStore", options, known);
  const { secureOnLoopback = false, onIgnore, clock = systemClock } = options;
  assertFlags("CookieStore", { secureOnLoopback }, ["secureOnLoopback"]);
  if (onIgnore !== undefined && typeof onIgnore !== "function") {
    const message = `onIgnore must be a function, not ${describe(onIgnore)}`;
    throw new NetError("INVALID_ARGUMENT", message, { operation: "configure" });
  }
  return { limits: cookieLimits(options), clock, secureOnLoopback, onIgnore };
}
