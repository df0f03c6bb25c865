import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import {
  ArqAgent,
  ArqClient,
  type ArqClientOptions,
  type ArqConnection,
  ArqServer,
} from "hp-socket/arq";
import { UdpAgent, UdpClient } from "hp-socket/udp";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { pass } from "../support/steps.js";
import { until } from "../support/until.js";

interface World {
  readonly client: ArqClient;
  readonly told: string[];
  readonly got: string[];
  readonly accepted: ArqConnection[];
  readonly engine: ReturnType<typeof memoryWorld>["engine"];
  start(port?: number): Promise<void>;
  stop(): Promise<void>;
  wait(ms: number): Promise<void>;
}

async function world(test: TestContext, options: ArqClientOptions = {}): Promise<World> {
  const { engine, clock } = memoryWorld();
  const told: string[] = [];
  const got: string[] = [];
  const accepted: ArqConnection[] = [];
  let server: ArqServer | undefined;
  const start = async (port = 7_000): Promise<void> => {
    server = new ArqServer({
      engine,
      onAccept: (connection) => void accepted.push(connection),
      onReceive: (_, message) => void got.push(message.toString()),
    });
    await server.listen({ host: "127.0.0.1", port });
  };
  const stop = async (): Promise<void> => {
    await server?.stop({ drainMs: 0 });
  };
  await start();
  const client: ArqClient = new ArqClient({
    engine,
    handshakeTimeoutMs: 300,
    reconnect: { firstDelayMs: 100, maxDelayMs: 500 },
    onReceive() {},
    onHandshake: () => void told.push("handshake"),
    onClose: (_, { code }) => void told.push(`close ${code}`),
    onReconnecting: (own, attempt, _delayMs, { code }, unsentBytes): void => {
      assert.equal(own, client);
      told.push(`reconnecting ${attempt} ${code} ${unsentBytes}`);
    },
    onReconnected: (_, attempt) => void told.push(`reconnected ${attempt}`),
    onGiveUp: (_, lostBytes) => void told.push(`give up ${lostBytes}`),
    ...options,
  });
  test.after(() => Promise.all([client.stop({ drainMs: 0 }), stop()]));
  return { client, told, got, accepted, engine, start, stop, wait: (ms) => pass(clock, ms) };
}

const TARGET = { host: "127.0.0.1", port: 7_000 };

async function connected(one: World): Promise<void> {
  const promise = one.client.connect(TARGET);
  await one.wait(50);
  await promise;
}

describe("an ARQ client that reconnects", () => {
  it("makes a lost connection anew, with an id of its own and the context of the last", async (test) => {
    const one = await world(test);
    await connected(one);
    const { client, told, accepted } = one;
    const { id } = client;
    client.context = "mine";
    accepted[0]?.close();
    await one.wait(400);
    assert.equal(client.isOpen, true, told.join("\n"));
    assert.notEqual(client.id, id);
    assert.equal(client.context, "mine");
    assert.deepEqual(told, [
      "handshake",
      "close CLOSED",
      "reconnecting 1 CLOSED 0",
      "handshake",
      "reconnected 1",
    ]);
  });

  it("goes on trying while the server is away, and tells what was not acknowledged", async (test) => {
    const one = await world(test, { closeTimeoutMs: 200 });
    await connected(one);
    one.engine.network.datagrams = () => [];
    one.client.send("never heard of");
    await one.stop();
    one.client.connection?.setDeadline(50);
    await one.wait(5_000);
    assert.equal(one.client.isReconnecting, true, one.told.join("\n"));
    assert.equal(one.client.state, "started");
    assert.ok(one.told.includes("reconnecting 1 CLOSE_TIMEOUT 14"), one.told.join("\n"));
    one.engine.network.datagrams = { lossRate: 0 };
    await one.start();
    await one.wait(2_000);
    assert.equal(one.client.isOpen, true);
  });

  for (const how of ["close", "abort", "stop"] as const) {
    it(`does not come back after ${how} in shouldReconnect, whatever that answers`, async (test) => {
      let askedCount = 0;
      const one: World = await world(test, {
        reconnect: {
          firstDelayMs: 10,
          shouldReconnect() {
            askedCount++;
            void one.client[how]();
            return true;
          },
        },
      });
      await connected(one);
      await one.stop();
      await one.start();
      await one.wait(2_000);
      assert.deepEqual([askedCount, one.accepted.length], [1, 1]);
      assert.equal(one.client.isReconnecting, false);
    });

    it(`does not come back after ${how}, and is called off by it`, async (test) => {
      const one = await world(test);
      await connected(one);
      void one.client[how]();
      await one.wait(2_000);
      assert.equal(
        one.told.some((line) => line.startsWith("reconnecting")),
        false,
      );
      assert.equal(one.client.state, "stopped");

      await connected(one);
      await one.stop();
      await one.wait(40);
      assert.equal(one.client.isReconnecting, true);
      void one.client[how]();
      await one.wait(2_000);
      assert.equal(one.told.at(-1), "give up 0");
      assert.equal(one.client.state, "stopped");
    });
  }

  it("sends greeting and kept messages on each connection", async (test) => {
    const one = await world(test, {
      reconnect: { firstDelayMs: 50, maxDelayMs: 50, greeting: "login", maxKeptBytes: 4 },
    });
    await connected(one);
    await one.stop();
    await one.wait(20);
    assert.deepEqual([one.client.send("kept"), one.client.send("x")], ["slow", false]);
    await one.start();
    await one.wait(1_000);
    assert.deepEqual(one.got, ["login", "login", "kept"]);
  });

  it("tries several addresses, from the start where asked", async (test) => {
    const one = await world(test, {
      reconnect: { fromStart: true, firstDelayMs: 10, targets: [{ port: 7_002 }] },
    });
    await one.stop();
    await one.start(7_002);
    const promise = one.client.connect(TARGET);
    await one.wait(2_000);
    await promise;
    assert.equal(one.client.remoteAddress?.port, 7_002);
  });

  it("is refused by UDP without a handshake", async (test) => {
    const bad = { code: "INVALID_ARGUMENT" };
    assert.throws(() => new UdpClient({ reconnect: true } as never), bad);
    assert.throws(() => new UdpAgent({ reconnect: true } as never), bad);
    const agent = new UdpAgent();
    test.after(() => agent.stop());
    await assert.rejects(agent.connect({ port: 1, reconnect: true } as never), bad);
    assert.throws(() => new ArqClient({ onGiveUp: 7 as never }), bad);
    assert.throws(() => new ArqClient({ reconnect: 7 as never }), bad);
  });
});

describe("an ARQ agent that reconnects", () => {
  it("keeps each of its destinations until it stops", async (test) => {
    const one = await world(test);
    const told: string[] = [];
    const agent = new ArqAgent({
      engine: one.engine,
      handshakeTimeoutMs: 300,
      reconnect: { firstDelayMs: 10, maxDelayMs: 50 },
      onReceive() {},
      onReconnected: (target) => void told.push(`back ${target.destination.port}`),
      onGiveUp: () => void told.push("give up"),
    });
    test.after(() => agent.stop({ drainMs: 0 }));
    const all = [1, 2, 3].map(() => agent.connect(TARGET));
    const once = agent.connect({ ...TARGET, reconnect: false });
    await one.wait(50);
    const [first] = await Promise.all(all);
    await once;
    const target = agent.target(first?.id ?? 0);
    for (const connection of [...one.accepted]) connection.close();
    await one.wait(500);
    assert.equal(target?.isOpen, true);
    assert.equal(agent.connectionCount, 3);
    assert.deepEqual(told, ["back 7000", "back 7000", "back 7000"]);
    await one.stop();
    await one.wait(40);
    const stopped = agent.stop();
    await one.wait(100);
    await stopped;
    assert.equal(agent.targets().length, 0);
    assert.deepEqual(told.slice(3), ["give up", "give up", "give up"]);
  });
});

for (const engine of availableEngines()) {
  it(`an ARQ client on ${engine} comes back to a server that comes back`, async (test) => {
    const start = async (port: number): Promise<ArqServer> => {
      const made = new ArqServer({
        engine,
        onReceive: (connection, message) => void connection.send(message),
      });
      await made.listen({ host: "127.0.0.1", port });
      return made;
    };
    let server = await start(0);
    const port = server.port as number;
    const client = new ArqClient({ engine, reconnect: { firstDelayMs: 5, maxDelayMs: 20 } });
    test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    await client.connect({ host: "127.0.0.1", port });
    await server.stop({ drainMs: 0 });
    await until(() => client.isReconnecting);
    server = await start(port);
    await until(() => client.isOpen && !client.isReconnecting);
    client.send("hello");
    assert.equal(String(await client.read({ timeoutMs: 5_000 })), "hello");
  });
}
