// The load generator wrk, which Debian has; it is installed where it is missing and that is allowed.
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { run } from "./pinned-process.mjs";

const CONNECTIONS = 64;

/** Makes sure that there is wrk. */
export function ensureWrk() {
  if (spawnSync("wrk", ["--version"]).error === undefined) return;
  execFileSync("apt-get", ["install", "-y", "wrk"], { stdio: "inherit" });
}

/**
 * Requests per second over 64 connections. `script`: a file of lua/, and `given` its words. Throws when an answer
 * was no 2xx, or was missing where the server does not close behind each one (`closes`).
 */
export async function requestsPerSecond(url, seconds, script, { given = [], closes = false } = {}) {
  const words = [
    "-t",
    "1",
    "-c",
    String(CONNECTIONS),
    "-d",
    `${Math.max(1, Math.round(seconds))}s`,
  ];
  if (script !== undefined) {
    words.push("-s", fileURLToPath(new URL(`../lua/${script}.lua`, import.meta.url)));
  }
  const output = await run("wrk", [...words, url, ...(given.length > 0 ? ["--", ...given] : [])]);
  const hasFailed = closes ? /Non-2xx/ : /Non-2xx|Socket errors/;
  if (hasFailed.test(output)) throw new Error(output);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
  // A server that has come to a stop is no server that is slow.
  if (!(rate > 0)) throw new Error(output);
  return rate;
}
