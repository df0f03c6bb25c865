// Answers each line of input with the process's resident memory, that but for V8's young generation, and heap, in
// bytes, after collection. V8 gives the young generation back when nothing has happened for some seconds.
import { createInterface } from "node:readline";
import { getHeapSpaceStatistics } from "node:v8";

/** `more`: what else belongs into the answer. */
export function answerMemory(more = () => ({})) {
  createInterface({ input: process.stdin }).on("line", () => {
    for (let round = 0; round < 4; round++) globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    const oldRss = rss - (young?.physical_space_size ?? 0);
    console.log(JSON.stringify({ rss, oldRss, heapUsed, ...more() }));
  });
}
