/** Numbers of a relay, with defaults and ranges; `docs/limits.md` is compared with the table. */
import { bytes, count, milliseconds, type OptionTable } from "../../options.js";
import { EJECTION_NUMBERS, type EjectionNumbers } from "../../pool/ejection.js";
import { MAX_HELLO_BYTES } from "../../protocol/tls-hello/hello-reader.js";

/** Numbers of a `Relay`. */
export interface RelayNumbers extends EjectionNumbers {
  /** Clients at a time. Default 10,000. */
  readonly maxConnections: number;
  /** Time to find a destination that can be reached, for all that are tried together. Default 10 s. */
  readonly connectTimeoutMs: number;
  /** Time for one of them, after which the next is tried. Default 2 s. */
  readonly attemptTimeoutMs: number;
  /** Time for the ClientHello of a client that is forwarded by its name (`sni`). Default 5 s. */
  readonly helloTimeoutMs: number;
  /** The longest such ClientHello. Default 16 KiB. */
  readonly maxHelloBytes: number;
  /** How long nothing may come from either side. Default 10 min; 0: for any time. */
  readonly tunnelIdleTimeoutMs: number;
}

/** Default and range of each number. */
export const RELAY_NUMBERS: OptionTable<RelayNumbers> = {
  maxConnections: count(10_000, "connections", { min: 1, max: 5_000_000 }),
  connectTimeoutMs: milliseconds(10_000, { min: 1 }),
  attemptTimeoutMs: milliseconds(2_000, { min: 1 }),
  helloTimeoutMs: milliseconds(5_000, { min: 1 }),
  maxHelloBytes: bytes(MAX_HELLO_BYTES, { min: 512, max: 65_536 }),
  tunnelIdleTimeoutMs: milliseconds(600_000),
  ...EJECTION_NUMBERS,
};

/** Numbers of a `UdpRelay`. */
export interface UdpRelayNumbers extends EjectionNumbers {
  /** Clients, told by their addresses, at a time. Default 10,000. */
  readonly maxConnections: number;
  /** How long nothing may come from a client or its destination. Default 60 s. */
  readonly idleTimeoutMs: number;
  /** Datagrams of a client that wait until its destination is known and its socket open. Default 16. */
  readonly maxEarlyDatagrams: number;
  /** Bytes that wait to be sent to one client, or for it; further datagrams are dropped. Default 1 MiB. */
  readonly maxPendingBytes: number;
}

/** Default and range of each number. */
export const UDP_RELAY_NUMBERS: OptionTable<UdpRelayNumbers> = {
  maxConnections: count(10_000, "sessions", { min: 1, max: 1_000_000 }),
  idleTimeoutMs: milliseconds(60_000, { min: 10 }),
  maxEarlyDatagrams: count(16, "datagrams", { max: 1_024 }),
  maxPendingBytes: bytes(1_048_576, { min: 65_536 }),
  ...EJECTION_NUMBERS,
};
