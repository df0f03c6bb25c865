/**
 * What the memory engine has in place of an event loop. It runs in turns:
 *
 *     tasks of afterTurn → sink calls that are due → all microtasks → the next turn
 *
 * A turn starts when the microtask queue is empty: a microtask asks for a tick, and Node runs ticks
 * that a microtask asked for when no microtask is left. After `TURNS_IN_ROW` of them the next waits for
 * the process's event loop to go round once, so that components that keep each other busy starve nobody.
 * What happens in which order does not depend on that. Delays go by the clock that was handed in; while
 * something is on its way by the machine's clock, the process is held.
 */
import process from "node:process";
import { type Clock, systemClock } from "../../time/clock.js";
import { inRootContext } from "../../time/root-context.js";
import { callSink } from "../sink-defect.js";
import { TurnQueue } from "../turn-queue.js";

/** Turns without letting the event loop of the process go on: some hundred microseconds. */
const TURNS_IN_ROW = 64;

/** Longer than any delay; it only holds the process. */
const LONG_MS = 2 ** 31 - 1;

/** What the memory engine has in place of an event loop. */
export class TurnLoop {
  private readonly clock: Clock;
  private readonly endOfTurn = new TurnQueue(() => this.schedule());
  private due: (() => void)[] = [];
  private isScheduled = false;
  /** The next turn waits for the event loop of the process. */
  private isResting = false;
  private turnsInRow = 0;
  /** Tasks that wait for the clock. */
  private delayedCount = 0;
  private hold: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The clock's time in milliseconds. */
  now(): number {
    return this.clock.now();
  }

  /** Runs `task`, which may call sinks, in a coming turn: in the next, or `delayMs` from now. */
  post(task: () => void, delayMs = 0): void {
    if (delayMs > 0) {
      this.delayed(1);
      this.clock.setTimer(delayMs, () => {
        this.delayed(-1);
        this.post(task);
      });
      return;
    }
    this.due.push(task);
    this.schedule();
  }

  /** Runs `task` at the end of the present turn. */
  afterTurn(task: () => void): void {
    this.endOfTurn.add(task);
  }

  /** Resolves when nothing is left to do before the clock moves. */
  async settle(): Promise<void> {
    // Twice: what the last sink call resolved may take a whole round of microtasks to ask for more.
    for (let quietCount = 0; quietCount < 2; quietCount++) {
      await new Promise<void>((resolve) => {
        if (this.isResting) setImmediate(resolve);
        else queueMicrotask(() => process.nextTick(resolve));
      });
      if (this.due.length > 0 || !this.endOfTurn.isEmpty) quietCount = -1;
    }
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    const turn = (): void => inRootContext(() => this.turn());
    this.turnsInRow++;
    if (this.turnsInRow <= TURNS_IN_ROW) {
      queueMicrotask(() => process.nextTick(turn));
      return;
    }
    this.isResting = true;
    setImmediate(() => {
      this.isResting = false;
      this.turnsInRow = 0;
      turn();
    });
  }

  private turn(): void {
    this.isScheduled = false;
    this.endOfTurn.run();
    const due = this.due;
    this.due = [];
    for (const task of due) callSink(task);
  }

  /** Holds the process while something waits for the machine's clock: its timers alone do not. */
  private delayed(change: number): void {
    const wasHeld = this.delayedCount > 0;
    this.delayedCount += change;
    const isHeld = this.delayedCount > 0;
    if (isHeld === wasHeld || this.clock !== systemClock) return;
    this.hold ??= setInterval(() => {}, LONG_MS);
    if (isHeld) this.hold.ref();
    else this.hold.unref();
  }
}
