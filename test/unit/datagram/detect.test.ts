/** Probes, close-notify and their times (HP §3.2, §3.3), in time moved by hand. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UdpClient, UdpServer } from "hp-socket/udp";
import { Prober } from "#src/datagram/prober.js";
import type { Session } from "#src/datagram/session.js";
import { peerKeyOf } from "#src/engine/peer-key.js";
import { CLOSE_NOTIFY } from "#src/protocol/udp-control/udp-control.js";
import { loopback } from "../../support/engine-world.js";
import { type MemoryWorld, memoryWorld } from "../../support/memory-world.js";

const INTERVAL = 60_000;

/** A plain socket of the network that is not ours. */
async function plain(world: MemoryWorld) {
  const probe = world.world.datagram();
  await world.engine.settle();
  return probe;
}

/** A client that is connected to a plain socket, whose first probe has come. */
async function clientOf(world: MemoryWorld, options = {}) {
  const peer = await plain(world);
  const reasons: string[] = [];
  const client = new UdpClient({
    engine: world.engine,
    onClose: (_, reason) => reasons.push(`${reason.operation}/${reason.code}/${reason.initiator}`),
    ...options,
  });
  const connecting = client.connect({ port: peer.address!.port });
  await world.engine.settle();
  await connecting;
  await world.engine.settle();
  return { peer, client, reasons };
}

async function serverOf(world: MemoryWorld, options = {}) {
  const reasons: string[] = [];
  const server = new UdpServer({
    engine: world.engine,
    idleTimeoutMs: 0,
    onClose: (_, reason) => reasons.push(`${reason.operation}/${reason.code}/${reason.initiator}`),
    ...options,
  });
  const listening = server.listen({ port: 5555 });
  await world.engine.settle();
  await listening;
  return { server, reasons };
}

/** Moves the time, and lets everything happen that is due. */
async function pass(world: MemoryWorld, ms: number): Promise<void> {
  world.clock.advance(ms);
  await world.engine.settle();
}

describe("detection of peers over UDP", () => {
  it("a client probes at once and at each interval, and ends at the tick after detectAttempts silent ones", async () => {
    const world = memoryWorld();
    const { peer, reasons } = await clientOf(world);
    assert.equal(peer.received.length, 1, "a probe at once");

    for (let tick = 1; tick <= 3; tick++) {
      await pass(world, INTERVAL - 10);
      assert.equal(peer.received.length, tick);
      await pass(world, 10);
      assert.equal(peer.received.length, tick + 1);
    }
    await pass(world, INTERVAL - 10);
    assert.deepEqual(reasons, []);
    await pass(world, 20);

    assert.deepEqual(reasons, ["receive/DETECT_TIMEOUT/local"]);
    assert.equal(peer.received.length, 4, "no probe with the last tick, and no close-notify");
    assert.ok(peer.received.every(({ bytes }) => bytes.length === 0));
  });

  it("a client's late tick lets the next one be none the later, unless it came much too late", () => {
    let nowMs = 0;
    const waits: number[] = [];
    const wheel = {
      clock: { now: () => nowMs },
      set: (_: unknown, ms: number) => void waits.push(ms),
      clear: () => undefined,
    };
    const settings = { detectAttempts: 3, detectIntervalMs: 1_000 };
    const session = { id: 1, settings, wheel, heardMs: 10_000, sendDatagram: () => undefined };
    const prober = new Prober(session as unknown as Session);

    prober.start();
    for (const lateMs of [4, 0, 499, 500, 10]) {
      nowMs += (waits.at(-1) as number) + lateMs;
      prober.deadlineReached();
    }

    assert.deepEqual(waits, [1_000, 996, 1_000, 501, 1_000, 990]);
  });

  it("whatever comes starts the count again, an empty datagram or not", async () => {
    const world = memoryWorld();
    const { peer, client, reasons } = await clientOf(world);

    for (let tick = 0; tick < 10; tick++) {
      await pass(world, INTERVAL);
      if (tick % 3 !== 2) continue;
      peer.send(1, Buffer.from(tick % 2 === 0 ? "" : "data"), peer.received[0]!.from);
      await world.engine.settle();
    }
    assert.deepEqual(reasons, []);
    await pass(world, 3 * INTERVAL);
    await pass(world, 1_000);
    await pass(world, INTERVAL);

    assert.equal(client.isOpen, false);
    assert.deepEqual(reasons, ["receive/DETECT_TIMEOUT/local"]);
  });

  it("a server answers probes, never begins one, and ends a silent session after attempts + 1 intervals", async () => {
    const world = memoryWorld();
    const { server, reasons } = await serverOf(world);
    const peer = await plain(world);
    const to = loopback(5555);

    peer.send(1, Buffer.from(""), to);
    await world.engine.settle();
    assert.equal(peer.received.length, 1);
    assert.equal(server.connectionCount, 1);
    await pass(world, 4 * INTERVAL - 1_000);
    assert.deepEqual(reasons, []);
    await pass(world, 1_010);

    assert.deepEqual(reasons, ["receive/DETECT_TIMEOUT/local"]);
    assert.equal(peer.received.length, 1, "neither a probe nor a close-notify");
    await server.stop({ drainMs: 0 });
  });

  it("a server counts intervals since the session began, as its peers do", async () => {
    const world = memoryWorld();
    const { server, reasons } = await serverOf(world);
    const peer = await plain(world);
    const to = loopback(5555);

    peer.send(1, Buffer.from("begin"), to);
    await world.engine.settle();
    // Heard in the middle of the second interval: ticks at 2, 3, 4 count, and the one at 5 ends it.
    await pass(world, 1.5 * INTERVAL);
    peer.send(2, Buffer.from("again"), to);
    await world.engine.settle();
    await pass(world, 3.5 * INTERVAL - 1_000);
    assert.deepEqual(reasons, []);
    await pass(world, 1_010);

    assert.deepEqual(reasons, ["receive/DETECT_TIMEOUT/local"]);
    await server.stop({ drainMs: 0 });
  });

  it("neither side minds silence where attempts or interval are 0", async () => {
    const world = memoryWorld();
    const { peer, client } = await clientOf(world, { detectAttempts: 0 });
    const { server } = await serverOf(world, { detectIntervalMs: 0 });
    peer.send(1, Buffer.from("hello"), loopback(5555));
    await world.engine.settle();

    await pass(world, 100 * INTERVAL);

    assert.equal(client.isOpen, true);
    assert.equal(server.connectionCount, 1);
    assert.equal(peer.received.length, 0);
    assert.equal(world.clock.timerCount, 0, "an idle session costs no timer");
    await client.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("probes can be switched on and off while a client is connected", async () => {
    const world = memoryWorld();
    const { peer, client, reasons } = await clientOf(world, { detectIntervalMs: 0 });
    await pass(world, 10 * INTERVAL);
    assert.equal(peer.received.length, 0);

    client.configure({ detectIntervalMs: 1_000, detectAttempts: 1 });
    await world.engine.settle();
    assert.equal(peer.received.length, 1, "a probe at once");
    await pass(world, 1_000);
    client.configure({ detectIntervalMs: 0 });
    await pass(world, 10 * INTERVAL);
    assert.deepEqual(reasons, []);
    client.configure({ detectIntervalMs: 1_000 });
    for (let tick = 0; tick < 4; tick++) await pass(world, 1_004);

    assert.deepEqual(reasons, ["receive/DETECT_TIMEOUT/local"]);
  });

  it("our own client and server keep each other alive for days", async () => {
    const world = memoryWorld();
    const { server, reasons } = await serverOf(world);
    const client = new UdpClient({ engine: world.engine });
    const connecting = client.connect({ port: 5555 });
    await world.engine.settle();
    await connecting;

    for (let minute = 0; minute < 3_000; minute++) await pass(world, INTERVAL);

    assert.equal(client.isOpen, true);
    assert.equal(server.connectionCount, 1);
    assert.deepEqual(reasons, []);
    await client.stop({ drainMs: 0 });
    await world.engine.settle();
    assert.deepEqual(reasons, ["close/CLOSED/remote"]);
    await server.stop({ drainMs: 0 });
  });

  it("tells the peer of its own end by 16 bytes, and takes those for the peer's without an answer", async () => {
    const world = memoryWorld();
    const first = await clientOf(world);
    first.client.send("last words");
    first.client.close();
    await world.engine.settle();
    const second = await clientOf(world);
    second.peer.send(1, CLOSE_NOTIFY, second.peer.received[0]!.from);
    await world.engine.settle();

    const [probe, words, notify] = first.peer.received.map(({ bytes }) => bytes);
    assert.equal(probe?.length, 0);
    assert.equal(String(words), "last words");
    assert.equal(notify?.toString("hex"), "beb61febda5246ba923359dbbfe6c8e4");
    assert.deepEqual(first.reasons, ["close/CLOSED/local"]);
    assert.deepEqual(second.reasons, ["close/CLOSED/remote"]);
    assert.equal(second.peer.received.length, 1, "the probe");
  });

  it("tells peers of aborts, errors and idle ends too", async () => {
    for (const end of ["abort", "handler", "idle"]) {
      const world = memoryWorld();
      const { server, reasons } = await serverOf(world, {
        idleTimeoutMs: 10_000,
        onReceive: () => {
          if (end === "handler") throw new Error("not today");
        },
      });
      const peer = await plain(world);
      peer.send(1, Buffer.from("hello"), loopback(5555));
      await world.engine.settle();
      if (end === "abort") server.abort(server.connectionIds()[0]!);
      await pass(world, 10_010);

      assert.equal(reasons.length, 1);
      assert.match(reasons[0]!, /ABORTED|HANDLER_FAILED|IDLE_TIMEOUT/);
      assert.ok(peer.received[0]?.bytes.equals(CLOSE_NOTIFY), end);
      await server.stop({ drainMs: 0 });
    }
  });

  it("a stop tells all peers", async () => {
    const world = memoryWorld();
    const { server } = await serverOf(world);
    const peers = await Promise.all([plain(world), plain(world), plain(world)]);
    for (const peer of peers) peer.send(1, Buffer.from("hello"), loopback(5555));
    await world.engine.settle();
    assert.equal(server.connectionCount, 3);

    const stopping = server.stop();
    await world.engine.settle();
    assert.deepEqual(await stopping, { drainedCount: 3, cutCount: 0 });

    for (const peer of peers) assert.ok(peer.received[0]?.bytes.equals(CLOSE_NOTIFY));
    assert.equal(peerKeyOf(loopback(1)), 0x7f00_0001 * 65_536 + 1);
  });
});
