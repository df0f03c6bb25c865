/**
 * Calls back when all has been handled that the kernel held at a moment: a turn is bounded, and
 * what many sockets have received may take several.
 *
 * A pass begins when the ring is entered, and is over when nothing is left to do. A ring that is never done counts as
 * looked
 * at after several completions for each socket: what was ready first is completed first.
 */
import { rethrowLater } from "../../../errors.js";

/**
 * Completions of each socket in a pass: a receive, and again where it found no buffer; a send; the watch for a break.
 */
const COMPLETIONS_PER_SOCKET = 4;
/** What a pass may take besides. */
const MORE_COMPLETIONS = 64;

/** Calls back when all that the kernel holds has been handled. */
export class PollPass {
  private asked: (() => void)[] = [];
  /** Callbacks of the present pass. */
  private waiting: (() => void)[] = [];
  private left = 0;

  /** Whether the ring is to be entered, so that a pass begins. */
  get isDue(): boolean {
    return this.asked.length > 0 && this.waiting.length === 0;
  }

  /** Calls back, once, at the end of a pass that has not begun yet. */
  add(callback: () => void): void {
    this.asked.push(callback);
  }

  /** The ring was entered. */
  begin(socketCount: number): void {
    this.waiting = this.asked;
    this.asked = [];
    this.left = socketCount * COMPLETIONS_PER_SOCKET + MORE_COMPLETIONS;
  }

  /** A step is done, in which so many completions were dispatched; `isIdle`: nothing is left to do. */
  stepped(completionCount: number, isIdle: boolean): void {
    if (this.waiting.length === 0) return;
    // A step without any counts as well.
    this.left -= completionCount + 1;
    if (!isIdle && this.left > 0) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const callback of waiting) {
      try {
        callback();
      } catch (defect) {
        rethrowLater(defect);
      }
    }
  }
}
