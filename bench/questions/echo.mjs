// How fast is echo beside plain node:net (and C, where there is a compiler)?
import { nativeTool } from "../lib/native-tool.mjs";
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { echoSubjects } from "../lib/subjects.mjs";

export const title = "Echo, messages per second";

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
    const subjects = {};
    for (const [name, server] of Object.entries(servers)) {
      subjects[name] = async () => {
        const args = ["127.0.0.1", server.port, connections, size, depth, seconds].map(String);
        return JSON.parse((await run(load, args)).trim().split("\n").at(-1)).perSecond;
      };
    }
    const rows = await pairedRounds(subjects, rounds);
    for (const server of Object.values(servers)) await server.stop();
    const name = `${connections} × ${size} B, ${depth} in flight, ${delivery}`;
    results.push({ name, unit: "msg/s", rows });
  }
  return results;
}
