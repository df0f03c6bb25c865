import { setImmediate as nextTurn } from "node:timers/promises";

/** Lets the event loop turn `count` times, for what must not happen to have its chance. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

/** Waits until `count` has answered the same for `quietMs`; answers it. */
export async function untilQuiet(count: () => number, quietMs: number): Promise<number> {
  let last = count();
  let changedAtMs = performance.now();
  while (performance.now() - changedAtMs < quietMs) {
    await nextTurn();
    if (count() === last) continue;
    last = count();
    changedAtMs = performance.now();
  }
  return last;
}
