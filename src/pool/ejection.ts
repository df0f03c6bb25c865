/**
 * Which destinations are well. One that fails several times in a row is ejected for a while, longer each time,
 * and then tried again; a success forgets all that. Never more than a share of them is ejected, counted
 * with the one that is about to be, and never the only one.
 */
import type { Clock } from "../time/clock.js";

/** The rules. */
export interface EjectionRules {
  readonly ejectAfter: number;
  readonly ejectMs: number;
  readonly maxEjectMs: number;
  readonly maxEjectedPercent: number;
}

/** What is known of one destination. */
export class Health {
  failureCount = 0;
  ejectionCount = 0;
  /** Until when it is ejected, by the clock; 0: it is not. */
  ejectedUntilMs = 0;
}

/** The health of all destinations of a pool. */
export class Ejection {
  readonly #rules: EjectionRules;
  readonly #clock: Clock;
  readonly #all: Set<Health> = new Set();

  constructor(rules: EjectionRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  add(health: Health): void {
    this.#all.add(health);
  }

  delete(health: Health): void {
    this.#all.delete(health);
  }

  /** Whether it may be chosen. */
  isWell(health: Health): boolean {
    return health.ejectedUntilMs === 0;
  }

  /** Answers those whose time is over: they may be chosen again. */
  returned(): Health[] {
    const nowMs = this.#clock.now();
    const back = [...this.#all].filter(
      ({ ejectedUntilMs }) => ejectedUntilMs > 0 && ejectedUntilMs <= nowMs,
    );
    for (const health of back) {
      health.ejectedUntilMs = 0;
      // One more failure is enough.
      health.failureCount = this.#rules.ejectAfter - 1;
    }
    return back;
  }

  succeeded(health: Health): void {
    health.failureCount = 0;
    health.ejectionCount = 0;
  }

  /** Takes note of a failure. Answers for how long it is ejected by it; 0: not at all. */
  failed(health: Health): number {
    health.failureCount++;
    const { ejectAfter, ejectMs, maxEjectMs, maxEjectedPercent } = this.#rules;
    if (health.failureCount < ejectAfter || health.ejectedUntilMs > 0) return 0;
    const ejected = [...this.#all].filter((one) => !this.isWell(one)).length + 1;
    if (ejected === this.#all.size || ejected * 100 > maxEjectedPercent * this.#all.size) return 0;
    const forMs = Math.min(maxEjectMs, ejectMs * 2 ** Math.min(health.ejectionCount, 30));
    health.ejectionCount++;
    health.ejectedUntilMs = this.#clock.now() + forMs;
    return forMs;
  }
}
