/** Waiters for the same event. All are told at once; each may give up before, by time or by signal. */
import type { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { WaitOptions } from "../connection.js";
import { type GiveUp, Waiter } from "./waiter.js";

/** What `drained` says when it gives up. */
export const DRAINED: Omit<GiveUp, "forget"> = {
  code: "DRAIN_TIMEOUT",
  call: "drained",
  operation: "send",
};

/** What `stopped` says when it gives up. */
export const STOPPED: Omit<GiveUp, "forget"> = {
  code: "CLOSE_TIMEOUT",
  call: "stopped",
  operation: "close",
};

/** Waiters for the same event. */
export class WaiterList {
  private waiters: Waiter<void>[] = [];

  /** Whether there is no waiter. */
  get isEmpty(): boolean {
    return this.waiters.length === 0;
  }

  /** Resolves with the next {@link resolve}. Throws `INVALID_ARGUMENT` for invalid bounds. */
  wait(wheel: TimingWheel, options: WaitOptions, giveUp: Omit<GiveUp, "forget">): Promise<void> {
    const waiter: Waiter<void> = new Waiter<void>(wheel, options, {
      ...giveUp,
      forget: () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
      },
    });
    this.waiters.push(waiter);
    return waiter.promise;
  }

  /** What they wait for has happened. */
  resolve(): void {
    for (const waiter of this.take()) waiter.resolve();
  }

  /** It will not happen. */
  reject(error: NetError): void {
    for (const waiter of this.take()) waiter.reject(error);
  }

  /** Whoever begins to wait from here on waits for the next time. */
  private take(): Waiter<void>[] {
    const { waiters } = this;
    this.waiters = [];
    return waiters;
  }
}
