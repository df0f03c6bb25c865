// How fast does the HTTP server answer beside node:http (and uWebSockets.js, where it is installed)?
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";
import { ensureWrk, requestsPerSecond } from "../lib/wrk.mjs";

export const title = "HTTP server, requests per second over 64 connections";

const CASES = [
  { name: "GET, “Hello, World!”", path: "/" },
  { name: "the same, 16 pipelined", path: "/", script: "pipeline" },
  { name: "POST of 64 KiB, read whole", path: "/", script: "post" },
  { name: "GET of 1 MiB", path: "/large" },
];

export async function measure({ rounds, seconds }) {
  ensureWrk();
  const servers = await start();
  const results = [];
  for (const { name, path, script } of CASES) {
    const subjects = {};
    for (const [subject, { port }] of Object.entries(servers)) {
      const url = `http://127.0.0.1:${port}${path}`;
      subjects[subject] = () => requestsPerSecond(url, seconds, script);
    }
    results.push({ name, unit: "requests/s", rows: await pairedRounds(subjects, rounds) });
  }
  for (const one of Object.values(servers)) await one.stop();
  return results;
}

async function start() {
  const node = (file, ...words) => startServer(process.execPath, [server(file), ...words]);
  const servers = { "node:http": await node("node-http-server") };
  for (const engine of engines()) servers[engine] = await node("http-server", engine);
  try {
    import.meta.resolve("uwebsockets");
    servers["uWebSockets.js"] = await node("uws-server");
  } catch {
    console.log("  uWebSockets.js is not installed");
  }
  return servers;
}
