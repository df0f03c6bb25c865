import type { ManualClock } from "#src/time/clock.js";

/** Lets time pass in steps of 10 ms, with turns of the loop between them. */
export async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    await new Promise(setImmediate);
  }
}
