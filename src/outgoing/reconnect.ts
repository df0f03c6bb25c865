/**
 * Decides whether a lost connection is made anew, waits, and asks for the next attempt.
 *
 *     connected ── lost, worth another try ──► lost ── settled ──► waiting ── the wait is over ──► trying
 *         ▲                                     ▲                                                 │    │
 *         │                                     └──────────── failed, attempts are left ──────────┘    │
 *         └──────────────────────────────────────── made ──────────────────────────────────────────────┘
 *
 * From any of them to `over` when another attempt is not worth it, or none is left; that is told when it is
 * settled. `idle`: nobody wants a connection, or the first attempt is not repeated.
 */
import process from "node:process";
import type { CloseReason } from "../connection/close-reason.js";
import { answeredAtOnce, handlerError } from "../connection/events/handlers.js";
import type { NetErrorCode } from "../errors.js";
import { Backoff } from "../time/backoff.js";
import type { Clock, Timer } from "../time/clock.js";
import type { ReadReconnectOptions } from "./reconnect-options.js";

/** What is reconnected. */
export interface ReconnectOwner<Reason extends CloseReason> {
  readonly clock: Clock;
  /** Whether a wait keeps the process alive. */
  readonly keepsProcess: boolean;
  /** Another attempt begins after `delayMs`. */
  reconnecting(attempt: number, delayMs: number, reason: Reason, unsentBytes: number): void;
  /** Makes the attempt; `targetIndex`: 0 for the target of `connect`, then those of the options. */
  attempt(targetIndex: number): void;
  /** No attempt follows. `isLate`: {@link Reconnect.lost} had promised one. */
  gaveUp(isLate: boolean): void;
}

/** Ends of the peer's or the system's that another attempt would not change. */
const HOPELESS: ReadonlySet<NetErrorCode | "CLOSED"> = new Set<NetErrorCode>([
  "TLS_CERTIFICATE",
  "PROXY_AUTHENTICATION",
]);

/** The attempts at one connection. */
export class Reconnect<Reason extends CloseReason = CloseReason, Target = unknown> {
  readonly options: ReadReconnectOptions<Reason, Target>;
  private readonly owner: ReconnectOwner<Reason>;
  private readonly backoff: Backoff;
  private state: "idle" | "lost" | "over" | "waiting" | "trying" | "connected" = "idle";
  private timer: Timer | undefined;
  private dueMs = 0;
  private connectedMs = 0;
  private targetIndex = 0;
  /** The application is asked whether another attempt is worth it; it has called that off meanwhile. */
  private isAsking = false;
  private isCalledOff = false;

  constructor(
    options: ReadReconnectOptions<Reason, Target>,
    owner: ReconnectOwner<Reason>,
    random?: () => number,
  ) {
    this.options = options;
    this.owner = owner;
    this.backoff = new Backoff(options, random);
  }

  /** Whether there is no connection, and another attempt will be made or is under way. */
  get isAway(): boolean {
    const state = this.state;
    return state === "lost" || state === "waiting" || state === "trying";
  }

  /** Whether an attempt is under way. */
  get isTrying(): boolean {
    return this.state === "trying";
  }

  /** `connect` is called. What was over is told first. */
  begin(): void {
    if (this.state === "over") this.giveUp(false);
    this.state = this.options.fromStart === true ? "trying" : "idle";
    this.targetIndex = 0;
    this.backoff.reset();
  }

  /** The connection is ready. Returns after how many attempts; 0: it is the first. */
  connected(): number {
    this.state = "connected";
    this.connectedMs = this.owner.clock.now();
    return this.backoff.attemptCount;
  }

  /**
   * The connection, or an attempt, has ended; `isWanted`: this side did not ask for that. Returns whether another
   * attempt is to follow; {@link settle} does it.
   */
  lost(reason: Reason, isWanted: boolean): boolean {
    const wasConnected = this.state === "connected";
    if (!wasConnected && this.state !== "trying") return false;
    if (wasConnected && this.owner.clock.now() - this.connectedMs >= this.options.stableMs) {
      this.backoff.reset();
    }
    const { maxAttempts, targets = [] } = this.options;
    const attempt = this.backoff.attemptCount + 1;
    const isLeft = maxAttempts === 0 || attempt <= maxAttempts;
    if (!isWanted || !isLeft || !this.isWorthIt(reason, attempt)) {
      this.state = "over";
      return false;
    }
    if (!wasConnected) this.targetIndex = (this.targetIndex + 1) % (targets.length + 1);
    this.state = "lost";
    return true;
  }

  /** Goes on after {@link lost}: waits for the next attempt, or gives up. */
  settle(reason: Reason, unsentBytes: number): void {
    if (this.state === "over") this.giveUp(false);
    if (this.state !== "lost") return;
    const delayMs = this.backoff.next();
    this.state = "waiting";
    this.dueMs = this.owner.clock.now() + delayMs;
    this.setTimer(delayMs);
    this.owner.reconnecting(this.backoff.attemptCount, delayMs, reason, unsentBytes);
  }

  private setTimer(delayMs: number): void {
    const { clock, keepsProcess } = this.owner;
    this.timer = clock.setTimer(delayMs, () => this.tryAgain(), keepsProcess);
  }

  /** Whether a wait keeps the process alive has changed. */
  holdChanged(): void {
    if (this.state !== "waiting") return;
    this.timer?.cancel();
    this.setTimer(Math.max(0, this.dueMs - this.owner.clock.now()));
  }

  private isWorthIt(reason: Reason, attempt: number): boolean {
    const { shouldReconnect } = this.options;
    if (shouldReconnect !== undefined) {
      this.isAsking = true;
      this.isCalledOff = false;
      try {
        const isWorthIt = answeredAtOnce(shouldReconnect(reason, attempt)) === true;
        return isWorthIt && !this.isCalledOff;
      } catch (error) {
        process.emitWarning(handlerError("shouldReconnect", "connect", error));
        return false;
      } finally {
        this.isAsking = false;
      }
    }
    const { cause, initiator, code } = reason;
    if (cause === undefined) return initiator !== "local";
    return cause.fault !== "local" && cause.fault !== "usage" && !HOPELESS.has(code);
  }

  private tryAgain(): void {
    this.timer = undefined;
    this.state = "trying";
    this.owner.attempt(this.targetIndex);
  }

  /** Calls a wait off. Returns whether there was one. */
  cancel(): boolean {
    if (this.isAsking) {
      this.isCalledOff = true;
      return true;
    }
    const wasWaiting = this.state === "waiting" || this.state === "lost";
    if (wasWaiting) this.giveUp(true);
    return wasWaiting;
  }

  private giveUp(isLate: boolean): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.state = "idle";
    this.owner.gaveUp(isLate);
  }
}
