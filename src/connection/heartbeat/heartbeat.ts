/**
 * Probes a peer that is silent, and tells when it stays silent. Whatever is received moves no deadline:
 * the deadline looks when it passes, so that hot paths pay nothing.
 *
 *     waiting ── nothing heard for everyMs ──► probed ── heard ──► waiting
 *                                               │  ▲
 *                                               └──┴── nothing within timeoutMs: a miss; at maxMisses, silent
 *
 * Judged by time stamps. A deadline that comes late (the event loop was blocked, the machine slept) proves
 * nothing: what lies in the kernel is read first, and a fresh probe sent. Nor does the silence of a peer
 * that we hold back ourselves, or have held back until a moment ago.
 */
import { NetError } from "../../errors.js";
import type { Deadlines } from "../../time/deadlines.js";
import type { TimingWheel } from "../../time/timing-wheel.js";

/** When a peer is probed, and when given up. */
export interface HeartbeatRule {
  /** Silence before a probe, in milliseconds. */
  readonly everyMs: number;
  /** Time that the peer has to be heard after a probe. */
  readonly timeoutMs: number;
  /** Probes in a row without an answer that end it. */
  readonly maxMisses: number;
}

/** The connection, as its heartbeat sees it. */
export interface BeatingConnection {
  readonly id: number;
  readonly wheel: TimingWheel;
  readonly deadlines: Deadlines;
  isHeld(owners: number): boolean;
}

/** What sends the probes. */
export interface HeartbeatOwner {
  /** When anything was last received, by the wheel's clock: a peer that is heard is not probed. */
  readonly receivedMs: number;
  /** When something was last received that answers a probe. */
  readonly answeredMs: number;
  /** Sends a probe. */
  probe(): void;
  /** The peer has answered none of `maxMisses` probes. */
  silent(error: NetError): void;
}

/** A deadline that comes this much too late proves nothing: this side was held up. */
const LATE_MS = 1_000;

/** Whether a deadline that was due at `dueMs` comes so late that it proves nothing of the peer. */
export function isHeldUp(dueMs: number, nowMs: number): boolean {
  return nowMs - dueMs >= LATE_MS;
}

/**
 * Time beyond the time-out in which an answer still counts: it may lie in the kernel, since the connection was held
 * back
 * to now. The wheel polls before it judges, but a hold that goes in that very poll lets the connection be read in the
 * next.
 */
export const LAST_LOOK_MS = 10;

/** Beats of connections that were made together are spread over this share of the interval. */
const SPREAD = 0.25;
const GOLDEN_RATIO = 0.618_033_988_749_895;

/** The heartbeat of one connection. */
export class Heartbeat {
  private readonly connection: BeatingConnection;
  private readonly rule: HeartbeatRule;
  private readonly owner: HeartbeatOwner;
  private readonly purpose: number;
  private dueMs = 0;
  /** When the probe was sent that waits for an answer; 0: none. */
  private probedMs = 0;
  private missCount = 0;

  /** `purpose`: of the connection's deadlines, whose end is given to {@link duePassed}. */
  constructor(
    connection: BeatingConnection,
    rule: HeartbeatRule,
    owner: HeartbeatOwner,
    purpose: number,
  ) {
    this.connection = connection;
    this.rule = rule;
    this.owner = owner;
    this.purpose = purpose;
    const phase = (connection.id * GOLDEN_RATIO) % 1;
    this.set(rule.everyMs * (1 - SPREAD * phase));
  }

  /** Stops probing. */
  stop(): void {
    this.connection.deadlines.clear(this.purpose);
  }

  /** Nothing can be sent now: waits for another interval. */
  later(): void {
    this.probedMs = 0;
    this.set(this.rule.everyMs);
  }

  /** The deadline has passed. */
  duePassed(): void {
    if (this.probedMs === 0) this.probeIfSilent();
    else this.judge();
  }

  private set(delayMs: number): void {
    this.dueMs = this.now + delayMs;
    this.connection.deadlines.setAt(this.purpose, this.dueMs);
  }

  private get now(): number {
    return this.connection.wheel.clock.now();
  }

  private probeIfSilent(): void {
    const silentMs = this.now - this.owner.receivedMs;
    // The first interval is shorter, by the phase.
    const leftMs = this.rule.everyMs * (1 - SPREAD) - silentMs;
    if (leftMs > 0) this.set(this.rule.everyMs - silentMs);
    else this.probe();
  }

  private probe(): void {
    this.probedMs = this.now;
    this.set(this.rule.timeoutMs);
    this.owner.probe();
  }

  private judge(): void {
    const { owner, rule } = this;
    if (owner.answeredMs >= this.probedMs) {
      this.probedMs = 0;
      this.missCount = 0;
      this.set(Math.max(1, rule.everyMs - (this.now - owner.receivedMs)));
      return;
    }
    const isHeldBack = this.connection.isHeld(-1);
    const lastMs = this.probedMs + rule.timeoutMs + LAST_LOOK_MS;
    if (!isHeldBack && this.now < lastMs) {
      this.set(lastMs - this.now);
      return;
    }
    if (!isHeldUp(this.dueMs, this.now) && !isHeldBack) this.missCount++;
    if (this.missCount < rule.maxMisses) {
      this.probe();
      return;
    }
    const { timeoutMs, maxMisses } = rule;
    const times = maxMisses === 1 ? "" : `, ${maxMisses} times in a row (maxMisses)`;
    const text = `the peer answered no heartbeat within timeoutMs (${timeoutMs})${times}`;
    const detail = { operation: "receive", connectionId: this.connection.id } as const;
    owner.silent(new NetError("HEARTBEAT_TIMEOUT", text, detail));
  }
}
