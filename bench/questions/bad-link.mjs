// How late are messages over a link that loses 5 % and takes 50 ms, and how much goes through it? Two network
// namespaces, real sockets; needs root, a C compiler and /dev/net/tun.
import { badLink, RIGHT_HOST } from "../lib/bad-link.mjs";
import { median } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { server } from "../lib/subjects.mjs";

export const title = "1 KiB messages over a link with 5 % loss and 50 ms delay: TCP and ARQ";

const LINK = { delayMs: 50, lossPercent: 5, kilobytesPerSecond: 2_500, queueKilobytes: 250 };
const SUBJECTS = {
  "TCP, cubic": ["tcp", { tcpCongestion: "cubic" }],
  "TCP, bbr": ["tcp", { tcpCongestion: "bbr" }],
  ARQ: ["arq:"],
  "ARQ, repeatAfterMs 20": ['arq:{"repeatAfterMs":20}'],
  'ARQ, congestion "none"': ['arq:{"congestion":"none"}'],
  'ARQ, congestion "stock"': ['arq:{"congestion":"stock"}'],
};
const FIRST = Object.keys(SUBJECTS)[0];
const PORT = "5555";

/** What has arrived of one sender's messages. */
export async function once(protocol, { link, bytes, perSecond, seconds }) {
  const net = await badLink({ ...LINK, ...link });
  const peer = server("lossy-peer");
  try {
    const listen = [...net.right, process.execPath, peer, "listen", protocol, RIGHT_HOST, PORT];
    const listener = await startServer(listen[0], listen.slice(1), { port: Number(PORT) });
    const numbers = [bytes, perSecond, seconds].map(String);
    const args = [process.execPath, peer, "send", protocol, RIGHT_HOST, PORT, ...numbers];
    await run(net.left[0], [...net.left.slice(1), ...args]);
    const result = JSON.parse(await listener.ask("tell"));
    await listener.stop();
    return result;
  } finally {
    await net.stop();
  }
}

/** The value that a share of all is not above. */
export function percentile(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/**
 * What has arrived of each subject's, by name, over links that lose what `seed` says. All at once: none takes much of
 * the machine, and what the machine has to do besides meets all of them.
 */
export async function ofAll(seed, each) {
  const entries = Object.entries(SUBJECTS).map(async ([name, [protocol, own]]) => [
    name,
    await once(protocol, { ...each, link: { ...own, seed } }),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/** How late messages were: the half and the hundredth of them, of what {@link ofAll} has answered for several seeds. */
export function latencyParts(perSecond, seeds) {
  return Object.entries({ p50: 0.5, p99: 0.99 }).map(([share, part]) => {
    const ofSeed = (measured, name) => percentile(measured[name].latencies, part);
    // What TCP makes of the losses of one seed is luck: the value is that of all seeds, the range what they differ by.
    const ofSeeds = (name) =>
      percentile(
        seeds.flatMap((measured) => measured[name].latencies),
        part,
      );
    const rows = Object.keys(SUBJECTS).map((name) => ({
      name,
      value: ofSeeds(name),
      ratio: ofSeeds(name) / ofSeeds(FIRST),
      ratios: seeds.map((measured) => ofSeed(measured, name) / ofSeed(measured, FIRST)),
      values: seeds.map((measured) => ofSeed(measured, name)),
    }));
    return { name: `${perSecond} messages a second, ${share}`, unit: "ms", rows };
  });
}

/** How much went through: the medians of what {@link ofAll} has answered for several seeds. */
export function ratePart(seeds) {
  const rateOf = (name) => median(seeds.map((measured) => measured[name].bytesPerSecond)) / 1_000;
  const rows = Object.keys(SUBJECTS).map((name) => ({
    name,
    value: rateOf(name),
    ratio: rateOf(name) / rateOf(FIRST),
    ratios: seeds.map((measured) => measured[name].bytesPerSecond / measured[FIRST].bytesPerSecond),
  }));
  return { name: "as fast as it goes, 16 KiB messages", unit: "kB/s", rows };
}

export async function measure({ rounds, seconds }) {
  const lasting = { seconds: seconds * 5 };
  const parts = [];
  for (const perSecond of [50, 100]) {
    const seeds = [];
    for (let seed = 1; seed <= rounds; seed++) {
      seeds.push(await ofAll(seed, { ...lasting, bytes: 1_024, perSecond }));
    }
    parts.push(...latencyParts(perSecond, seeds));
  }
  const rates = [];
  for (let seed = 1; seed <= Math.min(rounds, 3); seed++) {
    rates.push(await ofAll(seed, { ...lasting, bytes: 16_384, perSecond: 0 }));
  }
  parts.push(ratePart(rates));
  return parts;
}
