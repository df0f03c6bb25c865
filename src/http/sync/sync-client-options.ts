/**
 * Options of an `HttpSyncClient`: names, defaults, checks. `docs/limits.md` is compared with the
 * table of numbers.
 */
import process from "node:process";
import { assertTlsSettings } from "../../connection/tls/tls-settings.js";
import { ProxyRouter } from "../../dial/proxy-route.js";
import type { EngineName } from "../../engine/engine.js";
import { assertOneOf, invalidArgument } from "../../errors.js";
import type { Given } from "../../options.js";
import { bytes, GIB, milliseconds, type OptionTable, readOptions } from "../../options.js";
import { createLimits } from "../../protocol/http1/limits.js";
import {
  assertClientOptions,
  assertSwitch,
  CLIENT_OPTION_NAMES,
  type ClientOptions,
} from "../client/client-options.js";
import type { CookieStore } from "../cookie/cookie-store.js";
import { fieldPairs } from "../http-fields.js";
import { assertOptionsObject } from "../option-check.js";
import { eventsOf, type HttpSyncListener } from "./sync-listener.js";
import type { SyncStart } from "./sync-messages.js";

/** Options of an `HttpSyncClient`. */
export interface HttpSyncClientOptions extends Omit<ClientOptions, "engine"> {
  /**
   * Name of the engine; it runs in the worker. Default: what `HP_SOCKET_ENGINE` says, else `node`,
   * which starts sooner, and is no slower with one connection.
   */
  readonly engine?: "auto" | EngineName | undefined;
  /** Time to connect, in milliseconds; 0: no limit. Default 5,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Time for request and response together, in milliseconds; 0: no limit. Default 10,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Whether cookies are used, where there is a store. Default true. */
  readonly useCookies?: boolean | undefined;
  /** The handlers. Default: none. */
  readonly listener?: Given<HttpSyncListener> | undefined;
}

const OPTION_NAMES: readonly string[] = [
  ...CLIENT_OPTION_NAMES,
  "connectTimeoutMs",
  "requestTimeoutMs",
  "useCookies",
  "listener",
];

/** The numbers among the options. */
export type SyncClientNumber = "connectTimeoutMs" | "requestTimeoutMs" | "limits.maxBodyBytes";

/** Default and range of each number. A body is held in one piece, which has a limit of its own in Node. */
export const SYNC_CLIENT_NUMBERS: OptionTable<Record<SyncClientNumber, number>> = {
  connectTimeoutMs: milliseconds(5_000),
  requestTimeoutMs: milliseconds(10_000),
  "limits.maxBodyBytes": bytes(GIB, { max: 4 * GIB }),
};

/** The options, checked and with defaults. */
export interface SyncSettings {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly useCookies: boolean;
  readonly cookies: CookieStore | undefined;
  readonly listener: Given<HttpSyncListener>;
  /** What the worker is told. */
  readonly start: Pick<SyncStart, "options" | "events">;
}

/** Reads the options. Throws `INVALID_ARGUMENT`. */
export function syncSettings(given: HttpSyncClientOptions): SyncSettings {
  assertClientOptions("HttpSyncClient", given, OPTION_NAMES);
  const { listener = {}, cookies, engine, tls, proxy, headers, useCookies = true } = given;
  const { localHost, family, keepAlive, noDelay } = given;
  assertOptionsObject("listener", listener);
  assertSwitch("useCookies", useCookies);
  if (engine !== undefined) assertOneOf("engine", engine, ["auto", "uring", "node"]);
  if (tls !== undefined) assertTlsSettings("client", tls);
  // Checked here; the worker makes its own.
  ProxyRouter.assert(proxy);
  if (typeof proxy === "function") {
    throw invalidArgument(
      "proxy of HttpSyncClient must be a URL, options or a list, not a function",
    );
  }
  if (given.limits !== undefined) assertOptionsObject("limits", given.limits);
  const numbers = readOptions<Record<SyncClientNumber, number>>(SYNC_CLIENT_NUMBERS, {
    connectTimeoutMs: given.connectTimeoutMs,
    requestTimeoutMs: given.requestTimeoutMs,
    "limits.maxBodyBytes": given.limits?.maxBodyBytes,
  });
  const { connectTimeoutMs, requestTimeoutMs } = numbers;
  const limits = { ...given.limits, maxBodyBytes: numbers["limits.maxBodyBytes"] };
  const chosenEngine = engine ?? (process.env["HP_SOCKET_ENGINE"] ? undefined : "node");
  const options = {
    ...(chosenEngine !== undefined && { engine: chosenEngine }),
    ...(tls !== undefined && { tls }),
    ...(proxy !== undefined && { proxy }),
    ...(headers !== undefined && { headers: [...fieldPairs(headers)] }),
    ...(localHost !== undefined && { localHost }),
    ...(family !== undefined && { family }),
    ...(keepAlive !== undefined && { keepAlive }),
    ...(noDelay !== undefined && { noDelay }),
    limits: createLimits(limits),
    connectTimeoutMs,
    headTimeoutMs: 0,
    bodyTimeoutMs: 0,
  };
  return {
    connectTimeoutMs,
    requestTimeoutMs,
    useCookies,
    cookies,
    listener,
    start: { options, events: eventsOf(listener) },
  };
}
