/** Ends of secured streams on the node engine, at moments at which Node's own way goes wrong. */
import assert from "node:assert/strict";
import { connect as connectPlain, type Socket } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { nodeEngine } from "#src/engine/node/node-engine.js";
import type { TlsContext } from "#src/engine/tls-options.js";
import { selfSignedCertificate } from "#src/testing/index.js";
import type { ListenerProbe, StreamProbe } from "../../support/engine-probe.js";
import { turns } from "../../support/engine-wait.js";
import { EngineWorld, loopback, PLAIN_STREAM } from "../../support/engine-world.js";
import { until } from "../../support/until.js";

const SECURABLE = { ...PLAIN_STREAM, mayStartTls: true };
const certificate = selfSignedCertificate();
const versions = ["TLSv1.2", "TLSv1.3"] as const;

function contexts(version: (typeof versions)[number]): { server: TlsContext; client: TlsContext } {
  const engine = nodeEngine();
  const range = { minVersion: version, maxVersion: version };
  const { cert, key } = certificate;
  return {
    server: engine.createTlsContext("server", { cert, key, ...range }),
    client: engine.createTlsContext("client", { verify: "none", ...range }),
  };
}

describe("node engine: ends of secured streams", () => {
  let world: EngineWorld;

  beforeEach(() => {
    world = new EngineWorld(nodeEngine());
  });

  afterEach(() => world.end());

  const isSecured = (stream: StreamProbe): boolean => stream.events.includes("secured");

  async function securePair(
    version: (typeof versions)[number],
  ): Promise<{ client: StreamProbe; server: StreamProbe }> {
    const listener = await world.listen(loopback(), { stream: SECURABLE });
    const { client, server } = await world.pair(listener, { stream: SECURABLE });
    const context = contexts(version);
    server.socket.startTls(context.server);
    client.socket.startTls(context.client, "localhost");
    await until(() => isSecured(client) && isSecured(server));
    return { client, server };
  }

  for (const version of versions) {
    test(`closes when it is reset in the turn in which it finishes: ${version}`, async () => {
      const { client, server } = await securePair(version);
      server.onReceived = (): void => {
        server.socket.finish();
        server.socket.reset();
      };

      client.socket.write(Buffer.from("go"));
      await until(() => server.isClosed && (client.isClosed || client.isEnded));

      assert.equal(server.error, undefined);
    });

    test(`closes when it is reset while it is being shut down: ${version}`, async () => {
      for (const turnCount of [1, 2, 3]) {
        const { client, server } = await securePair(version);
        server.socket.finish();
        await turns(turnCount);
        server.socket.reset();
        await until(() => server.isClosed);
        client.socket.close();
      }
    });

    test(`closes when it is reset behind a peer that reads nothing: ${version}`, async () => {
      const { client, server } = await securePair(version);
      client.socket.pause();
      server.socket.write(Buffer.alloc(16 * 1_048_576));
      await turns(20);

      server.socket.finish();
      server.socket.reset();
      await until(() => server.isClosed);

      assert.equal(server.writtenCount, 0);
    });

    test(`gets what was sent right behind the handshake, though it finishes in it: ${version}`, async () => {
      for (let round = 0; round < 10; round++) {
        const listener = await world.listen(loopback(), { stream: SECURABLE });
        const context = contexts(version);
        const { client, server } = await world.pair(listener, { stream: SECURABLE });
        Object.defineProperty(server, "streamSecured", {
          value: () => {
            server.events.push("secured");
            server.socket.finish();
          },
        });
        Object.defineProperty(client, "streamSecured", {
          value: () => {
            client.events.push("secured");
            client.socket.write(Buffer.from("first"));
          },
        });
        server.socket.startTls(context.server);
        client.socket.startTls(context.client, "localhost");
        await until(() => client.isEnded && server.receivedBytes > 0);

        assert.equal(server.received().toString(), "first");
      }
    });
  }

  test("resets handshakes of silent peers at once, many of them too", async () => {
    const listener: ListenerProbe = await world.listen(loopback(), { stream: SECURABLE });
    const context = contexts("TLSv1.3");
    listener.onAccepted = (stream): boolean => {
      stream.socket.startTls(context.server);
      return true;
    };
    const { port } = listener.address as { port: number };
    const peers: Socket[] = Array.from({ length: 200 }, () => {
      const peer = connectPlain({ port, host: "127.0.0.1" });
      peer.on("error", () => {});
      return peer;
    });
    await until(() => listener.accepted.length === 200);

    for (const stream of listener.accepted) stream.socket.reset();
    await until(() => listener.accepted.every((stream) => stream.isClosed));
    await until(() => peers.every((peer) => peer.destroyed));
  });

  test("refuses TLS on a stream that was not opened for it", async () => {
    const { client } = await world.pair();

    assert.throws(() => client.socket.startTls(contexts("TLSv1.3").client), {
      code: "NOT_SUPPORTED",
    });
  });
});
