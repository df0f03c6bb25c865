// How fast is echo beside plain node:net (and C, where there is a compiler), and what does a message cost?
import { nativeTool } from "../lib/native-tool.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { servedRounds } from "../lib/served-rounds.mjs";
import { echoSubjects } from "../lib/subjects.mjs";

export const title = "Echo: messages per second, and processor time for each";

const CASES = [
  { connections: 1, size: 64, depth: 1 },
  { connections: 100, size: 64, depth: 1 },
  { connections: 100, size: 64, depth: 16 },
  { connections: 1_000, size: 64, depth: 1 },
  { connections: 16, size: 65_536, depth: 1 },
  { connections: 16, size: 65_536, depth: 16 },
  { connections: 16, size: 65_536, depth: 16, delivery: "copy" },
  { connections: 16, size: 262_144, depth: 16 },
  { connections: 16, size: 262_144, depth: 16, delivery: "copy" },
];

export async function measure({ rounds, seconds }) {
  const load = nativeTool("tcpload");
  const results = [];
  for (const { connections, size, depth, delivery = "borrow" } of CASES) {
    const servers = await echoSubjects(startServer, delivery);
    const name = `${connections} × ${size} B, ${depth} in flight, ${delivery}`;
    const echo = async ({ port }) => {
      const args = ["127.0.0.1", port, connections, size, depth, seconds].map(String);
      const output = await run(load, args);
      const { perSecond, verifiedBytes } = JSON.parse(output.trim().split("\n").at(-1));
      return { perSecond, count: verifiedBytes / size };
    };
    results.push(...(await servedRounds(servers, rounds, name, "message", echo)));
    for (const server of Object.values(servers)) await server.stop();
  }
  return results;
}
