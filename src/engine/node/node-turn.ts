/**
 * When the tasks of `afterTurn` run.
 *
 *     sole: one stream receives at a time     → behind the event and all its microtasks
 *     crowd: several receive in a loop round  → as one setImmediate, behind all of them
 *
 * With several streams, responses that leave together keep the peers' cores busy; with one, waiting for the end of
 * the round only delays each response. Which of the two it is shows in how many times bytes
 * came before the immediate ran: looked at each time in a crowd, and once in `SAMPLE_TURNS` else.
 *
 * What no bytes have led to waits for the end of the round, too. A producer whose writes the kernel takes at once
 * would else go on for ever, turn behind turn, and nobody's timers and sockets would have theirs.
 */
import process from "node:process";
import { inRootContext } from "../../time/root-context.js";
import { TurnQueue } from "../turn-queue.js";

/** Turns that end with their event before one waits for the end of the round, to see who else is there. */
const SAMPLE_TURNS = 32;
/** Rounds with a single stream, one behind the other, before its turns end with their events. */
const SOLE_ROUNDS = 16;

/**
 * A response to so many bytes leaves with its event: joining it to others gains nothing, and its memory is free
 * before the next read.
 */
const LARGE_BYTES = 16_384;

const nothing = (): void => {};
const settled = Promise.resolve();

/** When the tasks of `afterTurn` run. */
export class NodeTurn {
  private readonly queue: TurnQueue;
  /** How many times bytes came since the immediate was set. */
  private receivedCount = 0;
  /** Rounds with a single stream, up to SOLE_ROUNDS. */
  private soleRounds = 0;
  private turnsToSample = SAMPLE_TURNS;
  /** What came last was large. */
  private isLarge = false;
  /** Bytes came since the last turn was asked for: what is sent responds to them. */
  private isAnswer = false;
  /** The tasks are running, in the engine's own async context. */
  isRunning = false;
  private readonly endEvent: () => void;
  private readonly endRound: () => void;

  constructor() {
    this.queue = new TurnQueue(() => this.schedule());
    const runQueue = (): void => {
      this.isRunning = true;
      this.queue.run();
      this.isRunning = false;
    };
    // Else all tasks of this turn would run in the async context of the first that asked for its end.
    const run = (): void => inRootContext(runQueue);
    // A tick that a microtask asks for comes when no microtask is left.
    this.endEvent = (): void => process.nextTick(run);
    this.endRound = (): void => {
      this.look();
      run();
    };
  }

  /** Runs `task` when the turn is over. */
  add(task: () => void): void {
    this.queue.add(task);
  }

  /** `byteCount` bytes come in. */
  received(byteCount: number): void {
    this.receivedCount++;
    this.isAnswer = true;
    this.isLarge = byteCount >= LARGE_BYTES;
  }

  /**
   * TLS of a stream is established. Node tells so from within OpenSSL: to finish the stream in there
   * loses close_notify (Node 20 to 24). The turn therefore ends with the round.
   */
  secured(): void {
    this.turnsToSample = 0;
    this.queue.add(nothing);
  }

  private schedule(): void {
    if (this.isAnswer) {
      this.isAnswer = false;
      if (this.isLarge || (this.soleRounds >= SOLE_ROUNDS && --this.turnsToSample > 0)) {
        void settled.then(this.endEvent);
        return;
      }
    }
    // The bytes that lead to this turn have been counted, if there were any.
    this.receivedCount = 1;
    setImmediate(this.endRound);
  }

  /** The round is over. */
  private look(): void {
    this.turnsToSample = SAMPLE_TURNS;
    if (this.receivedCount > 1) this.soleRounds = 0;
    else if (this.soleRounds < SOLE_ROUNDS) this.soleRounds++;
  }
}
