/** Numbers of a relay, with defaults and ranges; `docs/limits.md` is compared with the table. */
import { bytes, count, milliseconds, type OptionTable } from "../../options.js";
import { MAX_HELLO_BYTES } from "../../protocol/tls-hello/hello-reader.js";

/** When destinations are left out; numbers that relays of streams and of datagrams share. */
export interface RelayEjectionNumbers {
  /** Failures, one after the other, after which a destination is not tried for a while. Default 5. */
  readonly ejectAfter: number;
  /** How long it is not tried; twice as long each further time. Default 30 s. */
  readonly ejectMs: number;
  /** The longest such time. Default 300 s. */
  readonly maxEjectMs: number;
  /** So many of the destinations may be left out at a time, in percent; never all. Default 50. */
  readonly maxEjectedPercent: number;
}

/** Numbers of a `Relay`. */
export interface RelayNumbers extends RelayEjectionNumbers {
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

const EJECTION_NUMBERS: OptionTable<RelayEjectionNumbers> = {
  ejectAfter: count(5, "failures", { min: 1, max: 1_000_000 }),
  ejectMs: milliseconds(30_000, { min: 1 }),
  maxEjectMs: milliseconds(300_000, { min: 1 }),
  maxEjectedPercent: count(50, "percent", { max: 100 }),
};

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
export interface UdpRelayNumbers extends RelayEjectionNumbers {
  /** Clients, told by their addresses, at a time. Default 10,000. */
  readonly maxSessions: number;
  /** How long nothing may come from a client or its destination. Default 60 s. */
  readonly sessionIdleTimeoutMs: number;
  /** Datagrams of a client that wait until its destination is known and its socket open. Default 16. */
  readonly maxEarlyDatagrams: number;
  /** Bytes that wait to be sent to one client, or for it; further datagrams are dropped. Default 1 MiB. */
  readonly maxPendingBytes: number;
}

/** Default and range of each number. */
export const UDP_RELAY_NUMBERS: OptionTable<UdpRelayNumbers> = {
  maxSessions: count(10_000, "sessions", { min: 1, max: 1_000_000 }),
  sessionIdleTimeoutMs: milliseconds(60_000, { min: 10 }),
  maxEarlyDatagrams: count(16, "datagrams", { max: 1_024 }),
  maxPendingBytes: bytes(1_048_576, { min: 65_536 }),
  ...EJECTION_NUMBERS,
};
