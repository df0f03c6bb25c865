// What does TLS cost beside node:tls, Bun where it is installed, and uWebSockets.js? Echo, HTTPS, handshakes, idle
// connections. The load is a C program with the OpenSSL of the system (headers: libssl-dev), which is
// cheaper than the servers; what a second of the server's processor does is told as well.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { selfSignedCertificate } from "hp-socket/testing";
import { nativeTool } from "../lib/native-tool.mjs";
import { median, pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { server } from "../lib/subjects.mjs";

export const title = "TLS beside node:tls";

const LOADS = [
  { name: "echo, 1 × 64 B, 1 in flight", words: ["echo", 1, 64, 1], unit: "msg" },
  { name: "echo, 64 × 64 B, 16 in flight", words: ["echo", 64, 64, 16], unit: "msg" },
  { name: "echo, 100 × 64 B, 1 in flight", words: ["echo", 100, 64, 1], unit: "msg" },
  { name: "echo, 16 × 64 KiB, 1 in flight", words: ["echo", 16, 65_536, 1], unit: "msg" },
  { name: "HTTPS hello, 64 connections", words: ["https", 64], unit: "requests" },
  { name: "handshakes, full", words: ["full"], unit: "handshakes" },
  { name: "handshakes, resumed", words: ["resumed"], unit: "handshakes" },
  { name: "handshakes with TLS 1.2, full", words: ["full12"], unit: "handshakes" },
  { name: "handshakes with TLS 1.2, resumed", words: ["resumed12"], unit: "handshakes" },
];
const FIRST_IDLE = 200;
const LAST_IDLE = 1_700;

export async function measure({ rounds, seconds }) {
  writeCertificate();
  const results = [];
  for (const load of LOADS) results.push(...(await measureLoad(load, rounds, seconds)));
  return [...results, ...(await measureIdle(rounds))];
}

/** Servers find it by the environment. */
function writeCertificate() {
  const folder = fileURLToPath(new URL("../results/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const { cert, key } = selfSignedCertificate();
  process.env.CERT = `${folder}tls-cert.pem`;
  process.env.KEY = `${folder}tls-key.pem`;
  writeFileSync(process.env.CERT, cert);
  writeFileSync(process.env.KEY, key);
}

/** How the servers are started, by name. */
function programs() {
  const file = server("tls-server");
  const node = [process.execPath, ["--expose-gc", file]];
  const found = { "node:tls": [...node, "raw"], "hp-socket": [...node, "hp"] };
  try {
    const bun = fileURLToPath(new URL("bin/bun.exe", import.meta.resolve("bun/package.json")));
    found.Bun = [bun, [file], "bun"];
  } catch {
    // It is not installed.
  }
  return found;
}

/** Those that do one thing only. */
function moreOf(kind) {
  const node = [process.execPath, ["--expose-gc", server("tls-server")], "uws"];
  return kind === "https" ? { "uWebSockets.js": node } : {};
}

async function start([program, words, name], kind) {
  return await startServer(program, [...words, name, kind]);
}

async function measureLoad({ name, words: [mode, ...more], unit }, rounds, seconds) {
  const load = nativeTool("tlsload");
  const servers = {};
  const kind = mode === "https" ? "https" : "echo";
  for (const [subject, program] of Object.entries({ ...programs(), ...moreOf(kind) })) {
    servers[subject] = await start(program, kind);
  }
  const perCpu = Object.fromEntries(Object.keys(servers).map((subject) => [subject, []]));
  const waits = Object.fromEntries(Object.keys(servers).map((subject) => [subject, []]));
  const subjects = {};
  for (const [subject, handle] of Object.entries(servers)) {
    subjects[subject] = async () => {
      const before = JSON.parse(await handle.ask("cpu")).cpu;
      const output = await run(load, [mode, handle.port, seconds, ...more].map(String));
      const { count, perSecond, p50Us } = JSON.parse(output);
      const used = JSON.parse(await handle.ask("cpu")).cpu - before;
      perCpu[subject].push(count / (used / 1e6));
      waits[subject].push(p50Us);
      return perSecond;
    };
  }
  const rows = await pairedRounds(subjects, rounds);
  for (const handle of Object.values(servers)) await handle.stop();
  return [
    { name, unit: `${unit}/s`, rows },
    { name: `${name}, per second of processor`, unit, rows: rowsOf(perCpu) },
    { name: `${name}, median time`, unit: "µs", rows: rowsOf(waits) },
  ];
}

/** The first value of each is the one of warming up. */
function rowsOf(found) {
  const [first] = Object.keys(found);
  return Object.entries(found).map(([name, [, ...values]]) => {
    const ratios = values.map((value, round) => value / found[first][round + 1]);
    return { name, value: median(values), ratio: median(ratios), ratios };
  });
}

async function measureIdle(rounds) {
  const subjects = Object.entries(programs()).filter(([name]) => name !== "Bun");
  const found = Object.fromEntries(subjects.map(([name]) => [name, { rss: [], heap: [] }]));
  for (let round = 0; round < Math.min(3, rounds); round++) {
    for (const [name, program] of subjects) {
      const { rss, heap } = await slope(program);
      found[name].rss.push(rss);
      found[name].heap.push(heap);
    }
  }
  return ["rss", "heap"].map((kind) => {
    const base = median(found["node:tls"][kind]);
    const rows = Object.keys(found).map((name) => {
      const value = median(found[name][kind]);
      return { name, value, ratio: value / base, ratios: [] };
    });
    return { name: `idle connection, ${kind}`, unit: "bytes", rows };
  });
}

async function slope(program) {
  const subject = await start(program, "echo");
  const peers = await startServer(process.execPath, [
    server("tls-idle-peers"),
    String(subject.port),
  ]);
  await peers.ask(String(FIRST_IDLE));
  const before = JSON.parse(await subject.ask("memory"));
  await peers.ask(String(LAST_IDLE));
  const after = JSON.parse(await subject.ask("memory"));
  await peers.stop();
  await subject.stop();
  const each = (kind) => (after[kind] - before[kind]) / (LAST_IDLE - FIRST_IDLE);
  return { rss: each("rss"), heap: each("heapUsed") };
}
