/**
 * A process that is stopped for longer than every deadline of its own (a debugger, a snapshot of a virtual machine, SIGSTOP) and
 * goes on: its peers have lived all the while, and what they sent lies in the kernel.
 */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { TcpClient, TcpServer } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { IS_INTEROP } from "../support/other-program.js";
import { until } from "../support/until.js";

const CHILD = fileURLToPath(new URL("../support/stopped-child.js", import.meta.url));
const PEERS = 20;
const STOP_MS = 4_000;

const skip = IS_INTEROP ? false : 'it takes half a minute; "npm run interop" does it';

interface Child {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  readonly port: number;
  /** What it has printed since. */
  readonly lines: string[];
}

async function start(test: TestContext, ...words: readonly string[]): Promise<Child> {
  const child = spawn(process.execPath, [CHILD, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  test.after(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  await until(() => lines.length > 0);
  return { process: child, port: Number(lines.shift()?.replace("READY ", "")), lines };
}

describe("a process that was stopped", {
  skip,
}, () => {
  for (const engine of availableEngines()) {
    for (const kind of ["server", "relay"] as const) {
      it(`cuts no live peer off when it goes on: a ${kind} on ${engine}`, async (test) => {
        const echo = new TcpServer({
          engine: "node",
          onReceive: (connection, bytes) => void connection.send(bytes),
        });
        const { port } = await echo.listen({ host: "127.0.0.1" });
        const child = await start(test, engine, kind, String(port));
        const got = new Map<number, string>();
        const clients = Array.from({ length: PEERS }, () => {
          return new TcpClient({
            engine: "node",
            onReceive: (client, bytes) => {
              got.set(client.id, (got.get(client.id) ?? "") + bytes);
              if (bytes.includes("?")) client.send("!");
            },
          });
        });
        test.after(() =>
          Promise.all([echo, ...clients].map((component) => component.stop({ drainMs: 0 }))),
        );
        await Promise.all(
          clients.map((client) => client.connect({ host: "127.0.0.1", port: child.port })),
        );
        const ticking = setInterval(() => {
          for (const client of clients) client.send(".");
        }, 50);
        test.after(() => clearInterval(ticking));
        await until(() => clients.every(({ id }) => got.get(id)?.includes(".") === true));

        child.process.kill("SIGSTOP");
        await new Promise((resolve) => setTimeout(resolve, STOP_MS));
        child.process.kill("SIGCONT");
        got.clear();
        await until(() => clients.every(({ id }) => (got.get(id)?.match(/\./g)?.length ?? 0) > 70));

        assert.deepEqual(child.lines, []);
        assert.equal(clients.filter((client) => client.isOpen).length, PEERS);

        // Its deadlines still hold: who is silent from now on is found.
        clearInterval(ticking);
        if (kind === "relay") await until(() => child.lines.length === PEERS);
        child.process.kill("SIGKILL");
        await once(child.process, "exit");
      });
    }
  }
});
