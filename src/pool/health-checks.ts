/**
 * Looks regularly whether destinations are there. One is down when `fall` checks in a row have failed, and up
 * again when `rise` in a row have succeeded. The first checks of a list are spread over the interval, so that
 * they do not come in one burst.
 *
 * Invariant: of a destination at most one check is under way; after `stop`, or when it has left, none.
 */
import type { Clock, Timer } from "../time/clock.js";
import { isOwnFailure } from "./own-failure.js";

/** When a destination is down, and when up. */
export interface HealthCheckNumbers {
  /** From the end of one check of a destination to its next. Default 5,000. */
  readonly everyMs: number;
  /** Time for one: connecting, sending and the answer together. Default 2,000. */
  readonly timeoutMs: number;
  /** Checks in a row that have to succeed before a destination that is down is used again. Default 2. */
  readonly rise: number;
  /** Checks in a row that have to fail before it is not used. Default 3. */
  readonly fall: number;
}

/** The numbers, and what a check is. */
export interface HealthCheckRules<Site> extends HealthCheckNumbers {
  /** Resolves where the destination is well. Given up when `signal` is aborted, as it is after `timeoutMs`. */
  readonly probe: (site: Site, signal: AbortSignal) => Promise<void>;
}

/** A destination that is looked at. */
class Checked<Site> {
  readonly site: Site;
  isDown = false;
  /** Checks in a row that said that it is otherwise than `isDown` has it. */
  againstCount = 0;
  timer: Timer | undefined = undefined;
  attempt: AbortController | undefined = undefined;
  isOver = false;

  constructor(site: Site) {
    this.site = site;
  }

  end(): void {
    this.isOver = true;
    this.timer?.cancel();
    this.attempt?.abort();
  }
}

/** Looks regularly whether destinations are there. */
export class HealthChecks<Site> {
  private readonly rules: HealthCheckRules<Site>;
  private readonly clock: Clock;
  private readonly changed: (site: Site, isUp: boolean, cause: unknown) => void;
  private readonly checked: Map<Site, Checked<Site>> = new Map();
  private isStarted = false;

  /** `changed` is told when a destination goes down or comes up. */
  constructor(
    rules: HealthCheckRules<Site>,
    clock: Clock,
    changed: (site: Site, isUp: boolean, cause: unknown) => void,
  ) {
    this.rules = rules;
    this.clock = clock;
    this.changed = changed;
  }

  /** Exchanges the destinations. */
  set(sites: readonly Site[]): void {
    const wanted = new Set(sites);
    for (const [site, checked] of this.checked) {
      if (wanted.has(site)) continue;
      checked.end();
      this.checked.delete(site);
    }
    const added = sites.filter((site) => !this.checked.has(site)).map((site) => new Checked(site));
    for (const checked of added) this.checked.set(checked.site, checked);
    if (this.isStarted) this.spread(added);
  }

  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.spread([...this.checked.values()]);
  }

  /** Ends all that is under way. What was found is kept. */
  stop(): void {
    this.isStarted = false;
    for (const [site, checked] of this.checked) {
      checked.end();
      const next = new Checked(site);
      next.isDown = checked.isDown;
      this.checked.set(site, next);
    }
  }

  private spread(some: readonly Checked<Site>[]): void {
    some.forEach((checked, index) => {
      this.checkIn(checked, (this.rules.everyMs * index) / some.length);
    });
  }

  private checkIn(checked: Checked<Site>, delayMs: number): void {
    checked.timer = this.clock.setTimer(delayMs, () => {
      void this.check(checked);
    });
  }

  private async check(checked: Checked<Site>): Promise<void> {
    const attempt = new AbortController();
    checked.attempt = attempt;
    const { timeoutMs } = this.rules;
    const timer = this.clock.setTimer(timeoutMs, () => attempt.abort());
    let cause: unknown;
    let isUp = true;
    try {
      await this.rules.probe(checked.site, attempt.signal);
    } catch (error) {
      isUp = false;
      cause = error;
    } finally {
      timer.cancel();
      checked.attempt = undefined;
    }
    if (checked.isOver) return;
    if (isUp || !isOwnFailure(cause)) this.found(checked, isUp, cause);
    this.checkIn(checked, this.rules.everyMs);
  }

  private found(checked: Checked<Site>, isUp: boolean, cause: unknown): void {
    if (isUp !== checked.isDown) {
      checked.againstCount = 0;
      return;
    }
    const { rise, fall } = this.rules;
    if (++checked.againstCount < (isUp ? rise : fall)) return;
    checked.againstCount = 0;
    checked.isDown = !isUp;
    this.changed(checked.site, isUp, cause);
  }
}
