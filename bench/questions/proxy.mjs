// How fast does the forward proxy send requests on, beside one by node:http, tinyproxy and haproxy?
import { ensureProgram, startOther } from "../lib/other-proxies.mjs";
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { LOAD_CORE, startServer } from "../lib/pinned-process.mjs";
import { processorSeconds } from "../lib/processor-time.mjs";
import { engines, server } from "../lib/subjects.mjs";
import { ensureWrk, requestsPerSecond } from "../lib/wrk.mjs";

export const title =
  "forward proxy, GETs over 64 kept connections; the origin has the core of the load";

/** A proxy that has just begun does a third to a fifth of what it does later. */
const WARM_UP_SECONDS = 3;

/** Body of the responses, in bytes. */
const CASES = [
  { name: "13 bytes", bodyBytes: 13 },
  { name: "64 KiB", bodyBytes: 65_536 },
];

export async function measure({ rounds, seconds }) {
  ensureWrk();
  const results = [];
  for (const { name, bodyBytes } of CASES) {
    const words = [server("http-canned-server"), String(bodyBytes)];
    const origin = await startServer(process.execPath, words, { port: 0 }, LOAD_CORE);
    const proxies = await start(origin.port);
    const rates = {};
    const costs = {};
    for (const [subject, { port, pid, closes }] of Object.entries(proxies)) {
      const url = `http://127.0.0.1:${port}/`;
      const how = { given: [`http://127.0.0.1:${origin.port}/`], closes };
      await requestsPerSecond(url, WARM_UP_SECONDS, "absolute", how);
      const ask = async () => {
        const before = processorSeconds(pid);
        const startMs = performance.now();
        const rate = await requestsPerSecond(url, seconds, "absolute", how);
        const count = (rate * (performance.now() - startMs)) / 1000;
        return { rate, cost: count / (processorSeconds(pid) - before) };
      };
      rates[subject] = async () => (await ask()).rate;
      costs[subject] = async () => (await ask()).cost;
    }
    results.push({ name, unit: "requests/s", rows: await pairedRounds(rates, rounds) });
    results.push({
      name: `${name}, of the proxy's processor`,
      unit: "requests/processor-s",
      rows: await pairedRounds(costs, rounds),
    });
    for (const one of [...Object.values(proxies), origin]) await one.stop();
  }
  return results;
}

async function start(originPort) {
  const node = (file, ...words) => startServer(process.execPath, [server(file), ...words]);
  const proxies = { "node:http and an agent": await node("node-proxy-server") };
  for (const engine of engines()) proxies[engine] = await node("proxy-server", engine);
  if (ensureProgram("tinyproxy")) {
    const tinyproxy = await startOther("tinyproxy", ["-d", "-c"], tiny);
    // It keeps no connection.
    proxies.tinyproxy = { ...tinyproxy, closes: true };
  }
  if (ensureProgram("haproxy")) {
    const haproxy = await startOther("haproxy", ["-db", "-f"], (port) => reverse(port, originPort));
    // One origin stands behind it, whatever is asked for.
    proxies["haproxy (in reverse)"] = haproxy;
  }
  return proxies;
}

function tiny(port) {
  const lines = [`Port ${port}`, "Listen 127.0.0.1", "MaxClients 1000", "Allow 127.0.0.1"];
  return [...lines, "LogLevel Critical", ""].join("\n");
}

function reverse(port, originPort) {
  return `global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server origin 127.0.0.1:${originPort}
`;
}
