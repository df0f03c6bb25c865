// Loads several HTTP servers with the same requests, one after the other: how many they answer, and what each takes.
import { costRows, pairedRounds } from "./paired-rounds.mjs";
import { processorSeconds } from "./processor-time.mjs";
import { ensureWrk, requestsPerSecond } from "./wrk.mjs";

/**
 * Results of each case { name, path, script } for `servers`: name → what `startServer` answered. The first is what the
 * others are compared with. Stops them all.
 */
export async function measureCases(servers, cases, { rounds, seconds }) {
  ensureWrk();
  const results = [];
  for (const { name, path, script } of cases) {
    const subjects = {};
    const costs = {};
    for (const [subject, { port, pid }] of Object.entries(servers)) {
      const url = `http://127.0.0.1:${port}${path}`;
      costs[subject] = [];
      subjects[subject] = async () => {
        const before = processorSeconds(pid);
        const perSecond = await requestsPerSecond(url, seconds, script);
        const used = processorSeconds(pid) - before;
        costs[subject].push((used * 1e6) / (perSecond * seconds));
        return perSecond;
      };
    }
    results.push({ name, unit: "requests/s", rows: await pairedRounds(subjects, rounds) });
    results.push({ name: `${name}, processor time`, unit: "µs/request", rows: costRows(costs) });
  }
  for (const one of Object.values(servers)) await one.stop();
  return results;
}
