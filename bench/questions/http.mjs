// How fast does the HTTP server answer beside node:http (and uWebSockets.js, where it is installed)?
import { startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";
import { measureCases } from "../lib/wrk-cases.mjs";

export const title = "HTTP server, requests per second over 64 connections";

const CASES = [
  { name: "GET, “Hello, World!”", path: "/" },
  { name: "the same, 16 pipelined", path: "/", script: "pipeline" },
  { name: "POST of 64 KiB, read whole", path: "/", script: "post" },
  { name: "GET of 1 MiB", path: "/large" },
];

export async function measure(bounds) {
  return measureCases(await start(), CASES, bounds);
}

async function start() {
  const node = (file, ...words) => startServer(process.execPath, [server(file), ...words]);
  const servers = { "node:http": await node("node-http-server") };
  for (const engine of engines()) servers[engine] = await node("http-server", engine);
  try {
    import.meta.resolve("uwebsockets");
    servers["uWebSockets.js"] = await node("uws-server");
  } catch {
    console.log("  uWebSockets.js is not installed");
  }
  return servers;
}
