/**
 * Inflating and deflating that takes longer than a turn of the event loop may: what all sockets of a thread do
 * in one turn is bounded together, and what is left goes on in later turns, one after the other.
 *
 *     room ── spend … ──► none left ── later ──► waiting ── a turn later, in order, a share each ──► room
 */
import { inRootContext } from "../../time/root-context.js";

/** Bytes that all sockets of a thread together inflate and deflate in a turn, before some have to wait. */
export const MAX_TURN_BYTES: number = 1_048_576;

/** Sockets that go on in a turn, each with a share of its own. */
export const MAX_TURN_SOCKETS: number = 4;

export class WorkTurns {
  /** Bytes that may still be worked on in this turn. */
  leftBytes: number = MAX_TURN_BYTES;
  private readonly waiting: (() => void)[] = [];
  private isPlanned = false;

  /** So many bytes were worked on. */
  spend(byteCount: number): void {
    this.leftBytes -= byteCount;
    this.plan();
  }

  /** Calls back in a later turn, when those who have waited longer have had theirs. */
  later(task: () => void): void {
    this.waiting.push(task);
    this.plan();
  }

  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    inRootContext(() => setImmediate(() => this.turn()));
  }

  private turn(): void {
    this.isPlanned = false;
    this.leftBytes = MAX_TURN_BYTES;
    const tasks = this.waiting.splice(0, MAX_TURN_SOCKETS);
    if (this.waiting.length > 0) this.plan();
    for (const task of tasks) task();
  }
}

/** The thread's. */
export const workTurns: WorkTurns = new WorkTurns();
