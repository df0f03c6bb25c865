import assert from "node:assert/strict";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { type Connection, pack, TcpClient, type TcpClientOptions, TcpServer } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { seedMathRandom } from "../support/random.js";
import { pass } from "../support/steps.js";
import { until } from "../support/until.js";

interface World {
  readonly client: TcpClient;
  readonly told: string[];
  readonly got: string[];
  readonly servers: {
    readonly accepted: Connection[];
    start(): Promise<void>;
    stop(): Promise<void>;
  };
  /** Time passes in steps, with turns of the engine between them. */
  readonly wait: (ms: number) => Promise<void>;
}

async function world(test: TestContext, options: TcpClientOptions = {}): Promise<World> {
  const { engine, clock } = memoryWorld();
  const told: string[] = [];
  const got: string[] = [];
  const accepted: Connection[] = [];
  let server: TcpServer | undefined;
  const servers = {
    accepted,
    async start(): Promise<void> {
      server = new TcpServer({
        engine,
        onAccept: (connection) => void accepted.push(connection),
        onReceive: (_, bytes) => void got.push(bytes.toString()),
      });
      await server.listen({ port: 7_000 });
    },
    async stop(): Promise<void> {
      await server?.stop({ drainMs: 0 });
    },
  };
  await servers.start();
  const client = new TcpClient({
    engine,
    reconnect: { firstDelayMs: 100, maxDelayMs: 1_000 },
    onReceive() {},
    onHandshake: () => void told.push("handshake"),
    onClose: (_, { code }) => void told.push(`close ${code}`),
    onReconnecting: (_, attempt, delayMs, { code }, unsentBytes) => {
      assert.ok(delayMs >= 0 && delayMs <= Math.min(1_000, 100 * 2 ** (attempt - 1)));
      told.push(`reconnecting ${attempt} ${code} ${unsentBytes}`);
    },
    onReconnected: (_, attempt) => void told.push(`reconnected ${attempt}`),
    onGiveUp: (_, lostBytes) => void told.push(`give up ${lostBytes}`),
    onShutdown: () => void told.push("shutdown"),
    ...options,
  });
  test.after(() => Promise.all([client.stop({ drainMs: 0 }), servers.stop()]));
  return { client, told, got, servers, wait: (ms) => pass(clock, ms) };
}

const TARGET = { port: 7_000 };

describe("reconnecting", () => {
  it("makes a lost connection anew, with an id of its own", async (test) => {
    const { client, told, servers, wait } = await world(test);
    await client.connect(TARGET);
    const { id } = client;

    servers.accepted[0]?.abort();
    await wait(300);

    assert.equal(client.isOpen, true);
    assert.notEqual(client.id, id);
    assert.equal(client.isReconnecting, false);
    assert.deepEqual(told, [
      "handshake",
      "close CONNECTION_RESET",
      "reconnecting 1 CONNECTION_RESET 0",
      "handshake",
      "reconnected 1",
    ]);
  });

  it("comes back when the peer closes in good order, and when it is away for long", async (test) => {
    seedMathRandom(test);
    const { client, told, servers, wait } = await world(test);
    await client.connect(TARGET);
    servers.accepted[0]?.close();
    await wait(300);
    assert.equal(client.isOpen, true);

    await servers.stop();
    await wait(20_000);
    assert.equal(client.isReconnecting, true);
    assert.equal(client.state, "started");
    const attempts = told.filter((line) => line.startsWith("reconnecting")).length;
    assert.ok(attempts >= 20 && attempts <= 90, `${attempts} attempts in 20 s`);
    await servers.start();
    await wait(2_100);
    assert.equal(client.isOpen, true);
  });

  for (const how of ["close", "abort", "stop"] as const) {
    it(`does not come back after ${how}`, async (test) => {
      const { client, told, wait } = await world(test);
      await client.connect(TARGET);
      const stopped = client.stopped();
      if (how === "stop") void client.stop();
      else client[how]();
      await wait(5_000);
      await stopped;
      assert.equal(client.state, "stopped");
      assert.equal(
        told.some((line) => line.startsWith("reconnect")),
        false,
      );
    });

    it(`is called off by ${how} while it waits`, async (test) => {
      const { client, told, servers, wait } = await world(test);
      await client.connect(TARGET);
      await servers.stop();
      await wait(10);
      assert.equal(client.isReconnecting, true);
      const stopped = client.stopped();
      if (how === "stop") void client.stop();
      else assert.equal(client[how](), true);
      await stopped;
      const { length } = told;
      await wait(5_000);
      assert.equal(client.state, "stopped");
      assert.equal(told.length, length);
      assert.equal(told.filter((line) => line === "give up 0").length, 1);
      // It can be used again.
      await servers.start();
      await client.connect(TARGET);
      assert.equal(client.isOpen, true);
    });
  }

  it("can be called off in onClose, and in onReconnecting", async (test) => {
    const calls: ((client: TcpClient) => unknown)[] = [
      (client) => client.close(),
      (client) => client.stop(),
    ];
    for (const call of calls) {
      for (const name of ["onClose", "onReconnecting"] as const) {
        const { client, servers, wait } = await world(test, {
          [name]: (own: TcpClient) => void call(own),
        });
        await client.connect(TARGET);
        servers.accepted[0]?.abort();
        await wait(2_000);
        assert.equal(client.state, "stopped", name);
        assert.equal(client.isReconnecting, false);
      }
    }
  });

  it("does not come back after what this side decided", async (test) => {
    for (const options of [
      { onHandshake: () => false },
      { onReceive: () => assert.fail("no") },
    ] satisfies TcpClientOptions[]) {
      const { client, servers, told, wait } = await world(test, options);
      await client.connect(TARGET).catch(() => {});
      servers.accepted[0]?.send("x");
      await wait(2_000);
      assert.equal(client.state, "stopped");
      assert.equal(
        told.some((line) => line.startsWith("reconnecting")),
        false,
      );
    }
  });

  it("asks the application which ends are worth it", async (test) => {
    const asked: string[] = [];
    const { client, servers, told, wait } = await world(test, {
      reconnect: {
        firstDelayMs: 10,
        shouldReconnect: ({ code }, attempt) => {
          asked.push(`${code} ${attempt}`);
          return code === "CONNECTION_RESET";
        },
      },
    });
    await client.connect(TARGET);
    servers.accepted[0]?.abort();
    await wait(100);
    servers.accepted[1]?.close();
    await wait(100);
    assert.deepEqual(asked, ["CONNECTION_RESET 1", "CLOSED 2"]);
    assert.equal(client.state, "stopped");
    assert.equal(told.at(-1), "give up 0");
  });

  it("gives up at maxAttempts", async (test) => {
    const { client, servers, told, wait } = await world(test, {
      reconnect: { firstDelayMs: 10, maxDelayMs: 20, maxAttempts: 3 },
    });
    await client.connect(TARGET);
    await servers.stop();
    await wait(2_000);
    assert.equal(told.filter((line) => line.startsWith("reconnecting")).length, 3);
    assert.deepEqual(told.slice(-2), ["close CONNECTION_REFUSED", "give up 0"]);
    assert.equal(client.state, "stopped");
  });

  it("begins with a short wait again after a connection that lasted", async (test) => {
    const { client, servers, told, wait } = await world(test, {
      reconnect: { firstDelayMs: 100, maxDelayMs: 1_000, stableMs: 5_000 },
    });
    await client.connect(TARGET);
    for (let turn = 0; turn < 3; turn++) {
      servers.accepted.at(-1)?.abort();
      await wait(1_000);
    }
    await wait(6_000);
    servers.accepted.at(-1)?.abort();
    await wait(1_000);
    const numbers = told
      .filter((line) => line.startsWith("reconnecting"))
      .map((line) => line.split(" ")[1]);
    assert.deepEqual(numbers, ["1", "2", "3", "1"]);
  });

  it("sends the greeting before anything else, on each connection", async (test) => {
    let count = 0;
    const { client, servers, got, wait } = await world(test, {
      reconnect: { firstDelayMs: 10, greeting: () => `login ${++count};` },
      onConnect: (own) => void own.send("connected;"),
      onHandshake: (own) => void own.send("hello;"),
    });
    await client.connect(TARGET);
    await wait(20);
    servers.accepted[0]?.abort();
    await wait(200);
    assert.equal(got.join(""), "login 1;connected;hello;login 2;connected;hello;");
  });

  it("has room for the greeting, however long it is, before that of anything else", async (test) => {
    for (const slowConsumer of ["drop", "close"] as const) {
      const { client, got, told, wait } = await world(test, {
        slowConsumer,
        maxPendingBytes: 10,
        highWaterMarkBytes: 10,
        lowWaterMarkBytes: 5,
        reconnect: { firstDelayMs: 10, maxAttempts: 1, greeting: "a login that is too long" },
        onConnect: (own) => void own.send("connected;"),
      });
      if (slowConsumer === "close") {
        await assert.rejects(client.connect(TARGET), { code: "SEND_QUEUE_FULL" });
        await wait(200);
        assert.ok(told.includes("close SEND_QUEUE_FULL"), told.join());
        continue;
      }
      await client.connect(TARGET);
      await wait(20);
      assert.equal(got.join(""), "a login that is too long");
    }
  });

  it("keeps what is sent meanwhile, up to its limit, and tells what is lost", async (test) => {
    const { client, servers, got, told, wait } = await world(test, {
      reconnect: { firstDelayMs: 10, maxDelayMs: 10, maxKeptBytes: 10 },
    });
    await client.connect(TARGET);
    await servers.stop();
    await wait(20);
    const data = Buffer.from("01234");
    assert.equal(client.send(data), "slow");
    data.fill("x");
    assert.equal(client.send("56789"), "slow");
    assert.equal(client.send("!"), false);
    await servers.start();
    await wait(100);
    assert.equal(got.join(""), "0123456789");

    await servers.stop();
    await wait(20);
    client.send("gone");
    client.close();
    assert.equal(told.at(-1), "give up 4");
  });

  it("tries several addresses in turn", async (test) => {
    const { engine, clock } = memoryWorld();
    const server = new TcpServer({ engine, onReceive() {} });
    await server.listen({ port: 7_002 });
    const client = new TcpClient({
      engine,
      onReceive() {},
      reconnect: { fromStart: true, firstDelayMs: 10, targets: [{ port: 7_001 }, { port: 7_002 }] },
    });
    test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    const connected = client.connect(TARGET);
    await until(() => {
      clock.advance(10);
      return client.isOpen;
    });
    await connected;
    assert.equal(client.remoteAddress?.port, 7_002);
  });

  it("repeats the first attempt too, where asked", async (test) => {
    const { client, servers, told, wait } = await world(test, {
      reconnect: { fromStart: true, firstDelayMs: 10, maxDelayMs: 10 },
    });
    await servers.stop();
    const connected = client.connect(TARGET);
    await wait(500);
    await servers.start();
    await wait(50);
    assert.equal(await connected, client);
    assert.ok(told.includes("reconnecting 5 CONNECTION_REFUSED 0"));
  });

  it("rejects connect when the first attempts are given up", async (test) => {
    for (const [how, code] of [
      ["limit", "CONNECTION_REFUSED"],
      ["signal", "ABORTED"],
      ["close", "CONNECTION_REFUSED"],
    ] as const) {
      const { client, servers, wait } = await world(test, {
        reconnect: {
          fromStart: true,
          firstDelayMs: 10,
          maxDelayMs: 10,
          maxAttempts: how === "limit" ? 2 : 0,
        },
      });
      await servers.stop();
      const controller = new AbortController();
      const connected = client.connect({ ...TARGET, signal: controller.signal });
      connected.catch(() => {});
      await wait(100);
      if (how === "signal") controller.abort();
      if (how === "close") client.close();
      await assert.rejects(connected, { code });
      await client.stopped();
    }
  });

  it("refuses another connect meanwhile, and says why", async (test) => {
    const { client, servers, wait } = await world(test);
    const refused = (message: string) =>
      assert.rejects(client.connect(TARGET), { code: "INVALID_STATE", message });
    const connecting = client.connect(TARGET);
    await refused("can't connect: the client is connecting already");
    await connecting;
    await refused("can't connect: the client has a connection already");
    await servers.stop();
    await wait(20);
    await refused("can't connect: the client reconnects by itself already");
    const stopped = client.stop();
    await stopped;
    assert.equal(client.state, "stopped");
  });

  it("rejects the first connect at once where not asked", async (test) => {
    const { client, servers, told, wait } = await world(test);
    await servers.stop();
    await assert.rejects(client.connect(TARGET), { code: "CONNECTION_REFUSED" });
    await wait(1_000);
    assert.deepEqual(told, ["close CONNECTION_REFUSED"]);
  });

  it("rejects connect when it is stopped in the middle of a further first attempt", async (test) => {
    const { engine, clock } = memoryWorld();
    engine.network.connectFate = () => "blackHole";
    for (const how of ["stop", "close", "abort", "signal"] as const) {
      const told: string[] = [];
      const client = new TcpClient({
        engine,
        reconnect: { fromStart: true, firstDelayMs: 1, maxDelayMs: 1, maxKeptBytes: 10 },
        onReceive() {},
        onGiveUp: (_, lostBytes) => void told.push(`give up ${lostBytes}`),
      });
      test.after(() => client.stop({ drainMs: 0 }));
      const controller = new AbortController();
      const connected = client.connect({ ...TARGET, timeoutMs: 50, signal: controller.signal });
      connected.catch(() => {});
      await pass(clock, 100);
      client.send("kept");
      assert.deepEqual([client.isReconnecting, client.connectionCount], [true, 1]);
      if (how === "signal") controller.abort();
      else void client[how]();
      await assert.rejects(connected, { code: how === "stop" ? "STOPPED" : "ABORTED" }, how);
      await client.stopped();
      assert.deepEqual(told, ["give up 4"], how);
    }
  });

  it("takes a signal that is aborted between the first attempt and the next", async (test) => {
    const controller = new AbortController();
    const { client, servers, told } = await world(test, {
      reconnect: { fromStart: true, firstDelayMs: 1_000 },
      onReconnecting: () => controller.abort(),
    });
    await servers.stop();
    await assert.rejects(client.connect({ ...TARGET, signal: controller.signal }), {
      code: "ABORTED",
    });
    assert.equal(client.isReconnecting, false);
    assert.equal(told.at(-1), "give up 0");
  });

  it("tells how many bytes were taken and not sent", async (test) => {
    const { client, servers, told, wait } = await world(test, {
      highWaterMarkBytes: 100,
      lowWaterMarkBytes: 50,
    });
    await client.connect(TARGET);
    await wait(10);
    servers.accepted[0]?.pause();
    client.send(Buffer.alloc(1_000_000));
    await wait(50);
    const { pendingBytes } = client;
    assert.ok(pendingBytes > 0 && pendingBytes <= 1_000_000);
    servers.accepted[0]?.abort();
    await wait(10);
    const unsent = Number(/CONNECTION_RESET (\d+)/.exec(told.join())?.[1]);
    assert.ok(unsent > 0 && unsent <= pendingBytes, `${unsent} of ${pendingBytes}`);
  });

  it("does not come back after close, whatever becomes of that", async (test) => {
    // What waits is never sent, and the peer resets the connection: an error, but nobody wants another.
    for (const first of ["local", "peer"] as const) {
      const { client, servers, told, wait } = await world(test, {
        reconnect: { firstDelayMs: 10, shouldReconnect: () => true },
        closeTimeoutMs: 1_000,
      });
      await client.connect(TARGET);
      await wait(10);
      servers.accepted[0]?.pause();
      client.send(Buffer.alloc(8_000_000));
      await wait(20);
      if (first === "peer") servers.accepted[0]?.finish();
      await wait(20);
      client.close();
      await wait(20);
      servers.accepted[0]?.abort();
      await wait(3_000);
      assert.equal(client.state, "stopped", first);
      assert.equal(client.isReconnecting, false);
      assert.equal(told.filter((line) => line.startsWith("give up")).length, 1);
      assert.equal(told.filter((line) => line.startsWith("reconnecting")).length, 0);
    }
  });

  it("takes a shouldReconnect that throws, or answers a promise, for no", async (test) => {
    const warnings: string[] = [];
    const warned = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", warned);
    test.after(() => process.off("warning", warned));
    for (const shouldReconnect of [
      () => {
        throw new Error("undecided");
      },
      () => Promise.reject(new Error("too late")) as never,
    ]) {
      const { client, servers, told, wait } = await world(test, {
        reconnect: { fromStart: true, firstDelayMs: 10, shouldReconnect },
      });
      await client.connect(TARGET);
      servers.accepted[0]?.abort();
      await wait(100);
      assert.equal(client.state, "stopped");
      assert.equal(told.at(-1), "give up 0");
      await servers.stop();
      await assert.rejects(client.connect(TARGET), { code: "CONNECTION_REFUSED" });
      assert.equal(told.at(-1), "give up 0");
    }
    await until(() => warnings.length === 4);
    assert.match(warnings[0] ?? "", /shouldReconnect failed: undecided/);
    assert.match(warnings[2] ?? "", /shouldReconnect failed: it returned a promise/);
  });

  it("lives on when its handlers throw or reject", async (test) => {
    const warnings: string[] = [];
    const warned = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", warned);
    test.after(() => process.off("warning", warned));
    const { client, servers, wait } = await world(test, {
      onReconnecting: () => {
        throw new Error("one");
      },
      onReconnected: () => Promise.reject(new Error("two")),
      onGiveUp: () => {
        throw new Error("three");
      },
    });
    await client.connect(TARGET);
    servers.accepted[0]?.abort();
    await wait(300);
    assert.equal(client.isOpen, true);
    await servers.stop();
    // No time passes: what it waits before its next attempt is a random part of 100 ms.
    await until(() => client.isReconnecting);
    client.close();
    assert.equal(client.state, "stopped");
    await until(() => warnings.length === 4);
    assert.deepEqual(
      warnings.map((text) => text.replace(/ failed: .*/, "")),
      ["onReconnecting", "onReconnected", "onReconnecting", "onGiveUp"],
    );
  });

  it("refuses to keep what can be no packet, and lets kept packets leave before onReconnected", async (test) => {
    const { engine, clock } = memoryWorld();
    const receive = pack({ maxPacketBytes: 8 });
    const got: string[] = [];
    const start = async (): Promise<TcpServer> => {
      const made = new TcpServer({
        engine,
        receive,
        onReceive: (_, packet) => void got.push(packet.toString()),
      });
      await made.listen({ port: 7_000 });
      return made;
    };
    let server = await start();
    const client: TcpClient = new TcpClient({
      engine,
      receive,
      reconnect: { firstDelayMs: 50, maxDelayMs: 50, maxKeptBytes: 100 },
      onReceive() {},
      onReconnected: (own) => void own.send("told"),
    });
    test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    await client.connect(TARGET);
    await server.stop({ drainMs: 0 });
    await pass(clock, 10);
    assert.throws(() => client.send("much too long"), { code: "PACKET_INVALID" });
    assert.equal(client.send("kept"), "slow");
    server = await start();
    await pass(clock, 200);
    assert.deepEqual(got, ["kept", "told"]);
  });

  it("gives a connection the context of the last, and a new one after connect", async (test) => {
    let count = 0;
    const { client, servers, wait } = await world(test, { context: () => `context ${++count}` });
    await client.connect(TARGET);
    servers.accepted[0]?.abort();
    await wait(300);
    assert.deepEqual([client.isOpen, client.context, count], [true, "context 1", 1]);
    client.close();
    await client.stopped();
    await client.connect(TARGET);
    assert.equal(client.context, "context 2");
  });

  it("can be connected again in onClose and onGiveUp", async (test) => {
    for (const name of ["onClose", "onGiveUp"] as const) {
      let isFirst = true;
      const { client, servers, told, wait } = await world(test, {
        reconnect: { firstDelayMs: 10, maxAttempts: 1, maxKeptBytes: 10 },
        [name]: (own: TcpClient) => {
          told.push(name);
          if (own.state !== "stopped" || !isFirst) return;
          isFirst = false;
          own.connect(TARGET).then(
            () => told.push("connected"),
            () => told.push("failed"),
          );
        },
      });
      await client.connect(TARGET);
      await servers.stop();
      await wait(8);
      client.send("kept");
      await servers.start();
      servers.accepted.length = 0;
      await servers.stop();
      await wait(100);
      await servers.start();
      await wait(100);
      assert.equal(told.filter((line) => /^give up|^onGiveUp/.test(line)).length, 1, told.join());
    }
  });

  it("is refused with options that can't be", () => {
    const bad = { code: "INVALID_ARGUMENT" };
    for (const reconnect of [
      null,
      7,
      { firstDelayMs: 0 },
      { firstDelayMs: 100, maxDelayMs: 50 },
      { maxAttempts: -1 },
      { maxKeptBytes: 2 ** 31 },
      { targets: [{ port: 0 }] },
      { targets: "x" },
      { targets: Array(65).fill({ port: 1 }) },
      { greeting: 7 },
      { shouldReconnect: true },
      { delayMs: 1 },
    ]) {
      assert.throws(
        () => new TcpClient({ reconnect: reconnect as never }),
        bad,
        JSON.stringify(reconnect),
      );
    }
    assert.throws(() => new TcpClient({ onGiveUp: 7 as never }), bad);
    assert.ok(new TcpClient({ reconnect: { firstDelayMs: 60_000 } }));
  });
});

for (const engine of availableEngines()) {
  it(`a client on ${engine} comes back to a server that comes back`, async (test) => {
    let server = new TcpServer({
      engine,
      onReceive: (connection, bytes) => void connection.send(bytes),
    });
    const { port } = await server.listen({ host: "127.0.0.1" });
    const client = new TcpClient({ engine, reconnect: { firstDelayMs: 5, maxDelayMs: 20 } });
    test.after(() => Promise.all([client.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    await client.connect({ port: port as number });
    for (let round = 0; round < 3; round++) {
      await server.stop({ drainMs: 0 });
      await until(() => client.isReconnecting);
      server = new TcpServer({
        engine,
        onReceive: (connection, bytes) => void connection.send(bytes),
      });
      await server.listen({ host: "127.0.0.1", port: port as number });
      await until(() => client.isOpen && !client.isReconnecting);
      client.send("hello");
      assert.equal((await client.read(5, { timeoutMs: 5_000 })).toString(), "hello");
    }
  });
}
