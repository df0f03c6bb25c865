/** Takers of a pool's connections. */
import type { WaitOptions } from "../connection/connection.js";
import { Waiter } from "../connection/waiting/waiter.js";
import type { NetError } from "../errors.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { Pooled, Site, Use } from "./site.js";

/** A taker of a connection. */
export class Taker {
  /** Of those who came before it is less. */
  readonly number: number;
  readonly use: Use;
  /** Destinations that come last: they failed it or the request before, keep it waiting, or a check failed there. */
  readonly tried: Set<Site>;
  /** Those of them that could not be connected to for it. */
  readonly failed: Set<Site> = new Set();
  lastError: NetError | undefined = undefined;
  /** `connecting`: a connection is made for it; it takes one that comes free before. `checking`: one that it got. */
  state: "waiting" | "connecting" | "checking" = "waiting";
  /** Where its last connection is made. */
  attempt: Site | undefined = undefined;
  /** Connections that are made for it. */
  attemptCount = 0;
  /** Its key at the time when it was put into a group, and its place there; undefined: it is in none. */
  groupKey: string | undefined = undefined;
  place = 0;
  private readonly waiter: Waiter<Pooled>;

  /** `left`: told when it gives up. */
  constructor(
    number: number,
    use: Use,
    wait: TakerWait,
    tried: Set<Site>,
    left: (taker: Taker) => void,
  ) {
    const { wheel, options, waitTimeoutMs } = wait;
    this.number = number;
    this.use = use;
    this.tried = tried;
    this.waiter = new Waiter<Pooled>(
      wheel,
      options,
      {
        code: "POOL_TIMEOUT",
        call: "take",
        setting: "waitTimeoutMs",
        operation: "request",
        missing: () => "no connection was free",
        cause: () => this.lastError,
        forget: () => left(this),
      },
      waitTimeoutMs,
    );
  }

  /** The same for all who can be served by the same connections. */
  get key(): string {
    const { use, state, tried, attemptCount } = this;
    const way = `${use} ${state}${attemptCount === 0 ? "" : " trying"}`;
    if (tried.size === 0) return way;
    return `${way} ${[...tried].map(({ number }) => number).sort((one, other) => one - other)}`;
  }

  get promise(): Promise<Pooled> {
    return this.waiter.promise;
  }

  resolve(pooled: Pooled): void {
    this.waiter.resolve(pooled);
  }

  reject(error: NetError): void {
    this.waiter.reject(error);
  }
}

/** How long a taker waits. */
export interface TakerWait {
  readonly wheel: TimingWheel;
  readonly options: WaitOptions;
  /** Where `options` have no time. */
  readonly waitTimeoutMs: number;
}
