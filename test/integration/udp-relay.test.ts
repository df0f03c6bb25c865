import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import { UdpRelay, type UdpRelayOptions, type UdpRelayRecord } from "hp-socket/proxy";
import { UdpNode } from "hp-socket/udp";
import type { Engine, ResolvedHost } from "#src/engine/engine.js";
import type { ManualClock } from "#src/time/clock.js";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { until } from "../support/until.js";

type EngineGiven = EngineName | Engine;

/** A socket, and what came to it. */
interface Node {
  readonly node: UdpNode;
  readonly heard: string[];
  readonly from: number[];
}

async function node(
  test: TestContext,
  engine: EngineGiven,
  port = 0,
  answers: (text: string) => string | undefined = () => undefined,
): Promise<Node> {
  const heard: string[] = [];
  const from: number[] = [];
  const one = new UdpNode({
    engine,
    maxDatagramBytes: 65_507,
    onReceive: (self, bytes, sender) => {
      heard.push(bytes.toString());
      from.push(sender.port);
      const answer = answers(bytes.toString());
      if (answer !== undefined) self.send(sender, answer);
    },
  });
  test.after(() => one.stop());
  await one.open({ host: "127.0.0.1", port });
  return { node: one, heard, from };
}

async function relay(
  test: TestContext,
  engine: EngineGiven,
  options: UdpRelayOptions,
): Promise<{
  one: UdpRelay;
  records: UdpRelayRecord[];
  told: string[];
  to: { host: string; port: number };
}> {
  const records: UdpRelayRecord[] = [];
  const told: string[] = [];
  const one = new UdpRelay({
    engine,
    onRelayed: (record) => records.push(record),
    onEject: (end, ms) => told.push(`eject ${end} ${ms}`),
    onReturn: (end) => told.push(`return ${end}`),
    onCheck: (end, isUp) => told.push(`${isUp ? "up" : "down"} ${end}`),
    onRefuse: ({ code }) => told.push(code),
    ...options,
  });
  test.after(() => one.stop());
  const { port } = await one.listen();
  return { one, records, told, to: { host: "127.0.0.1", port } };
}

for (const engine of availableEngines()) {
  describe(`a UDP relay on ${engine}`, () => relays(engine));
}

function relays(engine: EngineName): void {
  it("tells onHandlerError of handlers that fail, and goes on", async (test) => {
    const { node: server } = await node(test, engine, 0, (text) => text);
    const failures: string[] = [];
    const { one, to } = await relay(test, engine, {
      to: [`127.0.0.1:${server.port}`],
      onRelayed: () => {
        throw new Error("no room for logs");
      },
      onHandlerError: ({ code, message }) => failures.push(`${code} ${message}`),
    });
    const client = await node(test, engine);

    client.node.send(to, "hello");
    await until(() => client.heard.length > 0);
    await one.stop();

    assert.deepEqual(failures, ["HANDLER_FAILED onRelayed failed: no room for logs"]);
  });

  it("gives each client a destination and a port of its own, and brings answers back", async (test) => {
    const servers = await Promise.all(
      ["a", "b"].map((name) => node(test, engine, 0, (text) => `${name} ${text}`)),
    );
    const { one, to, records } = await relay(test, engine, {
      to: servers.map(({ node: { port } }) => `127.0.0.1:${port}`),
    });
    const clients = [await node(test, engine), await node(test, engine)];
    for (let round = 0; round < 3; round++) {
      for (const [index, { node: client, heard }] of clients.entries()) {
        client.send(to, `${index}.${round}`);
        await until(() => heard.length === round + 1);
      }
    }
    assert.deepEqual(
      clients.map(({ heard }) => heard),
      [
        ["a 0.0", "a 0.1", "a 0.2"],
        ["b 1.0", "b 1.1", "b 1.2"],
      ],
    );
    assert.ok(clients.every(({ from }) => from.every((port) => port === to.port)));
    assert.equal(new Set(servers.map(({ from }) => from[0])).size, 2);
    assert.equal(one.connectionCount, 2);
    const { receivedBytes, sentBytes, droppedCount } = one.stats;
    assert.deepEqual([receivedBytes, sentBytes, droppedCount], [18, 30, 0]);
    assert.deepEqual(await one.stop(), { drainedCount: 0, cutCount: 2 });
    assert.deepEqual(
      records.map(({ fromClientDatagrams, fromClientBytes, toClientDatagrams, toClientBytes }) => [
        fromClientDatagrams,
        fromClientBytes,
        toClientDatagrams,
        toClientBytes,
      ]),
      [
        [3, 9, 3, 15],
        [3, 9, 3, 15],
      ],
    );
  });

  it("passes on what its destination sends, and nothing that another sends in its place", async (test) => {
    const server = await node(test, engine, 0, (text) => `answer to ${text}`);
    const { one, to } = await relay(test, engine, { to: [`127.0.0.1:${server.node.port}`] });
    const [client, stranger] = [await node(test, engine), await node(test, engine)];
    client.node.send(to, "first");
    await until(() => client.heard.length === 1);
    const session = { host: "127.0.0.1", port: server.from[0] ?? 0 };
    for (let count = 0; count < 20; count++) stranger.node.send(session, "forged");
    // What comes later from the destination shows that the forged ones have been looked at.
    client.node.send(to, "second");
    await until(() => client.heard.length === 2);
    assert.deepEqual(client.heard, ["answer to first", "answer to second"]);
    assert.equal(one.connectionCount, 1);
    assert.deepEqual(stranger.heard, []);
  });

  it("keeps the order and the borders of many that come at once, the empty ones too", async (test) => {
    const server = await node(test, engine, 0, (text) => text);
    const { to } = await relay(test, engine, {
      to: [`127.0.0.1:${server.node.port}`],
      maxEarlyDatagrams: 64,
    });
    const client = await node(test, engine);
    const sent = Array.from({ length: 60 }, (_, index) => "x".repeat((index * 37) % 700));
    for (const text of sent) client.node.send(to, text);
    await until(() => client.heard.length === 60);
    assert.deepEqual(client.heard, sent);
    assert.deepEqual(server.heard, sent);
  });

  it("ends the session of a destination that nobody is at, and gives its client another", async (test) => {
    const gone = await node(test, engine);
    const { port } = gone.node;
    await gone.node.stop();
    const server = await node(test, engine, 0, (text) => text);
    const { to, told, records } = await relay(test, engine, {
      to: [`127.0.0.1:${port}`, `127.0.0.1:${server.node.port}`],
      ejectAfter: 1,
    });
    const client = await node(test, engine);
    client.node.send(to, "lost");
    await until(() => records.length === 1);
    assert.equal(records[0]?.error?.code, "CONNECTION_REFUSED");
    assert.deepEqual(told, [`eject 127.0.0.1:${port} 5000`]);
    client.node.send(to, "again");
    await until(() => client.heard.length === 1);
    assert.deepEqual(client.heard, ["again"]);
  });
}

interface MemoryRelay {
  readonly clock: ManualClock;
  readonly engine: Engine;
  wait(ms: number): Promise<void>;
}

function world(): MemoryRelay {
  const { clock, engine } = memoryWorld();
  const wait = async (ms: number): Promise<void> => {
    const step = Math.max(1, Math.floor(ms / 20));
    for (let passed = 0; passed < ms; passed += step) {
      clock.advance(step);
      await new Promise(setImmediate);
    }
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  return { clock, engine, wait };
}

describe("a UDP relay in time", () => {
  it("ends a session when nothing came from either side for idleTimeoutMs", async (test) => {
    const { engine, wait } = world();
    await node(test, engine, 7_001, (text) => (text === "late" ? undefined : text));
    const { one, to, records } = await relay(test, engine, {
      to: ["127.0.0.1:7001"],
      idleTimeoutMs: 1_000,
    });
    const client = await node(test, engine);
    for (let round = 0; round < 3; round++) {
      client.node.send(to, "x");
      await wait(800);
    }
    assert.equal(one.connectionCount, 1);
    await wait(400);
    assert.equal(one.connectionCount, 0);
    assert.equal(records[0]?.error, undefined);
    assert.equal(one.stats.destinations["127.0.0.1:7001"]?.connectionCount, 0);
    client.node.send(to, "y");
    await wait(10);
    assert.deepEqual(client.heard, ["x", "x", "x", "y"]);
    assert.equal(one.stats.openedCount, 2);
  });

  it("lets maxConnections in, and drops and counts what comes of others", async (test) => {
    const { engine, wait } = world();
    await node(test, engine, 7_001, (text) => text);
    const { one, to, told } = await relay(test, engine, {
      to: ["127.0.0.1:7001"],
      maxConnections: 2,
      idleTimeoutMs: 1_000,
    });
    const clients = [];
    for (let count = 0; count < 4; count++) clients.push(await node(test, engine));
    for (const { node: client } of clients) client.send(to, "x");
    await wait(10);
    assert.deepEqual(
      clients.map(({ heard }) => heard.length),
      [1, 1, 0, 0],
    );
    assert.deepEqual(told, ["CONNECTION_LIMIT", "CONNECTION_LIMIT"]);
    const { refusedCount, droppedCount } = one.stats;
    assert.deepEqual([refusedCount, droppedCount], [2, 2]);
    await wait(1_100);
    clients[3]?.node.send(to, "now");
    await wait(10);
    assert.deepEqual(clients[3]?.heard, ["now"]);
  });

  it("tells of a hundred refusals in a second, and counts all", async (test) => {
    const { engine, wait } = world();
    const { one, to, told } = await relay(test, engine, {
      to: ["127.0.0.1:7001"],
      access: { deny: ["127.0.0.0/8"] },
    });
    const client = await node(test, engine);
    for (let count = 0; count < 150; count++) client.node.send(to, "x");
    await wait(10);
    assert.deepEqual([one.stats.refusedCount, told.length], [150, 100]);
    assert.equal(told[0], "ACCESS_REFUSED");
  });

  it("keeps maxEarlyDatagrams until the destination is known, and maxPendingBytes after", async (test) => {
    const { engine, wait } = world();
    const server = await node(test, engine, 7_001);
    const { one, to } = await relay(test, engine, {
      to: ["127.0.0.1:7001"],
      maxEarlyDatagrams: 3,
      maxPendingBytes: 65_536,
    });
    const client = await node(test, engine);
    for (let count = 0; count < 5; count++) client.node.send(to, `${count}`);
    await wait(10);
    assert.deepEqual(server.heard, ["0", "1", "2"]);
    assert.equal(one.stats.droppedCount, 2);
    const long = "x".repeat(60_000);
    for (let count = 0; count < 3; count++) client.node.send(to, long);
    await wait(10);
    const [heard, dropped] = [server.heard.length - 3, one.stats.droppedCount - 2];
    assert.ok(
      heard >= 1 && dropped >= 1 && heard + dropped === 3,
      `${heard} came, ${dropped} were dropped`,
    );
  });

  it("checks destinations by datagrams", async (test) => {
    const { engine, wait } = world();
    let isWell = true;
    await node(test, engine, 7_001, (text) => (text === "ping" && isWell ? "pong" : "what"));
    await node(test, engine, 7_002, (text) => (text === "ping" ? "pong" : "two"));
    const ends = ["127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"];
    const { one, to, told } = await relay(test, engine, {
      to: ends,
      healthCheck: { everyMs: 100, timeoutMs: 50, rise: 1, fall: 2, send: "ping", expect: "pong" },
    });
    await wait(400);
    assert.deepEqual(told, ["down 127.0.0.1:7003"]);
    isWell = false;
    await wait(400);
    assert.deepEqual(told.slice(1), ["down 127.0.0.1:7001"]);
    for (let count = 0; count < 3; count++) {
      const client = await node(test, engine);
      client.node.send(to, "x");
      await wait(10);
      assert.deepEqual(client.heard, ["two"]);
    }
    isWell = true;
    await wait(400);
    assert.equal(told.at(-1), "up 127.0.0.1:7001");
    assert.equal(one.stats.ejectedCount, 1);
  });

  it("exchanges destinations without a cut", async (test) => {
    const { engine, wait } = world();
    for (const port of [7_001, 7_002]) await node(test, engine, port, () => `${port}`);
    const { one, to } = await relay(test, engine, { to: ["127.0.0.1:7001"] });
    const [first, second] = [await node(test, engine), await node(test, engine)];
    first.node.send(to, "x");
    await wait(10);
    one.setDestinations(["127.0.0.1:7002"]);
    first.node.send(to, "x");
    second.node.send(to, "x");
    await wait(10);
    assert.deepEqual([first.heard, second.heard], [["7001", "7001"], ["7002"]]);
  });

  it("drains: nobody new comes in, those that there are go on until they are idle or cut", async (test) => {
    const { clock, engine, wait } = world();
    await node(test, engine, 7_001, (text) => text);
    const { one, to } = await relay(test, engine, {
      to: ["127.0.0.1:7001"],
      idleTimeoutMs: 1_000,
    });
    const clients = [await node(test, engine), await node(test, engine), await node(test, engine)];
    for (const { node: client } of clients.slice(0, 2)) client.send(to, "a");
    await wait(10);
    let result: unknown;
    const stopping = one.stop({ drainMs: 3_000 }).then((told) => {
      result = told;
    });
    for (let round = 0; round < 4; round++) {
      clients[0]?.node.send(to, "b");
      clients[2]?.node.send(to, "c");
      await wait(700);
    }
    assert.deepEqual(clients[0]?.heard, ["a", "b", "b", "b", "b"]);
    assert.deepEqual(clients[2]?.heard, []);
    assert.equal(one.connectionCount, 1);
    await wait(400);
    await stopping;
    assert.deepEqual(result, { drainedCount: 1, cutCount: 1 });
    await one.stopped();
    assert.equal(one.address, undefined);
    await one.listen();
    await one.stop();
    for (const { node: client } of clients) await client.stop();
    await wait(10);
    assert.ok(clock.timerCount <= 1);
  });

  it("opens one socket when it is stopped, and listens again, before the look-up of its name is done", async (test) => {
    const { engine, wait } = world();
    const found: ((hosts: readonly ResolvedHost[]) => void)[] = [];
    test.mock.method(engine, "resolve", () => new Promise((resolve) => void found.push(resolve)));
    const one = new UdpRelay({ engine, to: ["127.0.0.1:7001"] });
    test.after(() => one.stop());
    const open = test.mock.method(engine, "openDatagram");
    const first = assert.rejects(one.listen({ host: "a.example", port: 7_010 }), {
      code: "STOPPED",
    });
    await one.stop();
    await first;
    const second = one.listen({ host: "b.example", port: 7_011 });
    for (const tell of found) tell([{ host: "127.0.0.1", family: "IPv4" }]);
    assert.equal((await second).port, 7_011);
    await wait(10);
    assert.equal(open.mock.callCount(), 1);
  });

  it("is stopped where it could not listen, and is waited for as long as anybody wants", async (test) => {
    const { engine, wait } = world();
    await node(test, engine, 7_001);
    const one = new UdpRelay({ engine, to: ["127.0.0.1:7001"] });
    const listening = assert.rejects(one.listen({ port: 7_001 }), { code: "ADDRESS_IN_USE" });
    const stopped = one.stopped();
    await wait(10);
    await listening;
    await stopped;

    await Promise.all([one.listen(), wait(10)]);
    const code = one.stopped({ timeoutMs: 50 }).catch((error: NetError) => error.code);
    const controller = new AbortController();
    const aborted = one
      .stopped({ signal: controller.signal })
      .catch((error: NetError) => error.code);
    controller.abort();
    await wait(100);
    assert.deepEqual([await code, await aborted], ["CLOSE_TIMEOUT", "ABORTED"]);
    await one.stop();
  });

  it("is refused with options that can't be", () => {
    const to = ["a:1"];
    for (const options of [
      {},
      { to: [] },
      { to, maxConnections: 0 },
      { to, idleTimeoutMs: 0 },
      { to, maxEarlyDatagrams: -1 },
      { to, maxPendingBytes: 1 },
      { to, healthCheck: {} },
      { to, healthCheck: null },
      { to, balance: "x" },
      { to, access: { deny: ["x"] } },
      { to, tls: {} },
    ]) {
      assert.throws(
        () => new UdpRelay(options as never),
        { code: "INVALID_ARGUMENT" },
        JSON.stringify(options),
      );
    }
  });
});
