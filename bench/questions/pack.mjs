// What does joining the sends of a turn bring, beside one write for each frame?
import { run, startServer } from "../lib/pinned-process.mjs";
import { servedRounds } from "../lib/served-rounds.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "Pack echo, 100 connections × 64 B, packets per second";

export async function measure({ rounds, seconds }) {
  const results = [];
  for (const depth of [1, 16]) {
    const node = (file, ...args) => startServer(process.execPath, [server(file), ...args]);
    const servers = { "node:net, a write a frame": await node("raw-net-server", "frames") };
    for (const engine of engines()) servers[engine] = await node("echo-server", engine, "pack");
    const echo = async ({ port }) => {
      const args = [server("pack-load"), port, 100, 64, depth, seconds].map(String);
      return JSON.parse(await run(process.execPath, args));
    };
    const name = `${depth} in flight`;
    results.push(...(await servedRounds(servers, rounds, name, "packet", echo)));
    for (const one of Object.values(servers)) await one.stop();
  }
  return results;
}
