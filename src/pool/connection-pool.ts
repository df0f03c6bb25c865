/**
 * Connections that are used again and again, to one or several destinations of the same service.
 *
 *     take ──► a connection that is idle, checked if it was idle for long ──► lease
 *          ├─► a new connection, where there may be one more ──► lease
 *          └─► the line of those who wait, in their order
 *
 * A destination that can't be connected to is passed over for the next, one that keeps a taker waiting is left
 * for the next beside; nobody is refused who could have been served by another. Invariants: a connection is
 * in use by one lease, or by requests up to the limit; a place in the line is left once; a connection that is not
 * well, too old or of a destination that was taken out is closed when its last user lets go of it.
 */
import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../connection/component/component-options.js";
import type { Connection, Data, WaitOptions } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { engineServiceOf } from "../connection/engine-service.js";
import { StopSignal } from "../connection/waiting/stop-signal.js";
import { assertWaitOptions, beginWait, throwIfAborted } from "../connection/waiting/waiter.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { Engine } from "../engine/engine.js";
import { assertFunction, NetError, readBelow } from "../errors.js";
import { TcpAgent } from "../tcp/tcp-agent.js";
import type { Clock } from "../time/clock.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import { Allotment } from "./allotment.js";
import { DestinationTable } from "./destination-table.js";
import { StreamProbe } from "./health-check-options.js";
import { IdleWatch } from "./idle-watch.js";
import {
  assertDestinations,
  type PoolDestination,
  type PoolOptions,
  type PoolRequestOptions,
  type PoolSettings,
  poolSettings,
  readRequestOptions,
} from "./pool-options.js";
import { nameOf, Pooled, Site, type Use } from "./site.js";

/** A connection that is lent. `release`, or the end of a block with `using` or `await using`, gives it back. */
export interface PoolLease extends Disposable, AsyncDisposable {
  /** The connection, for exclusive use. */
  readonly connection: Connection;
  /** Where it goes. */
  readonly destination: PoolDestination;
  /** Gives it back, to be used again; `"close"`: it is of no more use. Later calls do nothing. */
  release(how?: "reuse" | "close"): void;
}

/** What a pool has and has done. */
export interface PoolStats {
  /** Connections that are there. */
  readonly connectionCount: number;
  /** Those that are not in use. */
  readonly idleCount: number;
  /** Takers and requests that wait for one. */
  readonly waitingCount: number;
  /** Connections that are being made. */
  readonly connectingCount: number;
  /** Destinations that are ejected, or that checks have found down. */
  readonly ejectedCount: number;
  /** By destination, `host:port`. */
  readonly destinations: Readonly<
    Record<
      string,
      { readonly connectionCount: number; readonly isEjected: boolean; readonly isDown: boolean }
    >
  >;
}

const MAX_REPEATS = 3;

/** A pool of connections; see {@link PoolOptions}. */
export class ConnectionPool implements AsyncDisposable {
  readonly #settings: PoolSettings;
  readonly #agent: TcpAgent;
  readonly #wheel: TimingWheel;
  readonly #table: DestinationTable<Site>;
  readonly #probe: StreamProbe | undefined;
  readonly #byId: Map<number, Pooled> = new Map();
  readonly #allotment: Allotment;
  readonly #idleWatch: IdleWatch;
  #stopping: Promise<StopResult> | undefined;
  readonly #stopSignal: StopSignal = new StopSignal();

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: PoolOptions) {
    const settings = poolSettings(options);
    const { agent = {} } = options;
    if (agent.onClose !== undefined) assertFunction("agent.onClose", agent.onClose);
    this.#settings = settings;
    const [engine, tcpAgent] = readBelow("agent", agent, () => this.#makeAgent(agent));
    this.#agent = tcpAgent;
    this.#wheel = engineServiceOf(engine).wheel;
    const { tls, localHost, proxy } = agent;
    const { healthCheck } = settings;
    const probe =
      healthCheck === undefined
        ? undefined
        : new StreamProbe(healthCheck, {
            engine,
            ...(tls !== undefined && { tls }),
            localHost,
            proxy,
          });
    this.#probe = probe;
    const { onEject, onReturn, onPanic, onCheck, onHandlerError } = options;
    this.#table = new DestinationTable(
      {
        ...settings,
        healthCheck: healthCheck && {
          ...healthCheck,
          probe: async (site, signal) => await probe?.probe(site.destination, signal),
        },
      },
      this.#clock,
      {
        onEject: ({ destination }, forMs, cause) => onEject?.(destination, forMs, cause),
        onReturn: ({ destination }) => onReturn?.(destination),
        onPanic: () => onPanic?.(),
        onCheck: ({ destination }, isUp, cause) => onCheck?.(destination, isUp, cause),
        moreToChoose: () => this.#allotment.serve(),
        onHandlerError,
      },
    );
    this.#idleWatch = new IdleWatch(this.#table, settings, this.#clock);
    this.#allotment = new Allotment(this.#table, settings, this.#wheel, {
      check: options.check,
      connect: (site) => this.#connect(site),
      free: (pooled) => this.#free(pooled),
      release: (pooled) => this.#release(pooled),
    });
    this.#setSites(options.destinations);
    this.#table.start();
  }

  #makeAgent(options: NonNullable<PoolOptions["agent"]>): [Engine, TcpAgent] {
    const engine = chooseEngine(options.engine, options.tls === undefined ? undefined : "tls");
    const agent = new TcpAgent({
      ...options,
      engine,
      onClose: (connection, reason) => {
        this.#lost(connection);
        return options.onClose?.(connection, reason);
      },
    });
    return [engine, agent];
  }

  get #clock(): Clock {
    return this.#wheel.clock;
  }

  /**
   * Makes `minConnectionsPerDestination` to each destination, at most `maxConnectingPerDestination` of one at a time.
   * Resolves when they are there, or have
   * failed. Rejects with `STOPPED`.
   */
  async warmUp(): Promise<void> {
    if (this.#stopping !== undefined) throw stopped();
    const { minConnectionsPerDestination, maxConnectingPerDestination } = this.#settings;
    await Promise.all(
      this.#table.all.flatMap((site) => {
        const { attemptCount, size } = site.stock;
        const laneCount = Math.min(
          maxConnectingPerDestination - attemptCount,
          minConnectionsPerDestination - size,
        );
        return Array.from({ length: Math.max(0, laneCount) }, () => this.#warm(site));
      }),
    );
  }

  /**
   * Makes connections, one after the other, until there are enough, or one fails. It counts as an attempt all the
   * time.
   */
  async #warm(site: Site): Promise<void> {
    const { stock } = site;
    stock.attemptCount++;
    let pooled: Pooled | undefined;
    try {
      for (;;) {
        pooled = await this.#make(site);
        if (stock.size > this.#settings.minConnectionsPerDestination || pooled.isDoomed) return;
        this.#free(pooled);
        pooled = undefined;
      }
    } catch {
      // The failure of the destination is noted; the next taker tries again.
    } finally {
      stock.attemptCount--;
      if (pooled === undefined) this.#freed();
      else this.#free(pooled);
    }
  }

  /**
   * Lends a connection for exclusive use. Rejects with `POOL_FULL`, `POOL_TIMEOUT`, `ABORTED`, `STOPPED`, and with what
   * kept each destination from being connected to when none could be.
   */
  async take(options: WaitOptions = {}): Promise<PoolLease> {
    beginWait(options, "take", "request");
    const pooled = await this.#take("exclusive", options, new Set());
    const { connection, site } = pooled;
    let isReleased = false;
    const release = (how: "reuse" | "close" = "reuse"): void => {
      if (isReleased) return;
      isReleased = true;
      if (how === "close") pooled.isDoomed = true;
      else if (connection.isOpen) this.#table.succeeded(site, "use");
      const cause = failureOf(connection);
      if (cause !== undefined) this.#table.failed(site, "use", cause);
      this.#release(pooled);
    };
    return {
      connection,
      destination: site.destination,
      release,
      [Symbol.dispose]() {
        release();
      },
      async [Symbol.asyncDispose]() {
        release();
      },
    };
  }

  /**
   * Sends a request on a connection of the pool and resolves with the response; see `Connection.request`. It is
   * repeated on another connection, if possible to another destination, where it was surely not sent, and when
   * `idempotent` says so, where its connection was lost or nothing came within `attemptTimeoutMs`. Rejects as
   * {@link take} and `Connection.request` do.
   */
  async request(data: Data, options: PoolRequestOptions = {}): Promise<Buffer> {
    if (typeof data !== "string") bytesOf(data);
    const { idempotent, attemptTimeoutMs, ...wait } = readRequestOptions(options);
    const use: Use = this.#settings.maxRequestsPerConnection > 1 ? "shared" : "exclusive";
    const endMs = wait.timeoutMs ? this.#clock.now() + wait.timeoutMs : 0;
    const left = (): WaitOptions =>
      endMs === 0
        ? wait
        : { ...wait, timeoutMs: Math.max(1, Math.ceil(endMs - this.#clock.now())) };
    const tried = new Set<Site>();
    for (let repeats = 0; ; repeats++) {
      const pooled = await this.#take(use, left(), tried);
      const wasOpen = pooled.connection.isOpen;
      const bounds = left();
      const isLast = repeats >= MAX_REPEATS || attemptTimeoutMs === undefined;
      const timeoutMs = Math.min(attemptTimeoutMs ?? 0, bounds.timeoutMs || Number.MAX_VALUE);
      try {
        const response = await pooled.connection.request(
          data,
          isLast ? bounds : { ...bounds, timeoutMs },
        );
        this.#table.succeeded(pooled.site, "use");
        return response;
      } catch (error) {
        // The response of a request that was given up may still come: the connection is not used again.
        const { code, fault } = error as NetError;
        if (use === "exclusive" && fault !== "usage") pooled.isDoomed = true;
        const isLost = code === "CONNECTION_CLOSED";
        const isLate = code === "REQUEST_TIMEOUT";
        if ((isLost && wasOpen) || isLate) this.#table.failed(pooled.site, "use", error);
        tried.add(pooled.site);
        const isTimeLeft = endMs === 0 || this.#clock.now() < endMs;
        const mayRepeat = isLost
          ? !wasOpen || idempotent
          : isLate && attemptTimeoutMs !== undefined && isTimeLeft;
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
    this.#allotment.serve();
  }

  /** What the pool has at the moment. */
  get stats(): PoolStats {
    const sites = this.#table.all;
    const sum = (count: (site: Site) => number): number =>
      sites.reduce((total, site) => total + count(site), 0);
    return {
      connectionCount: sum(({ stock }) => stock.open.size),
      idleCount: sum(({ stock }) => stock.idleCount),
      waitingCount: this.#allotment.waitingCount,
      connectingCount: this.#allotment.connectingCount,
      ejectedCount: this.#table.unwellCount,
      destinations: Object.fromEntries(
        sites.map(({ name, stock, health: { ejectedUntilMs, isDown } }) => [
          name,
          { connectionCount: stock.open.size, isEjected: ejectedUntilMs > 0, isDown },
        ]),
      ),
    };
  }

  /** Stops: who waits is refused, connections end when they are given back, those left after `drainMs` are cut. */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    this.#stopping ??= this.#stop(drainMs);
    return await this.#stopping;
  }

  /** Resolves when the pool has been stopped, at once if it has. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  async stopped(options: WaitOptions = {}): Promise<void> {
    await this.#stopSignal.wait(this.#wheel, options);
  }

  /** Lets the process end while connections are open. */
  unref(): void {
    this.#agent.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#agent.ref();
  }

  async #stop(drainMs: number): Promise<StopResult> {
    const { connectionCount } = this.#agent;
    this.#idleWatch.stop();
    this.#table.stop();
    this.#allotment.rejectAll(stopped());
    const endMs = this.#clock.now() + drainMs;
    const all = [...this.#byId.values()];
    const used = new Set(all.filter(({ useCount }) => useCount > 0));
    for (const pooled of all) pooled.site.doom(pooled);
    if (used.size > 0 && drainMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(drainMs, resolve, true);
        this.#unused = (pooled) => {
          used.delete(pooled);
          if (used.size > 0) return;
          timer.cancel();
          resolve();
        };
      });
    }
    await this.#probe?.stop();
    const leftMs = Math.max(0, Math.ceil(endMs - this.#clock.now()));
    const { cutCount } = await this.#agent.stop({ drainMs: leftMs });
    this.#stopSignal.tell();
    return { drainedCount: Math.max(0, connectionCount - cutCount), cutCount };
  }

  /** Told, while stopping, of a connection that is not in use any more, or that is lost. */
  #unused: (pooled: Pooled) => void = () => {};

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #setSites(destinations: readonly PoolDestination[]): void {
    const named = new Map(destinations.map((destination) => [nameOf(destination), destination]));
    const { maxRequestsPerConnection } = this.#settings;
    const gone = this.#table.set(
      [...named.keys()],
      (name) => new Site(named.get(name) as PoolDestination, maxRequestsPerConnection),
    );
    for (const site of gone) {
      site.isGone = true;
      for (const pooled of [...site.stock.open]) site.doom(pooled);
    }
  }

  async #take(use: Use, options: WaitOptions, tried: Set<Site>): Promise<Pooled> {
    assertWaitOptions(options);
    throwIfAborted(options, "request", "take");
    if (this.#stopping !== undefined) throw stopped();
    return await this.#allotment.take(use, options, tried);
  }

  // — what those who wait ask for —

  async #connect(site: Site): Promise<Pooled> {
    site.stock.attemptCount++;
    try {
      return await this.#make(site);
    } finally {
      site.stock.attemptCount--;
    }
  }

  async #make(site: Site): Promise<Pooled> {
    try {
      const { connectTimeoutMs: timeoutMs, maxAgeMs } = this.#settings;
      const connection = await this.#agent.connect({ ...site.destination, timeoutMs });
      // A connection that has ended already counts as a failure.
      if (!connection.isOpen) throw endedAtOnce(connection);
      const pooled = new Pooled(connection, site, this.#clock, maxAgeMs);
      this.#table.succeeded(site, "connect");
      if (site.isGone || this.#stopping !== undefined) pooled.isDoomed = true;
      site.stock.add(pooled);
      this.#byId.set(connection.id, pooled);
      return pooled;
    } catch (error) {
      this.#table.failed(site, "connect", error);
      throw error;
    }
  }

  // — giving back —

  #release(pooled: Pooled): void {
    pooled.idleMs = this.#clock.now();
    pooled.site.unuse(pooled);
    if (pooled.useCount === 0) this.#unused(pooled);
    this.#freed();
  }

  /** A new connection without a taker. */
  #free(pooled: Pooled): void {
    pooled.site.keep(pooled);
    this.#freed();
  }

  #freed(): void {
    this.#allotment.serve();
    this.#idleWatch.watch();
  }

  /** A connection has ended. */
  #lost({ id }: { readonly id: number }): void {
    const pooled = this.#byId.get(id);
    if (pooled === undefined) return;
    this.#byId.delete(id);
    pooled.site.doom(pooled);
    this.#unused(pooled);
    if (this.#stopping === undefined) queueMicrotask(() => this.#allotment.serve());
  }
}

/** The error that ended a lent connection, unless its user ended it; undefined after an orderly end. */
function failureOf(connection: Connection): NetError | undefined {
  const { closeReason } = connection;
  if (closeReason === undefined) return undefined;
  const { cause, initiator } = closeReason;
  if (cause !== undefined) return cause.fault === "local" ? undefined : cause;
  // A destination that accepts and closes without a byte serves no client.
  if (initiator !== "remote" || connection.stats.receivedBytes > 0) return undefined;
  return endedAtOnce(connection);
}

function endedAtOnce({ id, closeReason }: Connection): NetError {
  const text = "the connection ended before anything came";
  const detail = { operation: "connect", connectionId: id, cause: closeReason?.cause } as const;
  return new NetError("CONNECTION_CLOSED", text, detail);
}

function stopped(): NetError {
  return new NetError("STOPPED", "the pool is stopped", { operation: "request" });
}
