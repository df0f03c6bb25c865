// How fast are requests beside undici?
import { costRows, pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "HTTP client, requests per second";

export async function measure({ rounds, seconds }) {
  const results = [];
  for (const connections of [1, 50]) {
    const canned = await startServer(process.execPath, [server("http-canned-server")]);
    const subjects = {};
    const costs = {};
    for (const name of ["undici", ...engines()]) {
      costs[name] = [];
      subjects[name] = async () => {
        const words = [name, canned.port, connections, seconds].map(String);
        const output = await run(process.execPath, [server("http-client-load"), ...words]);
        const { perSecond, costUs } = JSON.parse(output.trim().split("\n").at(-1));
        costs[name].push(costUs);
        return perSecond;
      };
    }
    const rows = await pairedRounds(subjects, rounds);
    await canned.stop();
    const name = `GET, ${connections} connections`;
    results.push({ name, unit: "requests/s", rows });
    const cost = costRows(costs);
    results.push({ name: `${name}, processor time`, unit: "µs/request", rows: cost });
  }
  return results;
}
