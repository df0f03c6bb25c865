// Answers each line of input with the process's resident memory and heap, in bytes, after collection.
import { createInterface } from "node:readline";

export function answerMemory() {
  createInterface({ input: process.stdin }).on("line", () => {
    for (let round = 0; round < 4; round++) globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    console.log(JSON.stringify({ rss, heapUsed }));
  });
}
