/**
 * Options of HTTP clients and of their requests: names, defaults, limits. `docs/limits.md` is compared
 * with the table of numbers.
 */
import type { ClientTls } from "../../connection/tls-settings.js";
import type { EngineChoice } from "../../engine/engine.js";
import { assertBoolean, assertKnownKeys } from "../../errors.js";
import {
  bytes,
  count,
  GIB,
  milliseconds,
  type OptionTable,
  optionNames,
  readOptions,
} from "../../options.js";
import type { FieldInput } from "../../protocol/http1/field-writer.js";
import type { Http1Limits } from "../../protocol/http1/limits.js";
import type { CookieStore } from "../cookie/cookie-store.js";
import { assertOptionsObject, invalid } from "../option-check.js";
import type { ProxyOptions } from "./http-proxy.js";

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
  /** How long a connection is kept without a request where its server does not say. Default 4,000; 0: never. */
  readonly idleTimeoutMs: number;
  /** The same where the server says longer (`Keep-Alive: timeout`), at most. Default 60,000. */
  readonly maxIdleTimeoutMs: number;
  /** How much sooner than the server a connection is given up. Default 1,000. */
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
  /** What moves the bytes. TLS runs on an engine that has it (node). */
  readonly engine?: EngineChoice;
  /** Certificates and rules for `https:`. Default: the peer is verified. */
  readonly tls?: Omit<ClientTls, "start">;
  /** Fields that every request has, unless it has one of that name itself. */
  readonly headers?: FieldInput;
  /** Where cookies come from and go to. Default: none. */
  readonly cookies?: CookieStore;
  /** Through which proxy, by its URL or with more. Default: none. */
  readonly proxy?: string | ProxyOptions;
  /** What is taken of a response at most. */
  readonly limits?: Partial<Http1Limits>;
}

/** Options of an {@link HttpAgent}. */
export interface HttpAgentOptions extends ClientOptions, Partial<AgentNumbers> {}

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
  "proxy",
  "limits",
];

/** All numbers: those given, and the defaults. Throws `INVALID_ARGUMENT`. */
export function agentNumbers(given: Partial<AgentNumbers>): AgentNumbers {
  return Object.freeze(readOptions<AgentNumbers>(AGENT_NUMBERS, given));
}

/** Names of the numbers of an `HttpClient`. */
export const CLIENT_NUMBER_NAMES: readonly (keyof ClientNumbers)[] = [
  "connectTimeoutMs",
  "headTimeoutMs",
  "bodyTimeoutMs",
  "timeoutMs",
  "maxQueued",
  "continueTimeoutMs",
];

/** Throws `INVALID_ARGUMENT` for what is no options object, and for a name that no option has. */
export function assertAgentOptions(options: HttpAgentOptions): void {
  assertClientOptions("HttpAgent", options, [
    ...optionNames<AgentNumbers>(AGENT_NUMBERS),
    ...CLIENT_OPTION_NAMES,
  ]);
}

/** Throws `INVALID_ARGUMENT` for what can't be the options of a client, whose names are `known`. */
export function assertClientOptions(
  what: string,
  options: ClientOptions,
  known: readonly string[],
): void {
  assertOptionsObject("the options", options);
  assertKnownKeys(what, options, known);
  const { headers, tls, cookies } = options;
  if (headers !== undefined) assertOptionsObject("headers", headers);
  if (tls !== undefined) assertOptionsObject("tls", tls);
  assertMethods("cookies", cookies, ["cookieHeader", "setFromHeader"]);
}

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
