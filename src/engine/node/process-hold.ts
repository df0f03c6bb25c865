/** The longest timer of Node; it does nothing but start again. */
const LONG_MS = 2 ** 31 - 1;

/**
 * Holds the process for open streams that Node would not: libuv counts a socket as alive only while
 * it reads or writes, so one that is paused, or whose peer has finished, would let the process end.
 */
export class ProcessHold {
  private count = 0;
  private timer: NodeJS.Timeout | undefined;

  /** One stream more is to hold the process. */
  add(): void {
    this.count++;
    if (this.count > 1) return;
    this.timer ??= setInterval(() => {}, LONG_MS);
    this.timer.ref();
  }

  /** One less. */
  remove(): void {
    this.count--;
    if (this.count === 0) this.timer?.unref();
  }
}
