// How fast are requests beside undici?
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "HTTP client, requests per second";

export async function measure({ rounds, seconds }) {
  const results = [];
  for (const connections of [1, 50]) {
    const canned = await startServer(process.execPath, [server("http-canned-server")]);
    const subjects = {};
    for (const name of ["undici", ...engines()]) {
      subjects[name] = async () => {
        const words = [name, canned.port, connections, seconds].map(String);
        const output = await run(process.execPath, [server("http-client-load"), ...words]);
        return JSON.parse(output.trim().split("\n").at(-1)).perSecond;
      };
    }
    const rows = await pairedRounds(subjects, rounds);
    await canned.stop();
    results.push({ name: `GET, ${connections} connections`, unit: "requests/s", rows });
  }
  return results;
}
