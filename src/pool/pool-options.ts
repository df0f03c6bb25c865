/** What a pool of connections can be given. */
import { assertHost } from "../bytes/host-text.js";
import type { Connection, WaitOptions } from "../connection/connection.js";
import { assertWaitOptions } from "../connection/waiting/waiter.js";
import {
  assertBoolean,
  assertFunction,
  assertInteger,
  assertKnownKeys,
  assertObject,
  describe,
  invalidArgument,
  type NetError,
} from "../errors.js";
import {
  assertOrder,
  choice,
  count,
  type Given,
  MAX_MS,
  milliseconds,
  type OptionRule,
  type OptionTable,
  readOptions,
} from "../options.js";
import type { TcpAgentOptions } from "../tcp/tcp-agent.js";
import { EJECTION_NUMBERS, type EjectionNumbers } from "./ejection.js";
import {
  type HealthCheckOptions,
  type HealthCheckSettings,
  readHealthCheck,
} from "./health-check-options.js";

/** Where connections of a pool go. */
export interface PoolDestination {
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Port of the destination. */
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
export interface PoolNumbers extends EjectionNumbers {
  /** Idle connections to each destination that `idleTimeoutMs` leaves; `warmUp` makes as many. Default 0. */
  readonly minConnectionsPerDestination: number;
  /** Connections at a time to each destination. Default 10. */
  readonly maxConnectionsPerDestination: number;
  /** Connections to each destination that are being made at a time: of more than it accepts in time, some would fail. Default 128. */
  readonly maxConnectingPerDestination: number;
  /** Requests at a time on one connection; above 1 the agent needs `correlate`. Default 1. */
  readonly maxRequestsPerConnection: number;
  /** Idle connections above `minConnectionsPerDestination` are closed after so long. Default 60,000. */
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
  /** When a connection is not made after so long, another destination is tried beside. Default 500. */
  readonly attemptDelayMs: number;
}

/** Options of a pool. */
export interface PoolOptions extends Given<PoolNumbers> {
  /** Where connections go, one at least. */
  readonly destinations: readonly PoolDestination[];
  /** What the connections are made with: receive model, TLS, `correlate`, heartbeat, proxy … */
  readonly agent?: TcpAgentOptions | undefined;
  /** Which destination the next connection or request goes to: see {@link PoolBalance}. Default `"leastUsed"`. */
  readonly balance?: PoolBalance | undefined;
  /** Whether an idle connection is well: sends a ping and reads the answer, for example. Rejecting is no. */
  readonly check?: ((connection: Connection) => Promise<boolean> | boolean) | undefined;
  /** Looks regularly whether destinations are there; what is down is not used. Default: none. */
  readonly healthCheck?: HealthCheckOptions | undefined;
  /** A destination was ejected. */
  readonly onEject?:
    | ((destination: PoolDestination, ejectedMs: number, cause: unknown) => void)
    | undefined;
  /** It is tried again. */
  readonly onReturn?: ((destination: PoolDestination) => void) | undefined;
  /** No destination is well: all are tried nevertheless. */
  readonly onPanic?: (() => void) | undefined;
  /** Checks have found a destination down, or up again. */
  readonly onCheck?:
    | ((destination: PoolDestination, isUp: boolean, cause: unknown) => void)
    | undefined;
  /** A handler of the pool threw or rejected; nothing else comes of it. Without this one a process warning tells of it. */
  readonly onHandlerError?: ((error: NetError) => void) | undefined;
}

/** Options of `ConnectionPool.request`. */
export interface PoolRequestOptions extends WaitOptions {
  /** The request may be sent twice: it is repeated on another connection when one is lost. Default false. */
  readonly idempotent?: boolean | undefined;
  /**
   * Time for one attempt of an idempotent request, after which it is repeated elsewhere, up to three times.
   * Default: `timeoutMs` of the request.
   */
  readonly attemptTimeoutMs?: number | undefined;
}

/** Default and range of each number. */
export const POOL_NUMBERS: OptionTable<PoolNumbers> = {
  minConnectionsPerDestination: count(0, "connections", { max: 100_000 }),
  maxConnectionsPerDestination: count(10, "connections", { min: 1, max: 100_000 }),
  maxConnectingPerDestination: count(128, "connections", { min: 1, max: 100_000 }),
  maxRequestsPerConnection: count(1, "requests", { min: 1, max: 1_048_576 }),
  idleTimeoutMs: milliseconds(60_000, { min: 1 }),
  maxAgeMs: milliseconds(0),
  checkAfterMs: milliseconds(10_000),
  checkTimeoutMs: milliseconds(2_000, { min: 1 }),
  maxWaiting: count(10_000, "takers", { max: 10_000_000 }),
  waitTimeoutMs: milliseconds(10_000),
  connectTimeoutMs: milliseconds(5_000, { min: 1 }),
  attemptDelayMs: milliseconds(500, { min: 10 }),
  ...EJECTION_NUMBERS,
};

/** Ways to balance, of pools and relays; the first is the default. */
export const BALANCE: OptionRule<PoolBalance> = choice<PoolBalance>("leastUsed", [
  "leastUsed",
  "roundRobin",
  "randomOfTwo",
]);
const HANDLER_NAMES = [
  "check",
  "onEject",
  "onReturn",
  "onPanic",
  "onCheck",
  "onHandlerError",
] as const;
const OTHER_NAMES = ["destinations", "agent", "balance", "healthCheck", ...HANDLER_NAMES];

/** Destinations at most. */
export const MAX_DESTINATIONS = 10_000;

/** The options in full. */
export interface PoolSettings extends PoolNumbers {
  readonly balance: PoolBalance;
  readonly healthCheck: HealthCheckSettings | undefined;
}

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function poolSettings(options: PoolOptions): PoolSettings {
  assertObject("the options", options);
  assertKnownKeys("options", options, [...Object.keys(POOL_NUMBERS), ...OTHER_NAMES]);
  const { destinations, balance = BALANCE.standard, agent } = options;
  for (const name of HANDLER_NAMES) {
    if (options[name] !== undefined) assertFunction(name, options[name]);
  }
  BALANCE.assert("balance", balance);
  if (agent !== undefined) assertObject("agent", agent);
  assertDestinations(destinations);
  const numbers = readOptions<PoolNumbers>(POOL_NUMBERS, options);
  assertOrder(numbers, "minConnectionsPerDestination", "maxConnectionsPerDestination");
  if (numbers.maxRequestsPerConnection > 1 && agent?.correlate === undefined) {
    throw invalidArgument(
      `maxRequestsPerConnection (${numbers.maxRequestsPerConnection}) above 1 needs agent.correlate, which tells responses apart`,
    );
  }
  return { ...numbers, balance, healthCheck: readHealthCheck(options.healthCheck) };
}

/** Throws `INVALID_ARGUMENT` unless these are destinations, one at least. */
export function assertDestinations(given: unknown): asserts given is readonly PoolDestination[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_DESTINATIONS) {
    throw invalidArgument(
      `destinations must be a list of 1 to ${MAX_DESTINATIONS} addresses, not ${describe(given)}`,
    );
  }
  for (const destination of given) {
    if (typeof destination !== "object" || destination === null) {
      const given = describe(destination);
      throw invalidArgument(`a destination of a pool is { host, port }, not ${given}`);
    }
    assertKnownKeys("destinations", destination, ["host", "port"]);
    const { host, port } = destination as PoolDestination;
    if (host !== undefined) assertHost("destinations.host", host);
    assertInteger("destinations.port", port, 1, 65_535);
  }
}

/** Options of a request, read. */
export interface PoolRequestSettings extends WaitOptions {
  readonly idempotent: boolean;
  readonly attemptTimeoutMs: number | undefined;
}

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function readRequestOptions(options: PoolRequestOptions): PoolRequestSettings {
  assertObject("the options of request", options);
  assertKnownKeys("request", options, ["idempotent", "attemptTimeoutMs", "timeoutMs", "signal"]);
  const { idempotent = false, attemptTimeoutMs, ...wait } = options;
  assertBoolean("idempotent", idempotent);
  assertWaitOptions(wait);
  if (attemptTimeoutMs !== undefined) {
    assertInteger("attemptTimeoutMs", attemptTimeoutMs, 1, MAX_MS);
    if (!idempotent) {
      throw invalidArgument(
        "attemptTimeoutMs needs idempotent: what may be sent once is not repeated",
      );
    }
  }
  return { ...wait, idempotent, attemptTimeoutMs };
}
