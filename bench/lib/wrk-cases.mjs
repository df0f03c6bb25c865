// Loads several HTTP servers with the same requests, one after the other: how many they answer, and what each takes.
import { servedRounds } from "./served-rounds.mjs";
import { ensureWrk, requestsPerSecond } from "./wrk.mjs";

/**
 * Results of each case { name, path, script } for `servers`: name → what `startServer` answered. The first is what the
 * others are compared with. Stops them all.
 */
export async function measureCases(servers, cases, { rounds, seconds }) {
  ensureWrk();
  const results = [];
  for (const { name, path, script } of cases) {
    const ask = async ({ port }) => {
      const perSecond = await requestsPerSecond(`http://127.0.0.1:${port}${path}`, seconds, script);
      return { perSecond, count: perSecond * seconds };
    };
    results.push(...(await servedRounds(servers, rounds, name, "request", ask)));
  }
  for (const one of Object.values(servers)) await one.stop();
  return results;
}
