/** Reliable connections on real sockets, on every engine. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import {
  ArqAgent,
  ArqClient,
  type ArqClientOptions,
  ArqServer,
  type ArqServerOptions,
} from "hp-socket/arq";
import { availableEngines } from "../support/engine-list.js";
import { Random } from "../support/random.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`ARQ on ${engine}`, () => {
    const server = async (options: ArqServerOptions = {}) => {
      const made = new ArqServer({ engine, ...options });
      const { port } = await made.listen({ host: "127.0.0.1" });
      return { made, port };
    };
    const client = (options: ArqClientOptions = {}) => new ArqClient({ engine, ...options });

    it("keeps the borders of messages from empty to the longest, both ways", async () => {
      const random = new Random(1);
      const messages = [0, 1, 15, 16, 1_408, 1_409, 5_000, 65_536].map((byteCount) =>
        random.bytes(byteCount),
      );
      const received: Buffer[] = [];
      const { made, port } = await server({
        onReceive: (connection, message) => void connection.send(message),
      });
      const peer = client({ onReceive: (_, message) => void received.push(message) });
      await peer.connect({ port });

      for (const message of messages) peer.send(message);
      await until(() => received.length === messages.length);

      assert.deepEqual(received, messages);
      assert.equal(peer.pendingBytes, 0);
      await peer.stop();
      await made.stop();
    });

    it("calls the events in their order, and once", async () => {
      const events: string[] = [];
      const { made, port } = await server({
        onAccept: () => void events.push("accept"),
        onHandshake: () => void events.push("handshake"),
        onReceive: (_, message) => void events.push(`receive ${message}`),
        onClose: (_, reason) => void events.push(`close ${reason.code} ${reason.initiator}`),
        onShutdown: () => void events.push("shutdown"),
      });
      const peer = client({
        onConnect: () => void events.push("client connect"),
        onHandshake: () => void events.push("client handshake"),
        onClose: (_, reason) => void events.push(`client close ${reason.code} ${reason.initiator}`),
      });
      await peer.connect({ port });
      peer.send("one");
      await until(() => events.includes("receive one"));
      await peer.stop();
      await until(() => made.connectionCount === 0);
      await made.stop();

      const ofServer = events.filter((event) => !event.startsWith("client"));
      assert.deepEqual(ofServer, [
        "accept",
        "handshake",
        "receive one",
        "close CLOSED remote",
        "shutdown",
      ]);
      const ofClient = events.filter((event) => event.startsWith("client"));
      assert.deepEqual(ofClient, [
        "client connect",
        "client handshake",
        "client close CLOSED local",
      ]);
    });

    it("sends all that waits before it closes", async () => {
      let receivedBytes = 0;
      const { made, port } = await server({
        onReceive: (_, message) => {
          receivedBytes += message.length;
        },
      });
      const peer = client();
      await peer.connect({ port });

      for (let number = 0; number < 50; number++) peer.send(Buffer.alloc(10_000));
      await peer.stop();
      await until(() => receivedBytes === 500_000);

      await made.stop();
    });

    it("answers requests, and gives readers whole messages", async () => {
      const { made, port } = await server({
        onReceive: (connection, message) => void connection.send(`re ${message}`),
      });
      const agent = new ArqAgent({ engine });
      const connection = await agent.connect({ port });

      assert.equal(String(await connection.request("a")), "re a");
      connection.send("b");
      connection.send("c");
      assert.equal(String(await connection.read()), "re b");
      assert.equal(String(await connection.read()), "re c");

      assert.ok(connection.linkStats.sentSegments >= 3);
      await agent.stop();
      await made.stop();
    });

    it("holds the peer back while a handler is busy, and loses nothing", async () => {
      const received: number[] = [];
      let isBusy = true;
      let finish = (): void => undefined;
      const { made, port } = await server({
        receiveWindow: 128,
        onReceive: async (_, message) => {
          received.push(message.readUInt32LE(0));
          if (isBusy) {
            await new Promise<void>((resolve) => {
              finish = resolve;
            });
          }
        },
      });
      const peer = client({ slowConsumer: "close", congestion: "none" });
      await peer.connect({ port });
      for (let number = 0; number < 500; number++) {
        const message = Buffer.alloc(1_000);
        message.writeUInt32LE(number, 0);
        peer.send(message);
      }
      await until(() => received.length === 1);
      await until(() => peer.linkStats!.windowSegments === 0);
      assert.ok(peer.pendingBytes > 300_000);

      isBusy = false;
      finish();
      await until(() => received.length === 500);

      assert.deepEqual(received, [...received.keys()]);
      await peer.stop();
      await made.stop();
    });

    it("tells who is not there within the time for the handshake", async () => {
      const { made, port } = await server();
      await made.stop();

      await assert.rejects(
        client({ handshakeTimeoutMs: 200, minRtoMs: 30 }).connect({ port }),
        (error: NetError) => error.code === "HANDSHAKE_TIMEOUT",
      );
    });

    it("sends from onHandshake on, and not before", async () => {
      for (const conversation of [undefined, 7, "any"] as const) {
        const received: string[] = [];
        const answers: unknown[] = [];
        const { made, port } = await server({
          conversation,
          onAccept: (connection) => void answers.push(connection.send("too early")),
          onHandshake: (connection) => void answers.push(connection.send("from the server")),
          onReceive: (_, message) => void received.push(String(message)),
        });
        const peer = client({
          conversation,
          onConnect: (one) => void answers.push(one.send("too early")),
          onHandshake: (one) => void answers.push(one.send("from the client")),
          onReceive: (_, message) => void received.push(String(message)),
        });
        await peer.connect({ port });

        await until(() => received.length === 2);

        assert.deepEqual(received.sort(), ["from the client", "from the server"]);
        assert.deepEqual(answers.sort(), [false, false, true, true]);
        await peer.stop();
        await made.stop();
      }
    });

    it("talks to a stock KCP peer, with one conversation id and no handshake", async () => {
      const received: string[] = [];
      const { made, port } = await server({
        conversation: "any",
        onReceive: (connection, message) => void connection.send(message),
      });
      const peer = client({
        conversation: 0x11223344,
        onReceive: (_, message) => void received.push(String(message)),
      });
      await peer.connect({ port });

      peer.send("stock");
      await until(() => received.length === 1);

      assert.deepEqual(received, ["stock"]);
      await peer.stop();
      await made.stop();
    });
  });
}
