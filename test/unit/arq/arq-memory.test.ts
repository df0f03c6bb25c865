/** Reliable sessions in memory, in time moved by hand: the wire, hostile peers, what is kept of whom. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { ArqClient, ArqServer, type ArqServerOptions } from "hp-socket/arq";
import { peerKeyOf } from "#src/engine/peer-key.js";
import { parseHandshake, writeHandshake } from "#src/protocol/arq/handshake-packet.js";
import { CLOSE_NOTIFY } from "#src/protocol/udp-control/udp-control.js";
import { loopback } from "../../support/engine-world.js";
import { type MemoryWorld, memoryWorld } from "../../support/memory-world.js";
import { Random } from "../../support/random.js";

const PORT = 5_555;
const TO = peerKeyOf(loopback(PORT));

async function serverOf(world: MemoryWorld, options: ArqServerOptions = {}) {
  const reasons: string[] = [];
  const server = new ArqServer({
    engine: world.engine,
    maxNewPerSecond: 0,
    onClose: (_, reason) => void reasons.push(`${reason.code} ${reason.initiator}`),
    ...options,
  });
  const listening = server.listen({ host: "127.0.0.1", port: PORT });
  await world.engine.settle();
  await listening;
  return { server, reasons };
}

async function connect(world: MemoryWorld, client: ArqClient, forMs = 1_000): Promise<void> {
  const connecting = client.connect({ port: PORT, timeoutMs: 0 });
  connecting.catch(() => undefined);
  await world.engine.advance(forMs);
  await connecting;
}

/** A peer that speaks bytes. */
async function plain(world: MemoryWorld) {
  const probe = world.world.startDatagram();
  await world.engine.settle();
  const send = async (bytes: Uint8Array): Promise<Buffer[]> => {
    const before = probe.received.length;
    probe.socket.send(0, bytes, TO);
    await world.engine.settle();
    return probe.received.slice(before).map(({ bytes: got }) => got);
  };
  /** The handshake up to the packet that proves the address. */
  const begin = async (ownId: number): Promise<number> => {
    const [answer] = await send(writeHandshake({ isComplete: false, ownId, peerId: 0 }));
    return parseHandshake(answer!)!.ownId;
  };
  return { probe, send, begin };
}

describe("ARQ server", () => {
  it("answers a stranger with one packet of the same length, keeps nothing, and begins with the echo", async () => {
    const world = memoryWorld();
    const { server } = await serverOf(world);
    const { send } = await plain(world);

    const [first, ...others] = await send(
      writeHandshake({ isComplete: false, ownId: 7, peerId: 0 }),
    );
    assert.deepEqual(others, []);
    assert.equal(server.connectionCount, 0);
    const { ownId } = parseHandshake(first!)!;
    assert.deepEqual(parseHandshake(first!), { isComplete: false, ownId, peerId: 7 });
    await world.engine.advance(10_000);

    const again = parseHandshake(
      (await send(writeHandshake({ isComplete: false, ownId: 7, peerId: 0 })))[0]!,
    )!;
    const answer = await send(writeHandshake({ isComplete: true, ownId: 7, peerId: again.ownId }));

    assert.equal(server.connectionCount, 1);
    assert.deepEqual(answer.map(parseHandshake), [
      { isComplete: true, ownId: again.ownId, peerId: 7 },
    ]);
    await server.stop();
  });

  it("begins no session for a wrong or an old id, nor for garbage", async () => {
    const world = memoryWorld();
    const { server } = await serverOf(world);
    const { send, begin } = await plain(world);
    const id = await begin(7);

    const random = new Random(1);
    const tries = [
      writeHandshake({ isComplete: true, ownId: 7, peerId: (id + 1) >>> 0 }),
      writeHandshake({ isComplete: true, ownId: 8, peerId: id }),
      Buffer.alloc(0),
      CLOSE_NOTIFY,
      ...Array.from({ length: 500 }, () => random.bytes(random.integer(0, 100))),
    ];
    let answers = 0;
    for (const bytes of tries) answers += (await send(bytes)).length;
    // Twice ten minutes: what was proved long ago is no proof.
    await world.engine.advance(1_200_000, 60_000);
    answers += (await send(writeHandshake({ isComplete: true, ownId: 7, peerId: id }))).length;

    assert.equal(answers, 0);
    assert.equal(server.connectionCount, 0);
    await server.stop();
  });

  it("lets in who repeats its first packet and gets two ids for it", async () => {
    const world = memoryWorld({ link: { delayMs: 100 } });
    const { server, reasons } = await serverOf(world);
    const ends: string[] = [];
    const client = new ArqClient({
      engine: world.engine,
      onClose: (_, { code }) => void ends.push(code),
    });
    // The ids change in between: the first packet comes before, its repetition 60 ms later behind.
    const slotMs = 600_000;
    const toChangeMs = slotMs - (world.clock.now() % slotMs);
    await world.engine.advance(toChangeMs - 130, 60_000);

    await connect(world, client, 2_000);

    assert.equal(server.connectionCount, 1);
    assert.deepEqual([...ends, ...reasons], []);
    await Promise.all([client.stop(), server.stop(), world.engine.advance(5_000, 20)]);
  });

  it("keeps nothing of 20,000 half handshakes", async () => {
    const world = memoryWorld();
    const { server } = await serverOf(world);
    const { probe, send } = await plain(world);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;

    for (let ownId = 1; ownId <= 20_000; ownId++) {
      await send(writeHandshake({ isComplete: false, ownId, peerId: 0 }));
      if (ownId % 1_000 === 0) probe.received.length = 0;
    }
    globalThis.gc?.();

    assert.equal(server.connectionCount, 0);
    const grown = process.memoryUsage().heapUsed - before;
    assert.ok(grown < 4_000_000, `${grown} bytes`);
    await server.stop();
  });

  it("lets a peer begin anew from the same address, and nobody else end its session", async () => {
    const world = memoryWorld();
    const { server, reasons } = await serverOf(world);
    const { send, begin } = await plain(world);
    const id = await begin(7);
    await send(writeHandshake({ isComplete: true, ownId: 7, peerId: id }));
    const [first] = server.connectionIds();

    // Somebody who writes its address, and hears no answer.
    for (let ownId = 100; ownId < 200; ownId++) {
      await send(writeHandshake({ isComplete: false, ownId, peerId: 0 }));
      await send(writeHandshake({ isComplete: true, ownId, peerId: ownId }));
    }
    assert.deepEqual(server.connectionIds(), [first]);

    // The peer itself, restarted.
    const newId = await begin(8);
    assert.notEqual(newId, id);
    await send(writeHandshake({ isComplete: true, ownId: 8, peerId: newId }));
    assert.deepEqual(reasons, ["CONNECTION_RESET remote"]);
    await send(writeHandshake({ isComplete: true, ownId: 8, peerId: newId }));

    assert.equal(server.connectionCount, 1);
    assert.notDeepEqual(server.connectionIds(), [first]);
    await server.stop();
  });
});

describe("ARQ session", () => {
  it("finds a peer that has vanished within deadLinkMs of sending, and tells why", async () => {
    const world = memoryWorld({ delayMs: 20 });
    const { server, reasons } = await serverOf(world);
    const client = new ArqClient({ engine: world.engine });
    await connect(world, client);
    world.engine.network.datagrams = { lossRate: 1 };

    server.connection(server.connectionIds()[0]!)!.send("are you there?");
    await world.engine.advance(9_900, 10);
    assert.deepEqual(reasons, []);
    await world.engine.advance(700, 10);

    assert.deepEqual(reasons, ["ARQ_DEAD_LINK local"]);
    await Promise.all([client.stop({ drainMs: 0 }), world.engine.advance(6_000, 10)]);
    await server.stop();
  });

  it("asks the kernel for room for a window of datagrams, where it has such and nothing else is said", async () => {
    const roomAskedFor = async (
      hasBuffers: boolean,
      options: Pick<ArqServerOptions, "receiveBufferBytes">,
    ) => {
      const { engine } = memoryWorld();
      const open = engine.openDatagram.bind(engine);
      const asked: unknown[] = [];
      engine.openDatagram = ({ receiveBufferBytes, ...target }, sink) => {
        asked.push(receiveBufferBytes);
        return open(target, sink);
      };
      const capabilities = { ...engine.capabilities, datagramBuffers: hasBuffers || "none" };
      Object.defineProperty(engine, "capabilities", { value: capabilities });
      const server = new ArqServer({ engine, ...options });
      const listening = server.listen({ host: "127.0.0.1", port: PORT });
      await engine.settle();
      await listening;
      const client = new ArqClient({ engine, ...options });
      const connecting = client.connect({ port: PORT, timeoutMs: 0 });
      await engine.settle();
      await connecting;
      await Promise.all([
        client.stop({ drainMs: 0 }),
        server.stop({ drainMs: 0 }),
        engine.settle(),
      ]);
      return asked;
    };

    assert.deepEqual(await roomAskedFor(true, {}), [1_048_576, 1_048_576]);
    assert.deepEqual(
      await roomAskedFor(true, { receiveBufferBytes: undefined }),
      [1_048_576, 1_048_576],
    );
    assert.deepEqual(await roomAskedFor(true, { receiveBufferBytes: 0 }), [undefined, undefined]);
    assert.deepEqual(await roomAskedFor(true, { receiveBufferBytes: 9_000 }), [9_000, 9_000]);
    assert.deepEqual(await roomAskedFor(false, {}), [undefined, undefined]);
  });

  it("sets no timer while it is idle but for the probes", async () => {
    const world = memoryWorld({ delayMs: 20 });
    const { server } = await serverOf(world, { idleTimeoutMs: 0, detectAttempts: 0 });
    const client = new ArqClient({ engine: world.engine, detectAttempts: 0 });
    await connect(world, client);
    client.send("x");
    await world.engine.advance(1_000);

    assert.equal(world.clock.timerCount, 0);
    await Promise.all([client.stop(), world.engine.advance(1_000)]);
    await server.stop();
  });

  it("tells back-pressure by what is not acknowledged, and drops stale messages to make room", async () => {
    const world = memoryWorld({ delayMs: 50 });
    const received: string[] = [];
    const { server } = await serverOf(world, {
      onReceive: (_, message) => void received.push(String(message.subarray(0, 1))),
    });
    let drainCount = 0;
    const client = new ArqClient({
      engine: world.engine,
      sendWindow: 1,
      maxPendingBytes: 10_000,
      highWaterMarkBytes: 5_000,
      lowWaterMarkBytes: 1_000,
      slowConsumer: "drop",
      onDrain: () => void drainCount++,
    });
    await connect(world, client);

    const answers = [];
    for (let count = 0; count < 11; count++) {
      answers.push(client.send(Buffer.alloc(1_000, `${count % 10}`), { expiresMs: 20 }));
    }
    assert.deepEqual(answers.slice(3, 5), [true, "slow"]);
    assert.deepEqual(answers.slice(9), ["slow", false]);
    assert.equal(client.pendingBytes, 10_000);
    await world.engine.advance(30);
    assert.equal(client.send(Buffer.alloc(9_000, "z")), "slow", "what was stale has made room");
    assert.equal(client.pendingBytes, 10_000);
    const drained = client.drained();
    await world.engine.advance(2_000);
    await drained;

    assert.deepEqual(received, ["0", "z"]);
    assert.equal(drainCount, 1);
    assert.equal(client.linkStats!.staleMessages, 9);
    await Promise.all([client.stop(), world.engine.advance(1_000)]);
    await server.stop();
  });

  it("ends with SEND_QUEUE_FULL where slowConsumer says so", async () => {
    const world = memoryWorld({ delayMs: 50 });
    const { server } = await serverOf(world);
    const reasons: string[] = [];
    const client = new ArqClient({
      engine: world.engine,
      maxPendingBytes: 10_000,
      slowConsumer: "close",
      onClose: (_, reason) => void reasons.push(reason.code),
    });
    await connect(world, client);
    for (let count = 0; count < 11; count++) client.send(Buffer.alloc(1_000));
    await world.engine.settle();

    assert.deepEqual(reasons, ["SEND_QUEUE_FULL"]);
    await server.stop({ drainMs: 0 });
  });

  it("goes on over a link that loses, doubles and disorders a third of all", async () => {
    const world = memoryWorld({
      seed: 5,
      link: { lossRate: 0.3, delayMs: 20, jitterMs: 20, duplicateRate: 0.3, reorderRate: 0.3 },
    });
    const received: Buffer[] = [];
    const { server } = await serverOf(world, {
      onReceive: (connection, message) => void connection.send(message),
    });
    const client = new ArqClient({
      engine: world.engine,
      deadLinkMs: 60_000,
      onReceive: (_, message) => void received.push(message),
    });
    await connect(world, client, 4_000);
    const random = new Random(9);
    const sent = Array.from({ length: 100 }, () => random.bytes(random.integer(0, 4_000)));
    for (const message of sent) client.send(message);
    for (let second = 0; second < 120 && received.length < 100; second++) {
      await world.engine.advance(1_000, 2);
    }

    assert.deepEqual(received, sent);
    await Promise.all([client.stop(), world.engine.advance(6_000, 5)]);
    await Promise.all([server.stop({ drainMs: 0 }), world.engine.advance(100)]);
  });

  it("throws for what can't be sent, before any effect", async () => {
    const world = memoryWorld();
    const { server } = await serverOf(world);
    const client = new ArqClient({ engine: world.engine, maxMessageBytes: 10 });
    await connect(world, client);

    assert.throws(() => client.send(Buffer.alloc(11)), { code: "PACKET_INVALID" });
    assert.throws(() => client.send("x", { expiresMs: 0 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => client.send("x", { expires: 1 } as never), { code: "INVALID_ARGUMENT" });
    const streaming = new ArqClient({ engine: world.engine, isStream: true });
    await connect(world, streaming);
    assert.throws(() => streaming.send("x", { expiresMs: 5 }), { code: "INVALID_ARGUMENT" });
    await streaming.stop();
    assert.throws(() => client.configure({ noDelay: false } as never), { code: "SETTING_FIXED" });
    assert.throws(() => new ArqClient({ maxTransmitBytes: 71 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => new ArqClient({ minRtoMs: 2_500 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => new ArqClient({ conversation: -1 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => new ArqClient({ maxMessageBytes: 178_817 }), { code: "INVALID_ARGUMENT" });
    assert.equal(new ArqClient({ maxTransmitBytes: 72 }).arqSettings.maxMessageBytes, 127 * 48);
    await client.stop();
    await server.stop();
  });
});
