/** A relay in a process of its own: what it keeps, and what it lives through. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EngineName, TcpAgent, TcpServer } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import type { RelayReport } from "../support/relay-child.js";
import { until } from "../support/until.js";

const CHILD = fileURLToPath(new URL("../support/relay-child.js", import.meta.url));
const MIB = 2 ** 20;
const skip = process.platform === "linux" ? false : "it looks into /proc";

interface RelayProcess {
  readonly port: number;
  report(): Promise<RelayReport>;
  kill(signal: NodeJS.Signals): void;
}

async function relayProcess(
  test: TestContext,
  engine: EngineName,
  to: number,
  options: object = {},
): Promise<RelayProcess> {
  const words = [CHILD, engine, `127.0.0.1:${to}`, JSON.stringify(options)];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
  test.after(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value ?? "";
  const port = Number(/^READY (\d+)$/.exec(await line())?.[1]);
  return {
    port,
    async report() {
      child.stdin.write("report\n");
      return JSON.parse(await line()) as RelayReport;
    },
    kill: (signal) => void child.kill(signal),
  };
}

async function echo(test: TestContext, engine: EngineName): Promise<TcpServer> {
  const server = new TcpServer({
    engine,
    halfOpen: true,
    delivery: "borrow",
    slowConsumer: "pause",
    onReceive: (connection, bytes) => void connection.send(bytes),
    onEnd: (connection) => void connection.finish(),
  });
  test.after(() => server.stop({ drainMs: 0 }));
  await server.listen({ host: "127.0.0.1" });
  return server;
}

function agentOf(test: TestContext, engine: EngineName): TcpAgent {
  const agent = new TcpAgent({ engine, halfOpen: true });
  test.after(() => agent.stop({ drainMs: 0 }));
  return agent;
}

for (const engine of availableEngines()) {
  describe(`a relay in a process of its own on ${engine}`, { skip }, () => relays(engine));
}

function relays(engine: EngineName): void {
  it("passes much on with flat memory, and on uring without a byte in the heap of V8", async (test) => {
    const server = await echo(test, engine);
    const relay = await relayProcess(test, engine, server.port);
    const connection = await agentOf(test, engine).connect({ port: relay.port });
    const piece = Buffer.alloc(MIB);
    for (let at = 0; at < MIB; at += 4) piece.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    const pieceCount = 64;
    const sending = (async () => {
      for (let index = 0; index < pieceCount; index++) {
        if (connection.send(piece) !== true) await connection.drained({ timeoutMs: 20_000 });
      }
      connection.finish();
    })();
    const first = await relay.report();
    for (let index = 0; index < pieceCount; index++) {
      const got = await connection.read(MIB, { timeoutMs: 20_000 });
      assert.ok(got.equals(piece), `piece ${index} is another`);
    }
    await sending;
    await connection.closed({ timeoutMs: 10_000 });
    const last = await relay.report();
    assert.ok(last.rssBytes - first.rssBytes < 48 * MIB, `${last.rssBytes - first.rssBytes} more`);
    // What is brought while a side is held back is kept: a part of what passes, and never the most of it.
    const limit = engine === "uring" ? 4 * MIB : 16 * MIB;
    assert.ok(last.allocatedBytes < limit, `${last.allocatedBytes} bytes were allocated`);
    assert.equal(last.connectionCount, 0);
  });

  it("keeps a bounded amount for each client that reads nothing", {
    timeout: 60_000,
  }, async (test) => {
    const clientCount = 15;
    const server = new TcpServer({ engine, maxPendingBytes: 64 * MIB });
    test.after(() => server.stop({ drainMs: 0 }));
    await server.listen({ host: "127.0.0.1" });
    const relay = await relayProcess(test, engine, server.port);
    const agent = agentOf(test, engine);
    const before = await relay.report();
    for (let count = 0; count < clientCount; count++) {
      (await agent.connect({ port: relay.port })).pause();
    }
    await until(() => server.connectionCount === clientCount);
    const much = Buffer.alloc(16 * MIB);
    for (const id of server.connectionIds()) server.send(id, much);
    // It is flooded when nothing goes on any more.
    let sentBytes = -1;
    while (sentBytes !== server.stats.sentBytes) {
      sentBytes = server.stats.sentBytes;
      await later(200);
    }
    const { rssBytes } = await relay.report();
    const each = (rssBytes - before.rssBytes) / clientCount;
    assert.ok(each < 1.5 * MIB, `${each} bytes for each`);
  });

  it("that was stopped in its tracks for longer than every deadline cuts nobody", async (test) => {
    const server = await echo(test, engine);
    const relay = await relayProcess(test, engine, server.port, { tunnelIdleTimeoutMs: 2_000 });
    const agent = agentOf(test, engine);
    const connections = await Promise.all(
      Array.from({ length: 20 }, () => agent.connect({ port: relay.port })),
    );
    await Promise.all(
      connections.map(async (connection) => {
        connection.send("a");
        assert.equal((await connection.read({ timeoutMs: 5_000 })).toString(), "a");
      }),
    );
    relay.kill("SIGSTOP");
    for (const connection of connections) connection.send("b");
    await later(2_500);
    relay.kill("SIGCONT");
    for (const text of ["b", "c"]) {
      const read = await Promise.all(connections.map((one) => one.read({ timeoutMs: 30_000 })));
      assert.ok(read.every((bytes) => bytes.toString() === text));
      for (const connection of connections) connection.send("c");
    }
  });

  it("leaks nothing of hundreds of clients that leave at any moment", {
    timeout: 90_000,
  }, async (test) => {
    const server = await echo(test, engine);
    const relay = await relayProcess(test, engine, server.port);
    const agent = agentOf(test, engine);
    const before = await relay.report();
    let seed = 1;
    const random = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    const leave = async (): Promise<void> => {
      const connection = await agent.connect({ port: relay.port }).catch(() => undefined);
      if (connection === undefined) return;
      const way = random();
      if (way < 0.8) connection.send(Buffer.alloc(Math.floor(random() * 100_000)));
      if (way < 0.4) await later(Math.floor(random() * 5));
      if (way < 0.2) connection.pause();
      if (way < 0.5) connection.abort();
      else if (way < 0.6) connection.finish();
      else if (way < 0.7) server.abort(server.connectionIds()[0] ?? 0);
      else connection.close();
    };
    for (let wave = 0; wave < 4; wave++) {
      await Promise.all(Array.from({ length: 100 }, leave));
    }
    for (const id of agent.connectionIds()) agent.abort(id);
    // Clients that have left already may wait to be let in.
    let last = await relay.report();
    for (let round = 0; last.connectionCount > 0 && round < 1_000; round++) {
      await later(50);
      last = await relay.report();
    }
    assert.equal(last.connectionCount, 0);
    await until(() => server.connectionCount === 0);
    assert.ok(
      last.descriptorCount <= before.descriptorCount + 1,
      `${last.descriptorCount} are open`,
    );
  });
}
