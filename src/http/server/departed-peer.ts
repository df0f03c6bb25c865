/**
 * Finds out whether a peer that has finished is still there. One that closed and one that only has no
 * more to say end alike: what tells them apart is what they do with bytes that come later. A system
 * whose process has gone answers those with a reset, and the next write fails. So bytes are sent that
 * mean nothing (see `ProbedPeer`), soon at first, then now and then.
 *
 *     peer's end ─ 0.25 s ─ probe ─ 0.5 s ─ probe ─ 1 s ─ … ─ 16 s ─ probe ─ 16 s ─ probe …
 */
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";

/** The first wait; each one is twice as long as the one before. */
const FIRST_MS = 250;
const MAX_MS = 16_000;

/** The connection to it. */
export interface ProbedPeer {
  readonly wheel: TimingWheel;
  /** Sends something that a peer that is still there ignores. Answers whether to go on with that. */
  probePeer(): boolean;
}

/** See the head of the file. */
export class DepartedPeer implements DeadlineOwner {
  private readonly peer: ProbedPeer;
  private readonly deadline: Deadline = new Deadline(this);
  private waitMs = FIRST_MS;

  /** The peer has finished: begins. */
  constructor(peer: ProbedPeer) {
    this.peer = peer;
    peer.wheel.set(this.deadline, this.waitMs);
  }

  /** It is known, or nobody's business any more. */
  end(): void {
    this.peer.wheel.clear(this.deadline);
  }

  deadlineReached(): void {
    if (!this.peer.probePeer()) return;
    this.waitMs = Math.min(2 * this.waitMs, MAX_MS);
    this.peer.wheel.set(this.deadline, this.waitMs);
  }
}
