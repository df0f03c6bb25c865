// Proxies of others, where this machine has them or Debian's packages can be installed.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SERVER_CORE } from "./pinned-process.mjs";

const START_LIMIT_MS = 10_000;

/** Makes sure that there is a program. Answers whether there is. */
export function ensureProgram(program, packageName = program) {
  const isThere = () => spawnSync(program, ["-v"]).error === undefined;
  if (isThere()) return true;
  try {
    execFileSync("apt-get", ["install", "-y", packageName], { stdio: "ignore" });
  } catch {
    console.log(`  ${program} is not installed`);
  }
  return isThere();
}

/**
 * Starts a program on the servers' core with a file of configuration, which `configure(port)` makes; `words` come
 * before its path. Answers a handle as `startServer` does.
 */
export async function startOther(program, words, configure) {
  const folder = mkdtempSync(join(tmpdir(), "hp-socket-bench-"));
  const port = await freePort();
  const path = join(folder, "configuration");
  writeFileSync(path, configure(port));
  const line = ["-c", String(SERVER_CORE), program, ...words, path];
  const child = spawn("taskset", line, { stdio: "ignore" });
  const endMs = performance.now() + START_LIMIT_MS;
  while (!(await listens(port))) {
    if (performance.now() > endMs) throw new Error(`${program} does not start`);
  }
  return {
    port,
    pid: child.pid,
    async stop() {
      child.kill("SIGKILL");
      await once(child, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => setTimeout(resolve, 20, false));
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
