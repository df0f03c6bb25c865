/** What strangers can do to components over UDP: floods of addresses, garbage, forged and repeated datagrams. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UdpClient, UdpServer, type UdpServerOptions } from "hp-socket/udp";
import type { PeerKey } from "#src/engine/engine.js";
import { peerKeyOf } from "#src/engine/peer-key.js";
import { CLOSE_NOTIFY } from "#src/protocol/udp-control/udp-control.js";
import { type StubDatagram, type StubWorld, stubWorld } from "../support/datagram-stub.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";

const COUNT = fuzzRuns(100_000);

/** The n-th address: each of another network. */
const addressOf = (index: number): PeerKey => (0x0a00_0000 + index) * 65_536 + 40_000;

async function listening(
  world: StubWorld,
  options: UdpServerOptions,
): Promise<{ server: UdpServer; socket: StubDatagram }> {
  const server = new UdpServer({ engine: world.engine, ...options });
  const opening = server.listen({ port: 5_555 });
  await world.settle();
  await opening;
  return { server, socket: world.sockets.at(-1)! };
}

describe("UDP: floods and garbage", () => {
  it(`holds maxConnections against ${COUNT} addresses in a second; old sessions live`, async () => {
    const world = stubWorld();
    let refusedCount = 0;
    const heard: string[] = [];
    const { server, socket } = await listening(world, {
      maxConnections: 1_000,
      onReceive: (connection, datagram) => {
        if (datagram.length === 6) heard.push(String(connection.id));
        connection.send(datagram);
      },
      onRefuse: () => {
        refusedCount++;
      },
    });
    const old = Array.from({ length: 20 }, (_, index) => addressOf(1_000_000 + index));
    for (const from of old) socket.receive(Buffer.from("old"), from);
    await world.settle();
    socket.sent.length = 0;

    for (let index = 0; index < COUNT; index++) {
      socket.receive(Buffer.from("new!"), addressOf(index));
      if (index % 1_000 === 0) await world.settle();
    }
    await world.settle();

    assert.equal(server.connectionCount, 1_000);
    assert.equal(server.stats.refusedCount, COUNT - 980);
    assert.equal(refusedCount, 100, "so many are told in a second");
    const toStrangers = socket.sent.filter(({ pieces }) => pieces[0]!.equals(CLOSE_NOTIFY));
    assert.equal(toStrangers.length, 100);
    assert.equal(socket.sent.length, 980 + 100, "never more than one for each that came");
    for (const from of old) socket.receive(Buffer.from("still!"), from);
    await world.settle();
    assert.equal(heard.length, 20);
    const stopping = server.stop();
    await world.settle();
    assert.deepEqual(await stopping, { drainedCount: 1_000, cutCount: 0 });
  });

  it("takes each datagram of a stranger's train for itself: one may begin what another may not", async () => {
    const world = stubWorld();
    const heard: string[] = [];
    const { server, socket } = await listening(world, {
      onReceive: (_: unknown, bytes: Buffer) => heard.push(bytes.toString()),
    });
    const train = Buffer.concat([CLOSE_NOTIFY, Buffer.alloc(16, "a"), Buffer.from("b")]);

    socket.receive(train, addressOf(1), CLOSE_NOTIFY.length);
    await world.settle();

    assert.deepEqual(heard, ["a".repeat(16), "b"]);
    assert.equal(server.connectionCount, 1);
    const stopping = server.stop({ drainMs: 0 });
    await world.settle();
    await stopping;
  });

  it("lets a network begin maxNewPerSecond sessions in a second, and its old ones go on", async () => {
    const world = stubWorld();
    const { server, socket } = await listening(world, { onReceive: () => undefined });
    const ofOne = (index: number): PeerKey => 0x0a00_0001 * 65_536 + 1 + index;
    const sixth = (index: number): PeerKey =>
      peerKeyOf({ host: `2001:db8:0:1::${(index + 1).toString(16)}`, port: 7, family: "IPv6" });

    for (let index = 0; index < 10_000; index++) {
      socket.receive(Buffer.from("x"), ofOne(index));
      socket.receive(Buffer.from("x"), sixth(index));
    }
    await world.settle();
    assert.equal(server.connectionCount, 100, "50 of an IPv4 address, and 50 of an IPv6 /64");

    world.clock.advance(1_000);
    for (let index = 0; index < 10_000; index++) socket.receive(Buffer.from("x"), ofOne(index));
    socket.receive(Buffer.from("x"), addressOf(5));
    await world.settle();

    assert.equal(server.connectionCount, 151, "50 more, and one of another network");
    assert.ok(socket.sent.length === 0, "who floods is not answered");
    const stopping = server.stop({ drainMs: 0 });
    await world.settle();
    await stopping;
  });

  it(`${COUNT} mutated datagrams: nothing throws, and what is kept stays bounded`, async () => {
    const world = stubWorld();
    const random = new Random(14);
    let received = 0;
    const reasons = new Map<string, number>();
    const { server, socket } = await listening(world, {
      maxConnections: 200,
      maxNewPerSecond: 0,
      maxDatagramBytes: 1_432,
      maxUnreadBytes: 10_000,
      onReceive: (connection, datagram) => {
        received++;
        if (received % 7 === 0) connection.pause();
        if (received % 13 === 0) connection.send(datagram);
        if (received % 11 === 0) connection.close();
        else if (received % 17 === 0) throw new Error("a handler fails");
      },
      onClose: (_, { code }) => reasons.set(code, (reasons.get(code) ?? 0) + 1),
    });
    const valid = [Buffer.from("hello"), CLOSE_NOTIFY, Buffer.alloc(0), Buffer.alloc(1_432, "x")];

    for (let index = 0; index < COUNT; index++) {
      const original = Buffer.from(random.pick(valid));
      const end = random.integer(0, original.length);
      const bytes = random.integer(0, 3) === 0 ? original.subarray(0, end) : original;
      if (bytes.length > 0 && random.integer(0, 1) === 0) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const from = addressOf(random.integer(0, 500));
      if (bytes.length > 8 && random.integer(0, 9) === 0) {
        socket.receive(bytes, from, random.integer(1, bytes.length));
      } else if (random.integer(0, 99) === 0) socket.receive(Buffer.alloc(9_000), from);
      else socket.receive(bytes, from);
      if (index % 500 === 0) await world.settle();
      if (index % 5_000 === 0) world.clock.advance(1_000);
    }
    await world.settle();

    assert.ok(server.connectionCount <= 200);
    assert.ok(received > COUNT / 10);
    const codes = [...reasons.keys()].sort();
    assert.deepEqual(codes, ["CLOSED", "DATAGRAM_TOO_LONG", "HANDLER_FAILED"]);
    for (const id of server.connectionIds()) {
      const { unreadBytes, pendingBytes } = server.connection(id)!.stats;
      assert.ok(unreadBytes <= 10_000 && pendingBytes === 0);
    }
    const stopping = server.stop({ drainMs: 0 });
    await world.settle();
    await stopping;
    assert.equal(world.clock.timerCount, 0);
    assert.equal(socket.isClosed, true);
  });

  it("a datagram of port 0 is nobody's: it could not be answered", async () => {
    const world = stubWorld();
    const { server, socket } = await listening(world, {});

    socket.receive(Buffer.from("hidden"), 0x0a00_0001 * 65_536);
    await world.settle();

    assert.equal(server.connectionCount, 0);
    await Promise.all([server.stop({ drainMs: 0 }), world.settle()]);
  });

  it("a session that never sends out what is asked for is bounded by maxPendingBytes", async () => {
    const world = stubWorld();
    const results: unknown[] = [];
    const { server, socket } = await listening(world, {
      maxPendingBytes: 10_000,
      highWaterMarkBytes: 5_000,
      onReceive: (connection) => {
        for (let count = 0; count < 100; count++)
          results.push(connection.send(Buffer.alloc(1_000)));
      },
    });
    socket.completes = false;

    socket.receive(Buffer.from("flood me"), addressOf(1));
    await world.settle();

    const connection = server.connection(server.connectionIds()[0]!)!;
    assert.deepEqual(results.slice(0, 11), [
      ...Array(4).fill(true),
      ...Array(6).fill("slow"),
      false,
    ]);
    assert.equal(connection.pendingBytes, 10_000);
    assert.equal(connection.stats.droppedCount, 90);
    assert.equal(
      socket.sent.reduce((sum, { pieces }) => sum + pieces.length, 0),
      10,
    );
    const stopping = server.stop({ drainMs: 0 });
    await world.settle();
    world.clock.advance(1_010);
    await world.settle();
    await stopping;
    assert.equal(socket.isClosed, true);
  });

  it("a client takes what comes as it is, and is closed by its peer's word or by time alone", async () => {
    const world = stubWorld();
    const random = new Random(7);
    let count = 0;
    const client = new UdpClient({ engine: world.engine, onReceive: () => void count++ });
    const connecting = client.connect({ port: 5_555 });
    await world.settle();
    await connecting;
    const socket = world.sockets[0]!;
    const peer = peerKeyOf({ host: "127.0.0.1", port: 5_555, family: "IPv4" });

    for (let index = 0; index < 20_000; index++) {
      const bytes = Buffer.alloc(random.integer(0, 64));
      for (let at = 0; at < bytes.length; at++) bytes[at] = random.integer(0, 255);
      socket.receive(bytes, peer);
    }
    await world.settle();

    assert.equal(client.isOpen, true);
    assert.ok(count > 19_000);
    assert.equal(client.connection?.missedCount, 0);
    Object.assign(socket, { droppedCount: 7 });
    assert.equal(client.connection?.missedCount, 7, "what the system has dropped is told");
    socket.receive(CLOSE_NOTIFY, peer);
    await world.settle();
    assert.equal(client.closeReason?.initiator, "remote");
  });
});
