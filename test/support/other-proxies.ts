/** Proxies of others, each with a port of its own, that end with their test or file. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";
import { until } from "./until.js";

/** What has an end, as a test has. */
export interface Scope {
  after(end: () => unknown): void;
}

/** An HTTP proxy that wants a name and a password. Answers its port. */
export function tinyproxy(scope: Scope, user: string, password: string): Promise<number> {
  return started(scope, "tinyproxy", (port, file) => {
    const lines = [`Port ${port}`, "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1"];
    file([...lines, "LogLevel Critical", `BasicAuth ${user} ${password}`, ""].join("\n"));
    return ["-d", "-c"];
  });
}

/** SOCKS 5 and 4, UDP too, for anybody on this machine. Answers its port. */
export function danted(scope: Scope): Promise<number> {
  return started(scope, "danted", (port, file) => {
    file(`logoutput: /dev/null
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
`);
    return ["-f"];
  });
}

/** SOCKS 5 that wants a name and a password. Answers its port. */
export function microsocks(scope: Scope, user: string, password: string): Promise<number> {
  return started(scope, "microsocks", (port) => [
    ...["-i", "127.0.0.1", "-p", `${port}`, "-u", user, "-P", password],
  ]);
}

const ATTEMPT_COUNT = 5;

/** `words` may write a file, whose path then comes last. */
async function started(
  scope: Scope,
  program: string,
  words: (port: number, file: (text: string) => void) => string[],
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "hp-socket-proxy-"));
  scope.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "configuration");
  // They take no port 0, and the port that was free a moment ago may be taken now.
  for (let attempt = 1; attempt <= ATTEMPT_COUNT; attempt++) {
    const port = await freePort();
    let hasFile = false;
    const given = words(port, (text) => {
      writeFileSync(path, text);
      hasFile = true;
    });
    const child = spawn(program, hasFile ? [...given, path] : given, { stdio: "ignore" });
    scope.after(() => ended(child));
    const isUp = await comesUp(child, port);
    if (isUp) return port;
  }
  throw new Error(`${program} does not start`);
}

const START_LIMIT_MS = 60_000;

/** Whether it listens before it ends. */
async function comesUp(child: ChildProcess, port: number): Promise<boolean> {
  const endMs = performance.now() + START_LIMIT_MS;
  while (child.exitCode === null && performance.now() < endMs) {
    if (await listens(port)) return child.exitCode === null;
  }
  return false;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await until(() => child.exitCode !== null || child.signalCode !== null);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
