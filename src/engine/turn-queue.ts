/**
 * The tasks of `Engine.afterTurn`. Each runs once; one that throws does not keep the others from
 * running. A task that is added while the queue runs belongs to the next turn, so that a task which
 * adds itself again can't hold up the engine.
 */
import { rethrowLater } from "./sink-defect.js";

/** Tasks that wait for the end of the turn. `schedule` is called when the first one is added. */
export class TurnQueue {
  readonly #schedule: (run: () => void) => void;
  readonly #run: () => void;
  #tasks: (() => void)[] = [];
  #spare: (() => void)[] = [];

  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
    this.#run = (): void => this.run();
  }

  /** Whether no task waits. */
  get isEmpty(): boolean {
    return this.#tasks.length === 0;
  }

  /** Adds a task for the end of the present turn. */
  add(task: () => void): void {
    if (this.#tasks.push(task) === 1) this.#schedule(this.#run);
  }

  /** Runs what waits. The two arrays are swapped and kept, so that a turn allocates nothing. */
  run(): void {
    const tasks = this.#tasks;
    this.#tasks = this.#spare;
    this.#spare = tasks;
    for (let index = 0; index < tasks.length; index++) {
      try {
        tasks[index]!();
      } catch (defect) {
        rethrowLater(defect);
      }
    }
    tasks.length = 0;
  }
}
