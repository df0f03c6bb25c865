// What does TLS cost beside plain node:tls? Echo, handshakes, idle connections. The load is a Node
// program too and as busy as the server, so that what a second of the server's processor does is told
// as well: that is what counts where the server is the bottleneck.
import { median, pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { server } from "../lib/subjects.mjs";

export const title = "TLS beside node:tls";

const NAMES = { "node:tls": "raw", "hp-socket": "hp" };
const LOADS = [
  { name: "echo, 1 × 64 B, 1 in flight", words: ["echo", 1, 64, 1], unit: "msg" },
  { name: "echo, 64 × 64 B, 1 in flight", words: ["echo", 64, 64, 1], unit: "msg" },
  { name: "echo, 64 × 64 B, 16 in flight", words: ["echo", 64, 64, 16], unit: "msg" },
  { name: "echo, 100 × 64 B, 1 in flight", words: ["echo", 100, 64, 1], unit: "msg" },
  { name: "echo, 16 × 64 KiB, 1 in flight", words: ["echo", 16, 65_536, 1], unit: "msg" },
  { name: "handshakes, full", words: ["full"], unit: "handshakes" },
  { name: "handshakes, resumed", words: ["resumed"], unit: "handshakes" },
];
const FIRST_IDLE = 200;
const LAST_IDLE = 1_700;

export async function measure({ rounds, seconds }) {
  const results = [];
  for (const load of LOADS) results.push(...(await measureLoad(load, rounds, seconds)));
  return [...results, ...(await measureIdle(rounds))];
}

async function start(name) {
  return await startServer(process.execPath, ["--expose-gc", server("tls-server"), NAMES[name]]);
}

async function measureLoad({ name, words: [mode, ...more], unit }, rounds, seconds) {
  const servers = {};
  for (const subject of Object.keys(NAMES)) servers[subject] = await start(subject);
  const perCpu = Object.fromEntries(Object.keys(NAMES).map((subject) => [subject, []]));
  const subjects = {};
  for (const [subject, handle] of Object.entries(servers)) {
    subjects[subject] = async () => {
      const words = [server("tls-load"), mode, handle.port, seconds, ...more].map(String);
      const before = JSON.parse(await handle.ask("cpu")).cpu;
      const { count, perSecond } = JSON.parse(await run(process.execPath, words));
      const used = JSON.parse(await handle.ask("cpu")).cpu - before;
      perCpu[subject].push(count / (used / 1e6));
      return perSecond;
    };
  }
  const rows = await pairedRounds(subjects, rounds);
  for (const handle of Object.values(servers)) await handle.stop();
  return [
    { name, unit: `${unit}/s`, rows },
    { name: `${name}, per second of processor`, unit, rows: processorRows(perCpu) },
  ];
}

/** The first value of each is the one of warming up. */
function processorRows(perCpu) {
  const [first] = Object.keys(perCpu);
  return Object.entries(perCpu).map(([name, [, ...values]]) => {
    const ratios = values.map((value, round) => value / perCpu[first][round + 1]);
    return { name, value: median(values), ratio: median(ratios), ratios };
  });
}

async function measureIdle(rounds) {
  const found = Object.fromEntries(Object.keys(NAMES).map((name) => [name, { rss: [], heap: [] }]));
  for (let round = 0; round < Math.min(3, rounds); round++) {
    for (const name of Object.keys(NAMES)) {
      const { rss, heap } = await slope(name);
      found[name].rss.push(rss);
      found[name].heap.push(heap);
    }
  }
  return ["rss", "heap"].map((kind) => {
    const base = median(found["node:tls"][kind]);
    const rows = Object.keys(NAMES).map((name) => {
      const value = median(found[name][kind]);
      return { name, value, ratio: value / base, ratios: [] };
    });
    return { name: `idle connection, ${kind}`, unit: "bytes", rows };
  });
}

async function slope(name) {
  const subject = await start(name);
  const peers = await startServer(process.execPath, [
    server("tls-idle-peers"),
    String(subject.port),
  ]);
  await peers.ask(String(FIRST_IDLE));
  const before = JSON.parse(await subject.ask("memory"));
  await peers.ask(String(LAST_IDLE));
  const after = JSON.parse(await subject.ask("memory"));
  await peers.stop();
  await subject.stop();
  const each = (kind) => (after[kind] - before[kind]) / (LAST_IDLE - FIRST_IDLE);
  return { rss: each("rss"), heap: each("heapUsed") };
}
