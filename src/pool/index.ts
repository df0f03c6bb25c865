/** Pools of connections: the entry `hp-socket/pool`. */

export { NetError } from "../errors.js";
export type * from "../public-types.js";
export { ConnectionPool, type PoolLease, type PoolStats } from "./connection-pool.js";
export type { EjectionNumbers } from "./ejection.js";
export type { HealthCheckOptions } from "./health-check-options.js";
export type { HealthCheckNumbers } from "./health-checks.js";
export type {
  PoolBalance,
  PoolDestination,
  PoolNumbers,
  PoolOptions,
  PoolRequestOptions,
} from "./pool-options.js";
