/**
 * Look-ups of host names: one for each name under way, shared by all who ask for it meanwhile, and a
 * bounded number of them at once. A name whose turn has not come is dropped when nobody waits for it any
 * more. A look-up under way can't be cancelled, but stops holding the process. It has to be the
 * system's resolver: `/etc/hosts`, search domains, mDNS and whatever else `nsswitch.conf` names are known to
 * nobody else.
 *
 *     waiting (in order) ──▶ under way (at most RUNNING_MAX) ──▶ settled, and forgotten
 */
import { NetError } from "../errors.js";
import type { ResolvedHost } from "./engine.js";

/** One question to the system. */
export interface SystemQuestion {
  readonly hosts: Promise<readonly ResolvedHost[]>;
  /** Whether a caller waits for the answer, and the process has to stay for it. */
  hold(isWanted: boolean): void;
}

/** Asks the system. */
export type SystemLookup = (host: string) => SystemQuestion;

/** Names that wait for their turn; more are refused. */
export const WAITING_NAMES_MAX: number = 1_024;

interface Waiter {
  resolve(hosts: readonly ResolvedHost[]): void;
  reject(error: unknown): void;
}

/** One name, and the waiters for it. */
interface LookUp {
  readonly host: string;
  readonly waiters: Set<Waiter>;
  /** Undefined before it is its turn. */
  question: SystemQuestion | undefined;
}

export class HostResolver {
  private readonly lookup: SystemLookup;
  private readonly runningMax: number;
  /** All that are waiting or under way, by name. */
  private readonly lookUps = new Map<string, LookUp>();
  /** Those that wait, in order; what nobody waits for any more is left out when its turn comes. */
  private waiting: LookUp[] = [];
  private runningCount = 0;

  constructor(lookup: SystemLookup, runningMax: number) {
    this.lookup = lookup;
    this.runningMax = runningMax;
  }

  /** Names that are being looked up or wait for their turn. */
  get nameCount(): number {
    return this.lookUps.size;
  }

  /** See `Engine.resolve`. */
  resolve(host: string, signal?: AbortSignal): Promise<readonly ResolvedHost[]> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const key = host.toLowerCase();
    const lookUp = this.lookUps.get(key) ?? this.add(key, host);
    if (lookUp === undefined) return Promise.reject(tooManyNames(host));
    const promise = new Promise<readonly ResolvedHost[]>((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      if (lookUp.waiters.size === 0) lookUp.question?.hold(true);
      lookUp.waiters.add(waiter);
      if (signal !== undefined) this.watch(signal, key, lookUp, waiter);
    });
    this.startNext();
    return promise;
  }

  private add(key: string, host: string): LookUp | undefined {
    if (this.lookUps.size - this.runningCount >= WAITING_NAMES_MAX) return undefined;
    const lookUp: LookUp = { host, waiters: new Set(), question: undefined };
    this.lookUps.set(key, lookUp);
    this.waiting.push(lookUp);
    return lookUp;
  }

  /** Rejects `waiter` when `signal` is aborted before. */
  private watch(signal: AbortSignal, key: string, lookUp: LookUp, waiter: Waiter): void {
    const { resolve, reject } = waiter;
    const aborted = (): void => {
      lookUp.waiters.delete(waiter);
      if (lookUp.waiters.size === 0) this.forsake(key, lookUp);
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    waiter.resolve = (hosts): void => {
      signal.removeEventListener("abort", aborted);
      resolve(hosts);
    };
    waiter.reject = (error): void => {
      signal.removeEventListener("abort", aborted);
      reject(error);
    };
  }

  /** The last waiter has left. A look-up under way may still serve another. */
  private forsake(key: string, lookUp: LookUp): void {
    lookUp.question?.hold(false);
    const index = this.waiting.indexOf(lookUp);
    if (index < 0) return;
    this.waiting.splice(index, 1);
    this.lookUps.delete(key);
  }

  private startNext(): void {
    while (this.runningCount < this.runningMax) {
      const lookUp = this.waiting.shift();
      if (lookUp === undefined) return;
      this.runningCount++;
      lookUp.question = this.lookup(lookUp.host);
      lookUp.question.hosts.then(
        (hosts) => this.settled(lookUp, (waiter) => waiter.resolve(hosts)),
        (error: unknown) => this.settled(lookUp, (waiter) => waiter.reject(error)),
      );
    }
  }

  private settled(lookUp: LookUp, tell: (waiter: Waiter) => void): void {
    this.runningCount--;
    this.lookUps.delete(lookUp.host.toLowerCase());
    for (const waiter of lookUp.waiters) tell(waiter);
    this.startNext();
  }
}

function tooManyNames(host: string): NetError {
  const text = `${WAITING_NAMES_MAX} names wait to be looked up, and no more can: ${JSON.stringify(host)}`;
  return new NetError("RESOLVE_FAILED", text, { operation: "resolve" });
}
