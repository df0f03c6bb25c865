/**
 * Inflates one message (RFC 7692 §7.2.2) in steps that the caller bounds. Made when the first compressed
 * message comes, and used again for those that follow.
 *
 *     begin ── give, step … ── give, step … ── give the last, step … ──► isDry ── end
 *
 * Behind the last input the message has to be complete: a peer that has cut one would have the bytes of the next one
 * taken for its rest. Invariants: `input[at … behind)` is what was given and not taken; it lies in memory of others
 * during a call, and in memory of its own (`hold`) between two.
 */
import { Buffer } from "node:buffer";
import type { Inflater } from "./deflate-context.js";
import { FAULT } from "./fault.js";
import type { WebSocketLimits } from "./limits.js";

/** Below this size any ratio will do. */
export const RATIO_FROM_BYTES: number = 1_048_576;

const NOTHING: Buffer = Buffer.alloc(0);

/** Inflates one message (RFC 7692 §7.2.2) in steps that the caller bounds. */
export class MessageInflater {
  private readonly inflater: Inflater;
  private readonly limits: WebSocketLimits;
  private input: Buffer = NOTHING;
  private at = 0;
  private behind = 0;
  /** The last step filled its room: there may be more inside. */
  private hasMore = false;
  private hasLast = false;
  private isComplete = false;
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
    return this.at === this.behind && !this.hasMore && (!this.hasLast || this.isComplete);
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
    this.isComplete = false;
    this.isOpen = true;
    this.inflater.begin();
  }

  /** More of the message, when what was given before is inflated. `isLast`: this is the end of it. */
  give(bytes: Buffer, isLast: boolean): void {
    this.wireBytes += bytes.length;
    this.hasLast = isLast;
    this.take(bytes);
  }

  /** What was given and not taken has to outlive the call in which it came. */
  hold(): void {
    if (this.at < this.behind) this.take(Buffer.from(this.input.subarray(this.at, this.behind)));
  }

  /**
   * One step, while it is not dry, into `target[0 … room)`. Returns how many bytes it wrote, which may
   * be none, or a fault.
   */
  step(target: Buffer, room: number): number {
    const maxBytes = this.maxBytes - this.madeBytes;
    // One byte above the limit tells a message that is too long from one that is just as long.
    const limit = Math.min(room, maxBytes + 1);
    const made = this.inflater.step(this.input, this.at, this.behind, target, 0, limit);
    if (made < 0) return FAULT.content;
    this.at += this.inflater.takenBytes;
    this.hasMore = made === limit;
    // A peer may end blocks with a final one, and go on behind it (§7.2.3.4).
    if (!this.hasMore && this.at < this.behind) this.inflater.restart();
    this.madeBytes += made;
    if (made > maxBytes) return FAULT.messageTooLong;
    const allowed = Math.max(RATIO_FROM_BYTES, this.wireBytes * this.limits.maxInflateRatio);
    if (this.madeBytes > allowed) return FAULT.inflateRatio;
    return this.endsCut() ? FAULT.content : made;
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

  /** Whether all was inflated, and is not all of a message. One without any bytes is taken for an empty one. */
  private endsCut(): boolean {
    if (!this.hasLast || this.hasMore || this.at < this.behind) return false;
    this.isComplete = true;
    return this.wireBytes > 0 && !this.inflater.takeTail();
  }
}
