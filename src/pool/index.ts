/** Pools of connections: the entry `hp-socket/pool`. */

export { NetError } from "../errors.js";
export {
  ConnectionPool,
  type PoolLease,
  type PoolRequestOptions,
  type PoolStats,
} from "./connection-pool.js";
export type { PoolBalance, PoolDestination, PoolNumbers, PoolOptions } from "./pool-options.js";
