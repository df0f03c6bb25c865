/**
 * How one session ends: made when that begins.
 *
 *     open ── close ──► closing: what waits is sent ──► settled ── a microtask ──► released, `onClose`
 *       └──── fail, the peer's word ─────────────────────►
 *
 * Invariants: one reason, which is fixed when the session is settled; from then on nothing is sent or delivered.
 */
import {
  CLOSED_BY_PEER,
  CLOSED_LOCALLY,
  type CloseReason,
  reasonOf,
} from "../connection/close-reason.js";
import { type ConnectionState, nextConnectionState } from "../connection/connection-state.js";
import { closedError } from "../connection/ending/end-errors.js";
import { DUE } from "../connection/receiver.js";
import { NetError } from "../errors.js";
import { CLOSE_NOTIFY } from "../protocol/udp-control/udp-control.js";
import type { Deadlines } from "../time/deadlines.js";
import { inRootContext } from "../time/root-context.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { DatagramSettings } from "./datagram-settings.js";

/** A session, as its end sees it. */
export interface EndingSession {
  readonly id: number;
  state: ConnectionState;
  readonly settings: DatagramSettings;
  readonly wheel: TimingWheel;
  readonly deadlines: Deadlines;
  /** What is not sent, or not acknowledged where peers do that. */
  readonly pendingBytes: number;
  /** Takes nothing more: its deadlines and readers are at their end. */
  stopTaking(): void;
  /** Whether all is sent that an orderly end waits for. */
  isAllSent(): boolean;
  sendDatagram(bytes: Uint8Array): void;
  /** All that it is made of hears of the end. */
  settled(): void;
  /** It is gone. */
  released(reason: CloseReason): void;
}

/** How one session ends. */
export class SessionEnding {
  /** Why it ends; undefined while it lives. */
  reason: CloseReason | undefined = undefined;
  /** When it was gone, by the clock. */
  closedMs: number | undefined = undefined;
  /** Whether `close` or `abort` was called, whatever became of it. */
  isAsked = false;
  /** What was not sent, or not acknowledged where peers do that, when the session ended. */
  unsentBytes = 0;
  private readonly session: EndingSession;

  constructor(session: EndingSession) {
    this.session = session;
  }

  /** Closes in good order: waits for what is to be sent, at most `closeTimeoutMs`. */
  begin(reason: CloseReason): void {
    const { session } = this;
    session.state = nextConnectionState(session.state, "closing");
    this.reason = reason;
    session.stopTaking();
    session.deadlines.set(DUE.close, session.settings.closeTimeoutMs);
    if (session.isAllSent()) this.allSent();
  }

  allSent(): void {
    if (this.session.state === "closing") this.settle(this.reason ?? CLOSED_LOCALLY, true);
  }

  /** `closeTimeoutMs` has passed. */
  timePassed(): void {
    const { id, pendingBytes, settings } = this.session;
    const text = `${pendingBytes} bytes were not taken within closeTimeoutMs (${settings.closeTimeoutMs})`;
    this.fail(new NetError("CLOSE_TIMEOUT", text, { operation: "close", connectionId: id }), true);
  }

  /** The peer says that it has closed. */
  peerClosed(): void {
    this.settle(CLOSED_BY_PEER, false);
  }

  /** Ends it at once. Returns false when it has ended already. */
  fail(error: NetError, tellsPeer: boolean): boolean {
    const { state } = this.session;
    if (state === "ending" || state === "closed") return false;
    const operation = state === "connecting" ? "connect" : "receive";
    this.settle(reasonOf(error, operation), tellsPeer);
    return true;
  }

  /** Fixes the reason. `onClose` follows in a microtask. */
  private settle(reason: CloseReason, tellsPeer: boolean): void {
    const { session } = this;
    const wasOpen = session.state !== "connecting";
    this.reason = reason;
    this.unsentBytes = session.pendingBytes;
    if (tellsPeer && wasOpen) session.sendDatagram(CLOSE_NOTIFY);
    session.state = nextConnectionState(session.state, "ended");
    session.stopTaking();
    session.settled();
    inRootContext(() => {
      queueMicrotask(() => this.release(reason));
    });
  }

  private release(reason: CloseReason): void {
    const { session } = this;
    session.state = nextConnectionState(session.state, "released");
    this.closedMs = session.wheel.clock.now();
    session.released(reason);
  }

  closedError(): NetError {
    return closedError(this.session.id, this.reason);
  }
}
