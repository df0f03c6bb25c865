import { systemClock, type Timer } from "../../time/clock.js";
import type { Output, Terminal } from "./terminal.js";

const PERIOD_MS = 1_000;
const CLEAR_LINE = "\r\u001b[2K";

/**
 * One line of a terminal (where the errors go) that is written anew each second. Where they go
 * elsewhere it does nothing.
 */
export class LiveLine {
  private readonly output: Output;
  private readonly compose: (elapsedSeconds: number) => string;
  private timer: Timer | undefined;
  private writtenMs = 0;

  /** `compose` makes the text; it is told how much time went by since it was last called. */
  constructor({ errors }: Terminal, compose: (elapsedSeconds: number) => string) {
    this.output = errors;
    this.compose = compose;
  }

  /** Begins; the first line comes after a second. */
  start(): void {
    if (!this.output.isTTY) return;
    this.writtenMs = systemClock.now();
    this.plan();
  }

  private plan(): void {
    this.timer = systemClock.setTimer(PERIOD_MS, () => {
      const nowMs = systemClock.now();
      const text = this.compose((nowMs - this.writtenMs) / 1_000);
      this.writtenMs = nowMs;
      // A line that wraps can't be cleared.
      this.output.write(CLEAR_LINE + text.slice(0, (this.output.columns || 80) - 1));
      this.plan();
    });
  }

  /** Ends and clears the line. */
  stop(): void {
    if (this.timer === undefined) return;
    this.timer.cancel();
    this.timer = undefined;
    this.output.write(CLEAR_LINE);
  }
}
