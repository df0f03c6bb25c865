/** Makes cookies out of what applications give. */
import { assertInteger, assertKnownKeys, assertOneOf, describe, NetError } from "../../errors.js";
import { isCookieText } from "../../protocol/cookie-file/cookie-text.js";
import type { Cookie, CookieFilter, CookieInit } from "./cookie.js";
import { MAX_DOMAIN_BYTES, MAX_PATH_BYTES } from "./cookie-limits.js";
import { expiresAfter, MAX_EXPIRES_MS, tryCanonicalDomain } from "./cookie-rules.js";

const KEYS = [
  "name",
  "value",
  "domain",
  "hostOnly",
  "path",
  "maxAgeSeconds",
  "expiresMs",
  "secure",
  "httpOnly",
  "sameSite",
  "createdMs",
];

const SECRET = Symbol("text that is not shown");

/** A cookie as `init` says. `what` begins the messages. Throws `INVALID_ARGUMENT`. */
export function buildCookie(what: string, init: unknown, nowMs: number): Cookie {
  assertObject(what, init);
  assertKnownKeys(what, init, KEYS);
  const given = init as Partial<Record<keyof CookieInit, unknown>>;
  return Object.freeze({
    name: textOf(`${what}.name`, given.name, "=;", 1),
    value: textOf(`${what}.value`, given.value, ";", 0),
    domain: domainOf(`${what}.domain`, given.domain),
    hostOnly: flagOf(`${what}.hostOnly`, given.hostOnly, true),
    path: pathOf(`${what}.path`, given.path ?? "/"),
    expiresMs: expiryOf(what, given, nowMs),
    secure: flagOf(`${what}.secure`, given.secure, false),
    httpOnly: flagOf(`${what}.httpOnly`, given.httpOnly, false),
    sameSite: sameSiteOf(`${what}.sameSite`, given.sameSite),
    createdMs: timeOf(`${what}.createdMs`, given.createdMs ?? nowMs),
  });
}

const KEY_NAMES = ["domain", "path", "name"];

/** A filter with its domain as it is in cookies. Throws `INVALID_ARGUMENT`. */
export function buildFilter(what: string, filter: CookieFilter): CookieFilter {
  assertObject(what, filter);
  assertKnownKeys(what, filter, KEY_NAMES);
  const { domain, path, name } = filter;
  return {
    domain: domain === undefined ? undefined : domainOf(`${what}.domain`, domain),
    path: path === undefined ? undefined : pathOf(`${what}.path`, path),
    name: name === undefined ? undefined : textOf(`${what}.name`, name, ";", 1),
  };
}

/** Throws `INVALID_ARGUMENT` unless `value` is an object. */
export function assertObject(what: string, value: unknown): asserts value is object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw invalid(what, "an object", value);
}

/** Throws `INVALID_ARGUMENT` unless `options` has only keys in `known`, each true, false or not given. */
export function assertFlags(what: string, options: unknown, known: readonly string[]): void {
  assertObject(what, options);
  assertKnownKeys(what, options, known);
  for (const [name, value] of Object.entries(options)) flagOf(name, value, false);
}

function textOf(what: string, value: unknown, without: string, minLength: number): string {
  if (typeof value === "string" && value.length >= minLength && isCookieText(value, without)) {
    return value;
  }
  const excluded = [...without].map((character) => `"${character}"`).join(", ");
  const text = minLength === 0 ? "text" : "text that is not empty,";
  const wanted = `${text} without control characters, spaces at its ends, ${excluded}`;
  // Values are secrets: the message shows none.
  throw invalid(what, wanted, typeof value === "string" ? SECRET : value);
}

function domainOf(what: string, value: unknown): string {
  const domain = typeof value === "string" ? tryCanonicalDomain(value) : undefined;
  if (domain !== undefined && domain.length <= MAX_DOMAIN_BYTES) return domain;
  throw invalid(what, "a host name or an address", value);
}

function pathOf(what: string, value: unknown): string {
  const isPath = typeof value === "string" && value.startsWith("/") && isCookieText(value, "");
  if (isPath && value.length <= MAX_PATH_BYTES) return value;
  throw invalid(what, `a path that begins with "/", of at most ${MAX_PATH_BYTES} bytes`, value);
}

function flagOf(what: string, value: unknown, standard: boolean): boolean {
  if (value === undefined) return standard;
  if (typeof value === "boolean") return value;
  throw invalid(what, "true or false", value);
}

function sameSiteOf(what: string, value: unknown): Cookie["sameSite"] {
  if (value === undefined) return undefined;
  assertOneOf(what, value, ["strict", "lax", "none"]);
  return value as Cookie["sameSite"];
}

function expiryOf(
  what: string,
  { maxAgeSeconds, expiresMs }: Partial<Record<keyof CookieInit, unknown>>,
  nowMs: number,
): number | undefined {
  if (maxAgeSeconds !== undefined) {
    const { MIN_SAFE_INTEGER, MAX_SAFE_INTEGER } = Number;
    assertInteger(`${what}.maxAgeSeconds`, maxAgeSeconds, MIN_SAFE_INTEGER, MAX_SAFE_INTEGER);
    return expiresAfter(maxAgeSeconds as number, nowMs);
  }
  if (expiresMs === undefined) return undefined;
  return Math.min(timeOf(`${what}.expiresMs`, expiresMs), MAX_EXPIRES_MS);
}

function timeOf(what: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalid(what, "a number of milliseconds since 1970", value);
}

function invalid(what: string, wanted: string, value: unknown): NetError {
  const given = value === SECRET ? "this text" : describe(value);
  const text = `${what} must be ${wanted}, not ${given}`;
  return new NetError("INVALID_ARGUMENT", text, { operation: "configure" });
}
