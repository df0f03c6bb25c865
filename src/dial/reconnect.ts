/**
 * Makes a lost connection anew: decides whether, waits, and asks for the next attempt.
 *
 *     connected ── lost, worth another try ──► waiting ── the wait is over ──► trying ── made ──► connected
 *                                                 ▲                              └── failed ──┐
 *                                                 └───────────── attempts are left ───────────┤
 *     over ◄── cancelled, or not worth another try ─────────────── none is left ─────────────┘
 */
import type { CloseReason } from "../connection/close-reason.js";
import type { Data, SendResult } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import type { NetErrorCode } from "../errors.js";
import { Backoff } from "../time/backoff.js";
import type { Clock, Timer } from "../time/clock.js";
import type { ReconnectNumbers, ReconnectOptions } from "./reconnect-options.js";

/** Who is reconnected. */
export interface ReconnectOwner {
  /** Another attempt begins after `delayMs`. */
  reconnecting(attempt: number, delayMs: number, reason: CloseReason, unsentBytes: number): void;
  /** Makes the attempt; `targetIndex`: 0 for the target of `connect`, then those of the options. */
  attempt(targetIndex: number): void;
  /** The connection is there again, after so many attempts. */
  reconnected(attempt: number): void;
  /** The wait was called off, or no attempt is left. `lostBytes`: of what was kept. */
  gaveUp(lostBytes: number): void;
}

/** Ends of the peer's or the system's that another attempt would not change. */
const HOPELESS: ReadonlySet<NetErrorCode | "CLOSED"> = new Set<NetErrorCode>([
  "TLS_CERTIFICATE",
  "PROXY_AUTHENTICATION",
]);

/** The attempts of one client. */
export class Reconnect {
  readonly options: ReconnectOptions & ReconnectNumbers;
  readonly #clock: Clock;
  readonly #owner: ReconnectOwner;
  readonly #backoff: Backoff;
  #state: "idle" | "lost" | "over" | "waiting" | "trying" | "connected" = "idle";
  #timer: Timer | undefined;
  #connectedMs = 0;
  #targetIndex = 0;
  #kept: Buffer[] = [];
  #keptBytes = 0;

  constructor(
    options: ReconnectOptions & ReconnectNumbers,
    clock: Clock,
    owner: ReconnectOwner,
    random?: () => number,
  ) {
    this.options = options;
    this.#clock = clock;
    this.#owner = owner;
    this.#backoff = new Backoff(options, random);
  }

  /** Whether there is no connection, and another attempt will be made or is under way. */
  get isAway(): boolean {
    const state = this.#state;
    return state === "lost" || state === "waiting" || state === "trying";
  }

  /** `connect` was called. */
  begin(): void {
    this.#state = this.options.fromStart === true ? "trying" : "idle";
    this.#targetIndex = 0;
    this.#backoff.reset();
  }

  /** The connection is ready. Answers what was kept for it; nothing may be sent in between. */
  connected(): readonly Buffer[] {
    const attempt = this.#backoff.attemptCount;
    this.#state = "connected";
    this.#connectedMs = this.#clock.now();
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    if (attempt > 0) this.#owner.reconnected(attempt);
    return kept;
  }

  /** The connection, or an attempt, has ended. Answers whether another attempt is to follow; {@link settle} does it. */
  lost(reason: CloseReason): boolean {
    const wasConnected = this.#state === "connected";
    if (this.#state === "idle") return false;
    if (wasConnected && this.#clock.now() - this.#connectedMs >= this.options.stableMs) {
      this.#backoff.reset();
    }
    const { maxAttempts, targets = [] } = this.options;
    const attempt = this.#backoff.attemptCount + 1;
    if ((maxAttempts > 0 && attempt > maxAttempts) || !this.#isWorthIt(reason, attempt)) {
      this.#state = "over";
      return false;
    }
    if (!wasConnected) this.#targetIndex = (this.#targetIndex + 1) % (targets.length + 1);
    this.#state = "lost";
    return true;
  }

  /** Goes on after {@link lost}: waits for the next attempt, or gives up. */
  settle(reason: CloseReason, unsentBytes: number): void {
    if (this.#state === "over") this.#giveUp();
    if (this.#state !== "lost") return;
    const delayMs = this.#backoff.next();
    this.#state = "waiting";
    this.#timer = this.#clock.setTimer(delayMs, () => this.#tryAgain(), true);
    this.#owner.reconnecting(this.#backoff.attemptCount, delayMs, reason, unsentBytes);
  }

  #isWorthIt(reason: CloseReason, attempt: number): boolean {
    const { shouldReconnect } = this.options;
    if (shouldReconnect !== undefined) return shouldReconnect(reason, attempt);
    const { cause, initiator, code } = reason;
    if (cause === undefined) return initiator !== "local";
    return cause.fault !== "local" && cause.fault !== "usage" && !HOPELESS.has(code);
  }

  #tryAgain(): void {
    this.#timer = undefined;
    this.#state = "trying";
    this.#owner.attempt(this.#targetIndex);
  }

  /** No further attempt is made. Answers whether one would have been. */
  cancel(): boolean {
    const wasWaiting = this.#state === "waiting" || this.#state === "lost";
    if (wasWaiting) this.#giveUp();
    return wasWaiting;
  }

  #giveUp(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#state = "idle";
    const lostBytes = this.#keptBytes;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#owner.gaveUp(lostBytes);
  }

  /** Keeps data for the next connection, as far as there is room. Answers like `send`. */
  keep(data: Data): SendResult {
    const bytes = bytesOf(data);
    if (!this.isAway || this.#keptBytes + bytes.length > this.options.maxKeptBytes) return false;
    // It may be lent, or changed before it is sent.
    this.#kept.push(Buffer.from(bytes));
    this.#keptBytes += bytes.length;
    return "slow";
  }

  /** Bytes that are kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }
}
