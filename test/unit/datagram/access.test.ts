/** `access` of servers over datagrams: the same lists and limits as over streams. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { ArqServer } from "hp-socket/arq";
import { UdpServer, type UdpServerOptions } from "hp-socket/udp";
import type { PeerKey } from "#src/engine/engine.js";
import { peerKeyOf } from "#src/engine/peer-key.js";
import { parseHandshake, writeHandshake } from "#src/protocol/arq/handshake-packet.js";
import { stubWorld } from "../../support/datagram-stub.js";

const peer = (host: string, port: number): PeerKey =>
  peerKeyOf({ host, port, family: host.includes(":") ? "IPv6" : "IPv4" });

async function listening(options: UdpServerOptions) {
  const world = stubWorld();
  const refused: string[] = [];
  const server = new UdpServer({
    engine: world.engine,
    onReceive: () => undefined,
    onRefuse: ({ code }, from) => refused.push(`${code} ${from?.host}`),
    ...options,
  });
  const opening = server.listen({ port: 5_555 });
  await world.settle();
  await opening;
  const socket = world.sockets.at(-1)!;
  const hear = async (host: string, port: number): Promise<void> => {
    socket.receive(Buffer.from("hello"), peer(host, port));
    await world.settle();
  };
  const end = async (): Promise<void> => {
    const stopping = server.stop({ drainMs: 0 });
    await world.settle();
    await stopping;
  };
  return { world, server, socket, refused, hear, end };
}

describe("access of a UDP server", () => {
  it("keeps out whom the lists do not let in, without a word, until it is changed", async () => {
    const { server, socket, refused, hear, end } = await listening({
      access: { allow: ["10.0.0.0/8", "2001:db8::/32"], deny: ["10.9.0.0/16"] },
    });

    await hear("192.0.2.1", 1_000);
    await hear("10.9.0.1", 1_000);
    await hear("::ffff:192.0.2.1", 1_000);
    assert.equal(server.connectionCount, 0);
    await hear("10.1.0.1", 1_000);
    await hear("2001:db8::1", 1_000);

    assert.equal(server.connectionCount, 2);
    assert.equal(server.stats.refusedCount, 3);
    assert.deepEqual(refused.slice(0, 2), ["ACCESS_REFUSED 192.0.2.1", "ACCESS_REFUSED 10.9.0.1"]);
    assert.equal(socket.sent.length, 0);
    server.configure({ access: undefined });
    await hear("192.0.2.1", 1_000);
    assert.equal(server.connectionCount, 3);
    await end();
  });

  it("bounds the sessions of one address, and gives room back when they end", async () => {
    const { server, world, refused, hear, end } = await listening({
      access: { maxConnectionsPerAddress: 2 },
    });

    for (const port of [1, 2, 3]) await hear("192.0.2.1", port);
    await hear("192.0.2.2", 1);
    assert.equal(server.connectionCount, 3);
    assert.deepEqual(refused, ["ADDRESS_LIMIT 192.0.2.1"]);

    server.connection(server.connectionIds()[0]!)?.abort();
    await world.settle();
    await hear("192.0.2.1", 3);
    assert.equal(server.connectionCount, 3);
    server.configure({ access: { maxConnectionsPerAddress: 3 } });
    for (const port of [4, 5]) await hear("192.0.2.1", port);
    assert.equal(server.connectionCount, 4, "those that were there are counted");
    await end();
  });

  it("bounds what one address begins in a second, and goes on with who is in", async () => {
    const { server, world, refused, hear, end } = await listening({
      access: { newConnectionsPerSecond: 2 },
    });

    for (const port of [1, 2, 3, 1, 2]) await hear("192.0.2.1", port);
    assert.equal(server.connectionCount, 2);
    assert.deepEqual(refused, ["ADDRESS_RATE_LIMIT 192.0.2.1"]);
    world.clock.advance(1_000);
    await hear("192.0.2.1", 3);

    assert.equal(server.connectionCount, 3);
    await end();
  });

  it("refuses options that can't be, and changes nothing then", async () => {
    const wrong = { access: { allow: ["nowhere"] } };
    const code = { code: "INVALID_ARGUMENT" };
    assert.throws(() => new UdpServer({ ...wrong, onReceive() {} }), code);
    const { server, hear, end } = await listening({ access: { allow: [] } });
    assert.throws(() => server.configure(wrong), code);
    assert.throws(() => server.configure({ access: undefined, maxDatagramBytes: -1 }), code);
    await hear("192.0.2.1", 1);

    assert.equal(server.connectionCount, 0);
    await end();
  });
});

describe("access of an ARQ server", () => {
  it("answers no handshake of whom it keeps out, and counts who has proved its address", async () => {
    const world = stubWorld();
    const server = new ArqServer({
      engine: world.engine,
      access: { deny: ["192.0.2.0/24"], maxConnectionsPerAddress: 1 },
    });
    const opening = server.listen({ port: 5_555 });
    await world.settle();
    await opening;
    const socket = world.sockets.at(-1)!;
    const first = writeHandshake({ isComplete: false, ownId: 7, peerId: 0 });
    const begin = async (from: PeerKey): Promise<void> => {
      socket.sent.length = 0;
      socket.receive(first, from);
      await world.settle();
      const answer = socket.sent[0] && parseHandshake(Buffer.from(socket.sent[0].pieces[0]!));
      if (answer === undefined) return;
      socket.receive(writeHandshake({ isComplete: true, ownId: 7, peerId: answer.ownId }), from);
      await world.settle();
    };

    await begin(peer("192.0.2.1", 1));
    assert.equal(socket.sent.length, 0);
    // Half a handshake takes no place.
    for (const port of [1, 2, 3]) socket.receive(first, peer("198.51.100.1", port));
    await world.settle();
    await begin(peer("198.51.100.1", 4));
    assert.equal(server.connectionCount, 1);
    await begin(peer("198.51.100.1", 5));

    assert.equal(server.connectionCount, 1);
    assert.equal(server.stats.refusedCount, 2);
    const stopping = server.stop({ drainMs: 0 });
    await world.settle();
    await stopping;
  });
});
