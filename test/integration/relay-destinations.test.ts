/** Destinations of a relay that are ill, checked, exchanged: on the memory engine, with time moved by hand. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type Connection, TcpAgent, TcpServer } from "hp-socket";
import { Relay, type RelayOptions, type RelayRecord } from "hp-socket/proxy";
import type { ManualClock } from "#src/time/clock.js";
import { type MemoryWorld, memoryWorld } from "../support/memory-world.js";

const PORTS = [7_001, 7_002, 7_003];
const BAD = 7_002;
const NAMES = PORTS.map((port) => `127.0.0.1:${port}`);

interface RelayWorld {
  readonly memory: MemoryWorld;
  readonly clock: ManualClock;
  readonly relay: Relay;
  readonly records: RelayRecord[];
  readonly told: string[];
  /** Servers at these ports reset each connection at its first byte. */
  readonly resetting: Set<number>;
  start(port: number): Promise<void>;
  stop(port: number): Promise<void>;
  wait(ms: number): Promise<void>;
  connect(): Promise<Connection>;
  /** The port that serves one more client; 0: none did. */
  ask(): Promise<number>;
}

async function relayWorld(test: TestContext, options: RelayOptions): Promise<RelayWorld> {
  const memory = memoryWorld();
  const { clock, engine } = memory;
  const servers = new Map<number, TcpServer>();
  const resetting = new Set<number>();
  const records: RelayRecord[] = [];
  const told: string[] = [];
  const start = async (port: number): Promise<void> => {
    const server = new TcpServer({
      engine,
      halfOpen: true,
      onReceive: (connection, bytes) => {
        if (resetting.has(port)) connection.abort();
        else connection.send(`${port}:${bytes}`);
      },
      onEnd: (connection) => void connection.finish(),
    });
    await server.listen({ port });
    servers.set(port, server);
  };
  const stop = async (port: number): Promise<void> => {
    await servers.get(port)?.stop({ drainMs: 0 });
    servers.delete(port);
  };
  for (const port of PORTS) await start(port);
  const port = (end: string): string => end.replace("127.0.0.1:", "");
  const relay = new Relay({
    engine,
    ejectAfter: 2,
    ejectMs: 1_000,
    onRelayed: (record) => records.push(record),
    onEject: (end, ms) => told.push(`eject ${port(end)} ${ms}`),
    onReturn: (end) => told.push(`return ${port(end)}`),
    onPanic: () => told.push("panic"),
    onCheck: (end, isUp) => told.push(`${isUp ? "up" : "down"} ${port(end)}`),
    ...options,
  });
  await relay.listen({ port: 9_000 });
  const agent = new TcpAgent({ engine });
  test.after(async () => {
    await agent.stop({ drainMs: 0 });
    await relay.stop({ drainMs: 0 });
    for (const one of [...servers.keys()]) await stop(one);
  });
  const wait = async (ms: number): Promise<void> => {
    const step = Math.max(1, Math.floor(ms / 50));
    for (let passed = 0; passed < ms; passed += step) {
      clock.advance(step);
      await new Promise(setImmediate);
    }
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  const connect = () => agent.connect({ port: 9_000 });
  const ask = async (): Promise<number> => {
    const connection = await connect();
    connection.send("x");
    let answer: string | undefined;
    connection.read().then(
      (bytes) => {
        answer = bytes.toString();
      },
      () => {
        answer = "0";
      },
    );
    for (let round = 0; answer === undefined && round < 1_000; round++) await wait(50);
    connection.abort();
    await wait(1);
    return Number.parseInt(answer ?? "-1", 10);
  };
  return { memory, clock, relay, records, told, resetting, start, stop, wait, connect, ask };
}

describe("handlers of a relay that fail", () => {
  it("are told to onHandlerError, and nothing else comes of it", async (test) => {
    const failures: string[] = [];
    const fail = (name: string) => () => {
      throw new Error(name);
    };
    const world = await relayWorld(test, {
      to: NAMES.slice(0, 2),
      ejectAfter: 1,
      onRelayed: fail("relayed"),
      onEject: fail("eject"),
      onReturn: async () => fail("return")(),
      onHandlerError: ({ code, message }) => failures.push(`${code} ${message}`),
    });
    world.resetting.add(BAD);
    await world.stop(BAD);

    const served = [await world.ask(), await world.ask()];
    await world.wait(2_000);

    assert.deepEqual(served, [7_001, 7_001]);
    assert.deepEqual(
      new Set(failures),
      new Set([
        "HANDLER_FAILED onRelayed failed: relayed",
        "HANDLER_FAILED onEject failed: eject",
        "HANDLER_FAILED onReturn failed: return",
      ]),
    );
  });
});

describe("destinations of a relay", () => {
  it("one that does not answer connects costs a client attemptTimeoutMs, and nobody when it is ejected", async (test) => {
    const world = await relayWorld(test, { to: NAMES, attemptTimeoutMs: 300 });
    world.memory.engine.network.connectFate = ({ port }) => (port === BAD ? "blackHole" : "answer");
    const served: number[] = [];
    for (let round = 0; round < 12; round++) served.push(await world.ask());
    assert.ok(
      served.every((port) => port === 7_001 || port === 7_003),
      `${served}`,
    );
    assert.deepEqual(world.told.slice(0, 1), ["eject 7002 1000"]);
    assert.equal(world.records.filter(({ durationMs }) => durationMs > 250).length <= 4, true);
    world.memory.engine.network.connectFate = () => "answer";
    await world.wait(2_500);
    assert.ok(world.told.includes("return 7002"));
    const after = [await world.ask(), await world.ask(), await world.ask()];
    assert.ok(after.includes(BAD));
  });

  it("the last one that is left has all the time there is, and then the client is told", async (test) => {
    const world = await relayWorld(test, {
      to: NAMES.slice(0, 1),
      connectTimeoutMs: 1_000,
      attemptTimeoutMs: 300,
    });
    world.memory.engine.network.connectFate = ({ port }) =>
      port === 9_000 ? "answer" : "blackHole";
    const connection = await world.connect();
    await world.wait(900);
    assert.equal(connection.isOpen, true);
    await world.wait(200);
    assert.equal(connection.isOpen, false);
    assert.match(world.records[0]?.error?.message ?? "", /connectTimeoutMs \(1000\)/);
    assert.equal(world.records[0]?.error?.code, "CONNECT_TIMEOUT");
  });

  it("one that takes connections and resets what comes is ejected, too", async (test) => {
    const world = await relayWorld(test, { to: NAMES });
    world.resetting.add(BAD);
    const served: number[] = [];
    for (let round = 0; round < 12; round++) served.push(await world.ask());
    assert.equal(served.filter((port) => port === 0).length, 2);
    assert.deepEqual(world.told, ["eject 7002 1000"]);
    assert.equal(world.relay.stats.destinations["127.0.0.1:7002"]?.isEjected, true);
  });

  it("those that checks find down are left out before a client meets them", async (test) => {
    const world = await relayWorld(test, {
      to: NAMES,
      healthCheck: { everyMs: 100, timeoutMs: 50, rise: 2, fall: 2 },
    });
    await world.stop(BAD);
    await world.wait(350);
    assert.deepEqual(world.told, ["down 7002"]);
    assert.equal(world.relay.stats.destinations["127.0.0.1:7002"]?.isDown, true);
    for (let round = 0; round < 6; round++) assert.notEqual(await world.ask(), BAD);
    assert.deepEqual(world.told, ["down 7002"]);
    await world.start(BAD);
    await world.wait(400);
    assert.deepEqual(world.told, ["down 7002", "up 7002"]);
    for (const port of PORTS) await world.stop(port);
    await world.wait(400);
    assert.equal(await world.ask(), 0);
    assert.ok(world.told.includes("panic"));
    await world.relay.stop({ drainMs: 0 });
    await world.wait(10);
    assert.equal(world.clock.timerCount, 0);
  });

  it("are balanced by what they have to do, where that is wanted", async (test) => {
    const world = await relayWorld(test, { to: NAMES.slice(0, 2), balance: "leastUsed" });
    const connections = [];
    for (let count = 0; count < 6; count++) connections.push(await world.connect());
    await world.wait(10);
    const counts = () =>
      NAMES.slice(0, 2).map((name) => world.relay.stats.destinations[name]?.connectionCount);
    assert.deepEqual(counts(), [3, 3]);
    for (const connection of connections) connection.abort();
    await world.wait(10);
    assert.deepEqual(counts(), [0, 0]);
  });

  it("are exchanged without a cut", async (test) => {
    const world = await relayWorld(test, { to: NAMES.slice(0, 1) });
    const connection = await world.connect();
    connection.send("a");
    await world.wait(1);
    assert.equal((await connection.read()).toString(), "7001:a");
    world.relay.setDestinations(NAMES.slice(1, 2));
    connection.send("b");
    await world.wait(1);
    assert.equal((await connection.read()).toString(), "7001:b");
    assert.equal(await world.ask(), BAD);
    assert.throws(() => world.relay.setDestinations(["7001"]), { code: "INVALID_ARGUMENT" });
    assert.equal(await world.ask(), BAD);
    assert.deepEqual(Object.keys(world.relay.stats.destinations), [NAMES[1]]);
  });

  it("are let go when nothing comes for tunnelIdleTimeoutMs, and when maxConnections is reached nobody is let in", async (test) => {
    const refused: (string | undefined)[] = [];
    const world = await relayWorld(test, {
      to: NAMES,
      tunnelIdleTimeoutMs: 1_000,
      maxConnections: 1,
      onRefuse: ({ code }) => refused.push(code),
    });
    const connection = await world.connect();
    await world.wait(10);
    await world.connect().catch(() => {});
    await world.wait(10);
    assert.deepEqual(refused, ["CONNECTION_LIMIT"]);
    await world.wait(1_100);
    assert.equal(connection.isOpen, false);
    assert.equal(world.records[0]?.error?.code, "IDLE_TIMEOUT");
  });
});
