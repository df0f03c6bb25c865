/**
 * What the memory engine has in place of an event loop. It runs in turns:
 *
 *     tasks of afterTurn → sink calls that are due → all microtasks → the next turn
 *
 * A turn starts when the microtask queue is empty: a microtask asks for a tick, and Node runs ticks
 * that a microtask asked for when no microtask is left. No timer of the system is involved; delays
 * go by the clock that was handed in.
 */
import process from "node:process";
import type { Clock } from "../../time/clock.js";
import { callSink } from "../sink-defect.js";
import { TurnQueue } from "../turn-queue.js";

/** See the head of the file. */
export class TurnLoop {
  readonly #clock: Clock;
  readonly #endOfTurn = new TurnQueue(() => this.#schedule());
  #due: (() => void)[] = [];
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The clock's time in milliseconds. */
  now(): number {
    return this.#clock.now();
  }

  /** Runs `task`, which may call sinks, in a coming turn: in the next, or `delayMs` from now. */
  post(task: () => void, delayMs = 0): void {
    if (delayMs > 0) {
      this.#clock.setTimer(delayMs, () => this.post(task));
      return;
    }
    this.#due.push(task);
    this.#schedule();
  }

  /** Runs `task` at the end of the present turn. */
  afterTurn(task: () => void): void {
    this.#endOfTurn.add(task);
  }

  /** Resolves when nothing is left to do before the clock moves. */
  async settle(): Promise<void> {
    // Twice: what the last sink call resolved may take a whole round of microtasks to ask for more.
    for (let quietCount = 0; quietCount < 2; quietCount++) {
      await new Promise<void>((resolve) => {
        queueMicrotask(() => process.nextTick(resolve));
      });
      if (this.#due.length > 0 || !this.#endOfTurn.isEmpty) quietCount = -1;
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => process.nextTick(() => this.#turn()));
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#endOfTurn.run();
    const due = this.#due;
    this.#due = [];
    for (const task of due) callSink(task);
  }
}
