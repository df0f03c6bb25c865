/**
 * The destinations of one service: which there are, which are well, in which order they are tried. Pools and relays
 * have one, and tell it how they fared.
 *
 * Invariants: an order has every destination in it that could serve: the well ones in front, and where none is
 * well, all; nobody is refused who could have been served. A destination that leaves the table is forgotten.
 */
import {
  callHandler,
  type FailureHandler,
  handlerError,
  tellHandlerError,
} from "../connection/events/handlers.js";
import type { Clock, Timer } from "../time/clock.js";
import { type Balanced, Balancer } from "./balancer.js";
import { type Effort, Ejection, type EjectionNumbers, type Health } from "./ejection.js";
import { type HealthCheckRules, HealthChecks } from "./health-checks.js";
import { isOwnFailure } from "./own-failure.js";
import type { PoolBalance } from "./pool-options.js";

/** A destination in a table. */
export interface Destined extends Balanced {
  /** What tells it from the others. */
  readonly name: string;
  readonly health: Health;
}

/** What is told of destinations. What a handler throws is told, and changes nothing. */
export interface TableHandlers<Site> extends FailureHandler {
  onEject?(site: Site, forMs: number, cause: unknown): void;
  onReturn?(site: Site): void;
  onPanic?(): void;
  onCheck?(site: Site, isUp: boolean, cause: unknown): void;
  /** One more may be chosen. */
  moreToChoose?(): void;
}

/** How a table chooses, ejects and checks. */
export interface TableRules<Site> extends EjectionNumbers {
  readonly balance: PoolBalance;
  readonly healthCheck?: HealthCheckRules<Site> | undefined;
}

/** The destinations of one service. */
export class DestinationTable<Site extends Destined> {
  private readonly clock: Clock;
  private readonly balancer: Balancer;
  private readonly ejection: Ejection;
  private readonly checks: HealthChecks<Site> | undefined;
  private readonly handlers: TableHandlers<Site>;
  /** When the ejected return. */
  private readonly timers: Set<Timer> = new Set();
  private sites: readonly Site[] = [];
  private isPanicking = false;
  private isStopped = false;

  constructor(rules: TableRules<Site>, clock: Clock, handlers: TableHandlers<Site>) {
    const { balance, healthCheck } = rules;
    this.clock = clock;
    this.balancer = new Balancer(balance);
    this.ejection = new Ejection(rules, clock);
    this.handlers = handlers;
    const changed = (site: Site, isUp: boolean, cause: unknown) => this.checked(site, isUp, cause);
    this.checks =
      healthCheck === undefined ? undefined : new HealthChecks(healthCheck, clock, changed);
  }

  get all(): readonly Site[] {
    return this.sites;
  }

  /** Destinations that are not well. */
  get unwellCount(): number {
    return this.sites.filter(({ health }) => !health.isWell).length;
  }

  /** Exchanges the list. What is known of those that stay is kept. Returns those that have left. */
  set(names: readonly string[], make: (name: string) => Site): Site[] {
    const known = new Map(this.sites.map((site) => [site.name, site]));
    // Invalid names are refused before anything is changed.
    const all = [...new Set(names)].map((name) => known.get(name) ?? make(name));
    const staying = new Set(all);
    const gone = this.sites.filter((site) => !staying.has(site));
    for (const { health } of gone) this.ejection.delete(health);
    for (const { health } of all) this.ejection.add(health);
    this.sites = all;
    this.checks?.set(all);
    return gone;
  }

  /** Those that may be tried, but for those in `tried`: the first to be tried in front. */
  order(tried?: ReadonlySet<Site>): Site[] {
    const all = this.sites;
    const isAnyWell = all.some(({ health }) => health.isWell);
    const isPanicking = !isAnyWell && all.length > 0;
    if (isPanicking && !this.isPanicking) this.tell("onPanic", ({ onPanic }) => onPanic?.());
    this.isPanicking = isPanicking;
    const untried =
      tried === undefined || tried.size === 0 ? all : all.filter((site) => !tried.has(site));
    const well = untried.filter(({ health }) => health.isWell);
    // Where all well destinations were tried, the others are.
    return this.balancer.order(well.length > 0 ? well : untried);
  }

  succeeded(site: Site, effort: Effort): void {
    this.ejection.succeeded(site.health, effort);
  }

  failed(site: Site, effort: Effort, cause: unknown): void {
    if (this.isStopped || !this.sites.includes(site) || isOwnFailure(cause)) return;
    const forMs = this.ejection.failed(site.health, effort);
    if (forMs === 0) return;
    this.tell("onEject", ({ onEject }) => onEject?.(site, forMs, cause));
    const timer = this.clock.setTimer(forMs, () => {
      this.timers.delete(timer);
      this.look();
    });
    this.timers.add(timer);
  }

  private look(): void {
    for (const health of this.ejection.returned()) {
      const site = this.sites.find((one) => one.health === health);
      if (site !== undefined) this.tell("onReturn", ({ onReturn }) => onReturn?.(site));
    }
    this.handlers.moreToChoose?.();
  }

  private checked(site: Site, isUp: boolean, cause: unknown): void {
    site.health.isDown = !isUp;
    this.tell("onCheck", ({ onCheck }) => onCheck?.(site, isUp, cause));
    if (isUp) this.handlers.moreToChoose?.();
  }

  private tell(name: string, call: (handlers: TableHandlers<Site>) => unknown): void {
    callHandler(
      () => call(this.handlers),
      (cause) => tellHandlerError(this.handlers, handlerError(name, "connect", cause)),
    );
  }

  /** Begins the checks, where there are any. */
  start(): void {
    this.isStopped = false;
    this.checks?.start();
  }

  /** Ends the checks; destinations stay as they are. */
  stop(): void {
    this.isStopped = true;
    this.checks?.stop();
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
  }
}
