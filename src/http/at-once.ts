/** Finds out whether a promise settles without anything else having to happen first. */

/** Microtasks to wait: a chunk that a web stream already has arrives by then. */
const PATIENCE = 16;

/** Whether it settles, in whatever way, before the event loop turns. Never rejects. */
export async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  for (let turn = 0; turn < PATIENCE && !isSettled; turn++) await undefined;
  return isSettled;
}
