import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import {
  type Connection,
  TcpAgent,
  type TcpAgentOptions,
  TcpServer,
  type TcpTarget,
} from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { pass } from "../support/steps.js";
import { until } from "../support/until.js";

interface World {
  readonly agent: TcpAgent<Buffer, { name: string } | undefined>;
  readonly told: string[];
  readonly got: string[];
  readonly accepted: Connection[];
  start(port: number): Promise<void>;
  stop(port: number): Promise<void>;
  wait(ms: number): Promise<void>;
}

type Options = TcpAgentOptions<Buffer, { name: string } | undefined>;

async function world(test: TestContext, options: Partial<Options> = {}): Promise<World> {
  const { engine, clock } = memoryWorld();
  const told: string[] = [];
  const got: string[] = [];
  const accepted: Connection[] = [];
  const servers = new Map<number, TcpServer>();
  const start = async (port: number): Promise<void> => {
    const server = new TcpServer({
      engine,
      onAccept: (connection) => void accepted.push(connection),
      onReceive: (_, bytes) => void got.push(`${port}:${bytes}`),
    });
    servers.set(port, server);
    await server.listen({ port });
  };
  const stop = async (port: number): Promise<void> => {
    await servers.get(port)?.stop({ drainMs: 0 });
  };
  await start(7_000);
  const portOf = (target: TcpTarget<{ name: string } | undefined>): string =>
    `${target.destination.port}`;
  const agent: World["agent"] = new TcpAgent<Buffer, { name: string } | undefined>({
    engine,
    reconnect: { firstDelayMs: 100, maxDelayMs: 500 },
    onReceive() {},
    onHandshake: (connection) => void told.push(`handshake ${connection.context?.name}`),
    onClose: (_, { code }) => void told.push(`close ${code}`),
    onReconnecting: (target, attempt, _delayMs, { code }, unsentBytes) =>
      void told.push(`reconnecting ${portOf(target)} ${attempt} ${code} ${unsentBytes}`),
    onReconnected: (target, attempt) => void told.push(`reconnected ${portOf(target)} ${attempt}`),
    onGiveUp: (target, lostBytes) => void told.push(`give up ${portOf(target)} ${lostBytes}`),
    onShutdown: () => void told.push("shutdown"),
    ...options,
  });
  test.after(() =>
    Promise.all([agent.stop({ drainMs: 0 }), ...[...servers.keys()].map((port) => stop(port))]),
  );
  return { agent, told, got, accepted, start, stop, wait: (ms) => pass(clock, ms) };
}

describe("an agent that reconnects", () => {
  it("makes each lost connection anew, with an id of its own and the context of the last", async (test) => {
    const { agent, told, accepted, wait, start } = await world(test);
    await start(7_001);
    const first = await agent.connect({ port: 7_000 });
    const second = await agent.connect({ port: 7_001 });
    first.context = { name: "first" };
    second.context = { name: "second" };
    const target = agent.target(first.id);
    assert.equal(target?.destination.port, 7_000);
    assert.equal(agent.targets().length, 2);

    accepted[0]?.abort();
    await wait(300);

    assert.equal(target.isOpen, true);
    assert.equal(target.isReconnecting, false);
    assert.notEqual(target.connection?.id, first.id);
    assert.deepEqual(target.context, { name: "first" });
    assert.equal(agent.target(first.id), undefined);
    assert.equal(agent.target(target.connection?.id ?? 0), target);
    assert.equal(second.isOpen, true);
    assert.equal(agent.connectionCount, 2);
    assert.deepEqual(told, [
      "handshake undefined",
      "handshake undefined",
      "close CONNECTION_RESET",
      "reconnecting 7000 1 CONNECTION_RESET 0",
      "handshake first",
      "reconnected 7000 1",
    ]);
  });

  it("makes the context once for each destination", async (test) => {
    let count = 0;
    const { agent, accepted, wait } = await world(test, {
      context: () => ({ name: `made ${++count}` }),
    });
    const { id } = await agent.connect({ port: 7_000 });
    const target = agent.target(id);
    accepted[0]?.abort();
    await wait(200);
    assert.deepEqual([target?.isOpen, target?.context, count], [true, { name: "made 1" }, 1]);
  });

  it("does what connect says, whatever the agent's option is", async (test) => {
    const { agent, accepted, told, wait } = await world(test, { reconnect: false });
    await agent.connect({ port: 7_000, reconnect: { firstDelayMs: 10 } });
    await agent.connect({ port: 7_000 });
    for (const connection of accepted.slice()) connection.abort();
    await wait(200);
    assert.equal(agent.connectionCount, 1);
    assert.equal(told.filter((line) => line.startsWith("reconnected")).length, 1);

    const other = await world(test);
    await other.agent.connect({ port: 7_000, reconnect: false });
    other.accepted[0]?.abort();
    await other.wait(300);
    assert.equal(other.agent.connectionCount, 0);
    assert.equal(other.agent.targets().length, 0);
    await assert.rejects(agent.connect({ port: 7_000, reconnect: 7 as never }), {
      code: "INVALID_ARGUMENT",
    });
  });

  for (const how of ["close", "abort"] as const) {
    it(`forgets a destination after ${how} of its connection, and of the target while it waits`, async (test) => {
      const { agent, told, stop, wait } = await world(test);
      const connection = await agent.connect({ port: 7_000 });
      connection[how]();
      await wait(1_000);
      assert.deepEqual([agent.targets().length, agent.connectionCount], [0, 0]);
      assert.equal(agent.state, "started");

      const second = await agent.connect({ port: 7_000 });
      const target = agent.target(second.id);
      await stop(7_000);
      await wait(20);
      assert.equal(target?.isReconnecting, true);
      assert.equal(target?.[how](), true);
      const { length } = told;
      await wait(1_000);
      assert.equal(told.length, length);
      assert.equal(told.at(-1), "give up 7000 0");
      assert.equal(agent.targets().length, 0);
    });
  }

  it("calls all waits off when it stops", async (test) => {
    const { agent, told, stop, wait } = await world(test);
    for (let count = 0; count < 20; count++) await agent.connect({ port: 7_000 });
    await stop(7_000);
    await wait(10);
    assert.equal(agent.targets().length, 20);
    await agent.stop();
    assert.equal(agent.targets().length, 0);
    assert.equal(told.filter((line) => line.startsWith("give up")).length, 20);
    assert.equal(told.at(-1), "shutdown");
    const { length } = told;
    await wait(2_000);
    assert.equal(told.length, length);
  });

  it("keeps room for the destinations that wait", async (test) => {
    const { agent, start, stop, wait } = await world(test, { maxConnections: 3 });
    for (let count = 0; count < 3; count++) await agent.connect({ port: 7_000 });
    await stop(7_000);
    await wait(10);
    assert.equal(agent.connectionCount, 0);
    await assert.rejects(agent.connect({ port: 7_000 }), {
      code: "CONNECTION_LIMIT",
      message: /0 connections and 3 that are waited for, and maxConnections is 3/,
    });
    await start(7_000);
    await wait(1_500);
    assert.equal(agent.connectionCount, 3);

    // Who has lowered the limit since gets no more than that.
    await stop(7_000);
    await wait(10);
    agent.configure({ maxConnections: 2 });
    await start(7_000);
    await wait(3_000);
    assert.equal(agent.connectionCount, 2);
    assert.equal(agent.targets().filter((target) => target.isReconnecting).length, 1);
  });

  it("tries several addresses, and sends greeting and kept messages there", async (test) => {
    const { agent, got, start, stop, wait } = await world(test, {
      reconnect: {
        firstDelayMs: 10,
        maxDelayMs: 20,
        targets: [{ port: 7_001 }],
        greeting: "hello",
        maxKeptBytes: 4,
      },
    });
    const { id } = await agent.connect({ port: 7_000 });
    const target = agent.target(id);
    await wait(10);
    await stop(7_000);
    await wait(10);
    assert.deepEqual([target?.send("kept"), target?.send("!")], ["slow", false]);
    await start(7_001);
    await wait(200);
    assert.deepEqual(got.join(" "), "7000:hello 7001:hellokept");
    assert.equal(target?.connection?.remoteAddress?.port, 7_001);
  });

  it("resolves connect with the connection that came in the end", async (test) => {
    const { agent, start, stop, wait } = await world(test, {
      reconnect: { fromStart: true, firstDelayMs: 10, maxDelayMs: 20 },
    });
    await stop(7_000);
    const connected = agent.connect({ port: 7_000 });
    await wait(100);
    await start(7_000);
    await wait(100);
    const connection = await connected;
    assert.equal(connection.isOpen, true);
    assert.equal(agent.target(connection.id)?.connection, connection);
  });

  it("rejects connect when it stops while a first connection is tried", async (test) => {
    const { agent, stop, wait } = await world(test, {
      reconnect: { fromStart: true, firstDelayMs: 10, maxDelayMs: 20 },
    });
    await stop(7_000);
    const connected = agent.connect({ port: 7_000 });
    connected.catch(() => {});
    await wait(100);
    void agent.stop();
    await assert.rejects(connected, { code: "CONNECTION_REFUSED" });
  });
});

for (const engine of availableEngines()) {
  it(`an agent on ${engine} comes back to a server that comes back`, async (test) => {
    const start = async (port: number): Promise<TcpServer> => {
      const made = new TcpServer({
        engine,
        onReceive: (connection, bytes) => void connection.send(bytes),
      });
      await made.listen({ host: "127.0.0.1", port });
      return made;
    };
    let server = await start(0);
    const port = server.port as number;
    const agent = new TcpAgent({ engine, reconnect: { firstDelayMs: 5, maxDelayMs: 20 } });
    test.after(() => Promise.all([agent.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    for (let count = 0; count < 10; count++) await agent.connect({ port });
    await server.stop({ drainMs: 0 });
    await until(() => agent.targets().every((target) => target.isReconnecting));
    server = await start(port);
    await until(() => agent.targets().every((target) => target.isOpen && !target.isReconnecting));
    for (const { connection } of agent.targets()) {
      connection?.send("hello");
      assert.equal(String(await connection?.read(5, { timeoutMs: 5_000 })), "hello");
    }
  });
}
