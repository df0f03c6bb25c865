/**
 * The window that the peer has announced. While it is 0 and something waits, the peer is asked, at growing intervals.
 * A datagram that was overtaken does not announce the present window.
 */
import type { DatagramWriter } from "./datagram-writer.js";
import { NEVER, TRIES_UNTIL_DEAD } from "./kcp-settings.js";
import { ASK_WINDOW } from "./segment.js";

/** The peer's window until it announces one. */
const FIRST_SEGMENTS = 128;
/** While the peer has no room it is asked: first after this time, then each time half as long again. */
const FIRST_PROBE_MS = 1_000;
const MAX_PROBE_MS = 120_000;

/** The window that the peer has announced. */
export class RemoteWindow {
  /** Segments from the first unacknowledged on that the peer takes. */
  segments: number = FIRST_SEGMENTS;
  /** When the peer is asked next; infinite while it need not be. */
  dueMs: number = NEVER;
  private probeMs = 0;
  private newestUna: number;

  constructor(firstNumber: number) {
    this.newestUna = firstNumber;
  }

  /** A segment came whose sender misses `una` next. */
  told(segments: number, una: number): void {
    if (((una - this.newestUna) | 0) < 0) return;
    this.newestUna = una;
    this.segments = segments;
  }

  /** Asks the peer when that is due. */
  probe(nowMs: number, isNeeded: boolean, deadLinkMs: number, writer: DatagramWriter): void {
    if (this.segments > 0 || !isNeeded) {
      this.probeMs = 0;
      this.dueMs = NEVER;
    } else if (this.probeMs === 0) {
      this.probeMs = FIRST_PROBE_MS;
      this.dueMs = nowMs + FIRST_PROBE_MS;
    } else if (nowMs >= this.dueMs) {
      const mostMs = Math.max(FIRST_PROBE_MS, deadLinkMs / TRIES_UNTIL_DEAD);
      this.probeMs = Math.min(MAX_PROBE_MS, mostMs, this.probeMs + (this.probeMs >> 1));
      this.dueMs = nowMs + this.probeMs;
      writer.writeCommand(ASK_WINDOW, 0, 0);
    }
  }
}
