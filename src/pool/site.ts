/** A destination of a pool, and the connections to it. */
import type { Connection } from "../connection/connection.js";
import { Health } from "./ejection.js";
import type { PoolDestination } from "./pool-options.js";

/** A connection of the pool. */
export class Pooled {
  readonly connection: Connection;
  readonly site: Site;
  readonly madeMs: number;
  idleMs: number;
  useCount = 0;
  /** A lease has it for itself. */
  isLeased = false;
  /** It is closed when nobody uses it any more. */
  isDoomed = false;

  constructor(connection: Connection, site: Site, nowMs: number) {
    this.connection = connection;
    this.site = site;
    this.madeMs = nowMs;
    this.idleMs = nowMs;
  }

  get isOpen(): boolean {
    return this.connection.isOpen && !this.isDoomed;
  }
}

/** A destination, and what the pool has of it. */
export class Site {
  readonly destination: PoolDestination;
  readonly health: Health = new Health();
  readonly connections: Set<Pooled> = new Set();
  connectingCount = 0;
  isGone = false;

  constructor(destination: PoolDestination) {
    this.destination = destination;
  }

  get useCount(): number {
    let count = this.connectingCount;
    for (const pooled of this.connections) count += pooled.useCount;
    return count;
  }

  get size(): number {
    return this.connections.size + this.connectingCount;
  }
}
