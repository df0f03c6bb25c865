/** A destination of a pool, and the connections to it. */
import type { Connection } from "../connection/connection.js";
import type { Clock } from "../time/clock.js";
import type { Destined } from "./destination-table.js";
import { Health } from "./ejection.js";
import type { PoolDestination } from "./pool-options.js";
import { Stock, type Stocked } from "./stock.js";

/** How a connection is wanted: alone, or beside other requests. */
export type Use = "exclusive" | "shared";

/** A connection of the pool. */
export class Pooled implements Stocked {
  readonly connection: Connection;
  readonly site: Site;
  /** From when on it is not used again, by the clock; 0: it may be at any time. */
  readonly oldMs: number;
  /** When it was used last. */
  idleMs: number;
  useCount = 0;
  /** A lease has it for itself. */
  isLeased = false;
  /** It is closed when its last user has left. */
  isDoomed = false;
  private readonly clock: Clock;

  /** `maxAgeMs` 0: no limit. */
  constructor(connection: Connection, site: Site, clock: Clock, maxAgeMs: number) {
    const nowMs = clock.now();
    this.connection = connection;
    this.site = site;
    this.oldMs = maxAgeMs === 0 ? 0 : nowMs + maxAgeMs;
    this.idleMs = nowMs;
    this.clock = clock;
  }

  /** Whether it can be used once more. Not with unread data: the next user would take it for an answer to what it sends. */
  get isUsable(): boolean {
    const { connection } = this;
    if (!connection.isOpen || this.isDoomed || connection.unreadBytes > 0) return false;
    return !this.isOld;
  }

  get isOld(): boolean {
    return this.oldMs > 0 && this.clock.now() >= this.oldMs;
  }
}

let siteCount = 0;

/** A destination, and what the pool has of it. */
export class Site implements Destined {
  /** No other has the same. */
  readonly number: number = ++siteCount;
  readonly name: string;
  readonly destination: PoolDestination;
  readonly health: Health = new Health();
  readonly stock: Stock<Pooled>;
  /** The pool has this destination no more. */
  isGone = false;
  /** Those with requests, and room for more. */
  private readonly sharing: Set<Pooled> = new Set();
  private readonly maxRequests: number;
  private uses = 0;

  constructor(destination: PoolDestination, maxRequests: number) {
    this.name = nameOf(destination);
    this.destination = destination;
    this.maxRequests = maxRequests;
    this.stock = new Stock((pooled) => this.doom(pooled));
  }

  get useCount(): number {
    return this.stock.attemptCount + this.uses;
  }

  /** Whether a connection, or room on one, is free. */
  hasFree(use: Use): boolean {
    return this.stock.idleCount > 0 || (use === "shared" && this.sharing.size > 0);
  }

  /** A connection that can be used now; of those that are shared the least used. */
  take(use: Use): Pooled | undefined {
    const idle = this.stock.take();
    if (idle !== undefined || use === "exclusive") return idle;
    let best: Pooled | undefined;
    for (const pooled of this.sharing) {
      if (!pooled.isUsable) this.sharing.delete(pooled);
      else if (best === undefined || pooled.useCount < best.useCount) best = pooled;
    }
    return best;
  }

  /** One that was taken, or is new, is used once more. */
  use(pooled: Pooled, use: Use): void {
    pooled.useCount++;
    this.uses++;
    pooled.isLeased = use === "exclusive";
    this.place(pooled);
  }

  /** It is used once less: kept, or closed. */
  unuse(pooled: Pooled): void {
    pooled.useCount--;
    this.uses--;
    pooled.isLeased = false;
    this.place(pooled);
    if (pooled.useCount === 0) this.keep(pooled);
  }

  private place(pooled: Pooled): void {
    const { useCount, isLeased } = pooled;
    const hasRoom = useCount > 0 && !isLeased && useCount < this.maxRequests;
    if (hasRoom && pooled.isUsable) this.sharing.add(pooled);
    else this.sharing.delete(pooled);
  }

  /** Its last user has left: it is idle from now on, or closed. */
  keep(pooled: Pooled): void {
    if (pooled.isUsable) this.stock.keep(pooled);
    else this.doom(pooled);
  }

  /** It is closed as soon as it is not in use. */
  doom(pooled: Pooled): void {
    pooled.isDoomed = true;
    this.sharing.delete(pooled);
    if (pooled.useCount > 0) return;
    this.stock.remove(pooled);
    pooled.connection.close();
  }
}

/** `host:port`. */
export function nameOf({ host = "127.0.0.1", port }: PoolDestination): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
