// What does an application made with Hono cost beside @hono/node-server (and Bun, where it is installed)?
import { createRequire } from "node:module";
import { median, pairedRounds } from "../lib/paired-rounds.mjs";
import { startServer } from "../lib/pinned-process.mjs";
import { processorSeconds } from "../lib/processor-time.mjs";
import { engines, server } from "../lib/subjects.mjs";
import { ensureWrk, requestsPerSecond } from "../lib/wrk.mjs";

export const title = "Fetch handlers: a Hono application over 64 connections";

const CASES = [
  { name: "text", path: "/text" },
  { name: "JSON of 1 KiB", path: "/json" },
  { name: "POST of 64 KiB", path: "/upload", script: "post" },
  { name: "stream of 16 pieces of 1 KiB", path: "/stream" },
];

export async function measure({ rounds, seconds }) {
  ensureWrk();
  const servers = await start();
  const results = [];
  for (const { name, path, script } of CASES) {
    const subjects = {};
    const costs = {};
    for (const [subject, { port, pid }] of Object.entries(servers)) {
      const url = `http://127.0.0.1:${port}${path}`;
      costs[subject] = [];
      subjects[subject] = async () => {
        const before = processorSeconds(pid);
        const perSecond = await requestsPerSecond(url, seconds, script);
        const used = processorSeconds(pid) - before;
        costs[subject].push((used * 1e6) / (perSecond * seconds));
        return perSecond;
      };
    }
    results.push({ name, unit: "requests/s", rows: await pairedRounds(subjects, rounds) });
    results.push({ name: `${name}, processor time`, unit: "µs/request", rows: costRows(costs) });
  }
  for (const one of Object.values(servers)) await one.stop();
  return results;
}

/** How many times less than the first each one takes. The first measurement warms up. */
function costRows(costs) {
  const [first] = Object.keys(costs);
  return Object.entries(costs).map(([name, all]) => {
    const values = all.slice(1);
    const ratios = values.map((value, round) => costs[first][round + 1] / value);
    return { name, value: median(values), ratio: median(ratios), ratios };
  });
}

async function start() {
  const node = (...words) => startServer(process.execPath, [server("fetch-server"), ...words]);
  const servers = { "@hono/node-server": await node("hono") };
  for (const engine of engines()) {
    servers[engine] = await node(engine);
    servers[`${engine}, light Response`] = await node(engine, "light");
  }
  try {
    const bun = createRequire(import.meta.url).resolve("bun/package.json");
    const program = bun.replace(/package\.json$/, "bin/bun.exe");
    servers.Bun = await startServer(program, [server("fetch-server"), "bun"]);
  } catch {
    console.log("  Bun is not installed");
  }
  return servers;
}
