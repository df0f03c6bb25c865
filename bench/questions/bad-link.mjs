// How late are messages over a link that loses 5 % and takes 50 ms, and how much goes through it? Two network
// namespaces, real sockets; needs root, a C compiler and /dev/net/tun.
import { badLink, RIGHT_HOST } from "../lib/bad-link.mjs";
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

export async function measure({ rounds, seconds }) {
  const parts = [];
  for (const perSecond of [50, 100]) {
    const shares = { p50: 0.5, p99: 0.99 };
    const values = Object.fromEntries(Object.keys(SUBJECTS).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, [protocol, own]] of Object.entries(SUBJECTS)) {
        const link = { ...own, seed: round + 1 };
        const measured = await once(protocol, {
          link,
          bytes: 1_024,
          perSecond,
          seconds: seconds * 5,
        });
        values[name].push(measured.latencies);
      }
    }
    for (const [share, part] of Object.entries(shares)) {
      // What TCP makes of the losses of one seed is luck: the value is that of all seeds, the range what they differ by.
      const of = (name) => percentile(values[name].flat(), part);
      const rows = Object.entries(values).map(([name, seeds]) => ({
        name,
        value: of(name),
        ratio: of(name) / of(FIRST),
        ratios: seeds.map((own, at) => percentile(own, part) / percentile(values[FIRST][at], part)),
      }));
      parts.push({ name: `${perSecond} messages a second, ${share}`, unit: "ms", rows });
    }
  }
  const rows = [];
  for (const [name, [protocol, own]] of Object.entries(SUBJECTS)) {
    const { bytesPerSecond } = await once(protocol, {
      link: own ?? {},
      bytes: 16_384,
      perSecond: 0,
      seconds: seconds * 5,
    });
    rows.push({ name, value: bytesPerSecond / 1_000, ratio: 1, ratios: [] });
  }
  for (const row of rows) row.ratio = row.value / rows[0].value;
  parts.push({ name: "as fast as it goes, 16 KiB messages", unit: "kB/s", rows });
  return parts;
}
