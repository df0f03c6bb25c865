/**
 * Which destinations are well. One that fails several times in a row, in being connected to or in use, is ejected
 * for a while, and then tried again; when it fails once more, for twice as long. What it did before is
 * forgotten when it has been well for as long as it was ejected. Never more than a share of them is ejected,
 * counted with the one that is about to be, and never the only one that is left.
 */
import { count, milliseconds, type OptionTable } from "../options.js";
import type { Clock } from "../time/clock.js";

/** When destinations are ejected: not used for a while. */
export interface EjectionNumbers {
  /** Failures in a row that eject a destination. Default 3. */
  readonly ejectAfter: number;
  /** Time for which it is ejected first; each further time is twice as long. Default 5,000. */
  readonly ejectMs: number;
  /** The longest such time. Default 120,000. */
  readonly maxEjectMs: number;
  /** Share of the destinations that may be ejected at a time, in percent; never all. Default 50. */
  readonly maxEjectedPercent: number;
}

/** Default and range of each number, for pools and relays. */
export const EJECTION_NUMBERS: OptionTable<EjectionNumbers> = {
  ejectAfter: count(3, "failures", { min: 1, max: 1_000 }),
  ejectMs: milliseconds(5_000, { min: 1 }),
  maxEjectMs: milliseconds(120_000, { min: 1 }),
  maxEjectedPercent: count(50, "percent", { max: 100 }),
};

/** In what a destination failed. A success in one says nothing of the other. */
export type Effort = "connect" | "use";

/** What is known of one destination. */
export class Health {
  readonly failureCount: Record<Effort, number> = { connect: 0, use: 0 };
  ejectionCount = 0;
  /** Until when it is ejected, by the clock; 0: it is not. */
  ejectedUntilMs = 0;
  /** From when on what it did before is forgotten. */
  forgottenMs = 0;
  /** Checks have found it down. */
  isDown = false;

  /** Whether it may be chosen. */
  get isWell(): boolean {
    return this.ejectedUntilMs === 0 && !this.isDown;
  }
}

/** The health of all destinations of a table. */
export class Ejection {
  private readonly rules: EjectionNumbers;
  private readonly clock: Clock;
  private readonly all: Set<Health> = new Set();

  constructor(rules: EjectionNumbers, clock: Clock) {
    this.rules = rules;
    this.clock = clock;
  }

  add(health: Health): void {
    this.all.add(health);
  }

  delete(health: Health): void {
    this.all.delete(health);
  }

  /** The destinations whose ejection is over. */
  returned(): Health[] {
    const nowMs = this.clock.now();
    const back = [...this.all].filter(
      ({ ejectedUntilMs }) => ejectedUntilMs > 0 && ejectedUntilMs <= nowMs,
    );
    for (const health of back) {
      health.forgottenMs = nowMs + this.timeOf(health.ejectionCount - 1);
      health.ejectedUntilMs = 0;
      // One more failure is enough.
      const almost = this.rules.ejectAfter - 1;
      health.failureCount.connect = almost;
      health.failureCount.use = almost;
    }
    return back;
  }

  private timeOf(ejectionCount: number): number {
    const { ejectMs, maxEjectMs } = this.rules;
    return Math.min(maxEjectMs, ejectMs * 2 ** Math.min(ejectionCount, 30));
  }

  succeeded(health: Health, effort: Effort): void {
    health.failureCount[effort] = 0;
    if (health.ejectionCount > 0 && this.clock.now() >= health.forgottenMs) {
      health.ejectionCount = 0;
    }
  }

  /** Takes note of a failure. Returns for how long it is ejected by it; 0: not at all. */
  failed(health: Health, effort: Effort): number {
    const { ejectAfter, maxEjectedPercent } = this.rules;
    // When a destination is down, only checks bring it back.
    if (++health.failureCount[effort] < ejectAfter || !health.isWell) return 0;
    let leftCount = -1;
    for (const { isWell } of this.all) if (isWell) leftCount++;
    const outCount = this.all.size - leftCount;
    if (leftCount < 1 || outCount * 100 > maxEjectedPercent * this.all.size) return 0;
    const forMs = this.timeOf(health.ejectionCount);
    health.ejectionCount++;
    health.ejectedUntilMs = this.clock.now() + forMs;
    return forMs;
  }
}
