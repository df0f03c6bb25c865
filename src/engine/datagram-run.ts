import type { NetError } from "../errors.js";

/** Hears that all of a run were sent, or failed. */
export type RunDone = (token: number, error: NetError | undefined, failedCount: number) => void;

/**
 * A run of datagrams that an engine sends one by one: completes as one send, with the first error
 * and how many failed.
 */
export class DatagramRun {
  private readonly token: number;
  private readonly done: RunDone;
  private left: number;
  private failedCount = 0;
  private error: NetError | undefined = undefined;

  constructor(token: number, count: number, done: RunDone) {
    this.token = token;
    this.left = count;
    this.done = done;
  }

  /** One of them was sent, or failed. */
  sent(error: NetError | undefined): void {
    if (error !== undefined) {
      this.error ??= error;
      this.failedCount++;
    }
    this.left--;
    if (this.left === 0) this.done(this.token, this.error, this.failedCount);
  }
}
