/**
 * Who gets which connection of a pool, and who waits for one.
 *
 * Invariants: takers are served in their order, but for those whom a destination failed, who may be served where
 * others are not; a taker is in the line until it is resolved or rejected; whose connection is being made
 * takes one that comes free before, and the one that was made goes to the next.
 */
import type { Connection, WaitOptions } from "../connection/connection.js";
import { NetError } from "../errors.js";
import type { Clock, Timer } from "../time/clock.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { DestinationTable } from "./destination-table.js";
import type { PoolNumbers } from "./pool-options.js";
import type { Pooled, Site, Use } from "./site.js";
import { Taker } from "./taker.js";
import { TakerGroups } from "./taker-groups.js";
import { WaitingLine } from "./waiting-line.js";

/** The pool, as those who wait see it. */
export interface AllotmentOwner {
  /** Whether an idle connection is well. */
  readonly check: ((connection: Connection) => Promise<boolean> | boolean) | undefined;
  /** Makes a connection, and takes note of how that went. */
  connect(site: Site): Promise<Pooled>;
  /** A new connection without a taker. */
  free(pooled: Pooled): void;
  /** A connection is used once less. */
  release(pooled: Pooled): void;
}

/** Who gets which connection of a pool. */
export class Allotment {
  private readonly table: DestinationTable<Site>;
  private readonly settings: PoolNumbers;
  private readonly wheel: TimingWheel;
  private readonly owner: AllotmentOwner;
  private readonly line: WaitingLine<Taker> = new WaitingLine();
  /** The same takers, but for those whose connection is checked. */
  private readonly groups: TakerGroups = new TakerGroups();
  private takerCount = 0;

  constructor(
    table: DestinationTable<Site>,
    settings: PoolNumbers,
    wheel: TimingWheel,
    owner: AllotmentOwner,
  ) {
    this.table = table;
    this.settings = settings;
    this.wheel = wheel;
    this.owner = owner;
  }

  private get clock(): Clock {
    return this.wheel.clock;
  }

  /** Who waits. */
  get waitingCount(): number {
    return this.line.size;
  }

  /** Rejects all takers. */
  rejectAll(error: NetError): void {
    for (const taker of this.line.takeAll()) {
      this.groups.take(taker);
      taker.reject(error);
    }
  }

  /**
   * Waits for a connection that is used once more by that. Destinations of `tried` come last, and those that fail the
   * taker are added. Rejects with `POOL_FULL`, `POOL_TIMEOUT`, `ABORTED`, and what the last destination said.
   */
  take(use: Use, options: WaitOptions, tried: Set<Site>): Promise<Pooled> {
    const { maxWaiting, waitTimeoutMs } = this.settings;
    const wait = { wheel: this.wheel, options, waitTimeoutMs };
    const number = ++this.takerCount;
    const taker = new Taker(number, use, wait, tried, (one) => this.leave(one));
    this.line.add(taker);
    this.groups.put(taker);
    // Earlier takers go first.
    this.serve();
    const isTooMany = this.line.size > maxWaiting + this.connectingCount;
    if (isTooMany && taker.state === "waiting" && this.line.has(taker)) {
      const text = `${maxWaiting} takers wait for a connection already (maxWaiting)`;
      this.leave(taker);
      taker.reject(new NetError("POOL_FULL", text, { operation: "request" }));
    }
    return taker.promise;
  }

  private leave(taker: Taker): void {
    this.line.remove(taker);
    this.groups.take(taker);
  }

  /** Connections that are being made. */
  get connectingCount(): number {
    let count = 0;
    for (const { stock } of this.table.all) count += stock.attemptCount;
    return count;
  }

  /** Serves those who wait, in their order, as far as there are connections. */
  serve(): void {
    for (;;) {
      const taker = this.next();
      if (taker === undefined) return;
      this.serveOne(taker);
    }
  }

  /** The first taker that can be served or has to be looked at. */
  private next(): Taker | undefined {
    const able = this.table.all.filter((site) => site.hasFree("shared") || this.hasRoom(site));
    let next: Taker | undefined;
    for (const { first } of this.groups) {
      if (next !== undefined && next.number < first.number) continue;
      if (this.canServe(first, able)) next = first;
    }
    return next;
  }

  /** Whether one more may be made. */
  private hasRoom({ stock }: Site): boolean {
    const { maxConnectionsPerDestination, maxConnectingPerDestination } = this.settings;
    return (
      stock.size < maxConnectionsPerDestination && stock.attemptCount < maxConnectingPerDestination
    );
  }

  /** Whether one of `able` can serve a taker, or none is left that could. */
  private canServe(taker: Taker, able: readonly Site[]): boolean {
    const { use, state, tried } = taker;
    if (state === "connecting") return able.some((site) => !tried.has(site) && site.hasFree(use));
    if (this.hasTriedAll(taker)) return true;
    const ready = able.filter(
      (site) => !tried.has(site) && (site.hasFree(use) || this.hasRoom(site)),
    );
    if (ready.length === 0 || ready.some(({ health }) => health.isWell)) return ready.length > 0;
    // A taker that has tried every well destination may use one that is not well.
    return !this.table.all.some((site) => site.health.isWell && !tried.has(site));
  }

  /** Whether no destination is left for it, and none is waited for. */
  private hasTriedAll({ attemptCount, tried }: Taker): boolean {
    return attemptCount === 0 && this.table.all.every((site) => tried.has(site));
  }

  private serveOne(taker: Taker): void {
    if (taker.state === "waiting" && this.hasTriedAll(taker)) {
      this.lookAgain(taker);
      return;
    }
    const { groupKey, tried } = taker;
    // A taker whose connection is being made takes one that comes free before, unless that is of a destination to be
    // tried last.
    const isConnecting = taker.state === "connecting";
    const sites = isConnecting
      ? this.table.all.filter((site) => !tried.has(site))
      : this.table.order(tried);
    // The application was told of a panic, and has done something about it.
    if (taker.groupKey !== groupKey) return;
    for (const site of sites) {
      const pooled = site.take(taker.use);
      if (pooled !== undefined) {
        this.give(taker, pooled);
        return;
      }
      if (isConnecting || !this.hasRoom(site)) continue;
      this.connectFor(taker, site);
      return;
    }
  }

  /**
   * All were tried: those that could not be connected to for this taker are left out, the others are as good as any.
   */
  private lookAgain(taker: Taker): void {
    const { tried, failed, lastError } = taker;
    for (const site of tried) {
      if (!failed.has(site)) tried.delete(site);
    }
    if (!this.hasTriedAll(taker)) {
      this.regroup(taker);
      return;
    }
    this.leave(taker);
    taker.reject(lastError as NetError);
  }

  /** Its state, or what it has tried, has changed. */
  private regroup(taker: Taker): void {
    if (this.line.has(taker) && taker.state !== "checking") this.groups.put(taker);
    else this.groups.take(taker);
  }

  private connectFor(taker: Taker, site: Site): void {
    taker.state = "connecting";
    taker.attempt = site;
    taker.attemptCount++;
    this.regroup(taker);
    // A taker does not wait for a destination that does not answer while another could serve it.
    const isStuck = () => {
      if (taker.attempt === site) this.passOver(taker, site);
    };
    const timer = this.clock.setTimer(this.settings.attemptDelayMs, isStuck);
    this.owner.connect(site).then(
      (made) => {
        timer.cancel();
        taker.attemptCount--;
        const wantsIt = taker.state !== "checking" && this.line.has(taker) && !made.isDoomed;
        if (taker.attempt === site) this.attemptOver(taker);
        this.regroup(taker);
        if (!wantsIt) this.owner.free(made);
        else {
          this.give(taker, made, true);
          // Others may share it, or have one made.
          this.serve();
        }
      },
      (error: unknown) => {
        timer.cancel();
        taker.attemptCount--;
        this.passOver(taker, site, error as NetError);
      },
    );
  }

  private attemptOver(taker: Taker): void {
    taker.attempt = undefined;
    if (taker.state === "connecting") taker.state = "waiting";
  }

  /** The taker looks elsewhere. `error`: why the destination could not be connected to. */
  private passOver(taker: Taker, site: Site, error?: NetError): void {
    if (taker.attempt === site) this.attemptOver(taker);
    taker.tried.add(site);
    if (error !== undefined) {
      taker.failed.add(site);
      taker.lastError = error;
    }
    this.regroup(taker);
    this.serve();
  }

  /** Gives a connection to a taker, checked before where it was idle for long. */
  private give(taker: Taker, pooled: Pooled, isNew = false): void {
    const { check } = this.owner;
    const idleForMs = this.clock.now() - pooled.idleMs;
    const isFresh = isNew || pooled.useCount > 0 || idleForMs < this.settings.checkAfterMs;
    if (check === undefined || isFresh) {
      pooled.site.use(pooled, taker.use);
      this.leave(taker);
      taker.resolve(pooled);
      return;
    }
    // It is not shared before its check has succeeded.
    pooled.site.use(pooled, "exclusive");
    taker.state = "checking";
    this.regroup(taker);
    this.isWell(check, pooled).then((isWell) => this.checked(taker, pooled, isWell));
  }

  private checked(taker: Taker, pooled: Pooled, isWell: boolean): void {
    const { site } = pooled;
    if (isWell && pooled.isUsable && this.line.has(taker)) {
      site.unuse(pooled);
      site.stock.leave(pooled);
      site.use(pooled, taker.use);
      this.leave(taker);
      taker.resolve(pooled);
      this.serve();
      return;
    }
    taker.state = taker.attempt === undefined ? "waiting" : "connecting";
    if (!isWell) {
      pooled.isDoomed = true;
      const text = "the check of an idle connection failed";
      const error = new NetError("CHECK_FAILED", text, { operation: "request" });
      this.table.failed(site, "use", error);
      // Its other connections are likely to be no better: elsewhere first, where there is any.
      if (this.table.order(new Set([...taker.tried, site])).length > 0) {
        taker.tried.add(site);
      }
    }
    this.regroup(taker);
    this.owner.release(pooled);
  }

  private async isWell(
    check: NonNullable<AllotmentOwner["check"]>,
    { connection }: Pooled,
  ): Promise<boolean> {
    let timer: Timer | undefined;
    const tooLong = new Promise<boolean>((resolve) => {
      timer = this.clock.setTimer(this.settings.checkTimeoutMs, () => resolve(false));
    });
    try {
      return (await Promise.race([check(connection), tooLong])) === true;
    } catch {
      return false;
    } finally {
      timer?.cancel();
    }
  }
}
