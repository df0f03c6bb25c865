// What does a relay cost, beside a pair of node:net sockets that are piped, and haproxy in TCP mode with one thread (with and
// without splicing)? Client and destination are C programs on a core of their own. The rate says how much goes through; on a
// machine that does other things as well, what the relay's processor does is what counts: messages for each second of it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as later } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nativeTool } from "../lib/native-tool.mjs";
import { median, pairedRounds } from "../lib/paired-rounds.mjs";
import { LOAD_CORE, run, SERVER_CORE, startServer } from "../lib/pinned-process.mjs";
import { processorSeconds } from "../lib/processor-time.mjs";
import { server } from "../lib/subjects.mjs";

export const title = "Relays, echo through them";

const CASES = [
  { connections: 4, size: 65_536, depth: 4 },
  { connections: 16, size: 65_536, depth: 4 },
  { connections: 1, size: 65_536, depth: 1 },
  // Both ways go over a link of so much: what is direct is limited as what is relayed is.
  { connections: 4, size: 65_536, depth: 4, gigabits: 4 },
  { connections: 100, size: 64, depth: 1 },
  { connections: 100, size: 64, depth: 16 },
];
const PIPE = "node:net, piped";

export async function measure({ rounds, seconds }) {
  const load = nativeTool("tcpload");
  const results = [];
  for (const { connections, size, depth, gigabits } of CASES) {
    const target = await startTarget();
    const relays = await startRelays(target.port);
    const perCpu = Object.fromEntries(Object.keys(relays).map((name) => [name, []]));
    const ask = async (port) => {
      const args = ["127.0.0.1", port, connections, size, depth, seconds].map(String);
      if (gigabits !== undefined) args.push("1", "0.5", String(gigabits * 125e6));
      return JSON.parse((await run(load, args)).trim().split("\n").at(-1));
    };
    const subjects = { direct: async () => (await ask(target.port)).perSecond };
    for (const [name, { port, pid }] of Object.entries(relays)) {
      subjects[name] = async () => {
        const before = processorSeconds(pid);
        const { perSecond, verifiedBytes } = await ask(port);
        // Those of the warming up too, for which the processor worked as well.
        perCpu[name].push(verifiedBytes / size / (processorSeconds(pid) - before));
        return perSecond;
      };
    }
    const rows = await pairedRounds(subjects, rounds);
    for (const { stop } of [target, ...Object.values(relays)]) await stop();
    const link = gigabits === undefined ? "" : `, on ${gigabits} Gbit/s`;
    const name = `${connections} × ${size} B, ${depth} in flight${link}`;
    results.push({ name, unit: "msg/s", rows });
    results.push({
      name: `${name}, per second of its processor`,
      unit: "msg",
      rows: rowsOf(perCpu),
    });
  }
  return results;
}

/** The first value of each is the one of warming up. */
function rowsOf(found) {
  return Object.entries(found).map(([name, [, ...values]]) => {
    const ratios = values.map((value, round) => value / found[PIPE][round + 1]);
    return { name, value: median(values), ratio: median(ratios), ratios };
  });
}

/** An echo server in C, on the core of the load. */
async function startTarget() {
  const port = await freePort();
  const args = ["-c", String(LOAD_CORE), nativeTool("echo-epoll"), String(port)];
  return await startProgram("taskset", args, port);
}

async function startRelays(to) {
  const program = server("relay-server");
  const relays = {};
  const node = (kind, engine) => {
    process.env.HP_SOCKET_ENGINE = engine;
    return startServer(process.execPath, [program, kind, String(to)]);
  };
  relays[PIPE] = await node("pipe", "node");
  relays["hp-socket, node"] = await node("hp", "node");
  relays["hp-socket, uring"] = await node("hp", "uring").catch(() => undefined);
  delete process.env.HP_SOCKET_ENGINE;
  relays.haproxy = await haproxy(to, "").catch(() => undefined);
  relays["haproxy, splicing"] = await haproxy(
    to,
    "option splice-request\n  option splice-response",
  ).catch(() => undefined);
  return Object.fromEntries(Object.entries(relays).filter(([, relay]) => relay !== undefined));
}

async function haproxy(to, more) {
  const port = await freePort();
  const folder = fileURLToPath(new URL("../results/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}haproxy-${port}.cfg`;
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen relay
  bind 127.0.0.1:${port}
  ${more}
  server one 127.0.0.1:${to}
`,
  );
  return await startProgram("taskset", ["-c", String(SERVER_CORE), "haproxy", "-f", file], port);
}

/** Starts a program that says nothing, and waits until it listens. Rejects where it is not there. */
async function startProgram(command, args, port) {
  const child = spawn(command, args, { stdio: "ignore" });
  let hasEnded = false;
  child.once("exit", () => {
    hasEnded = true;
  });
  await once(child, "spawn");
  for (;;) {
    if (hasEnded) throw new Error(`${args.join(" ")} has ended`);
    const socket = connect({ port, host: "127.0.0.1" });
    const isThere = await Promise.race([
      once(socket, "connect").then(
        () => true,
        () => false,
      ),
      later(1_000, false),
    ]);
    socket.destroy();
    if (isThere) break;
    await later(50);
  }
  return {
    port,
    pid: child.pid,
    async stop() {
      if (hasEnded) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
