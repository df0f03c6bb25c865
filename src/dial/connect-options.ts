/** Where and how to connect, for clients and agents alike. */
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

/** Options of `connect`. */
export interface ConnectOptions extends WaitOptions {
  /** Name or address of the peer. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Port of the peer, 1 to 65535. */
  readonly port?: number | undefined;
  /** Path of a Unix-domain socket instead of host and port. */
  readonly path?: string | undefined;
  /** Local address to bind. */
  readonly localHost?: string;
  /** Local port to bind; 0 (default): any. */
  readonly localPort?: number;
  /** Which addresses of the host to use. Default `any`: both, raced by RFC 8305. */
  readonly family?: "any" | "IPv4" | "IPv6" | undefined;
  /** Time before the next address is tried beside the last one, in milliseconds. Default 250 (RFC 8305 §5). */
  readonly attemptDelayMs?: number;
  /** Time for name lookup and all attempts together, in milliseconds; 0: no limit. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Told when the addresses of the host are known, before the first attempt. */
  readonly onLookup?: () => void;
}

/** Default of {@link ConnectOptions.timeoutMs}. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Default and range of {@link ConnectOptions.attemptDelayMs}: RFC 8305 §5. */
export const ATTEMPT_DELAY_MS: NumberRule = milliseconds(250, { min: 10, max: 60_000 });

/** Names are not looked up: a socket is bound to an address. */
function assertIp(name: string, value: unknown): void {
  if (typeof value === "string" && parseIp(value) !== undefined) return;
  throw invalidArgument(`${name} must be an IP address, not ${describe(value)}`);
}

const CONNECT_OPTIONS: CallTable<ConnectOptions> = {
  host: optional(assertText),
  port: optional(count(0, "port", { min: 1, max: 65_535 })),
  path: optional(assertText),
  localHost: optional(assertIp),
  localPort: optional(count(0, "port", { max: 65_535 })),
  family: optional(choice("any", ["any", "IPv4", "IPv6"])),
  attemptDelayMs: optional(ATTEMPT_DELAY_MS),
  timeoutMs: optional(milliseconds(CONNECT_TIMEOUT_MS)),
  signal: optional(() => undefined),
  onLookup: optional(assertFunction),
};

/** Where connections go out from, unless `connect` says otherwise. */
export interface LocalEnd {
  /** Local address to bind. Default: the system chooses. */
  readonly localHost?: string | undefined;
  /** Local port to bind; 0 (default): any. */
  readonly localPort?: number | undefined;
}

/** Names of the options of {@link LocalEnd}. */
export const LOCAL_END_NAMES: readonly (keyof LocalEnd)[] = ["localHost", "localPort"];

/** The local end among the options of a component. Throws `INVALID_ARGUMENT`. */
export function localEnd({ localHost, localPort }: LocalEnd): LocalEnd {
  if (localHost !== undefined) CONNECT_OPTIONS.localHost.assert("localHost", localHost);
  if (localPort !== undefined) CONNECT_OPTIONS.localPort.assert("localPort", localPort);
  return { localHost, localPort };
}

/** The options with the component's local end where they have none; a path has none. */
export function fromLocalEnd(options: ConnectOptions, local: LocalEnd): ConnectOptions {
  if (options.path !== undefined) return options;
  const localHost = options.localHost ?? local.localHost;
  const localPort = options.localPort ?? local.localPort;
  return {
    ...options,
    ...(localHost !== undefined && { localHost }),
    ...(localPort !== undefined && { localPort }),
  };
}

/** Throws `INVALID_ARGUMENT` for options that can't be. */
export function assertConnectOptions(options: ConnectOptions): void {
  assertOptions<ConnectOptions>("connect", CONNECT_OPTIONS, options);
  const { path, host, port } = options;
  // Of a port that is missing the message says so, with the range.
  if (path === undefined) assertInteger("port", port, 1, 65_535);
  else if (host !== undefined || port !== undefined) {
    throw invalidArgument("connect takes either a path or a host and port");
  }
}
