// Child processes on a core of their own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";

const canPin = process.platform === "linux" && availableParallelism() > 1;

/** Core of the servers, and of the load. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

function start(core, command, args) {
  const line = canPin ? ["taskset", "-c", String(core), command, ...args] : [command, ...args];
  return spawn(line[0], line.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
}

/**
 * Starts a server that prints `READY PORT` (or `READY`, for the given port) and answers a handle of it. `core`: another
 * one than that of the servers.
 */
export async function startServer(command, args, given = { port: 0 }, core = SERVER_CORE) {
  const child = start(core, command, args);
  const lines = createInterface({ input: child.stdout });
  const iterator = lines[Symbol.asyncIterator]();
  const { value } = await iterator.next();
  const port = Number(/^READY (\d+)/.exec(value ?? "")?.[1] ?? given.port);
  if (!port || !value?.startsWith("READY"))
    throw new Error(`${command} ${args.join(" ")} did not start: ${value}`);
  return {
    port,
    pid: child.pid,
    /** Writes a line and answers the line that comes back. */
    async ask(text) {
      child.stdin.write(`${text}\n`);
      return (await iterator.next()).value;
    },
    async stop() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** Runs a command to its end and answers what it printed. */
export async function run(command, args) {
  const child = start(LOAD_CORE, command, args);
  child.stdin.end();
  let output = "";
  child.stdout.on("data", (bytes) => {
    output += bytes;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${output}`);
  return output;
}
