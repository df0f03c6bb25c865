/**
 * Inflates one message (RFC 7692 §7.2.2) in steps that the caller bounds. Made when the first compressed
 * message comes, and used again for those that follow.
 *
 *     begin ── give, step … ── give, step … ── give the last, step … ──► isDry ── end
 *
 * Behind the last input comes the tail that the peer has left off: `tailAt` is where it begins in the
 * input, −1 while it is not in there. Invariants: `input[at … behind)` is what was given and not taken; it
 * lies in memory of others during a call, and in memory of its own (`hold`) between two.
 */
import { Buffer } from "node:buffer";
import { type Inflater, MESSAGE_TAIL } from "./deflate-context.js";
import { FAULT } from "./fault.js";
import type { WebSocketLimits } from "./limits.js";

/** Below this size any ratio will do. */
export const RATIO_FROM_BYTES: number = 1_048_576;

/** Messages up to this size get their tail by a copy, which is cheaper than a step of its own. */
const JOINED_BYTES = 16_384;

const NOTHING: Buffer = Buffer.alloc(0);

/** For the copies of {@link JOINED_BYTES}; used by one message at a time, and never between two calls. */
const joined: Buffer = Buffer.allocUnsafeSlow(JOINED_BYTES + MESSAGE_TAIL.length);

/** Inflates one message (RFC 7692 §7.2.2) in steps that the caller bounds. */
export class MessageInflater {
  private readonly inflater: Inflater;
  private readonly limits: WebSocketLimits;
  private input: Buffer = NOTHING;
  private at = 0;
  private behind = 0;
  private tailAt = -1;
  /** The last step filled its room: there may be more inside. */
  private hasMore = false;
  private hasLast = false;
  private maxBytes = 0;
  private wireBytes = 0;
  private madeBytes = 0;
  private isOpen = false;

  constructor(inflater: Inflater, limits: WebSocketLimits) {
    this.inflater = inflater;
    this.limits = limits;
  }

  /** Whether all that was given is inflated. */
  get isDry(): boolean {
    return this.at === this.behind && !this.hasMore && (!this.hasLast || this.tailAt >= 0);
  }

  /** Whether the message was given to its end. */
  get isLast(): boolean {
    return this.hasLast;
  }

  /** A message begins, of at most so many bytes. */
  begin(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.wireBytes = 0;
    this.madeBytes = 0;
    this.hasLast = false;
    this.tailAt = -1;
    this.isOpen = true;
    this.inflater.begin();
  }

  /** More of the message, when what was given before is inflated. `isLast`: this is the end of it. */
  give(bytes: Buffer, isLast: boolean): void {
    this.wireBytes += bytes.length;
    this.hasLast = isLast;
    this.take(bytes);
  }

  /** The message as one. It must be inflated, or held, before another sink is called. */
  giveWhole(bytes: Buffer): void {
    this.give(bytes, true);
    if (bytes.length > JOINED_BYTES) return;
    joined.set(bytes);
    joined.set(MESSAGE_TAIL, bytes.length);
    this.input = joined;
    this.tailAt = bytes.length;
    this.behind = bytes.length + MESSAGE_TAIL.length;
  }

  /** What was given and not taken has to outlive the call in which it came. */
  hold(): void {
    if (this.at === this.behind || this.input === MESSAGE_TAIL) return;
    const start = this.at;
    this.take(Buffer.from(this.input.subarray(start, this.behind)));
    if (this.tailAt >= 0) this.tailAt = Math.max(0, this.tailAt - start);
  }

  /**
   * One step, while it is not dry, into `target[0 … room)`. Returns how many bytes it wrote, which may
   * be none, or a fault.
   */
  step(target: Buffer, room: number): number {
    if (this.at === this.behind && !this.hasMore) {
      this.take(MESSAGE_TAIL);
      this.tailAt = 0;
    }
    const maxBytes = this.maxBytes - this.madeBytes;
    // One byte above the limit tells a message that is too long from one that is just as long.
    const limit = Math.min(room, maxBytes + 1);
    const made = this.inflater.step(this.input, this.at, this.behind, target, 0, limit);
    if (made < 0) return FAULT.content;
    this.at += this.inflater.takenBytes;
    this.hasMore = made === limit;
    if (!this.hasMore && this.at < this.behind) this.goOnBehindFinalBlock();
    this.madeBytes += made;
    if (made > maxBytes) return FAULT.messageTooLong;
    const allowed = Math.max(RATIO_FROM_BYTES, this.wireBytes * this.limits.maxInflateRatio);
    return this.madeBytes > allowed ? FAULT.inflateRatio : made;
  }

  /** The message is over. */
  end(isBroken: boolean): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.take(NOTHING);
    this.hasMore = false;
    this.inflater.end(isBroken);
  }

  private take(input: Buffer): void {
    this.input = input;
    this.at = 0;
    this.behind = input.length;
  }

  /**
   * A peer may end a message with a final block (§7.2.3.4), and then owes the header of an empty one,
   * which the tail completes. Where it owes that still, the tail belongs to nothing.
   */
  private goOnBehindFinalBlock(): void {
    this.inflater.restart();
    if (this.tailAt >= 0 && this.at >= this.tailAt) this.at = this.behind;
  }
}
