// Keeps requests under way over so many connections for a time, and prints how many were answered, and what each took
// of the processor.

import { HttpAgent } from "hp-socket/http";
import { Pool } from "undici";

const [subject, port, connections, seconds] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const maxConnectionsPerOrigin = Number(connections);

const ask = {
  undici() {
    const pool = new Pool(origin, { connections: maxConnectionsPerOrigin, pipelining: 1 });
    return async () => (await pool.request({ path: "/", method: "GET" })).body.text();
  },
  hp() {
    const agent = new HttpAgent({ engine: subject, maxConnectionsPerOrigin });
    return async () => (await agent.request({ url: `${origin}/` })).body.text();
  },
}[subject === "undici" ? "undici" : "hp"]();

let count = 0;
let endMs = Number.POSITIVE_INFINITY;
async function worker() {
  while (performance.now() < endMs) {
    if ((await ask()).length === 0) throw new Error("an empty answer came");
    count++;
  }
}

const workers = Array.from({ length: maxConnectionsPerOrigin }, worker);
await new Promise((resolve) => setTimeout(resolve, 500));
const startMs = performance.now();
const before = process.cpuUsage();
count = 0;
endMs = startMs + Number(seconds) * 1_000;
await Promise.all(workers);
const perSecond = (count * 1_000) / (performance.now() - startMs);
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ perSecond, costUs: (user + system) / count }));
process.exit(0);
