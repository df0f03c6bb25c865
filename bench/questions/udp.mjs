// UDP: echo, one flow each way, and idle sessions, beside plain node:dgram and C. What is compared is datagrams per
// second of the server's processor time: on loopback the load takes as much of the machine as the server.
import { nativeTool } from "../lib/native-tool.mjs";
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { processorSeconds } from "../lib/processor-time.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "UDP, datagrams per second of processor time";

const ECHOES = [
  { peers: 100, size: 64, depth: 1 },
  { peers: 100, size: 64, depth: 16 },
  { peers: 1, size: 64, depth: 64 },
];
const FLOW_BYTES = [64, 1_200];
/** Sessions before and between the two looks: with the first ones come pages that all need. */
const FIRST_SESSIONS = 10_000;
const IDLE_SESSIONS = 20_000;

export async function measure({ rounds, seconds }) {
  const load = nativeTool("udpload");
  const results = [];
  const names = ["dgram", ...engines()];
  for (const { peers, size, depth } of ECHOES) {
    const servers = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await started("udp-server", name)])),
    );
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    servers["C recvmmsg"] = await startServer(nativeTool("echo-udp"), [String(port)], { port });
    const subjects = {};
    for (const [name, subject] of Object.entries(servers)) {
      subjects[name] = async () => {
        const from = processorSeconds(subject.pid);
        const args = ["echo", subject.port, peers, size, depth, seconds].map(String);
        const { count } = JSON.parse((await run(load, args)).trim());
        return count / (processorSeconds(subject.pid) - from);
      };
    }
    const rows = await pairedRounds(subjects, rounds);
    for (const subject of Object.values(servers)) await subject.stop();
    results.push({ name: `echo, ${peers} × ${size} B, ${depth} in flight`, unit: "/s", rows });
  }
  for (const size of FLOW_BYTES) {
    results.push({ name: `one flow, sent, ${size} B`, unit: "/s", rows: await sent(names, size) });
  }
  for (const size of FLOW_BYTES) {
    const rows = await received(names, size);
    results.push({ name: `one flow, received, ${size} B`, unit: "/s", rows });
  }
  results.push(...(await idle(names)));
  return results;

  async function sent(kinds, size) {
    const subjects = {};
    for (const kind of kinds) {
      subjects[kind] = async () => {
        const sink = await startServer(load, ["sink", String(seconds + 5)]);
        const args = [server("udp-flow"), "send", kind, size, seconds, sink.port].map(String);
        const line = await run(process.execPath, args);
        await sink.stop();
        const { count, processorSeconds: spent } = JSON.parse(line.trim());
        return count / spent;
      };
    }
    return pairedRounds(subjects, rounds);
  }

  async function received(kinds, size) {
    const subjects = {};
    const servers = [];
    for (const kind of kinds) {
      const subject = await started("udp-flow", "receive", kind);
      servers.push(subject);
      subjects[kind] = async () => {
        await subject.ask("before");
        await run(load, ["source", String(subject.port), String(size), String(seconds)]);
        const { count, processorSeconds: spent } = JSON.parse(await subject.ask("after"));
        return count / spent;
      };
    }
    const rows = await pairedRounds(subjects, rounds);
    for (const subject of servers) await subject.stop();
    return rows;
  }
}

const started = (file, ...args) =>
  startServer(process.execPath, ["--expose-gc", server(file), ...args]);

/**
 * Growth of a server by sessions that have sent one datagram and then nothing. Of V8's young generation, which grows with
 * what has just happened and not with sessions, the server has as little as it can.
 */
async function idle(kinds) {
  const memories = { heapUsed: "heap", rss: "the process" };
  const rows = Object.fromEntries(Object.keys(memories).map((memory) => [memory, []]));
  for (const name of kinds.filter((kind) => kind !== "dgram")) {
    const flags = ["--expose-gc", "--max-semi-space-size=1"];
    const subject = await startServer(process.execPath, [...flags, server("udp-server"), name]);
    // Descriptors are limited: the sessions come in parts.
    const come = async (count) => {
      const args = ["echo", String(subject.port), "1000", "64", "1", "0.5"];
      for (let at = 0; at < count; at += 1_000) await run(nativeTool("udpload"), args);
    };
    await come(FIRST_SESSIONS);
    const before = JSON.parse(await subject.ask("memory"));
    await come(IDLE_SESSIONS);
    const after = JSON.parse(await subject.ask("memory"));
    await subject.stop();
    for (const [memory, own] of Object.entries(rows)) {
      const value =
        (after[memory] - before[memory]) / (after.connectionCount - before.connectionCount);
      own.push({ name, value, ratio: 1, ratios: [] });
    }
  }
  return Object.entries(memories).map(([memory, what]) => ({
    name: `an idle session, ${what}`,
    unit: "bytes",
    rows: rows[memory],
  }));
}
