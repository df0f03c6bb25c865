// What does a WebSocket server do with its processor, beside ws, uWebSockets.js and Bun (where they are
// installed)? Messages for each second of the server's processor time: echo of 64 B and 16 KiB, 1 and 16 in
// flight on 100 connections, text and binary; 1 KiB of JSON with permessage-deflate; a broadcast of 64 B to
// 5,000 receivers. Of hp-socket, messages are valid during the call, as those of uWebSockets.js are, or, where it says
// "copy", the application's to keep, as those of ws and Bun are.
import { fileURLToPath } from "node:url";
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { run, startServer } from "../lib/pinned-process.mjs";
import { processorSeconds } from "../lib/processor-time.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "WebSocket: messages for each second of the server's processor time";

const PROGRAM = fileURLToPath(new URL("../../bin/hp-socket.js", import.meta.url));

const CASES = ["binary", "text"].flatMap((type) =>
  [64, 16_384].flatMap((size) => [1, 16].map((depth) => ({ type, size, depth }))),
);

const DEFLATE = { type: "text", size: 1_024, depth: 4, deflate: true };

export async function measure({ rounds, seconds }) {
  const results = [];
  const plain = await start("plain");
  for (const one of CASES) results.push(await echo(plain, one, { rounds, seconds }));
  for (const one of Object.values(plain)) await one.stop();
  const deflating = await start("deflate");
  results.push(await echo(deflating, DEFLATE, { rounds, seconds }));
  for (const one of Object.values(deflating)) await one.stop();
  results.push(await broadcast({ rounds, seconds }));
  return results;
}

async function echo(servers, { type, size, depth, deflate }, { rounds, seconds }) {
  const words = ["--size", size, "--depth", depth, "--seconds", seconds, "--warmup", 0.5, "--json"];
  if (type === "text") words.push("--text");
  if (deflate) words.push("--deflate");
  const subjects = {};
  for (const [name, { port, pid }] of Object.entries(servers)) {
    subjects[name] = async () => {
      const before = processorSeconds(pid);
      const args = [PROGRAM, "load", `ws://127.0.0.1:${port}/`, ...words].map(String);
      const { verifiedBytes } = JSON.parse(await run(process.execPath, args));
      return verifiedBytes / size / (processorSeconds(pid) - before);
    };
  }
  const what = deflate ? "permessage-deflate, JSON" : type;
  const name = `${what}, ${size} B, ${depth} in flight`;
  return { name, unit: "messages/s", rows: await pairedRounds(subjects, rounds) };
}

async function broadcast({ rounds, seconds }) {
  const servers = await start("broadcast");
  const subjects = {};
  for (const [name, { port, pid }] of Object.entries(servers)) {
    subjects[name] = async () => {
      const args = [server("websocket-receivers"), port, 5_000, seconds, pid].map(String);
      return JSON.parse(await run(process.execPath, args)).perProcessorSecond;
    };
  }
  const rows = await pairedRounds(subjects, rounds);
  for (const one of Object.values(servers)) await one.stop();
  return { name: "broadcast of 64 B to 5,000 receivers", unit: "deliveries/s", rows };
}

async function start(mode) {
  const file = server("websocket-server");
  const node = (name, ...words) => startServer(process.execPath, [file, name, mode, ...words]);
  const servers = { ws: await node("ws") };
  for (const engine of engines()) {
    servers[engine] = await node(engine, "borrow");
    if (mode === "plain") servers[`${engine}, copy`] = await node(engine, "copy");
  }
  for (const [name, module, begin] of [
    ["uWebSockets.js", "uwebsockets", () => node("uws")],
    ["Bun", "bun/package.json", () => startServer(bun(), [file, "bun", mode])],
  ]) {
    try {
      import.meta.resolve(module);
    } catch {
      console.log(`  ${name} is not installed`);
      continue;
    }
    servers[name] = await begin();
  }
  return servers;
}

/** The program of the package `bun`, on every system of this name. */
function bun() {
  return fileURLToPath(new URL("bin/bun.exe", import.meta.resolve("bun/package.json")));
}
