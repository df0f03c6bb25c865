import { setTimeout as later, setImmediate as nextTurn } from "node:timers/promises";

/** Turns in which it is looked each time, before it is each millisecond. */
const EAGER_TURNS = 20;

/** Lets the event loop turn `count` times, for what must not happen to have its chance. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

/** Turns of the loop that a quiet time has at least: of a process that is held up, its time says little. */
const QUIET_TURNS = 30;

/** Waits until `count` has answered the same for `quietMs` and some turns of the loop; answers it. */
export async function untilQuiet(count: () => number, quietMs: number): Promise<number> {
  let last = count();
  let changedAtMs = performance.now();
  for (let turn = 0; turn < QUIET_TURNS || performance.now() - changedAtMs < quietMs; turn++) {
    if (turn < EAGER_TURNS) await nextTurn();
    else await later(1);
    if (count() === last) continue;
    turn = 0;
    last = count();
    changedAtMs = performance.now();
  }
  return last;
}
