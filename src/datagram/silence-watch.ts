/**
 * Ends a session whose peer has been silent for too long: for `idleTimeoutMs`, or for so many probes that it should
 * have sent. One deadline serves both; what comes moves nothing but a number, and the deadline finds out when it gets
 * there.
 */
import type { CloseReason } from "../connection/close-reason.js";
import { reasonOf } from "../connection/close-reason.js";
import { idleError } from "../connection/end-errors.js";
import { NetError } from "../errors.js";
import type { TimingWheel, WheelItem } from "../time/timing-wheel.js";
import type { DatagramSettings } from "./datagram-settings.js";

/** A session, as its watch sees it. */
export interface WatchedSession {
  readonly id: number;
  readonly wheel: TimingWheel;
  readonly settings: DatagramSettings;
  readonly isOutgoing: boolean;
  /** Time of silence after which it ends; 0: none. */
  readonly idleTimeoutMs: number;
  /** When it began, and when something last came, by the wheel's clock. */
  readonly openedMs: number;
  readonly heardMs: number;
  closeWith(reason: CloseReason): boolean;
  failSilently(error: NetError): boolean;
}

/** Ends a session whose peer has been silent for too long. */
export class SilenceWatch implements WheelItem {
  wheelMs = 0;
  next: WheelItem | undefined = undefined;
  previous: WheelItem | undefined = undefined;
  private readonly session: WatchedSession;

  constructor(session: WatchedSession) {
    this.session = session;
  }

  /** Begins, or goes by changed settings. */
  set(): void {
    const { wheel } = this.session;
    const dueMs = silenceDueMs(this.session);
    if (dueMs === Number.POSITIVE_INFINITY) this.end();
    else wheel.set(this, Math.max(0, dueMs - wheel.clock.now()));
  }

  end(): void {
    this.session.wheel.clear(this);
  }

  deadlineReached(): void {
    const { session } = this;
    const nowMs = session.wheel.clock.now();
    if (detectDueMs(session) <= nowMs) {
      session.failSilently(missed(session.id, session.settings));
    } else if (idleDueMs(session) <= nowMs) {
      session.closeWith(reasonOf(idleError(session.id, session.idleTimeoutMs), "receive"));
    } else this.set();
  }
}

/** When the peer has been silent for too long: Infinity where nobody minds. */
export function silenceDueMs(session: WatchedSession): number {
  return Math.min(idleDueMs(session), detectDueMs(session));
}

function idleDueMs({ idleTimeoutMs, heardMs }: WatchedSession): number {
  return idleTimeoutMs > 0 ? heardMs + idleTimeoutMs : Number.POSITIVE_INFINITY;
}

/**
 * When the peer has missed too many probes. Who is probed counts the intervals since it began, and starts
 * again with everything it hears (HP §3.3); who probes has a `Prober`.
 */
function detectDueMs({ isOutgoing, openedMs, heardMs, settings }: WatchedSession): number {
  const { detectAttempts, detectIntervalMs } = settings;
  if (isOutgoing || detectAttempts === 0 || detectIntervalMs === 0) {
    return Number.POSITIVE_INFINITY;
  }
  const heard = Math.floor((heardMs - openedMs) / detectIntervalMs);
  return openedMs + (heard + detectAttempts + 1) * detectIntervalMs;
}

function missed(connectionId: number, settings: DatagramSettings): NetError {
  const { detectAttempts, detectIntervalMs } = settings;
  const text = `nothing came for detectAttempts (${detectAttempts}) + 1 times detectIntervalMs (${detectIntervalMs})`;
  return new NetError("DETECT_TIMEOUT", text, { operation: "receive", connectionId });
}
