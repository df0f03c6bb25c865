// What does an application made with Hono cost beside @hono/node-server (and Bun, where it is installed)?
import { createRequire } from "node:module";
import { startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";
import { measureCases } from "../lib/wrk-cases.mjs";

export const title = "Fetch handlers: a Hono application over 64 connections";

const CASES = [
  { name: "text", path: "/text" },
  { name: "JSON of 1 KiB", path: "/json" },
  { name: "POST of 64 KiB", path: "/upload", script: "post" },
  { name: "stream of 16 pieces of 1 KiB", path: "/stream" },
];

export async function measure(bounds) {
  return measureCases(await start(), CASES, bounds);
}

async function start() {
  const node = (...words) => startServer(process.execPath, [server("fetch-server"), ...words]);
  const servers = { "@hono/node-server": await node("hono") };
  for (const engine of engines()) {
    servers[engine] = await node(engine);
    servers[`${engine}, light Response`] = await node(engine, "light");
  }
  try {
    const bun = createRequire(import.meta.url).resolve("bun/package.json");
    const program = bun.replace(/package\.json$/, "bin/bun.exe");
    servers.Bun = await startServer(program, [server("fetch-server"), "bun"]);
  } catch {
    console.log("  Bun is not installed");
  }
  return servers;
}
