/** A UDP server on real sockets, on every engine, with plain peers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import { type MessageConnection, UdpServer, type UdpServerOptions } from "hp-socket/udp";
import { CLOSE_NOTIFY } from "#src/protocol/udp-control/udp-control.js";
import { availableEngines } from "../support/engine-list.js";
import { EventLog } from "../support/event-log.js";
import { UdpPeer } from "../support/udp-peer.js";
import { rounds, until } from "../support/until.js";

type Handlers = UdpServerOptions;

for (const engine of availableEngines()) {
  describe(`UdpServer on ${engine}`, () => {
    const make = (options: Handlers = {}) => new UdpServer({ engine, ...options });

    it("makes a connection of an address: its events come in their order, and once", async () => {
      const log = new EventLog();
      const { onEnd, ...handlers } = log.serverHandlers<MessageConnection, Buffer>({
        onReceive: (connection, datagram) => connection.send(datagram),
      });
      const server = make(handlers);
      const address = await server.listen({ host: "127.0.0.1" });
      const peer = await UdpPeer.open();

      peer.send(address, "one", "two");
      await until(() => peer.received.length === 2);
      const [id] = server.connectionIds();
      const connection = server.connection(id!)!;
      assert.deepEqual(connection.remoteAddress, { ...address, port: peer.port });
      assert.deepEqual(connection.localAddress, address);
      assert.equal(connection.stats.receivedBytes, 6);
      assert.equal(connection.stats.sentBytes, 6);
      await server.stop();
      await until(() => peer.received.length === 3);

      assert.deepEqual(peer.texts.slice(0, 2), ["one", "two"]);
      assert.ok(peer.received[2]!.equals(CLOSE_NOTIFY));
      assert.deepEqual(
        log.events.filter((event) => event !== "send"),
        ["accept", "handshake", "receive", "receive", "close:close/CLOSED/local", "shutdown"],
      );
      peer.close();
    });

    it("answers probes and hands none to the application", async () => {
      const received: string[] = [];
      const server = make({ onReceive: (_, datagram) => received.push(String(datagram)) });
      const address = await server.listen({ host: "127.0.0.1" });
      const peer = await UdpPeer.open();

      peer.send(address, "", "data", "");
      await until(() => peer.received.length === 2 && received.length === 1);

      assert.deepEqual(peer.texts, ["", ""]);
      assert.deepEqual(received, ["data"]);
      peer.close();
      await server.stop();
    });

    it("ends a connection by the peer's close-notify, without an answer; a stranger's begins none", async () => {
      const log = new EventLog();
      const { onEnd, ...handlers } = log.serverHandlers<MessageConnection, Buffer>();
      const server = make(handlers);
      const address = await server.listen({ host: "127.0.0.1" });
      const peer = await UdpPeer.open();
      const stranger = await UdpPeer.open();

      peer.send(address, "hello");
      await until(() => log.events.includes("receive"));
      stranger.send(address, CLOSE_NOTIFY);
      peer.send(address, CLOSE_NOTIFY);
      await log.closed();
      await rounds();

      assert.equal(log.events.at(-1), "close:close/CLOSED/remote");
      assert.equal(log.events.filter((event) => event === "accept").length, 1);
      assert.equal(server.connectionCount, 0);
      assert.deepEqual(peer.received, []);
      await server.stop();
      peer.close();
      stranger.close();
    });

    it("refuses by a handler, tells the peer, and asks again with its next datagram", async () => {
      let asked = 0;
      const server = make({
        onAccept: () => {
          asked++;
          return false;
        },
      });
      const address = await server.listen({ host: "127.0.0.1" });
      const peer = await UdpPeer.open();

      peer.send(address, "let me in");
      await until(() => peer.received.length === 1);
      peer.send(address, "please");
      await until(() => peer.received.length === 2);

      assert.equal(asked, 2);
      assert.ok(peer.received.every((datagram) => datagram.equals(CLOSE_NOTIFY)));
      peer.close();
      await server.stop();
    });

    it("keeps maxConnections sessions, and tells who is one too many", async () => {
      const refused: NetError[] = [];
      const server = make({ maxConnections: 2, onRefuse: (error) => void refused.push(error) });
      const address = await server.listen({ host: "127.0.0.1" });
      const peers = [await UdpPeer.open(), await UdpPeer.open(), await UdpPeer.open()];

      for (const peer of peers.slice(0, 2)) peer.send(address, "hello");
      await until(() => server.connectionCount === 2);
      peers[2]!.send(address, "hello");
      await until(() => peers[2]!.received.length === 1);

      assert.equal(refused[0]?.code, "CONNECTION_LIMIT");
      assert.equal(server.connectionCount, 2);
      assert.equal(server.stats.refusedCount, 1);
      await server.stop();
      for (const peer of peers) peer.close();
    });

    it("begins no session by a datagram that is too long, and does not answer it; later ones end theirs", async () => {
      const log = new EventLog();
      const refused: NetError[] = [];
      const { onEnd, ...handlers } = log.serverHandlers<MessageConnection, Buffer>({
        onReceive: (connection, datagram) => connection.send(datagram),
      });
      const server = make({
        ...handlers,
        maxDatagramBytes: 100,
        onRefuse: (error) => void refused.push(error),
      });
      const address = await server.listen({ host: "127.0.0.1" });
      const peer = await UdpPeer.open();

      peer.send(address, "x".repeat(101));
      await until(() => refused.length === 1);
      assert.deepEqual(
        [refused[0]?.code, refused[0]?.operation, server.connectionCount],
        ["DATAGRAM_TOO_LONG", "accept", 0],
      );
      peer.send(address, "y".repeat(100), "z".repeat(101));
      await log.closed();

      assert.deepEqual(
        log.events.filter((event) => event !== "send"),
        ["accept", "handshake", "receive", "close:receive/DATAGRAM_TOO_LONG/local"],
      );
      await until(() => peer.received.length === 2);
      assert.ok(peer.received.some((datagram) => datagram.equals(CLOSE_NOTIFY)));
      await server.stop();
      peer.close();
    });

    it("carries many datagrams of a turn, of all lengths, to many peers", async () => {
      const server = make({
        onReceive(connection, datagram) {
          for (let copy = 0; copy < 40; copy++) {
            connection.send(Buffer.alloc(copy % 7 === 6 ? 30 : 100, datagram));
          }
        },
      });
      const address = await server.listen({ host: "127.0.0.1" });
      const peers = await Promise.all(Array.from({ length: 10 }, () => UdpPeer.open()));

      for (const [index, peer] of peers.entries()) peer.send(address, String(index));
      await until(() => peers.every(({ received }) => received.length === 40));

      for (const [index, { received }] of peers.entries()) {
        const lengths = received.map(({ length }) => length);
        assert.deepEqual(
          lengths,
          Array.from({ length: 40 }, (_, copy) => (copy % 7 === 6 ? 30 : 100)),
        );
        assert.ok(received.every((datagram) => datagram[0] === 48 + index));
      }
      await server.stop();
      for (const peer of peers) peer.close();
    });

    it("throws for what can't be a datagram, and lives on", async () => {
      const server = make({ maxDatagramBytes: 500 });
      const address = await server.listen({ host: "127.0.0.1" });
      const peer = await UdpPeer.open();
      peer.send(address, "hello");
      await until(() => server.connectionCount === 1);
      const connection = server.connection(server.connectionIds()[0]!)!;

      for (const data of ["", Buffer.alloc(501), CLOSE_NOTIFY]) {
        assert.throws(() => connection.send(data), { code: "PACKET_INVALID" });
      }
      assert.equal(connection.send(Buffer.alloc(500)), true);
      await until(() => peer.received.length === 1);

      assert.equal(server.send(connection.id, "by id"), true);
      assert.equal(server.send(999_999, "nobody"), false);
      await server.stop();
      peer.close();
    });

    it("counts a datagram as failed whose memory was transferred or shrunk before it left, and sends the others", async () => {
      const server = make();
      const address = await server.listen({ host: "127.0.0.1" });
      const peers = [await UdpPeer.open(), await UdpPeer.open()];
      for (const peer of peers) peer.send(address, "hello");
      await until(() => server.connectionCount === 2);
      const [first, second] = server
        .connectionIds()
        .map((id) => server.connection(id) as MessageConnection);
      const transferred = new Uint8Array(1_000);
      const options = { maxByteLength: 2_000 };
      const shrunk: { resize?(byteLength: number): void } & ArrayBuffer = Reflect.construct(
        ArrayBuffer,
        [1_000, options],
      );

      // Enough of them to be a run, which the two cut.
      for (let count = 0; count < 5; count++) first!.send(Buffer.alloc(1_000, count));
      first!.send(transferred);
      for (let count = 5; count < 9; count++) first!.send(Buffer.alloc(1_000, count));
      first!.send(new Uint8Array(shrunk));
      second!.send("of another");
      structuredClone(transferred.buffer, { transfer: [transferred.buffer] });
      shrunk.resize?.(10);
      await until(() => peers.map(({ received }) => received.length).join() === "9,1");

      const firsts = peers.flatMap(({ received }) => received.map((bytes) => bytes[0]));
      assert.deepEqual(firsts.slice(0, 9), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
      await until(() => first!.failedCount === 2);
      assert.equal(first!.pendingBytes, 0);
      assert.equal(first!.stats.sentBytes, 9_000);
      await server.stop();
      for (const peer of peers) peer.close();
    });

    it("reads, requests, and iterates over whole datagrams", async () => {
      const taken: string[] = [];
      const server = make({
        async onHandshake(connection) {
          taken.push(String(await connection.read({ timeoutMs: 5_000 })));
          taken.push(String(await connection.request("question", { timeoutMs: 5_000 })));
          for await (const datagram of connection) taken.push(String(datagram));
          taken.push("over");
        },
      });
      const address = await server.listen({ host: "127.0.0.1" });
      const peer = await UdpPeer.open();

      peer.send(address, "first");
      await until(() => peer.texts.includes("question"));
      peer.send(address, "answer", "second", "third");
      await until(() => taken.length === 4);
      peer.send(address, CLOSE_NOTIFY);
      await until(() => taken.length === 5);

      assert.deepEqual(taken, ["first", "answer", "second", "third", "over"]);
      await server.stop();
      peer.close();
    });

    it("finds connections by key, publishes to topics, broadcasts", async () => {
      const server = make({
        onReceive(connection, datagram) {
          connection.key = String(datagram);
          connection.subscribe("all");
        },
      });
      const address = await server.listen({ host: "127.0.0.1" });
      const peers = [await UdpPeer.open(), await UdpPeer.open(), await UdpPeer.open()];

      for (const [index, peer] of peers.entries()) peer.send(address, `peer ${index}`);
      await until(() => server.subscriberCount("all") === 3);
      assert.equal(server.publish("all", "news"), 3);
      const except = server.byKey("peer 1")!;
      assert.deepEqual(server.broadcast("mail", { except }), { taken: 2, slow: 0, refused: 0 });
      await until(() => peers.reduce((sum, { received }) => sum + received.length, 0) === 5);

      assert.deepEqual(peers[1]!.texts, ["news"]);
      assert.deepEqual(peers[2]!.texts, ["news", "mail"]);
      await server.stop();
      for (const peer of peers) peer.close();
    });

    it("fails to listen where somebody else does, and can be started again", async () => {
      const server = make();
      const address = await server.listen({ host: "127.0.0.1" });
      const other = make();

      await assert.rejects(other.listen({ host: "127.0.0.1", port: address.port }), {
        code: "ADDRESS_IN_USE",
      });
      assert.equal(other.state, "stopped");
      await server.stop();
      await other.listen({ host: "127.0.0.1", port: address.port });

      assert.equal(other.port, address.port);
      await other.stop();
    });
  });
}
