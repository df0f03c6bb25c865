/** Takes hold of the worker threads that the library starts. Import it before the library. */
import { createRequire, syncBuiltinESMExports } from "node:module";
import type { Worker, WorkerOptions } from "node:worker_threads";

const threads = createRequire(import.meta.url)("node:worker_threads") as {
  Worker: typeof Worker;
};
const started: Worker[] = [];

/** Code that a worker runs before its own. */
let prologue: string | undefined;

threads.Worker = class extends threads.Worker {
  constructor(url: string | URL, options: WorkerOptions = {}) {
    if (prologue === undefined) super(url, options);
    else super(`${prologue}\nimport(${JSON.stringify(String(url))});`, { ...options, eval: true });
    started.push(this);
  }
};
syncBuiltinESMExports();

/** Workers that were started, in their order. */
export function startedWorkers(): readonly Worker[] {
  return started;
}

/** Has workers that are started from now on run `code` first, or no longer. */
export function runFirst(code: string | undefined): void {
  prologue = code;
}
