/** Closes the connections of a pool that are idle for too long, or too old. One timer serves all. */
import type { Clock, Timer } from "../time/clock.js";
import type { DestinationTable } from "./destination-table.js";
import type { PoolSettings } from "./pool-options.js";
import type { Site } from "./site.js";

/** The settings that say when a connection is closed. */
type IdleSettings = Pick<
  PoolSettings,
  "idleTimeoutMs" | "minConnectionsPerDestination" | "maxAgeMs"
>;

export class IdleWatch {
  private readonly table: DestinationTable<Site>;
  private readonly settings: IdleSettings;
  private readonly clock: Clock;
  private timer: Timer | undefined = undefined;
  private isStopped = false;

  constructor(table: DestinationTable<Site>, settings: IdleSettings, clock: Clock) {
    this.table = table;
    this.settings = settings;
    this.clock = clock;
  }

  /** A connection has become idle: sets the timer, unless it is set. */
  watch(): void {
    if (this.timer !== undefined || this.isStopped) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const site of this.table.all) dueMs = Math.min(dueMs, this.endMsOf(site));
    if (dueMs === Number.POSITIVE_INFINITY) return;
    // A connection may be idle for too long before another is too old.
    const delayMs = Math.min(dueMs - this.clock.now(), this.settings.idleTimeoutMs);
    this.timer = this.clock.setTimer(Math.max(1, delayMs), () => {
      this.timer = undefined;
      this.closeIdle();
      this.watch();
    });
  }

  /** Closes nothing more. */
  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  /** When the next idle connection to a destination is closed. */
  private endMsOf({ stock }: Site): number {
    const { idleTimeoutMs, minConnectionsPerDestination, maxAgeMs } = this.settings;
    const { idleLongest } = stock;
    if (idleLongest === undefined) return Number.POSITIVE_INFINITY;
    let endMs = Number.POSITIVE_INFINITY;
    if (stock.size > minConnectionsPerDestination) endMs = idleLongest.idleMs + idleTimeoutMs;
    if (maxAgeMs === 0) return endMs;
    for (const { useCount, oldMs } of stock.open)
      if (useCount === 0) endMs = Math.min(endMs, oldMs);
    return endMs;
  }

  private closeIdle(): void {
    const { idleTimeoutMs, minConnectionsPerDestination, maxAgeMs } = this.settings;
    const sinceMs = this.clock.now() - idleTimeoutMs;
    for (const site of this.table.all) {
      const { stock } = site;
      // Connections that are too old are closed even where `minConnectionsPerDestination` would keep them.
      if (maxAgeMs > 0) {
        for (const pooled of [...stock.open])
          if (pooled.useCount === 0 && pooled.isOld) site.doom(pooled);
      }
      while (stock.size > minConnectionsPerDestination) {
        const { idleLongest } = stock;
        if (idleLongest === undefined || idleLongest.idleMs > sinceMs) break;
        site.doom(idleLongest);
      }
    }
  }
}
