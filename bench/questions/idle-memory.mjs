// What does an idle connection cost? Growth of resident memory and heap between two counts; of resident memory also
// without V8's young generation, which grows while they come, and is given back when they are idle.
import { median } from "../lib/paired-rounds.mjs";
import { startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "Idle connections, bytes of process memory each";

const FIRST = 1_000;
const LAST = 15_000;

/** What the servers answer, and what it is. */
const MEMORIES = [
  ["rss", "rss"],
  ["oldRss", "rss but for the young generation"],
  ["heapUsed", "heap"],
];

/** What the peers do before they are idle, and the subjects: the first is what others compare with. */
const CASES = [
  { name: "never used", kind: "open", peers: { "node:net": ["raw-net-server", "echo"] } },
  { name: "after one echo", kind: "echo", peers: { "node:net": ["raw-net-server", "echo"] } },
  {
    name: "HTTP keep-alive",
    kind: "http",
    ours: "http-server",
    peers: { "node:http": ["node-http-server"], "uWebSockets.js": ["uws-server"] },
  },
  {
    name: "WebSocket, after one message",
    kind: "websocket",
    ours: "websocket-server",
    peers: { ws: ["websocket-server", "ws"], "uWebSockets.js": ["websocket-server", "uws"] },
  },
];

export async function measure({ rounds }) {
  const results = [];
  for (const { name, kind, ours = "echo-server", peers } of CASES) {
    const files = { ...peers };
    for (const engine of engines()) files[engine] = [ours, engine];
    const found = {};
    for (let round = 0; round < Math.min(3, rounds); round++) {
      for (const [subject, [file, ...args]] of Object.entries(files)) {
        const grown = await slope(server(file), args, kind);
        found[subject] ??= Object.fromEntries(MEMORIES.map(([memory]) => [memory, []]));
        for (const [memory] of MEMORIES) found[subject][memory].push(grown[memory]);
      }
    }
    for (const [memory, what] of MEMORIES) results.push(result(`${name}, ${what}`, memory, found));
  }
  return results;
}

function result(name, memory, found) {
  const [first] = Object.values(found);
  const base = median(first[memory]);
  const rows = Object.entries(found).map(([subject, values]) => {
    const value = median(values[memory]);
    return { name: subject, value, ratio: value / base, ratios: [] };
  });
  return { name, unit: "bytes", rows };
}

async function slope(file, args, kind) {
  const subject = await startServer(process.execPath, ["--expose-gc", file, ...args]);
  const words = [server("idle-peers"), String(subject.port), kind];
  const peers = await startServer(process.execPath, words);
  await peers.ask(String(FIRST));
  const before = JSON.parse(await subject.ask("memory"));
  await peers.ask(String(LAST));
  const after = JSON.parse(await subject.ask("memory"));
  await peers.stop();
  await subject.stop();
  const each = (memory) => (after[memory] - before[memory]) / (LAST - FIRST);
  return Object.fromEntries(MEMORIES.map(([memory]) => [memory, each(memory)]));
}
