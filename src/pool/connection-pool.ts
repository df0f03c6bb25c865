/**
 * Connections that are used again and again, to one or several destinations of the same service.
 *
 *     take ──► a connection that is idle, checked if it was idle for long ──► lease
 *          ├─► a new connection, where there may be one more ──► lease
 *          └─► the queue of those who wait, in their order
 *
 * A destination that can't be connected to is passed over for the next; nobody is refused who could have
 * been served by another. Invariants: a connection is in use by one lease, or by requests up to the limit;
 * a place in the queue is left once; a connection that is not well, too old or of a destination that was
 * taken out is closed when its last user lets go of it.
 */

import { type AbortListener, offAbort, onAbort } from "../connection/abort-listeners.js";
import type { StopOptions } from "../connection/component-options.js";
import type { Connection, Data, WaitOptions } from "../connection/connection.js";
import { abortError, assertWaitOptions, throwIfAborted } from "../connection/waiter.js";
import { assertObject, NetError } from "../errors.js";
import { TcpAgent } from "../tcp/tcp-agent.js";
import { type Clock, systemClock, type Timer } from "../time/clock.js";
import { Balancer } from "./balancer.js";
import { Ejection } from "./ejection.js";
import {
  assertDestinations,
  assertIdempotent,
  type PoolDestination,
  type PoolOptions,
  type PoolSettings,
  poolSettings,
} from "./pool-options.js";
import { Pooled, Site } from "./site.js";

/** How a connection is wanted: alone, or beside other requests. */
type Use = "exclusive" | "shared";

interface Taker {
  readonly use: Use;
  readonly resolve: (pooled: Pooled) => void;
  readonly reject: (error: NetError) => void;
  /** Destinations that failed this taker. */
  readonly failed: Set<Site>;
  lastError: NetError | undefined;
  /** A connection is made for it, or checked; while one is made, it takes one that comes free. */
  state: "waiting" | "connecting" | "checking";
}

/** A connection that is lent. `release`, or the end of an `await using` block, gives it back. */
export interface PoolLease extends AsyncDisposable {
  readonly connection: Connection;
  readonly destination: PoolDestination;
  /** Gives it back, to be used again; `"close"`: it is of no more use. Later calls do nothing. */
  release(how?: "reuse" | "close"): void;
}

/** Options of {@link ConnectionPool.request}. */
export interface PoolRequestOptions extends WaitOptions {
  /** The request may be sent twice: it is repeated on another connection when one is lost. Default false. */
  readonly idempotent?: boolean;
}

/** What a pool has and has done. */
export interface PoolStats {
  readonly connectionCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly connectingCount: number;
  readonly ejectedCount: number;
  /** By destination, `host:port`. */
  readonly destinations: Readonly<
    Record<string, { readonly connectionCount: number; readonly isEjected: boolean }>
  >;
}

const MAX_REPEATS = 3;

/** A pool of connections; see {@link PoolOptions}. */
export class ConnectionPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #settings: PoolSettings;
  readonly #agent: TcpAgent;
  readonly #clock: Clock;
  readonly #ejection: Ejection;
  readonly #balancer: Balancer;
  readonly #byId: Map<number, Pooled> = new Map();
  #sites: Site[] = [];
  /** In the order of their coming. */
  readonly #takers: Set<Taker> = new Set();
  #timer: Timer | undefined;
  #stopping: Promise<void> | undefined;
  #isPanicking = false;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: PoolOptions) {
    this.#settings = poolSettings(options);
    this.#options = options;
    const { onClose } = options.agent ?? {};
    this.#agent = new TcpAgent({
      ...options.agent,
      onClose: (connection, reason) => {
        this.#lost(connection);
        return onClose?.(connection, reason);
      },
    });
    const { engine } = options.agent ?? {};
    this.#clock = typeof engine === "object" ? engine.clock : systemClock;
    this.#ejection = new Ejection(this.#settings, this.#clock);
    this.#balancer = new Balancer(this.#settings.balance);
    this.#setSites(options.destinations);
  }

  /** Makes `minConnections` to each destination. Resolves when they are there, or have failed. */
  async warmUp(): Promise<void> {
    await Promise.all(
      this.#sites.flatMap((site) =>
        Array.from({ length: Math.max(0, this.#settings.minConnections - site.size) }, () =>
          this.#connect(site).then(
            (pooled) => this.#free(pooled),
            () => {
              // The destination has its failure noted; whoever takes a connection tries again.
            },
          ),
        ),
      ),
    );
  }

  /**
   * Lends a connection for exclusive use. Rejects with `POOL_FULL`, `POOL_TIMEOUT`, `ABORTED`, `STOPPED`, and with what
   * kept each destination from being connected to when none could be.
   */
  async take(options: WaitOptions = {}): Promise<PoolLease> {
    const pooled = await this.#take("exclusive", options);
    const { connection, site } = pooled;
    let isReleased = false;
    const release = (how: "reuse" | "close" = "reuse"): void => {
      if (isReleased) return;
      isReleased = true;
      if (how === "close") pooled.isDoomed = true;
      this.#release(pooled);
    };
    return {
      connection,
      destination: site.destination,
      release,
      async [Symbol.asyncDispose]() {
        release();
      },
    };
  }

  /**
   * Sends a request on a connection of the pool and resolves with the response; see `Connection.request`. It is
   * repeated on another connection where it was surely not sent, and when `idempotent` says so, where
   * its connection was lost. Rejects as {@link take} and `Connection.request` do.
   */
  async request(data: Data, options: PoolRequestOptions = {}): Promise<Buffer> {
    assertObject("the options of request", options);
    const { idempotent, ...wait } = options;
    assertIdempotent(idempotent);
    const use: Use = this.#settings.maxRequestsPerConnection > 1 ? "shared" : "exclusive";
    const endMs = wait.timeoutMs ? this.#clock.now() + wait.timeoutMs : 0;
    for (let repeats = 0; ; repeats++) {
      const left =
        endMs === 0 ? wait : { ...wait, timeoutMs: Math.max(1, endMs - this.#clock.now()) };
      const pooled = await this.#take(use, left);
      const wasOpen = pooled.connection.isOpen;
      try {
        const response = await pooled.connection.request(data, left);
        this.#ejection.succeeded(pooled.site.health);
        return response;
      } catch (error) {
        // The response of a request that was given up may still come: to nobody else.
        const { code, fault } = error as NetError;
        if (use === "exclusive" && fault !== "usage") pooled.isDoomed = true;
        const isLost = code === "CONNECTION_CLOSED";
        const mayRepeat = isLost && (!wasOpen || idempotent === true);
        if (isLost) this.#siteFailed(pooled.site, error);
        if (!mayRepeat || repeats >= MAX_REPEATS) throw error;
      } finally {
        this.#release(pooled);
      }
    }
  }

  /** Other destinations: connections to those that are no longer named end when they are given back. */
  setDestinations(destinations: readonly PoolDestination[]): void {
    assertDestinations(destinations);
    this.#setSites(destinations);
    this.#serve();
  }

  get stats(): PoolStats {
    const all = this.#sites.flatMap((site) => [...site.connections]);
    return {
      connectionCount: all.length,
      idleCount: all.filter(({ useCount }) => useCount === 0).length,
      waitingCount: this.#takers.size,
      connectingCount: this.#connectingCount,
      ejectedCount: this.#sites.filter(({ health }) => !this.#ejection.isWell(health)).length,
      destinations: Object.fromEntries(
        this.#sites.map(({ destination, connections, health }) => [
          nameOf(destination),
          { connectionCount: connections.size, isEjected: !this.#ejection.isWell(health) },
        ]),
      ),
    };
  }

  /** Stops: who waits is refused, connections end when they are given back, those left after `drainMs` are cut. */
  async stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options);
    await this.#stopping;
  }

  async #stop({ drainMs = 5_000 }: StopOptions): Promise<void> {
    this.#timer?.cancel();
    for (const taker of [...this.#takers]) taker.reject(stopped());
    const users = this.#sites.flatMap((site) => [...site.connections]);
    for (const pooled of users) this.#doom(pooled);
    const endMs = this.#clock.now() + drainMs;
    const isBusy = (): boolean => users.some(({ useCount }) => useCount > 0);
    while (isBusy() && this.#clock.now() < endMs) {
      await new Promise<void>((resolve) => {
        const leftMs = Math.max(1, endMs - this.#clock.now());
        const timer = this.#clock.setTimer(leftMs, resolve, true);
        this.#released = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    await this.#agent.stop({ drainMs: isBusy() ? 0 : drainMs });
  }

  /** Told, while stopping, that a connection was given back. */
  #released: () => void = () => {};

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // — destinations —

  #setSites(destinations: readonly PoolDestination[]): void {
    const known = new Map(this.#sites.map((site) => [nameOf(site.destination), site]));
    const names = new Set(destinations.map(nameOf));
    this.#sites = [...names].map((name) => {
      const site = known.get(name);
      if (site !== undefined) return site;
      const [destination] = destinations.filter((one) => nameOf(one) === name);
      const added = new Site(destination as PoolDestination);
      this.#ejection.add(added.health);
      return added;
    });
    for (const [name, site] of known) {
      if (names.has(name)) continue;
      site.isGone = true;
      this.#ejection.delete(site.health);
      for (const pooled of site.connections) this.#doom(pooled);
    }
  }

  #siteFailed(site: Site, cause: unknown): void {
    const ejectedMs = this.#ejection.failed(site.health);
    if (ejectedMs === 0) return;
    this.#options.onEject?.(site.destination, ejectedMs, cause);
    this.#clock.setTimer(ejectedMs, () => this.#look());
  }

  /** Destinations whose time of ejection is over are tried again. */
  #look(): void {
    if (this.#stopping !== undefined) return;
    for (const health of this.#ejection.returned()) {
      const site = this.#sites.find((one) => one.health === health);
      if (site !== undefined) this.#options.onReturn?.(site.destination);
    }
    this.#serve();
  }

  /** Those that may be chosen, the first to be tried in front; all of them where none is well. */
  #candidates({ failed }: Taker): Site[] {
    const untried = this.#sites.filter((site) => !failed.has(site));
    const well = untried.filter(({ health }) => this.#ejection.isWell(health));
    const isPanicking = well.length === 0 && untried.length > 0;
    if (isPanicking && !this.#isPanicking) this.#options.onPanic?.();
    this.#isPanicking = isPanicking;
    return this.#balancer.order(isPanicking ? untried : well);
  }

  // — taking —

  #take(use: Use, options: WaitOptions): Promise<Pooled> {
    assertWaitOptions(options);
    throwIfAborted(options, "request");
    if (this.#stopping !== undefined) return Promise.reject(stopped());
    const { maxWaiting, waitTimeoutMs } = this.#settings;
    const { timeoutMs = waitTimeoutMs, signal } = options;
    return new Promise<Pooled>((resolve, reject) => {
      let timer: Timer | undefined;
      const listener: AbortListener = {
        signalAborted: (from) => give(() => reject(abortError("request", from.reason))),
      };
      const give = (settle: () => void): void => {
        timer?.cancel();
        if (signal !== undefined) offAbort(signal, listener);
        this.#takers.delete(taker);
        settle();
      };
      const taker: Taker = {
        use,
        failed: new Set(),
        lastError: undefined,
        state: "waiting",
        resolve: (pooled) => give(() => resolve(pooled)),
        reject: (error) => give(() => reject(error)),
      };
      this.#takers.add(taker);
      // Whoever came before goes first.
      if (this.#takers.size === 1 || this.#mayServe()) this.#serve();
      if (!this.#takers.has(taker)) return;
      if (taker.state === "waiting" && this.#takers.size > maxWaiting + this.#connectingCount) {
        const text = `${maxWaiting} takers wait for a connection already (maxWaiting)`;
        taker.reject(new NetError("POOL_FULL", text, { operation: "request" }));
        return;
      }
      if (timeoutMs > 0) {
        timer = this.#clock.setTimer(timeoutMs, () => {
          const text = `no connection was free within ${timeoutMs} ms`;
          const cause = taker.lastError;
          give(() => reject(new NetError("POOL_TIMEOUT", text, { operation: "request", cause })));
        });
      }
      if (signal !== undefined) onAbort(signal, listener);
    });
  }

  get #connectingCount(): number {
    return this.#sites.reduce((sum, site) => sum + site.connectingCount, 0);
  }

  /** Whether any destination has a connection to spare, or room for one. */
  #mayServe(): boolean {
    const { maxConnections, maxRequestsPerConnection } = this.#settings;
    return this.#sites.some((site) => {
      if (site.size < maxConnections) return true;
      for (const { isOpen, isLeased, useCount } of site.connections) {
        if (isOpen && !isLeased && useCount < maxRequestsPerConnection) return true;
      }
      return false;
    });
  }

  /** Serves those who wait, in their order, as far as there are connections. */
  #serve(): void {
    for (const taker of this.#takers) {
      if (taker.state === "checking") continue;
      // Who has failed everywhere is told so, also where nothing is free.
      if (taker.failed.size === 0 && !this.#mayServe()) return;
      this.#serveOne(taker);
    }
  }

  #serveOne(taker: Taker): void {
    // Whose connection is under way takes one that comes free before, wherever it is.
    const isConnecting = taker.state === "connecting";
    const sites = isConnecting ? this.#sites : this.#candidates(taker);
    if (sites.length === 0) {
      taker.reject(taker.lastError ?? stopped());
      return;
    }
    for (const site of sites) {
      const pooled = this.#usable(site, taker.use);
      if (pooled !== undefined) {
        this.#give(taker, pooled);
        return;
      }
      if (isConnecting || site.size >= this.#settings.maxConnections) continue;
      taker.state = "connecting";
      this.#connect(site).then(
        (made) => this.#made(taker, made),
        (error: unknown) => this.#connectFailed(taker, site, error as NetError),
      );
      return;
    }
  }

  /** A connection of this destination that can be used now, the one that was used last. */
  #usable(site: Site, use: Use): Pooled | undefined {
    const { maxAgeMs, maxRequestsPerConnection } = this.#settings;
    const nowMs = this.#clock.now();
    let best: Pooled | undefined;
    for (const pooled of site.connections) {
      if (maxAgeMs > 0 && nowMs - pooled.madeMs >= maxAgeMs) this.#doom(pooled);
      if (!pooled.isOpen || pooled.isLeased) continue;
      if (pooled.useCount >= (use === "exclusive" ? 1 : maxRequestsPerConnection)) continue;
      if (best === undefined || pooled.useCount < best.useCount || pooled.idleMs > best.idleMs) {
        best = pooled;
      }
    }
    return best;
  }

  /** Gives a connection to a taker, checked before where it was idle for long. */
  #give(taker: Taker, pooled: Pooled, isNew = false): void {
    pooled.useCount++;
    if (taker.use === "exclusive") pooled.isLeased = true;
    const { check } = this.#options;
    const idleForMs = this.#clock.now() - pooled.idleMs;
    const isFresh = isNew || pooled.useCount > 1 || idleForMs < this.#settings.checkAfterMs;
    if (check === undefined || isFresh) {
      taker.resolve(pooled);
      return;
    }
    taker.state = "checking";
    this.#isWell(check, pooled).then((isWell) => {
      if (isWell && pooled.isOpen && this.#takers.has(taker)) {
        taker.resolve(pooled);
        return;
      }
      if (!isWell) pooled.isDoomed = true;
      taker.state = "waiting";
      this.#release(pooled);
    });
  }

  async #isWell(
    check: NonNullable<PoolOptions["check"]>,
    { connection }: Pooled,
  ): Promise<boolean> {
    let timer: Timer | undefined;
    const tooLong = new Promise<boolean>((resolve) => {
      timer = this.#clock.setTimer(this.#settings.checkTimeoutMs, () => resolve(false));
    });
    try {
      return (await Promise.race([check(connection), tooLong])) === true;
    } catch {
      return false;
    } finally {
      timer?.cancel();
    }
  }

  async #connect(site: Site): Promise<Pooled> {
    site.connectingCount++;
    try {
      const timeoutMs = this.#settings.connectTimeoutMs;
      const connection = await this.#agent.connect({ ...site.destination, timeoutMs });
      const pooled = new Pooled(connection, site, this.#clock.now());
      this.#ejection.succeeded(site.health);
      if (!connection.isOpen || site.isGone || this.#stopping !== undefined) pooled.isDoomed = true;
      site.connections.add(pooled);
      if (connection.isOpen) this.#byId.set(connection.id, pooled);
      return pooled;
    } catch (error) {
      this.#siteFailed(site, error);
      throw error;
    } finally {
      site.connectingCount--;
    }
  }

  #made(taker: Taker, pooled: Pooled): void {
    if (taker.state === "connecting") taker.state = "waiting";
    if (taker.state === "waiting" && this.#takers.has(taker) && pooled.isOpen) {
      this.#give(taker, pooled, true);
    } else this.#free(pooled);
  }

  #connectFailed(taker: Taker, site: Site, error: NetError): void {
    if (taker.state === "connecting") taker.state = "waiting";
    taker.failed.add(site);
    taker.lastError = error;
    this.#serve();
  }

  // — giving back —

  #release(pooled: Pooled): void {
    pooled.useCount--;
    pooled.isLeased = false;
    pooled.idleMs = this.#clock.now();
    this.#free(pooled);
  }

  /** A connection may be free: it is used again, kept, or closed. */
  #free(pooled: Pooled): void {
    if (!pooled.isOpen && pooled.useCount === 0) {
      pooled.site.connections.delete(pooled);
      pooled.connection.close();
    }
    this.#released();
    this.#serve();
    this.#watchIdle();
  }

  /** It is closed as soon as nobody uses it. */
  #doom(pooled: Pooled): void {
    pooled.isDoomed = true;
    if (pooled.useCount > 0) return;
    pooled.site.connections.delete(pooled);
    pooled.connection.close();
  }

  /** A connection has ended. */
  #lost({ id }: { readonly id: number }): void {
    const pooled = this.#byId.get(id);
    if (pooled === undefined) return;
    this.#byId.delete(id);
    this.#doom(pooled);
    if (this.#stopping === undefined) queueMicrotask(() => this.#serve());
  }

  /** Closes connections that are idle for too long; one timer serves all. */
  #watchIdle(): void {
    if (this.#timer !== undefined || this.#stopping !== undefined) return;
    const { idleTimeoutMs, minConnections } = this.#settings;
    this.#timer = this.#clock.setTimer(idleTimeoutMs, () => {
      this.#timer = undefined;
      const nowMs = this.#clock.now();
      for (const site of this.#sites) {
        for (const pooled of [...site.connections]) {
          if (site.connections.size <= minConnections) break;
          if (pooled.useCount === 0 && nowMs - pooled.idleMs >= idleTimeoutMs) this.#doom(pooled);
        }
      }
      if (this.#sites.some(({ connections }) => connections.size > minConnections))
        this.#watchIdle();
    });
  }
}

function nameOf({ host = "127.0.0.1", port }: PoolDestination): string {
  return `${host}:${port}`;
}

function stopped(): NetError {
  return new NetError("STOPPED", "the pool is stopped", { operation: "request" });
}
