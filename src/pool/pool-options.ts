/** What a pool of connections can be given. */
import type { Connection } from "../connection/connection.js";
import {
  assertBoolean,
  assertFunction,
  assertInteger,
  assertKnownKeys,
  assertObject,
  assertText,
  describe,
  invalidArgument,
} from "../errors.js";
import {
  assertOrder,
  choice,
  count,
  milliseconds,
  type OptionTable,
  readOptions,
} from "../options.js";
import type { TcpAgentOptions } from "../tcp/tcp-agent.js";

/** Where connections of a pool go. */
export interface PoolDestination {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  readonly port: number;
}

/** How the destination of the next connection or request is chosen, among those that are well. */
export type PoolBalance =
  /** One after the other. */
  | "roundRobin"
  /** The one with the fewest in use. */
  | "leastUsed"
  /** The less used of two that chance picks: nearly as good, and without a herd of pools. */
  | "randomOfTwo";

/** The numbers of a pool, and how it balances. */
export interface PoolNumbers {
  /** Connections that are kept for each destination, warmed up at the start. Default 0. */
  readonly minConnections: number;
  /** Connections at a time to each destination. Default 10. */
  readonly maxConnections: number;
  /** Requests at a time on one connection; above 1 the agent needs `correlate`. Default 1. */
  readonly maxRequestsPerConnection: number;
  /** Idle connections above `minConnections` are closed after so long. Default 60,000. */
  readonly idleTimeoutMs: number;
  /** Older connections are not used again; 0: no limit. Default 0. */
  readonly maxAgeMs: number;
  /** A connection that was idle for so long is checked before it is used again. Default 10,000. */
  readonly checkAfterMs: number;
  /** Time for a check. Default 2,000. */
  readonly checkTimeoutMs: number;
  /** Takers that may wait for a connection. Default 10,000. */
  readonly maxWaiting: number;
  /** Time that a taker waits where it is not told. Default 10,000. */
  readonly waitTimeoutMs: number;
  /** Time to make a connection. Default 5,000. */
  readonly connectTimeoutMs: number;
  /** Failures in a row that eject a destination. Default 3. */
  readonly ejectAfter: number;
  /** Time for which it is ejected first; each further time is twice as long. Default 5,000. */
  readonly ejectMs: number;
  /** Longest time. Default 120,000. */
  readonly maxEjectMs: number;
  /** Share of the destinations that may be ejected at a time, in percent, after the ejection. Default 50. */
  readonly maxEjectedPercent: number;
}

/** Options of a pool. */
export interface PoolOptions extends Partial<PoolNumbers> {
  /** Where connections go, one at least. */
  readonly destinations: readonly PoolDestination[];
  /** What the connections are made with: receive model, TLS, `correlate`, heartbeat, proxy … */
  readonly agent?: TcpAgentOptions;
  /** Default `"leastUsed"`. */
  readonly balance?: PoolBalance;
  /** Whether an idle connection is well: sends a ping and reads the answer, for example. Rejecting is no. */
  readonly check?: (connection: Connection) => Promise<boolean> | boolean;
  /** A destination was ejected. */
  readonly onEject?: (destination: PoolDestination, ejectedMs: number, cause: unknown) => void;
  /** It is tried again. */
  readonly onReturn?: (destination: PoolDestination) => void;
  /** No destination is well: all are tried nevertheless. */
  readonly onPanic?: () => void;
}

/** Default and range of each number. */
export const POOL_NUMBERS: OptionTable<PoolNumbers> = {
  minConnections: count(0, "connections", { max: 100_000 }),
  maxConnections: count(10, "connections", { min: 1, max: 100_000 }),
  maxRequestsPerConnection: count(1, "requests", { min: 1, max: 1_048_576 }),
  idleTimeoutMs: milliseconds(60_000, { min: 1 }),
  maxAgeMs: milliseconds(0),
  checkAfterMs: milliseconds(10_000),
  checkTimeoutMs: milliseconds(2_000, { min: 1 }),
  maxWaiting: count(10_000, "takers", { max: 10_000_000 }),
  waitTimeoutMs: milliseconds(10_000),
  connectTimeoutMs: milliseconds(5_000, { min: 1 }),
  ejectAfter: count(3, "failures", { min: 1, max: 1_000 }),
  ejectMs: milliseconds(5_000, { min: 1 }),
  maxEjectMs: milliseconds(120_000, { min: 1 }),
  maxEjectedPercent: count(50, "percent", { max: 100 }),
};

const BALANCE = choice<PoolBalance>("leastUsed", ["roundRobin", "leastUsed", "randomOfTwo"]);
const OTHER_NAMES = ["destinations", "agent", "balance", "check", "onEject", "onReturn", "onPanic"];

/** Destinations at most. */
export const MAX_DESTINATIONS = 10_000;

/** The options in full. */
export interface PoolSettings extends PoolNumbers {
  readonly balance: PoolBalance;
}

/** Throws `INVALID_ARGUMENT` for what can't be. */
export function poolSettings(options: PoolOptions): PoolSettings {
  assertObject("the options", options);
  assertKnownKeys("options", options, [...Object.keys(POOL_NUMBERS), ...OTHER_NAMES]);
  const { destinations, balance = BALANCE.standard, agent } = options;
  for (const name of ["check", "onEject", "onReturn", "onPanic"] as const) {
    if (options[name] !== undefined) assertFunction(name, options[name]);
  }
  BALANCE.assert("balance", balance);
  if (agent !== undefined) assertObject("agent", agent);
  assertDestinations(destinations);
  const numbers = readOptions<PoolNumbers>(POOL_NUMBERS, options);
  assertOrder(numbers, "minConnections", "maxConnections");
  if (numbers.maxRequestsPerConnection > 1 && agent?.correlate === undefined) {
    throw invalidArgument(
      `maxRequestsPerConnection (${numbers.maxRequestsPerConnection}) above 1 needs agent.correlate, which tells responses apart`,
    );
  }
  return { ...numbers, balance };
}

/** Throws `INVALID_ARGUMENT` unless these are destinations, one at least. */
export function assertDestinations(given: unknown): asserts given is readonly PoolDestination[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_DESTINATIONS) {
    throw invalidArgument(
      `destinations must be a list of 1 to ${MAX_DESTINATIONS} addresses, not ${describe(given)}`,
    );
  }
  for (const destination of given) {
    assertObject("destinations", destination);
    assertKnownKeys("destinations", destination, ["host", "port"]);
    const { host, port } = destination as PoolDestination;
    if (host !== undefined) assertText("destinations.host", host);
    assertInteger("destinations.port", port, 1, 65_535);
  }
}

/** Throws `INVALID_ARGUMENT` unless the value of `idempotent` is one. */
export function assertIdempotent(value: unknown): void {
  if (value !== undefined) assertBoolean("idempotent", value);
}
