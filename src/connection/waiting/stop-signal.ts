/** That a component which is stopped for good has stopped: for those who wait for it. */
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { WaitOptions } from "../connection.js";
import { beginWait } from "./waiter.js";
import { STOPPED, WaiterList } from "./waiter-list.js";

/** Told once. */
export class StopSignal {
  private readonly waiters: WaiterList = new WaiterList();
  private isStopped = false;

  /** Resolves when it is told, at once if it was. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  async wait(wheel: TimingWheel, options: WaitOptions): Promise<void> {
    beginWait(options, "stopped", "close");
    if (this.isStopped) return;
    await this.waiters.wait(wheel, options, STOPPED);
  }

  /** The component has stopped. */
  tell(): void {
    this.isStopped = true;
    this.waiters.resolve();
  }
}
