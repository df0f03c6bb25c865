/**
 * Finds out whether the peer of an outgoing session is still there: an empty datagram at once and then at each
 * interval, until something comes (HP §3.3). With each tick at which nothing has come since the last one it counts
 * one more; at a tick that finds `detectAttempts` of them the session ends with `DETECT_TIMEOUT`, without a word.
 */
import { NetError } from "../errors.js";
import { PROBE } from "../protocol/udp-control/udp-control.js";
import { Deadline, type DeadlineOwner } from "../time/timing-wheel.js";
import type { Session } from "./session.js";

export class Prober implements DeadlineOwner {
  private readonly session: Session;
  private readonly deadline: Deadline = new Deadline(this);
  private missedCount = 0;
  /** When the last tick was, and when the next one is due. */
  private tickMs = 0;
  private dueMs = 0;

  constructor(session: Session) {
    this.session = session;
  }

  /** The session is open. */
  start(): void {
    const { detectAttempts, detectIntervalMs } = this.session.settings;
    if (detectAttempts === 0 || detectIntervalMs === 0) return;
    this.session.sendDatagram(PROBE);
    this.wait(detectIntervalMs);
  }

  /** A tick that came late lets the next one be none the later: the peer's clock does not wait. */
  private wait(intervalMs: number, lateMs = 0): void {
    const { wheel } = this.session;
    const nextMs = lateMs < intervalMs / 2 ? intervalMs - lateMs : intervalMs;
    this.tickMs = wheel.clock.now();
    this.dueMs = this.tickMs + nextMs;
    wheel.set(this.deadline, nextMs);
  }

  /** Probes may have been switched on, or are due sooner. */
  settingsChanged(): void {
    const { detectIntervalMs } = this.session.settings;
    if (!this.deadline.isSet) this.start();
    else if (detectIntervalMs > 0) this.wait(detectIntervalMs);
  }

  /** The session has ended. */
  end(): void {
    this.session.wheel.clear(this.deadline);
  }

  deadlineReached(): void {
    const { session } = this;
    const { detectAttempts, detectIntervalMs } = session.settings;
    const lateMs = session.wheel.clock.now() - this.dueMs;
    // Switched off meanwhile.
    if (detectAttempts === 0 || detectIntervalMs === 0) return;
    if (session.heardMs >= this.tickMs) this.missedCount = 0;
    if (this.missedCount >= detectAttempts) {
      const text = `the peer answered none of detectAttempts (${detectAttempts}) probes`;
      const detail = { operation: "receive", connectionId: session.id } as const;
      session.failSilently(new NetError("DETECT_TIMEOUT", text, detail));
      return;
    }
    this.missedCount++;
    session.sendDatagram(PROBE);
    this.wait(detectIntervalMs, Math.max(0, lateMs));
  }
}
