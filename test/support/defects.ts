import type { TestContext } from "node:test";

/**
 * Catches what `rethrowLater` would throw from a microtask, which would end the process. Answers the list of
 * what was thrown so far.
 */
export function caughtDefects(test: TestContext): unknown[] {
  const defects: unknown[] = [];
  test.mock.method(globalThis, "queueMicrotask", (task: () => void) => {
    void Promise.resolve().then(() => {
      try {
        task();
      } catch (defect) {
        defects.push(defect);
      }
    });
  });
  return defects;
}
