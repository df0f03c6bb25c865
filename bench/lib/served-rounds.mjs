// Rates of several servers under the same load, and what their processor does for it.
import { costRows, pairedRounds } from "./paired-rounds.mjs";
import { processorSeconds } from "./processor-time.mjs";

/**
 * Results of `servers`: name → what `startServer` answered; the first is what the others are compared with.
 * `load(server)` answers { perSecond, count }: the rate, and how many `things` ("message") there were in all, warming up
 * included, for which the server has worked as well.
 */
export async function servedRounds(servers, rounds, name, things, load) {
  const subjects = {};
  const costs = {};
  for (const [subject, server] of Object.entries(servers)) {
    costs[subject] = [];
    subjects[subject] = async () => {
      const before = processorSeconds(server.pid);
      const { perSecond, count } = await load(server);
      costs[subject].push(((processorSeconds(server.pid) - before) * 1e9) / count);
      return perSecond;
    };
  }
  const rows = await pairedRounds(subjects, rounds);
  return [
    { name, unit: `${things}s/s`, rows },
    { name: `${name}, processor time`, unit: `ns/${things}`, rows: costRows(costs) },
  ];
}
