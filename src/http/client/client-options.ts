/**
 * Options of HTTP clients and of their requests: names, defaults, limits. `docs/limits.md` is compared
 * with the table of numbers.
 */
import { assertKeepAlive } from "../../connection/settings.js";
import type { ClientTls } from "../../connection/tls/tls-settings.js";
import { type AddressFilter, assertIp } from "../../dial/connect-options.js";
import type { ProxyChoice } from "../../dial/proxy-route.js";
import type { EngineChoice, KeepAlive } from "../../engine/engine.js";
import {
  assertBoolean,
  assertFunction,
  assertKnownKeys,
  assertObject,
  assertOneOf,
} from "../../errors.js";
import {
  bytes,
  count,
  GIB,
  type Given,
  milliseconds,
  type OptionTable,
  optionNames,
  readOptions,
} from "../../options.js";
import { createLimits, type Http1Limits } from "../../protocol/http1/limits.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import { encodeFields } from "../../protocol/http1/writing/head-writer.js";
import type { CookieStore } from "../cookie/cookie-store.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import type { DialerOptions } from "./http-dialer.js";

/** Times of a request, in milliseconds; 0 switches one off. */
export interface RequestTimes {
  /** For a connection: name lookup, all attempts, proxy and TLS together. Default 10,000. */
  readonly connectTimeoutMs: number;
  /** From the last byte of the request to the head of the response. Default 30,000. */
  readonly headTimeoutMs: number;
  /** Silence of the peer within a body, sent or received. Default 30,000. */
  readonly bodyTimeoutMs: number;
  /** For the whole: from the call to the last byte of the response. Default 0: no limit. */
  readonly timeoutMs: number;
  /** For a connection to become free, where no other can be made for the request. Default 60,000. */
  readonly queueTimeoutMs: number;
}

/** The numbers among the options of an {@link HttpClient}. */
export interface ClientNumbers extends RequestTimes {
  /** Requests that may wait for a connection, or for the one there is. Default 10,000. */
  readonly maxQueued: number;
  /** How long a body waits for `100 Continue`. Default 1,000. */
  readonly continueTimeoutMs: number;
}

/** The numbers among the options of an {@link HttpAgent}. */
export interface AgentNumbers extends ClientNumbers {
  /** Connections at a time. Default 1,024. */
  readonly maxConnections: number;
  /** Connections at a time to one origin, or to one proxy for plain HTTP. Default 64. */
  readonly maxConnectionsPerOrigin: number;
  /**
   * How long a connection is kept without a request, in milliseconds; 0: it is closed at once. Default 4,000. Where the
   * server announces a longer time (`Keep-Alive: timeout`) and this is left out, that time holds, up to `maxIdleTimeoutMs`.
   */
  readonly idleTimeoutMs: number;
  /**
   * How long a connection is kept at most where its server announces a time, in milliseconds. Default 60,000, or
   * `idleTimeoutMs` where that is given.
   */
  readonly maxIdleTimeoutMs: number;
  /** How long before the time that the server announces a connection is closed, in milliseconds. Default 1,000. */
  readonly idleMarginMs: number;
  /** Redirects that `fetch` follows. Default 20. */
  readonly maxRedirects: number;
  /** Bytes that `fetch` takes of a body after it is decoded. Default 1 GiB. */
  readonly maxDecodedBytes: number;
  /** How many times its encoded size content may grow to, from 1 MiB on. Default 256. */
  readonly maxDecodedRatio: number;
}

/** Options of clients and agents alike. */
export interface ClientOptions {
  /** What moves the bytes. Without one that has TLS, `https:` is `NOT_SUPPORTED`. Default: the best that can run. */
  readonly engine?: EngineChoice | undefined;
  /** Certificates and rules for `https:`. Default: the peer is verified. */
  readonly tls?: Omit<ClientTls, "start"> | undefined;
  /** Fields that every request has, unless it has one of that name itself. */
  readonly headers?: FieldInput | undefined;
  /** Where cookies come from and go to. Default: none. */
  readonly cookies?: CookieStore | undefined;
  /** Whether cookies go with requests and are taken from responses, where there is a store. Default true. */
  readonly useCookies?: boolean | undefined;
  /** Through which proxies, by URL or with more; see `ProxyChoice`. Default: none. */
  readonly proxy?: ProxyChoice | undefined;
  /** What is taken of a response at most. */
  readonly limits?: Given<Http1Limits> | undefined;
  /** Local address that connections are bound to. Default: the system chooses. */
  readonly localHost?: string | undefined;
  /** Which addresses of a host to use. Default `any`: both, raced by RFC 8305. */
  readonly family?: "any" | "IPv4" | "IPv6" | undefined;
  /**
   * Whether an address that a host was looked up to may be connected to; see `ConnectOptions.allowAddress`. A
   * guard against requests to one's own network (SSRF). Default: all may.
   */
  readonly allowAddress?: AddressFilter | undefined;
  /** Keep-alive probes of the kernel, as of a `TcpClient`. */
  readonly keepAlive?: KeepAlive | false | undefined;
  /** Small pieces are sent at once (`TCP_NODELAY`). Default true. */
  readonly noDelay?: boolean | undefined;
}

/** Default and range of each number. */
export const AGENT_NUMBERS: OptionTable<AgentNumbers> = {
  maxConnections: count(1_024, "connections", { min: 1, max: 1_000_000 }),
  maxConnectionsPerOrigin: count(64, "connections", { min: 1, max: 1_000_000 }),
  maxQueued: count(10_000, "requests", { max: 10_000_000 }),
  idleTimeoutMs: milliseconds(4_000),
  maxIdleTimeoutMs: milliseconds(60_000),
  idleMarginMs: milliseconds(1_000),
  connectTimeoutMs: milliseconds(10_000),
  headTimeoutMs: milliseconds(30_000),
  bodyTimeoutMs: milliseconds(30_000),
  timeoutMs: milliseconds(0),
  queueTimeoutMs: milliseconds(60_000),
  continueTimeoutMs: milliseconds(1_000, { min: 1 }),
  maxRedirects: count(20, "redirects", { max: 1_000 }),
  maxDecodedBytes: bytes(GIB),
  maxDecodedRatio: count(256, "times the encoded size", { min: 1, max: 1_000_000 }),
};

/** Names of the options that clients and agents have in common. */
export const CLIENT_OPTION_NAMES: readonly string[] = [
  "engine",
  "tls",
  "headers",
  "cookies",
  "useCookies",
  "proxy",
  "limits",
  "localHost",
  "family",
  "allowAddress",
  "keepAlive",
  "noDelay",
];

/** All numbers: those given, and the defaults. Throws `INVALID_ARGUMENT`. */
export function agentNumbers(given: Given<AgentNumbers>): AgentNumbers {
  const numbers = readOptions<AgentNumbers>(AGENT_NUMBERS, given);
  // The lower of both sides' times rules, unless ours is for servers that say nothing.
  const maxIdleTimeoutMs =
    given.maxIdleTimeoutMs ?? given.idleTimeoutMs ?? numbers.maxIdleTimeoutMs;
  return Object.freeze({ ...numbers, maxIdleTimeoutMs });
}

/** Names of the numbers of an `HttpClient`. */
export const CLIENT_NUMBER_NAMES: readonly (keyof ClientNumbers)[] = [
  "connectTimeoutMs",
  "headTimeoutMs",
  "bodyTimeoutMs",
  "timeoutMs",
  "queueTimeoutMs",
  "maxQueued",
  "continueTimeoutMs",
];

/** Throws `INVALID_ARGUMENT` for what can't be the options of a client, whose names are `known`. */
export function assertClientOptions(
  what: string,
  options: ClientOptions,
  known: readonly string[],
): void {
  assertObject("the options", options);
  assertKnownKeys(what, options, known);
  const { headers, tls, cookies, localHost, family, noDelay, keepAlive, useCookies } = options;
  if (options.allowAddress !== undefined) assertFunction("allowAddress", options.allowAddress);
  if (headers !== undefined) {
    assertOptionsObject("headers", headers);
    // Only whether they can be sent: what they are is asked again for each request.
    encodeFields(headers);
  }
  if (tls !== undefined) assertOptionsObject("tls", tls);
  assertMethods("cookies", cookies, ["cookieHeader", "setFromHeader"]);
  assertSwitch("useCookies", useCookies);
  if (localHost !== undefined) assertIp("localHost", localHost);
  if (family !== undefined) assertOneOf("family", family, ["any", "IPv4", "IPv6"]);
  if (noDelay !== undefined) assertBoolean("noDelay", noDelay);
  if (keepAlive !== undefined) assertKeepAlive(keepAlive);
}

/** The options that concern how connections are made. */
export function dialerOptions(
  options: ClientOptions,
): Pick<DialerOptions, "engine" | "tls" | "limits" | "settings" | "locality"> {
  const { engine, tls, limits, localHost, family, allowAddress, keepAlive, noDelay } = options;
  return {
    engine,
    tls,
    limits: createLimits(limits),
    settings: {
      ...(keepAlive !== undefined && { keepAlive }),
      ...(noDelay !== undefined && { noDelay }),
    },
    locality: {
      ...(localHost !== undefined && { localHost }),
      ...(family !== undefined && { family }),
      ...(allowAddress !== undefined && { allowAddress }),
    },
  };
}

/** Names of the numbers of an `HttpAgent`. */
export const AGENT_NUMBER_NAMES: readonly string[] = optionNames<AgentNumbers>(AGENT_NUMBERS);

/** Throws `INVALID_ARGUMENT` unless `value` has methods of these names; undefined will do. */
export function assertMethods(name: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return;
  assertOptionsObject(name, value);
  for (const method of methods) {
    if (typeof (value as Readonly<Record<string, unknown>>)[method] === "function") continue;
    throw invalid(`${name} must have the method ${method}`);
  }
}

/** Throws `INVALID_ARGUMENT` unless a time of a request is in its range; undefined is. */
export function assertRequestTime(name: keyof RequestTimes, value: number | undefined): void {
  if (value !== undefined) AGENT_NUMBERS[name].assert(name, value);
}

/** Throws `INVALID_ARGUMENT` unless `value` is true, false or left out. */
export function assertSwitch(name: string, value: unknown): void {
  if (value !== undefined) assertBoolean(name, value);
}
