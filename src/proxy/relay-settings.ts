/** Numbers of a relay, with defaults and ranges; `docs/limits.md` is compared with the table. */
import { count, milliseconds, type OptionTable } from "../options.js";

/** Numbers of a `Relay`. */
export interface RelayNumbers {
  /** Clients at a time. Default 10,000. */
  readonly maxConnections: number;
  /** Time to find a destination that can be reached, for all that are tried together. Default 10 s. */
  readonly connectTimeoutMs: number;
  /** Time for the PROXY header of a client that has to send one. Default 5 s. */
  readonly headerTimeoutMs: number;
  /** How long nothing may come from either side. Default 10 min; 0: for any time. */
  readonly tunnelIdleTimeoutMs: number;
  /** Failures to connect, one after the other, after which a destination is not tried for a while. Default 5. */
  readonly ejectAfter: number;
  /** How long it is not tried; twice as long each further time. Default 30 s. */
  readonly ejectMs: number;
  /** The longest such time. Default 300 s. */
  readonly maxEjectMs: number;
  /** So many of the destinations may be left out at a time, in percent; never all. Default 50. */
  readonly maxEjectedPercent: number;
}

/** Default and range of each number. */
export const RELAY_NUMBERS: OptionTable<RelayNumbers> = {
  maxConnections: count(10_000, "connections", { min: 1, max: 5_000_000 }),
  connectTimeoutMs: milliseconds(10_000, { min: 1 }),
  headerTimeoutMs: milliseconds(5_000, { min: 1 }),
  tunnelIdleTimeoutMs: milliseconds(600_000),
  ejectAfter: count(5, "failures", { min: 1, max: 1_000_000 }),
  ejectMs: milliseconds(30_000, { min: 1 }),
  maxEjectMs: milliseconds(300_000, { min: 1 }),
  maxEjectedPercent: count(50, "percent", { max: 100 }),
};
