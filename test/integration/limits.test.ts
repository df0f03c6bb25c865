import assert from "node:assert/strict";
import { connect as connectSocket, type Socket } from "node:net";
import { describe, it } from "node:test";
import {
  type CloseReason,
  type Connection,
  delimiter,
  type EngineName,
  type IpAddress,
  type NetError,
  pack,
  pull,
  type ReceiveModel,
  type SendResult,
  TcpAgent,
  TcpClient,
  TcpServer,
} from "hp-socket";
import { MAX_HELD_BYTES } from "#src/connection/inbound.js";
import { MAX_AHEAD_BYTES } from "#src/engine/engine.js";
import { availableEngines } from "../support/engine-list.js";
import { untilQuiet } from "../support/engine-wait.js";
import { EventLog } from "../support/event-log.js";
import { until } from "../support/until.js";

async function listening(server: { listen: TcpServer["listen"] }): Promise<IpAddress> {
  return (await server.listen({ host: "127.0.0.1" })) as IpAddress;
}

/** A plain peer that sends `bytes` and never reads. */
function deafPeer(address: IpAddress, bytes: Uint8Array | string): Socket {
  const socket = connectSocket({ host: address.host, port: address.port });
  socket.on("error", () => {});
  socket.pause();
  socket.write(bytes);
  return socket;
}

for (const engine of availableEngines()) {
  describe(`limits on ${engine}`, () => limits(engine));
}

function limits(engine: EngineName): void {
  it("maxPendingBytes cuts off a peer that never reads, while 99 others go on", async () => {
    const log = new EventLog();
    const block = Buffer.alloc(65_536, 7);
    const server = new TcpServer({
      engine,
      maxPendingBytes: 1_048_576,
      ...log.serverHandlers<Connection, Buffer>({
        onReceive(connection, bytes) {
          if (bytes[0] !== 0x21) connection.send(bytes);
          else while (connection.send(block) || connection.isOpen);
        },
      }),
    });
    const address = await listening(server);
    const agent = new TcpAgent({ engine });
    const others = await Promise.all(
      Array.from({ length: 99 }, () => agent.connect({ port: address.port })),
    );

    const deaf = deafPeer(address, "!");
    await log.closed();
    const echoes = await Promise.all(
      others.map((connection, index) => {
        connection.send(`peer ${index}`);
        return connection.read(`peer ${index}`.length, { timeoutMs: 5_000 });
      }),
    );

    assert.equal(log.reasons[0]?.code, "SEND_QUEUE_FULL");
    assert.equal(log.reasons[0]?.operation, "send");
    assert.match(String(log.reasons[0]?.cause?.message), /maxPendingBytes \(1048576\)/);
    assert.equal(echoes[98]?.toString(), "peer 98");
    assert.equal(server.connectionCount, 99);
    deaf.destroy();
    await agent.stop();
    await server.stop();
  });

  it("slowConsumer drop drops whole packets above maxPendingBytes and counts them", async () => {
    const sent: SendResult[] = [];
    let peer: Connection | undefined;
    const server = new TcpServer({
      engine,
      receive: pack(),
      slowConsumer: "drop",
      maxPendingBytes: 4_194_304,
      onAccept(connection) {
        peer = connection;
        for (let index = 0; index < 400; index++) sent.push(connection.send(numbered(index)));
      },
    });
    const address = await listening(server);

    const received: number[] = [];
    const client = new TcpClient({
      engine,
      receive: pack(),
      onReceive(_, packet) {
        received.push(packet.readUInt32LE(0));
        if (received.length === 1) setImmediate(() => client.close());
      },
    });
    await client.connect({ port: address.port });
    await client.stopped();
    const dropped = peer?.stats.droppedCount ?? 0;
    await server.stop();

    assert.ok(dropped > 0 && dropped < 400, `${dropped} dropped`);
    assert.equal(sent.filter((result) => result === false).length, dropped);
    assert.ok(sent.includes("slow"), "above the high mark, and taken");
    assert.deepEqual(
      received,
      Array.from({ length: received.length }, (_, index) => index),
    );
  });

  it("slowConsumer pause stops reading from a peer that does not take its answers", async () => {
    let served: Connection | undefined;
    const server = new TcpServer({
      engine,
      slowConsumer: "pause",
      highWaterMarkBytes: 262_144,
      maxPendingBytes: 67_108_864,
      onAccept(connection) {
        served = connection;
      },
      onReceive(connection, bytes) {
        connection.send(bytes);
      },
    });
    const address = await listening(server);
    const total = 32 * 1_048_576;
    const socket = deafPeer(address, Buffer.alloc(total));

    await until(() => (served?.pendingBytes ?? 0) >= 262_144);
    await until(() => socket.writableLength > 0);
    const most = served?.pendingBytes ?? 0;
    let read = 0;
    await new Promise<void>((resolve) => {
      socket.on("data", (bytes) => {
        read += bytes.length;
        if (read === total) resolve();
      });
      socket.resume();
    });
    socket.destroy();
    await server.stop();

    assert.ok(most < 2_000_000, `${most} bytes were pending`);
    assert.equal(read, total);
  });

  for (const [text, receive, bytes, code, names] of [
    [
      "a packet above maxPacketBytes",
      pack({ maxPacketBytes: 100 }),
      "\x65\0\0\0",
      "PACKET_TOO_LONG",
      /maxPacketBytes/,
    ],
    ["a wrong flag", pack({ flag: 0x169 }), "\x05\0\0\0hello", "PACKET_MALFORMED", /flag/],
    ["an empty pack packet", pack(), "\0\0\0\0", "PACKET_MALFORMED", /length/],
    [
      "a line that does not end",
      delimiter({ maxPacketBytes: 10 }),
      "x".repeat(100),
      "PACKET_TOO_LONG",
      /maxPacketBytes/,
    ],
  ] as [string, ReceiveModel<Buffer>, string, string, RegExp][]) {
    it(`${text} ends the connection with ${code}, and nothing else`, async () => {
      const log = new EventLog();
      const server = new TcpServer({
        engine,
        receive,
        ...log.serverHandlers<Connection, Buffer>(),
      });
      const address = await listening(server);

      const socket = deafPeer(address, Buffer.from(bytes, "latin1"));
      await log.closed();
      const again = new TcpClient({ engine });
      await again.connect({ port: address.port });

      assert.equal(log.reasons[0]?.code, code);
      assert.equal(log.reasons[0]?.operation, "receive");
      assert.match(String(log.reasons[0]?.cause?.message), names);
      assert.equal(again.isOpen, true);
      socket.destroy();
      await again.stop();
      await server.stop();
    });
  }

  it("a peer that finishes in the middle of a packet ends with PACKET_TRUNCATED", async () => {
    const log = new EventLog();
    const server = new TcpServer({
      engine,
      receive: pack(),
      ...log.serverHandlers<Connection, Buffer>(),
    });
    const address = await listening(server);

    connectSocket({ host: address.host, port: address.port })
      .on("error", () => {})
      .end(Buffer.from("050000006865", "hex"));
    await log.closed();
    await server.stop();

    assert.equal(log.reasons[0]?.code, "PACKET_TRUNCATED");
    assert.equal(log.reasons[0]?.initiator, "remote");
  });

  it("maxConnections refuses with an event, and lets in again when one has gone", async () => {
    const refused: NetError[] = [];
    const server = new TcpServer({
      engine,
      maxConnections: 2,
      onReceive(connection, bytes) {
        connection.send(bytes);
      },
      onRefuse(error) {
        refused.push(error);
      },
    });
    const { port } = await listening(server);
    const agent = new TcpAgent({ engine });
    const first = await agent.connect({ port });
    await agent.connect({ port });
    await until(() => server.connectionCount === 2);

    const third = await agent.connect({ port });
    await until(() => refused.length === 1);
    await until(() => !third.isOpen);
    first.close();
    await until(() => server.connectionCount === 1);
    const fourth = await agent.connect({ port });
    fourth.send("in");
    const answer = await fourth.read(2, { timeoutMs: 5_000 });

    assert.equal(refused[0]?.code, "CONNECTION_LIMIT");
    assert.match(String(refused[0]?.message), /maxConnections/);
    assert.equal(answer.toString(), "in");
    assert.equal(server.stats.refusedCount, 1);
    await agent.stop();
    await server.stop();
  });

  it("an agent at maxConnections rejects with CONNECTION_LIMIT", async () => {
    const server = new TcpServer({ engine });
    const { port } = await listening(server);
    const agent = new TcpAgent({ engine, maxConnections: 1 });
    await agent.connect({ port });

    await assert.rejects(agent.connect({ port }), { code: "CONNECTION_LIMIT" });

    assert.equal(agent.connectionCount, 1);
    await agent.stop();
    await server.stop();
  });

  it("maxUnreadBytes holds a peer back that sends faster than is fetched, and loses nothing", async () => {
    let served: Connection | undefined;
    const server = new TcpServer({
      engine,
      receive: pull(),
      maxUnreadBytes: 100_000,
      onReceive(connection) {
        served = connection;
      },
    });
    const { port } = await listening(server);
    const client = new TcpClient({ engine, maxPendingBytes: 67_108_864 });
    await client.connect({ port });
    const total = 24 * 1_048_576;
    client.send(Buffer.alloc(total));

    await until(() => (served?.unreadBytes ?? 0) >= 100_000);
    const most = served?.unreadBytes ?? 0;
    const held = client.pendingBytes;
    let fetched = 0;
    while (fetched < total) {
      const bytes = served?.fetch(Math.min(50_000, served.unreadBytes));
      fetched += bytes?.length ?? 0;
      if (fetched < total) await new Promise((resolve) => setImmediate(resolve));
    }

    assert.ok(most < 100_000 + 131_072, `${most} bytes were unread`);
    assert.ok(held > 0);
    assert.equal(fetched, total);
    await client.stop();
    await server.stop();
  });

  it("keeps of each of 20 peers what is named while the promises of their handlers are open", async () => {
    const delivered = new Map<number, number>();
    const server = new TcpServer({
      engine,
      onReceive(connection, bytes) {
        delivered.set(connection.id, bytes.length);
        return new Promise(() => {});
      },
    });
    const address = await listening(server);
    const block = Buffer.alloc(4_194_304);

    const peers = Array.from({ length: 20 }, () => deafPeer(address, block));
    await until(() => delivered.size === peers.length);
    await untilQuiet(() => server.stats.receivedBytes, 100);
    const kept = [...delivered].map(([id, byteCount]) => {
      return (server.connection(id)?.stats.receivedBytes ?? 0) - byteCount;
    });

    // MAX_HELD_BYTES, and what an engine still brings after a pause.
    assert.ok(Math.max(...kept) <= MAX_HELD_BYTES + 2 * MAX_AHEAD_BYTES, `${Math.max(...kept)}`);
    assert.ok(Math.min(...kept) >= MAX_HELD_BYTES, `${Math.min(...kept)}`);
    for (const peer of peers) peer.destroy();
    await server.stop({ drainMs: 0 });
  });

  it("closeTimeoutMs leaves a peer that takes one large piece slowly all the time it needs", async () => {
    const byteCount = 32 * 1_048_576;
    const reasons: CloseReason[] = [];
    const server = new TcpServer({
      engine,
      closeTimeoutMs: 500,
      onAccept(connection) {
        connection.send(Buffer.alloc(byteCount));
        connection.close();
      },
      onClose: (_, reason) => void reasons.push(reason),
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const beganMs = performance.now();
    let received = 0;
    const peer = connectSocket(port, "127.0.0.1");
    // Steadily, over several times closeTimeoutMs.
    for await (const bytes of peer) {
      received += (bytes as Buffer).length;
      const dueMs = beganMs + (received / byteCount) * 1_500;
      while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, 2));
    }

    await until(() => reasons.length === 1);

    assert.equal(received, byteCount);
    assert.equal(reasons[0]?.code, "CLOSED", reasons[0]?.cause?.message);
    await server.stop();
  });

  it("closeTimeoutMs ends a connection whose peer does not take the rest", async () => {
    const log = new EventLog();
    const server = new TcpServer({
      engine,
      closeTimeoutMs: 100,
      ...log.serverHandlers<Connection, Buffer>({
        onAccept(connection) {
          connection.send(Buffer.alloc(16_000_000));
          connection.close();
        },
      }),
    });
    const address = await listening(server);

    const socket = deafPeer(address, "x");
    await log.closed();
    socket.destroy();
    await server.stop();

    assert.equal(log.reasons[0]?.code, "CLOSE_TIMEOUT");
    assert.match(String(log.reasons[0]?.cause?.message), /closeTimeoutMs \(100\)/);
  });

  it("drainMs cuts what is left when a server stops, and says how many", async () => {
    const log = new EventLog();
    const server = new TcpServer({
      engine,
      ...log.serverHandlers<Connection, Buffer>({
        onAccept: (connection) => void connection.send(Buffer.alloc(16_000_000)),
      }),
    });
    const address = await listening(server);
    const socket = deafPeer(address, "x");
    await until(() => log.events.includes("receive"));

    const result = await server.stop({ drainMs: 50 });
    socket.destroy();

    assert.deepEqual(result, { drainedCount: 0, cutCount: 1 });
    assert.equal(log.reasons[0]?.code, "STOPPED");
  });
}

function numbered(index: number): Buffer {
  const packet = Buffer.alloc(100_000, index);
  packet.writeUInt32LE(index, 0);
  return packet;
}
