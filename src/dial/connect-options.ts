/** Where and how to connect, for clients and agents alike. */
import { assertHost } from "../bytes/host-text.js";
import { parseIp } from "../bytes/ip-bytes.js";
import type { WaitOptions } from "../connection/connection.js";
import { assertFunction, assertInteger, assertText, describe, invalidArgument } from "../errors.js";
import {
  assertOptions,
  type CallTable,
  choice,
  count,
  milliseconds,
  type NumberRule,
  optional,
} from "../options.js";
import { type ProxyChoice, type ProxyRoute, ProxyRouter, type ProxyScheme } from "./proxy-route.js";

/** Whether `address`, one of those that `host` has, may be connected to. */
export type AddressFilter = (address: string, host: string, port: number) => boolean;

/** Options of `connect`. */
export interface ConnectOptions extends WaitOptions {
  /** Name or address of the peer. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Port of the peer, 1 to 65535. */
  readonly port?: number | undefined;
  /** Path of a Unix-domain socket instead of host and port. */
  readonly path?: string | undefined;
  /** Local address to bind. */
  readonly localHost?: string | undefined;
  /** Local port to bind; 0 (default): any. */
  readonly localPort?: number | undefined;
  /** Which addresses of the host to use. Default `any`: both, raced by RFC 8305. */
  readonly family?: "any" | "IPv4" | "IPv6" | undefined;
  /** Time before the next address is tried beside the last one, in milliseconds. Default 250 (RFC 8305 §5). */
  readonly attemptDelayMs?: number | undefined;
  /** Time for name lookup and all attempts together, in milliseconds; 0: no limit. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether an address that `host` was looked up to may be connected to, called for each; that address is then
   * dialled, so that a name can't change its mind in between. None left: `ADDRESS_REFUSED`. Not asked where
   * the connection goes through proxies, which look names up themselves. Default: all may.
   */
  readonly allowAddress?: AddressFilter | undefined;
  /** Told when the addresses of the host, or of the first proxy, are known, before the first attempt. */
  readonly onLookup?: (() => void) | undefined;
  /**
   * Through which proxies; `false`: none. Default: the component's. The last proxy looks `host` up. A `path` can't be
   * connected to through a proxy.
   */
  readonly proxy?: ProxyChoice | undefined;
}

/** Default of {@link ConnectOptions.timeoutMs}. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Default and range of {@link ConnectOptions.attemptDelayMs}: RFC 8305 §5. */
export const ATTEMPT_DELAY_MS: NumberRule = milliseconds(250, { min: 10, max: 60_000 });

/** Of `localHost`. Names are not looked up: a socket is bound to an address. */
export function assertIp(name: string, value: unknown): void {
  if (typeof value === "string" && parseIp(value) !== undefined) return;
  throw invalidArgument(`${name} must be an IP address, not ${describe(value)}`);
}

const CONNECT_OPTIONS: CallTable<ConnectOptions> = {
  host: optional(assertHost),
  port: optional(count(0, "port", { min: 1, max: 65_535 })),
  path: optional(assertText),
  localHost: optional(assertIp),
  localPort: optional(count(0, "port", { max: 65_535 })),
  family: optional(choice("any", ["any", "IPv4", "IPv6"])),
  attemptDelayMs: optional(ATTEMPT_DELAY_MS),
  timeoutMs: optional(milliseconds(CONNECT_TIMEOUT_MS)),
  signal: optional(() => undefined),
  allowAddress: optional(assertFunction),
  onLookup: optional(assertFunction),
  proxy: optional((_name, value) => ProxyRouter.assert(value)),
};

/** Where connections go out from, unless `connect` says otherwise. */
export interface LocalEnd {
  /** Local address to bind. Default: the system chooses. */
  readonly localHost?: string | undefined;
  /** Local port to bind; 0 (default): any. */
  readonly localPort?: number | undefined;
  /** Through which proxies connections go. Default: none. */
  readonly proxy?: ProxyChoice | undefined;
}

/** Names of the options of {@link LocalEnd}. */
export const LOCAL_END_NAMES: readonly (keyof LocalEnd)[] = ["localHost", "localPort", "proxy"];

/** The local end among the options of a component. Throws `INVALID_ARGUMENT`. */
export function localEnd({ localHost, localPort, proxy }: LocalEnd): LocalEnd {
  if (localHost !== undefined) CONNECT_OPTIONS.localHost.assert("localHost", localHost);
  if (localPort !== undefined) CONNECT_OPTIONS.localPort.assert("localPort", localPort);
  ProxyRouter.assert(proxy);
  return { localHost, localPort, proxy };
}

/** What a connection is made by: the options, and the proxies that they come to. */
export interface DialOptions extends ConnectOptions {
  readonly route?: ProxyRoute | undefined;
  /** The route's one proxy is asked for no tunnel: it is spoken with itself. */
  readonly isForwarded?: boolean | undefined;
  /** We speak first with the destination: bytes that come before are none of its own. */
  readonly refusesEarly?: boolean | undefined;
  /** What `timeoutMs` is called where it was given, for messages. */
  readonly timeoutName?: string | undefined;
}

/**
 * The options with the component's local end and proxy where they have none of their own; a path has
 * neither. Throws what a function `proxy` throws, or answers that can't be.
 */
export function dialOptions(
  options: ConnectOptions,
  local: LocalEnd,
  scheme: ProxyScheme,
): DialOptions {
  if (options.path !== undefined) return options;
  const localHost = options.localHost ?? local.localHost;
  const localPort = options.localPort ?? local.localPort;
  const { host = LOOPBACK, port = 0 } = options;
  const router = new ProxyRouter(options.proxy ?? local.proxy);
  const route = router.route({ host, port, scheme });
  return {
    ...options,
    ...(localHost !== undefined && { localHost }),
    ...(localPort !== undefined && { localPort }),
    ...(route !== undefined && { route, refusesEarly: scheme === "tls" }),
  };
}

/** Where `connect` goes without a host. */
export const LOOPBACK: string = "127.0.0.1";

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function assertConnectOptions(options: ConnectOptions): void {
  assertOptions<ConnectOptions>("connect", CONNECT_OPTIONS, options);
  const { path, host, port, proxy } = options;
  // Of a port that is missing the message says so, with the range.
  if (path === undefined) assertInteger("port", port, 1, 65_535);
  else if (host !== undefined || port !== undefined) {
    throw invalidArgument("connect takes either a path or a host and port, not both");
  } else if (proxy !== undefined && proxy !== false) {
    throw invalidArgument("connect takes either a path or a proxy, not both");
  }
}
