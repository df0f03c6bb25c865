/** Where and how to connect, for clients and agents alike. */
import type { WaitOptions } from "../connection/connection.js";
import { assertInteger, assertKnownKeys, assertOneOf, describe, NetError } from "../errors.js";

/** Options of `connect`. */
export interface ConnectOptions extends WaitOptions {
  /** Name or address of the peer. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port of the peer, 1 to 65535. */
  readonly port?: number;
  /** Path of a Unix-domain socket instead of host and port. */
  readonly path?: string;
  /** Local address to bind. */
  readonly localHost?: string;
  /** Local port to bind; 0 (default): any. */
  readonly localPort?: number;
  /** Which addresses of the host to use. Default `any`: both, raced by RFC 8305. */
  readonly family?: "any" | "IPv4" | "IPv6";
  /** Time before the next address is tried beside the last one, in milliseconds. Default 250 (RFC 8305 §5). */
  readonly attemptDelayMs?: number;
  /** Time for name lookup and all attempts together, in milliseconds; 0: no limit. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Told when the addresses of the host are known, before the first attempt. */
  readonly onLookup?: () => void;
}

/** Default of {@link ConnectOptions.timeoutMs}. */
export const CONNECT_TIMEOUT_MS = 10_000;

const CONNECT_NAMES = [
  "host",
  "port",
  "path",
  "localHost",
  "localPort",
  "family",
  "attemptDelayMs",
  "timeoutMs",
  "signal",
  "onLookup",
] as const;

/** Throws `INVALID_ARGUMENT` for options that can't be. */
export function assertConnectOptions(options: ConnectOptions): void {
  if (typeof options !== "object" || options === null) {
    throw invalid(`connect takes an options object, not ${describe(options)}`);
  }
  assertKnownKeys("connect", options, CONNECT_NAMES);
  for (const name of ["host", "path", "localHost"] as const) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === "string" && value !== "")) continue;
    throw invalid(`${name} must be text, not ${describe(value)}`);
  }
  if (options.path === undefined) assertInteger("port", options.port, 1, 65_535);
  else if (options.host !== undefined || options.port !== undefined) {
    throw invalid("connect takes either a path or a host and port");
  }
  if (options.localPort !== undefined) assertInteger("localPort", options.localPort, 0, 65_535);
  if (options.attemptDelayMs !== undefined) {
    assertInteger("attemptDelayMs", options.attemptDelayMs, 10, 60_000);
  }
  if (options.timeoutMs !== undefined) {
    assertInteger("timeoutMs", options.timeoutMs, 0, 2 ** 31 - 1);
  }
  if (options.family !== undefined) {
    assertOneOf("family", options.family, ["any", "IPv4", "IPv6"]);
  }
}

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "connect" });
}
