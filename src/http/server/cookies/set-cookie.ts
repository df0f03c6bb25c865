/**
 * Writes Set-Cookie fields (RFC 6265bis §4.1) with defaults that are safe, and refuses what browsers would
 * ignore: a cookie that is not stored is found out late.
 */
import {
  assertBoolean,
  assertInteger,
  assertOneOf,
  describe,
  invalidArgument,
  type NetError,
} from "../../../errors.js";
import { assertOptions, type CallTable, optional } from "../../../options.js";
import { httpDate } from "../files/http-date.js";

/** How a cookie is set. */
export interface SetCookieOptions {
  /** Host that gets it together with those below it. Default: the host of the request alone. */
  readonly domain?: string | undefined;
  /** Begins with "/"; at most 1,024 bytes. Default "/". */
  readonly path?: string | undefined;
  /** Time to live in seconds. Without it and `expiresMs` the cookie lives as long as the browser. */
  readonly maxAgeSeconds?: number | undefined;
  /** When it expires, in milliseconds since 1970 UTC. */
  readonly expiresMs?: number | undefined;
  /** Sent over https alone. Default: whether the request came over TLS. Behind a proxy that ends TLS: set it. */
  readonly secure?: boolean | undefined;
  /** Kept from scripts of pages. Default true. */
  readonly httpOnly?: boolean | undefined;
  /** Whether requests from other sites bring it. `none` needs `secure`. Default `lax`. */
  readonly sameSite?: "strict" | "lax" | "none" | undefined;
  /** A store of its own for each site that embeds this one (CHIPS). Needs `secure`. Default false. */
  readonly partitioned?: boolean | undefined;
}

/** What names the cookie that is to be removed, besides its name: as it was set. */
export type ClearCookieOptions = Pick<
  SetCookieOptions,
  "domain" | "path" | "secure" | "partitioned"
>;

/** Bytes of name and value together, and of an attribute, that browsers take (RFC 6265bis §5.6). */
const MAX_COOKIE_BYTES = 4_096;
const MAX_ATTRIBUTE_BYTES = 1_024;
/** Cookies that one response sets. */
export const MAX_SET_COOKIES: number = 64;

const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** Visible ASCII but quote, comma, semicolon and backslash; in quotes or without (RFC 6265 §4.1.1). */
const VALUE =
  /^(?:[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*|"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")$/;
const PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/;
const DOMAIN =
  /^[\dA-Za-z](?:[\dA-Za-z-]*[\dA-Za-z])?(?:\.[\dA-Za-z](?:[\dA-Za-z-]*[\dA-Za-z])?)*$/;
const MAX_DOMAIN_BYTES = 253;
/** The last moment that an HTTP date can name. */
const MAX_EXPIRES_MS = 253_402_300_799_000;
const SAME_SITE = { strict: "Strict", lax: "Lax", none: "None" } as const;

const OPTIONS: CallTable<SetCookieOptions> = {
  domain: optional(assertDomain),
  path: optional(assertPath),
  maxAgeSeconds: optional((name, value) => assertInteger(name, value, 0, Number.MAX_SAFE_INTEGER)),
  expiresMs: optional((name, value) => assertInteger(name, value, 0, MAX_EXPIRES_MS)),
  secure: optional(assertBoolean),
  httpOnly: optional(assertBoolean),
  sameSite: optional((name, value) => assertOneOf(name, value, Object.keys(SAME_SITE))),
  partitioned: optional(assertBoolean),
};

/** The cookies that one response sets: of each name, domain and path the last, apart from those that are partitioned. */
export class ResponseCookies {
  private readonly lineOfKey: Map<string, string> = new Map();
  private readonly isSecure: boolean;

  /** `isSecure`: the request came over TLS. */
  constructor(isSecure: boolean) {
    this.isSecure = isSecure;
  }

  /** Values of the fields to be sent. */
  get lines(): readonly string[] {
    return [...this.lineOfKey.values()];
  }

  /** Sets a cookie. Throws `INVALID_ARGUMENT` for what can't be one. */
  set(name: string, value: string, options: SetCookieOptions): void {
    assertName(name);
    assertValue(name, value);
    assertOptions("setCookie", OPTIONS, options);
    const secure = options.secure ?? this.isSecure;
    assertPromises(name, secure, options);
    const { domain = "", path = "/", partitioned = false } = options;
    const key = `${name};${domain.toLowerCase()};${partitioned};${path}`;
    if (!this.lineOfKey.has(key) && this.lineOfKey.size >= MAX_SET_COOKIES) {
      throw refused(`a response sets at most ${MAX_SET_COOKIES} cookies`);
    }
    this.lineOfKey.set(key, lineOf(name, value, secure, options));
  }

  /** Removes a cookie of the browser. Throws as {@link set} does. */
  clear(name: string, options: ClearCookieOptions): void {
    // Both, since some know one of them alone.
    this.set(name, "", { ...options, maxAgeSeconds: 0, expiresMs: 0 });
  }
}

function lineOf(name: string, value: string, secure: boolean, options: SetCookieOptions): string {
  const { domain, path = "/", maxAgeSeconds, expiresMs, partitioned = false } = options;
  const { httpOnly = true, sameSite = "lax" } = options;
  let line = `${name}=${value}; Path=${path}`;
  if (domain !== undefined) line += `; Domain=${domain}`;
  if (maxAgeSeconds !== undefined) line += `; Max-Age=${maxAgeSeconds}`;
  if (expiresMs !== undefined) line += `; Expires=${httpDate(expiresMs)}`;
  if (secure) line += "; Secure";
  if (httpOnly) line += "; HttpOnly";
  line += `; SameSite=${SAME_SITE[sameSite]}`;
  return partitioned ? `${line}; Partitioned` : line;
}

function assertName(name: string): void {
  if (typeof name === "string" && NAME.test(name)) return;
  throw refused(`the name of a cookie must be a token (RFC 9110 §5.6.2), not ${describe(name)}`);
}

/** Values are secrets: no message shows one. */
function assertValue(name: string, value: string): void {
  if (typeof value !== "string" || !VALUE.test(value)) {
    const given = typeof value === "string" ? "this text" : describe(value);
    const rule = "visible ASCII without quotes, commas, semicolons and backslashes";
    throw refused(
      `the value of the cookie ${name} must be ${rule}, not ${given}; encodeURIComponent makes it so`,
    );
  }
  const byteCount = name.length + value.length;
  if (byteCount <= MAX_COOKIE_BYTES) return;
  throw refused(
    `name and value of the cookie ${name.slice(0, 80)} have ${byteCount} bytes, at most ${MAX_COOKIE_BYTES} are stored`,
  );
}

function assertDomain(name: string, value: unknown): void {
  const isDomain = typeof value === "string" && value.length <= MAX_DOMAIN_BYTES;
  if (isDomain && DOMAIN.test(value)) return;
  throw refused(
    `${name} must be a host name of ASCII without a dot in front, not ${describe(value)}`,
  );
}

function assertPath(name: string, value: unknown): void {
  const isShort = typeof value === "string" && value.length <= MAX_ATTRIBUTE_BYTES;
  if (isShort && PATH.test(value)) return;
  throw refused(
    `${name} must begin with "/" and be ASCII without semicolons, at most ${MAX_ATTRIBUTE_BYTES} bytes, not ${describe(value)}`,
  );
}

/** What a name or an attribute promises and another breaks: browsers ignore such a cookie. */
function assertPromises(name: string, secure: boolean, options: SetCookieOptions): void {
  const prefix = /^__(?:host|secure)-/i.exec(name)?.[0].toLowerCase();
  const needs = (what: string): NetError =>
    refused(`the cookie ${name.slice(0, 80)} needs secure: ${what} is taken over https alone`);
  if (!secure) {
    if (prefix !== undefined)
      throw needs(`a name that begins with ${name.slice(0, prefix.length)}`);
    if (options.sameSite === "none") throw needs('sameSite "none"');
    if (options.partitioned === true) throw needs("partitioned");
  }
  if (prefix !== "__host-") return;
  if (options.domain === undefined && (options.path ?? "/") === "/") return;
  throw refused(`the cookie ${name.slice(0, 80)} can't have a domain, nor a path but "/"`);
}

function refused(message: string): NetError {
  return invalidArgument(message, { operation: "send" });
}
