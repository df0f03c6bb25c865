import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryEngine } from "#src/testing/index.js";
import { isPattern, patternBytes } from "../../support/byte-pattern.js";
import { EngineWorld, loopback } from "../../support/engine-world.js";
import { memoryWorld } from "../../support/memory-world.js";
import { until } from "../../support/until.js";

describe("memory engine: streams", () => {
  test("takes the delay for each step of the handshake and for each segment", async () => {
    const { engine, world } = memoryWorld({ delayMs: 10 });
    const listener = world.startListen(loopback(80));
    const client = world.startConnect(loopback(80));

    await engine.advance(9);
    assert.deepEqual(listener.events, ["opened"]);
    await engine.advance(1);
    assert.deepEqual(listener.events, ["opened", "accepted"]);
    assert.deepEqual(client.events, []);
    await engine.advance(10);
    assert.deepEqual(client.events, ["opened"]);
    client.socket.write(Buffer.from("x"));
    await engine.advance(9);
    assert.equal(listener.accepted[0]!.receivedBytes, 0);
    await engine.advance(1);
    assert.equal(listener.accepted[0]!.receivedBytes, 1);
  });

  test("does nothing until it is let, and everything without the clock when nothing takes time", async () => {
    const { engine, world } = memoryWorld();
    const listener = world.startListen(loopback(80));
    const client = world.startConnect(loopback(80));
    client.onOpened = () => client.socket.write(Buffer.from("x"));
    assert.deepEqual([listener.events, client.events], [[], []]);

    await engine.settle();

    assert.deepEqual(client.events, ["opened", "written 1"]);
    assert.equal(listener.accepted[0]!.receivedBytes, 1);
  });

  test("keeps segments in order when each has another delay", async () => {
    const { engine, world } = memoryWorld({ split: 100 });
    let streamDelayMs = 90;
    engine.network.delayMs = ({ kind }): number => {
      if (kind !== "stream") return 0;
      streamDelayMs -= 1;
      return streamDelayMs;
    };
    const { client, server } = await world.pair();

    client.socket.write(patternBytes(0, 5_000));
    await engine.advance(200);

    assert.equal(server.receivedBytes, 5_000);
    assert.equal(server.pieceLengths.length, 50);
    assert.ok(isPattern(server.received(), 0));
  });

  test("splits at sizes that a script draws, the same for the same seed", async () => {
    const sizesFor = async (seed: number): Promise<number[]> => {
      const { engine, world } = memoryWorld({
        seed,
        split: (waitingBytes, random) => random() * waitingBytes,
      });
      const { client, server } = await world.pair();
      client.socket.write(patternBytes(0, 10_000));
      await engine.settle();
      assert.ok(isPattern(server.received(), 0));
      return server.pieceLengths;
    };

    const first = await sizesFor(7);

    assert.ok(first.length > 3);
    assert.deepEqual(await sizesFor(7), first);
    assert.notDeepEqual(await sizesFor(8), first);
  });

  test("takes no more than the window while the reader pauses", async () => {
    const { engine, world } = memoryWorld({ windowBytes: 1_000 });
    const { client, server } = await world.pair();
    server.socket.pause();

    client.socket.write(patternBytes(0, 1_000));
    await engine.settle();
    client.socket.write(patternBytes(1_000, 1));
    await engine.settle();
    assert.deepEqual(client.events, ["opened", "written 1000"]);
    server.socket.resume();
    await engine.settle();

    assert.deepEqual(client.events, ["opened", "written 1000", "written 1"]);
    assert.ok(isPattern(server.received(), 0));
  });

  test("overwrites lent bytes after the call", async () => {
    const { engine, world } = memoryWorld();
    const { client, server } = await world.pair();
    let kept: Buffer | undefined;
    server.onReceived = (bytes): void => {
      kept = bytes;
    };

    client.socket.write(Buffer.from("abc"));
    await engine.settle();

    assert.equal(server.socket.lendsBytes, true);
    assert.deepEqual(kept, Buffer.from([0xdd, 0xdd, 0xdd]));
    assert.equal(server.received().toString(), "abc");
  });

  test("refuses a second write under way, and a write after finish", async () => {
    const { world } = memoryWorld();
    const { client, server } = await world.pair();
    client.socket.write(Buffer.from("one"));
    server.socket.finish();

    assert.throws(() => client.socket.write(Buffer.from("two")), { code: "INVALID_STATE" });
    assert.throws(() => server.socket.write(Buffer.from("late")), { code: "INVALID_STATE" });
  });

  test("cuts the connections at an address with the error that was chosen, on both ends", async () => {
    const { engine, world } = memoryWorld();
    const { client, server, listener } = await world.pair();
    const other = await world.pair();

    const cutCount = engine.cut(listener.address!, "ETIMEDOUT");
    await engine.settle();

    assert.equal(cutCount, 1);
    assert.deepEqual(client.events, ["opened", "closed SYSTEM_TIMEOUT"]);
    assert.deepEqual(server.events, ["closed SYSTEM_TIMEOUT"]);
    assert.equal(other.client.isClosed, false);
    assert.equal(engine.connectionCount, 1);
  });

  test("lets nothing pass on a silenced connection, and tells nobody", async () => {
    const { engine, world } = memoryWorld({ windowBytes: 100 });
    const { client, server } = await world.pair();

    engine.silence(client.socket.localAddress()!);
    client.socket.write(Buffer.alloc(100));
    await engine.settle();
    client.socket.write(Buffer.alloc(1));
    server.socket.finish();
    await engine.advance(60_000, 1_000);

    assert.deepEqual(client.events, ["opened", "written 100"]);
    assert.deepEqual(server.events, []);
  });

  test("resets the peer when it closes with bytes unread", async () => {
    const { engine, world } = memoryWorld();
    const { client, server } = await world.pair();
    server.socket.pause();
    client.socket.write(Buffer.from("unread"));
    await engine.settle();

    server.socket.close();
    await engine.settle();

    assert.equal(client.events.at(-1), "closed CONNECTION_RESET");
  });
});

describe("memory engine: connecting", () => {
  test("never answers a connect that falls into a black hole", async () => {
    const { engine, world } = memoryWorld({ connectFate: () => "blackHole" });
    world.startListen(loopback(80));
    const client = world.startConnect(loopback(80));

    await engine.advance(600_000, 10_000);
    const eventsBefore = [...client.events];
    client.socket.close();
    await engine.settle();

    assert.deepEqual(eventsBefore, []);
    assert.deepEqual(client.events, ["closed"]);
  });

  test("fails a connect with the error of the script", async () => {
    const { engine, world } = memoryWorld({ connectFate: () => "EHOSTUNREACH", delayMs: 3 });
    const client = world.startConnect(loopback(80));

    await engine.advance(6);

    assert.deepEqual(client.events, ["closed HOST_UNREACHABLE"]);
    assert.equal(client.error?.operation, "connect");
  });

  test("fails to accept as the script says: the peer is reset, the listener goes on", async () => {
    let failures = 2;
    const { engine, world } = memoryWorld({
      acceptFate: () => (failures-- > 0 ? "EMFILE" : undefined),
    });
    const listener = world.startListen(loopback(80));
    const clients = [1, 2, 3].map(() => world.startConnect(loopback(80)));

    await engine.settle();

    assert.deepEqual(
      listener.acceptErrors.map(({ code }) => code),
      ["DESCRIPTORS_EXHAUSTED", "DESCRIPTORS_EXHAUSTED"],
    );
    assert.deepEqual(
      clients.map(({ events }) => events.at(-1)),
      ["closed CONNECTION_RESET", "closed CONNECTION_RESET", "opened"],
    );
    assert.equal(listener.accepted.length, 1);
  });

  test("closes the listener when accepting fails for good", async () => {
    const { engine, world } = memoryWorld({ acceptFate: () => "EBADF" });
    const listener = world.startListen(loopback(80));
    world.startConnect(loopback(80));

    await engine.settle();

    assert.deepEqual(listener.events, ["opened", "closed SYSTEM_ERROR"]);
  });

  test("knows the hosts of its names, and resolves them in their order", async () => {
    const { engine, world } = memoryWorld({ names: { "db.test": ["192.0.2.9", "2001:db8::9"] } });
    const listener = world.startListen({ host: "192.0.2.9", port: 5, family: "IPv4" });

    await engine.settle();

    assert.deepEqual(listener.events, ["opened"]);
    assert.deepEqual(await engine.resolve("db.test"), [
      { host: "192.0.2.9", family: "IPv4" },
      { host: "2001:db8::9", family: "IPv6" },
    ]);
  });

  test("counts ports up, and gives a listener's port free when it closes", async () => {
    const { engine, world } = memoryWorld();
    const [first, second] = [await world.listen(), await world.listen()];
    const { port } = first.address as { port: number };

    first.listener!.close();
    await engine.settle();

    assert.deepEqual(second.address, loopback(port + 1));
    assert.deepEqual((await world.listen(loopback(port))).events, ["opened"]);
  });

  test("refuses options that it does not have", () => {
    assert.throws(() => memoryWorld({ delay: 5 } as object), {
      code: "INVALID_ARGUMENT",
      message: /MemoryEngine has no option "delay"/,
    });
  });

  const wrongOptions: readonly [string, object][] = [
    ["windowBytes", { windowBytes: 0 }],
    ["a loss rate", { datagrams: { lossRate: 2 } }],
    ["datagrams", { datagrams: "all" }],
    ["a reorder delay", { datagrams: { reorderDelayMs: -1 } }],
    ["delayMs", { delayMs: Number.NaN }],
    ["a negative delayMs", { delayMs: -1 }],
    ["split", { split: Number.NaN }],
    ["a split below 1", { split: 0 }],
    ["connectFate", { connectFate: "answer" }],
    ["acceptFate", { acceptFate: 1 }],
    ["lendsBytes", { lendsBytes: 1 }],
    ["clock", { clock: {} }],
    ["names", { names: { "db.test": ["nowhere"] } }],
  ];
  for (const [what, options] of wrongOptions) {
    test(`refuses values that can't be: ${what}`, () => {
      assert.throws(() => memoryWorld(options), { code: "INVALID_ARGUMENT" });
    });
  }

  test("refuses values that can't be when they are set later", () => {
    const { network } = memoryWorld().engine;

    assert.throws(() => {
      network.split = Number.NaN;
    }, /split must be a number, 1 at least, not NaN/);
    assert.throws(() => {
      network.windowBytes = 0.5;
    }, /windowBytes/);
    assert.equal(network.windowBytes, 65_536);
  });

  test("says so when a script answers what can't be", async () => {
    const { world } = memoryWorld({ split: () => Number.NaN });
    const { client } = await world.pair();

    assert.throws(() => client.socket.write(Buffer.from("x")), {
      code: "INVALID_ARGUMENT",
      message: /what split answers must be a number/,
    });
  });

  test("lets the timers of the process go on while components keep each other busy", async () => {
    const engine = new MemoryEngine();
    const world = new EngineWorld(engine);
    const { client, server } = await world.pair();
    client.onReceived = (): void => client.socket.write(Buffer.from("ping"));
    server.onReceived = (): void => server.socket.write(Buffer.from("pong"));
    let hasFired = false;
    const fired = new Promise<void>((resolve) => {
      setTimeout(resolve, 20);
    }).then(() => {
      hasFired = true;
    });

    client.socket.write(Buffer.from("ping"));
    await until(() => hasFired);
    await fired;

    assert.ok(client.receivedBytes > 0);
    await world.end();
  });

  test("moves no clock but a manual one", async () => {
    await assert.rejects(new MemoryEngine().advance(1), { code: "INVALID_STATE" });
  });
});
