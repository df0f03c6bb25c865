// What does an idle connection cost? Growth of resident memory and heap between two counts.
import { median } from "../lib/paired-rounds.mjs";
import { startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "Idle connections, bytes of process memory each";

const FIRST = 5_000;
const LAST = 15_000;

export async function measure({ rounds }) {
  const files = { "node:net": ["raw-net-server", "echo"] };
  for (const engine of engines()) files[engine] = ["echo-server", engine, "push"];
  const found = Object.fromEntries(Object.keys(files).map((name) => [name, { rss: [], heap: [] }]));
  for (let round = 0; round < Math.min(3, rounds); round++) {
    for (const [name, [file, ...args]] of Object.entries(files)) {
      const { rss, heap } = await slope(server(file), args);
      found[name].rss.push(rss);
      found[name].heap.push(heap);
    }
  }
  return ["rss", "heap"].map((kind) => {
    const base = median(found["node:net"][kind]);
    const rows = Object.keys(files).map((name) => {
      const value = median(found[name][kind]);
      return { name, value, ratio: value / base, ratios: [] };
    });
    return { name: kind, unit: "bytes", rows };
  });
}

async function slope(file, args) {
  const subject = await startServer(process.execPath, ["--expose-gc", file, ...args]);
  const peers = await startServer(process.execPath, [server("idle-peers"), String(subject.port)]);
  await peers.ask(String(FIRST));
  const before = JSON.parse(await subject.ask("memory"));
  await peers.ask(String(LAST));
  const after = JSON.parse(await subject.ask("memory"));
  await peers.stop();
  await subject.stop();
  const each = (kind) => (after[kind] - before[kind]) / (LAST - FIRST);
  return { rss: each("rss"), heap: each("heapUsed") };
}
