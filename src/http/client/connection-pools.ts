/**
 * The pools of an agent, one for each origin and proxy, and what bounds them together.
 *
 * Invariants: `connectionCount` is the sum over the pools, and never above `maxConnections`; a pool
 * that was refused room is in `lacking` until it has asked again; a pool without connections and
 * requests is not kept.
 */
import type { NetError } from "../../errors.js";
import type { Timer } from "../../time/clock.js";
import type { AgentNumbers } from "./client-options.js";
import type { Dialer } from "./http-dialer.js";
import type { DialRoute } from "./http-proxy.js";
import { OriginPool, type PoolOwner } from "./origin-pool.js";

/** The pools of one agent. */
export class ConnectionPools implements PoolOwner {
  readonly numbers: AgentNumbers;
  readonly dialer: Dialer;
  /** Requests that wait, of all pools. */
  waitingCount = 0;
  repeatedCount = 0;
  /** Connections that are open or being made. */
  connectionCount = 0;
  private readonly pools: Map<string, OriginPool> = new Map();
  /** Pools that were refused room, in the order in which they asked. */
  private readonly lacking: Set<OriginPool> = new Set();
  private readonly whenEmpty: (() => void)[] = [];

  constructor(numbers: AgentNumbers, dialer: Dialer) {
    this.numbers = numbers;
    this.dialer = dialer;
  }

  /** Origins and proxies with connections or requests. */
  get originCount(): number {
    return this.pools.size;
  }

  /** Connections without a request. */
  get idleCount(): number {
    let count = 0;
    for (const pool of this.pools.values()) count += pool.idleCount;
    return count;
  }

  /** The pool of this key, made if there is none. */
  of(key: string, route: DialRoute): OriginPool {
    let pool = this.pools.get(key);
    if (pool === undefined) {
      pool = new OriginPool(this, key, route);
      this.pools.set(key, pool);
    }
    return pool;
  }

  /** Closes the connections that have no request; returns how many. */
  closeIdle(): number {
    let count = 0;
    for (const pool of this.pools.values()) while (pool.evict()) count++;
    return count;
  }

  /** What waits fails with `error`, idle connections are closed, others as soon as they are free. */
  stop(error: NetError): void {
    for (const pool of [...this.pools.values()]) pool.stop(error);
  }

  /** Resolves when no connection is left, or after `limitMs`. */
  empty(limitMs: number): Promise<void> {
    if (this.connectionCount === 0 || limitMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer: Timer = this.dialer.wheel.clock.setTimer(limitMs, resolve);
      this.whenEmpty.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  // — the pools' calls —

  get isLacking(): boolean {
    return this.lacking.size > 0;
  }

  takeRoom(pool: OriginPool): boolean {
    if (this.connectionCount < this.numbers.maxConnections) {
      this.connectionCount++;
      return true;
    }
    this.lacking.add(pool);
    for (const other of this.pools.values()) if (other.evict()) break;
    return false;
  }

  returnRoom(): void {
    this.connectionCount--;
    while (this.connectionCount < this.numbers.maxConnections) {
      const [pool] = this.lacking;
      if (pool === undefined) break;
      this.lacking.delete(pool);
      pool.advance();
    }
    if (this.connectionCount > 0) return;
    for (const tell of this.whenEmpty.splice(0)) tell();
  }

  poolEmpty(pool: OriginPool): void {
    this.lacking.delete(pool);
    if (this.pools.get(pool.key) === pool) this.pools.delete(pool.key);
  }
}
