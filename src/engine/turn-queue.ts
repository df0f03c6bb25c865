/**
 * The tasks of `Engine.afterTurn`. Each runs once; one that throws does not keep the others from
 * running. A task that is added while the queue runs belongs to the next turn, so that a task which
 * adds itself again can't hold up the engine.
 */
import { rethrowLater } from "../errors.js";

/** Tasks that wait for the end of the turn. `schedule` is called when the first one is added. */
export class TurnQueue {
  private readonly schedule: (run: () => void) => void;
  private readonly runBound: () => void;
  /** Longer than what waits: to cut them off would make the next turn allocate. */
  private tasks: ((() => void) | undefined)[] = [];
  private spare: ((() => void) | undefined)[] = [];
  private count = 0;

  constructor(schedule: (run: () => void) => void) {
    this.schedule = schedule;
    this.runBound = (): void => this.run();
  }

  /** Whether no task waits. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Adds a task for the end of the present turn. */
  add(task: () => void): void {
    this.tasks[this.count++] = task;
    if (this.count === 1) this.schedule(this.runBound);
  }

  /** Runs what waits. The two arrays are swapped and kept, so that a turn allocates nothing. */
  run(): void {
    const tasks = this.tasks;
    const count = this.count;
    this.tasks = this.spare;
    this.spare = tasks;
    this.count = 0;
    for (let index = 0; index < count; index++) {
      const task = tasks[index]!;
      tasks[index] = undefined;
      try {
        task();
      } catch (defect) {
        rethrowLater(defect);
      }
    }
  }
}
