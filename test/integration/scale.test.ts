import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type EngineName, type IpAddress, TcpAgent, TcpServer } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

const PEERS = fileURLToPath(new URL("../support/many-peers.js", import.meta.url));
const COUNT = 1_500;
/** What tables and compiled code may grow by: less than any object for each connection. */
const STAYING_BYTES = COUNT * 48;
const CYCLES = 1_000;

for (const engine of availableEngines()) {
  describe(`scale on ${engine}`, () => scale(engine));
}

function scale(engine: EngineName): void {
  it(`${COUNT} connections are opened, used, idle and closed, and the memory comes back`, async (t) => {
    const server = new TcpServer({
      engine,
      maxConnections: COUNT,
      onReceive: (connection, bytes) => void connection.send(bytes),
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    // Tables and compiled code grow now and then, what leaks grows each time: one round that leaves
    // nothing behind shows that connections don't.
    let before = 0;
    let after = 0;
    let most = 0;
    let rounds = 0;
    const peers = new ManyPeers(port);
    t.after(() => peers.end());
    do {
      before = rounds === 0 ? Number.NEGATIVE_INFINITY : after;
      most = await peers.round(server);
      after = heapBytes();
      rounds++;
    } while (rounds < 5 && after - before >= STAYING_BYTES);
    await server.stop();

    t.diagnostic(`${((most - after) / COUNT).toFixed(0)} bytes of heap a connection`);
    assert.equal(server.stats.openedCount, rounds * COUNT);
    assert.equal(server.stats.closedCount, rounds * COUNT);
    assert.ok(after - before < STAYING_BYTES, `${after - before} bytes stayed each time`);
  });

  it(`${CYCLES} times connect, send, close: every byte counted and nothing left`, async () => {
    const server = new TcpServer({ engine, maxConnections: 1_000 });
    const agent = new TcpAgent({ engine, maxConnections: 1_000 });
    const { port } = (await server.listen({ host: "0.0.0.0" })) as IpAddress;
    const descriptors = descriptorCount();
    let sentBytes = 0;
    let started = 0;
    const worker = async (host: string): Promise<void> => {
      while (started < CYCLES) {
        const text = "x".repeat(1 + (started++ % 100));
        const connection = await agent.connect({ host, port });
        connection.send(text);
        sentBytes += text.length;
        connection.close();
        await connection.closed();
      }
    };

    // Several addresses: each has its own ports, which stay taken for a while after a close.
    const hosts = Array.from({ length: 64 }, (_, index) => `127.0.0.${1 + (index % 16)}`);
    await Promise.all(hosts.map(worker));
    await agent.stop();
    await until(() => server.connectionCount === 0);

    assert.equal(server.stats.openedCount, CYCLES);
    assert.equal(server.stats.closedCount, CYCLES);
    assert.equal(server.stats.receivedBytes, sentBytes);
    assert.equal(agent.stats.sentBytes, sentBytes);
    assert.ok(descriptorCount() <= descriptors + 2);
    await server.stop();
  });
}

/** Another process, which opens and closes the connections. */
class ManyPeers {
  readonly #child;
  readonly #lines;

  constructor(port: number) {
    this.#child = spawn(process.execPath, [PEERS, String(port), String(COUNT)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Opens them, and closes them; returns the heap while they were idle. */
  async round(server: TcpServer): Promise<number> {
    await this.#does("open", "ready");
    assert.equal(server.connectionCount, COUNT);
    const bytes = heapBytes();
    await this.#does("close", "done");
    await until(() => server.connectionCount === 0);
    return bytes;
  }

  async #does(order: string, sign: string): Promise<void> {
    this.#child.stdin.write(`${order}\n`);
    // Who ends before it has done it says nothing.
    assert.equal((await this.#lines.next()).value, sign);
  }

  end(): void {
    this.#child.kill();
  }
}

function heapBytes(): number {
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Open descriptors of this process, where the system shows them. */
function descriptorCount(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0; // No /proc: then the counts of connections have to do.
  }
}
