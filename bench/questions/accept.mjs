// How many connections are accepted, used once and closed in a second?
import { run, startServer } from "../lib/pinned-process.mjs";
import { servedRounds } from "../lib/served-rounds.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "Connect, one echo, close: connections per second";

export async function measure({ rounds, seconds }) {
  const node = (file, ...args) => startServer(process.execPath, [server(file), ...args]);
  const servers = { "node:net": await node("raw-net-server", "echo") };
  for (const engine of engines()) servers[engine] = await node("echo-server", engine, "push");
  const connect = async ({ port }) => {
    const args = [server("accept-load"), port, seconds].map(String);
    return JSON.parse(await run(process.execPath, args));
  };
  const results = await servedRounds(servers, rounds, "64 at a time", "connection", connect);
  for (const one of Object.values(servers)) await one.stop();
  return results;
}
