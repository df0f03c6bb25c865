/** Resolves when `condition` holds; looks after each turn of the loop. Fails after `limitMs`. */
export async function until(condition: () => boolean, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets the loop go round so often that what was written on loopback has been read. */
export async function rounds(count = 3): Promise<void> {
  for (let round = 0; round < count; round++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
