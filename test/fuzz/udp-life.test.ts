/**
 * Random lives of UDP servers, agents and clients over a network that loses, doubles and reorders: whatever is done
 * when, each connection ends once, with one reason, nothing comes behind its end, and nothing is left over.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NetError } from "hp-socket";
import { ProxyServer } from "hp-socket/proxy";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import { type MessageConnection, UdpAgent, UdpServer, type UdpServerOptions } from "hp-socket/udp";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";

const SEEDS = Math.max(8, fuzzRuns(80));
const STEPS = 120;
/** Of those whose agents go by a SOCKS 5 proxy. */
const PROXY_SEEDS = fuzzRuns(30);

/** Opened and ended connections of one side. */
class Ledger {
  readonly ended: Map<number, string> = new Map();
  readonly problems: string[] = [];
  openedCount = 0;

  handlers(act: (connection: MessageConnection) => void): UdpServerOptions {
    const seen = (name: string, { id }: { readonly id: number }): void => {
      if (this.ended.has(id)) this.problems.push(`${name} of ${id} behind its end`);
    };
    return {
      onHandshake: (connection) => {
        this.openedCount++;
        seen("handshake", connection);
      },
      onReceive: (connection) => {
        seen("receive", connection);
        act(connection);
      },
      onSend: (connection) => seen("send", connection),
      onDrain: (connection) => seen("drain", connection),
      onSendError: (connection) => seen("sendError", connection),
      onClose: (connection, { code }) => {
        seen("close", connection);
        this.ended.set(connection.id, code);
      },
    };
  }
}

/** Ends by their codes, of all lives. */
const total = new Map<string, number>();
/** Connections of agents that went by a proxy. */
let byProxyCount = 0;

async function life(seed: number, isByProxy: boolean): Promise<void> {
  const random = new Random(seed);
  const clock = new ManualClock();
  const engine = new MemoryEngine({
    clock,
    seed,
    delayMs: random.integer(0, 5),
    datagrams: { lossRate: 0.1, duplicateRate: 0.1, reorderRate: 0.1, reorderDelayMs: 20 },
  });
  const pass = async (ms: number): Promise<void> => {
    await engine.settle();
    clock.advance(ms);
    await engine.settle();
  };
  const waits: Promise<unknown>[] = [];
  /** Whoever waits is told; only errors of ours are allowed. */
  const waited = (promise: Promise<unknown>): void => {
    const told = promise.catch((error: unknown) =>
      assert.ok(error instanceof NetError, String(error)),
    );
    waits.push(told);
  };
  const act = (connection: MessageConnection): void => {
    switch (random.integer(0, 15)) {
      case 0:
        connection.close();
        break;
      case 1:
        connection.abort();
        break;
      case 2:
        connection.pause();
        break;
      case 3:
        connection.resume();
        break;
      case 4:
        waited(connection.read({ timeoutMs: random.integer(0, 500) }));
        break;
      case 5:
        waited(connection.request("?", { timeoutMs: 200 }));
        break;
      case 6:
        connection.setDeadline(random.integer(0, 100));
        break;
      case 7:
        connection.setIdleTimeout(random.integer(0, 300));
        break;
      case 8:
        connection.key = random.integer(0, 3);
        break;
      case 9:
        connection.subscribe("all");
        connection.publish("all", "news");
        break;
      case 10:
        throw new Error("a handler fails");
      case 11:
        waited(connection.drained({ timeoutMs: 50 }));
        break;
      default:
        connection.send(random.pick(["a", "bb", "c".repeat(1_000)]));
    }
  };
  const servers = new Ledger();
  const agents = new Ledger();
  const detect = { detectIntervalMs: 1_000, detectAttempts: random.integer(0, 2) };
  const server = new UdpServer({
    engine,
    maxNewPerSecond: 0,
    maxConnections: 6,
    ...detect,
    ...servers.handlers(act),
  });
  const proxy = new ProxyServer({ engine, destinations: { allow: ["127.0.0.0/8"] } });
  const agent = new UdpAgent({
    engine,
    ...(isByProxy && { proxy: "socks5://127.0.0.1:1080" }),
    ...detect,
    ...agents.handlers(act),
  });
  const listen = (): void => {
    if (server.state === "stopped") waited(server.listen({ port: 5_555 }));
    if (isByProxy && proxy.address === undefined)
      waited(proxy.listen({ host: "127.0.0.1", port: 1_080 }));
  };
  listen();
  await pass(1);

  for (let step = 0; step < STEPS; step++) {
    const ids = agent.connectionIds();
    const connection = ids.length === 0 ? undefined : agent.connection(random.pick(ids));
    const choice = random.integer(0, 29);
    if (choice < 6) waited(agent.connect({ port: 5_555, timeoutMs: isByProxy ? 5_000 : 50 }));
    else if (choice === 6) waited(server.stop({ drainMs: random.integer(0, 20) }));
    else if (choice === 7) listen();
    else if (choice === 8) server.broadcast("to all");
    else if (choice === 9 && isByProxy) waited(proxy.stop({ drainMs: 0 }));
    else if (choice < 16) await pass(random.integer(0, 400));
    else if (connection !== undefined) {
      try {
        act(connection);
      } catch (error) {
        assert.equal((error as Error).message, "a handler fails");
      }
    }
    if (random.integer(0, 2) === 0) await pass(random.integer(0, 3));
  }
  waited(server.stop({ drainMs: 0 }));
  waited(agent.stop({ drainMs: random.integer(0, 10) }));
  waited(proxy.stop({ drainMs: 0 }));
  for (let round = 0; round < 20; round++) await pass(1_000);
  await Promise.all(waits);

  for (const code of [...servers.ended.values(), ...agents.ended.values()]) {
    total.set(code, (total.get(code) ?? 0) + 1);
  }
  if (isByProxy) byProxyCount += agents.openedCount;
  for (const ledger of [servers, agents]) assert.deepEqual(ledger.problems, []);
  assert.equal(server.stats.closedCount, server.stats.openedCount);
  assert.equal(servers.ended.size, server.stats.openedCount);
  assert.equal(server.connectionCount + agent.connectionCount, 0);
  assert.equal(agents.ended.size, agent.stats.closedCount);
  assert.deepEqual(
    [server.state, agent.state].filter((state) => state !== "stopped"),
    [],
  );
  assert.deepEqual(server.topics(), []);
  assert.equal(proxy.stats.associationCount, 0);
  assert.equal(clock.timerCount, 0, "no timer is left");
}

describe("UDP: random lives", () => {
  it(`end once, and leave nothing over (${SEEDS} seeds, and ${PROXY_SEEDS} by a proxy)`, async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", note);
    for (let seed = 1; seed <= SEEDS + PROXY_SEEDS; seed++) {
      try {
        await life(seed, seed > SEEDS);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    process.off("warning", note);
    // A test of lives in which little happens would find nothing.
    for (const code of [
      "CLOSED",
      "ABORTED",
      "DETECT_TIMEOUT",
      "DEADLINE_PASSED",
      "HANDLER_FAILED",
    ]) {
      assert.ok((total.get(code) ?? 0) > SEEDS / 8, `${code} ${total.get(code)}`);
    }
    assert.ok(byProxyCount > 2 * PROXY_SEEDS, `${byProxyCount} by a proxy`);
    assert.ok(warnings.every((text) => text.includes("a handler fails")));
  });
});
