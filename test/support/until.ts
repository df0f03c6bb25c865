/** Turns of the loop in which {@link until} looks each time; a longer wait leaves the processor to others. */
const EAGER_TURNS = 100;
/** Looks of a millisecond each that follow, before those of {@link LONG_MS}. */
const SHORT_LOOKS = 50;
const LONG_MS = 4;

/** Resolves when `condition` holds; looks after each turn of the loop, later after a few milliseconds. Fails after `limitMs`. */
export async function until(condition: () => boolean, limitMs = 60_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (let turn = 0; !condition(); turn++) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => {
      if (turn < EAGER_TURNS) setImmediate(resolve);
      else setTimeout(resolve, turn < EAGER_TURNS + SHORT_LOOKS ? 1 : LONG_MS);
    });
  }
}

/** Lets the loop go round so often that what was written on loopback has been read. */
export async function rounds(count = 3): Promise<void> {
  for (let round = 0; round < count; round++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
