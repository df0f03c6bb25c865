// What does a server see that was away for two minutes and comes back to a thousand clients? Attempts in each tenth of a
// second, on the memory engine in time moved by hand: with full jitter, as `reconnect` does it, with a back-off that has none,
// and with the fixed pause of three seconds that programs write by hand. Prints the attempts of each second as a plot.
import { TcpClient, TcpServer } from "hp-socket";
import { ManualClock, MemoryEngine } from "hp-socket/testing";

export const title = "A thousand clients come back, the most attempts in a tenth of a second";

const CLIENTS = 1_000;
const AWAY_MS = 120_000;
const STEP_MS = 50;

/** How long the server is looked at when it is back, in tenths of a second. */
export const BUCKETS = 350;

/** Ways to come back. */
export const KINDS = {
  "full jitter": { options: {}, random: seeded() },
  "no jitter": { options: {}, random: () => 0.999_999 },
  "3 s, fixed": { options: { firstDelayMs: 3_000, maxDelayMs: 3_000 }, random: () => 0.999_999 },
};

export async function measure() {
  const found = {};
  for (const [name, kind] of Object.entries(KINDS)) {
    found[name] = await simulate(kind);
    plot(name, found[name]);
  }
  const most = (name) => Math.max(...found[name]);
  const base = most("full jitter");
  const rows = Object.keys(KINDS).map((name) => {
    return { name, value: most(name), ratio: most(name) / base, ratios: [] };
  });
  return [{ name: "once the server is back", unit: "attempts", rows }];
}

/** Chance that repeats itself (mulberry32): each run draws the same. */
function seeded() {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Attempts in each tenth of a second from the server's return on, for 35 seconds. */
export async function simulate({ options, random }) {
  const chance = Math.random;
  Math.random = random;
  const clock = new ManualClock();
  const engine = new MemoryEngine({ clock });
  const buckets = Array.from({ length: BUCKETS }, () => 0);
  let startMs = Number.POSITIVE_INFINITY;
  engine.network.connectFate = () => {
    const bucket = Math.floor((clock.now() - startMs) / 100);
    if (bucket >= 0 && bucket < buckets.length) buckets[bucket]++;
    return "answer";
  };
  const pass = async (ms) => {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      clock.advance(STEP_MS);
      await new Promise(setImmediate);
    }
  };
  const listen = async () => {
    const server = new TcpServer({ engine, onReceive() {} });
    await server.listen({ port: 7_000 });
    return server;
  };
  let server = await listen();
  const clients = Array.from(
    { length: CLIENTS },
    () => new TcpClient({ engine, reconnect: options, onReceive() {} }),
  );
  await Promise.all(clients.map((client) => client.connect({ port: 7_000 })));
  await server.stop({ drainMs: 0 });
  await pass(AWAY_MS);
  startMs = clock.now();
  server = await listen();
  await pass(35_000);
  if (server.connectionCount !== CLIENTS) throw new Error(`${server.connectionCount} came back`);
  await Promise.all(clients.map((client) => client.stop({ drainMs: 0 })));
  await server.stop({ drainMs: 0 });
  Math.random = chance;
  return buckets;
}

function plot(name, buckets) {
  console.log(`  ${name}: attempts in each second`);
  for (let second = 0; second < 35; second++) {
    const count = buckets.slice(second * 10, second * 10 + 10).reduce((sum, one) => sum + one, 0);
    const bar = "█".repeat(Math.ceil(count / 10));
    if (count > 0)
      console.log(`  ${String(second).padStart(4)} s ${String(count).padStart(5)} ${bar}`);
  }
}
