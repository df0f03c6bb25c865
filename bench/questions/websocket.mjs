// How fast do WebSockets echo beside ws (and uWebSockets.js, where it is installed)?
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "WebSocket echo of binary messages, 100 connections, messages per second";

const CASES = [
  { size: 64, depth: 1 },
  { size: 64, depth: 16 },
  { size: 16_384, depth: 1 },
  { size: 16_384, depth: 16 },
];

export async function measure({ rounds, seconds }) {
  const servers = await start();
  const results = [];
  for (const { size, depth } of CASES) {
    const subjects = {};
    for (const [name, { port }] of Object.entries(servers)) {
      subjects[name] = async () => {
        const args = [server("websocket-load"), port, 100, size, depth, seconds].map(String);
        return JSON.parse(await run(process.execPath, args)).perSecond;
      };
    }
    const name = `${size} B, ${depth} in flight`;
    results.push({ name, unit: "messages/s", rows: await pairedRounds(subjects, rounds) });
  }
  for (const one of Object.values(servers)) await one.stop();
  return results;
}

async function start() {
  const node = (...words) => startServer(process.execPath, [server("websocket-server"), ...words]);
  const servers = { ws: await node("ws") };
  for (const engine of engines()) servers[engine] = await node(engine);
  try {
    import.meta.resolve("uwebsockets");
    servers["uWebSockets.js"] = await node("uws");
  } catch {
    console.log("  uWebSockets.js is not installed");
  }
  return servers;
}
