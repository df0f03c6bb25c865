/**
 * Secured streams by the contract of engines: their ends, at moments at which Node's own way goes wrong, and
 * what goes through them.
 */
import assert from "node:assert/strict";
import { connect as connectPlain, type Socket } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Engine } from "#src/engine/engine.js";
import { nodeEngine } from "#src/engine/node/node-engine.js";
import { opensslAvailability } from "#src/engine/openssl/availability.js";
import type { TlsContext } from "#src/engine/tls-options.js";
import { makeUringEngine, uringAvailability, uringEngine } from "#src/engine/uring/uring-engine.js";
import { selfSignedCertificate } from "#src/testing/index.js";
import type { ListenerProbe, StreamProbe } from "../support/engine-probe.js";
import { turns } from "../support/engine-wait.js";
import { EngineWorld, loopback, PLAIN_STREAM } from "../support/engine-world.js";
import { until } from "../support/until.js";

const SECURABLE = { ...PLAIN_STREAM, mayStartTls: true };
const certificate = selfSignedCertificate();
const versions = ["TLSv1.2", "TLSv1.3"] as const;

function contexts(
  engine: Engine,
  version: (typeof versions)[number],
): { server: TlsContext; client: TlsContext } {
  const range = { minVersion: version, maxVersion: version };
  const { cert, key } = certificate;
  return {
    server: engine.createTlsContext("server", { cert, key, ...range }),
    client: engine.createTlsContext("client", { verify: "none", ...range }),
  };
}

let smallest: Engine | undefined;

/** Engines that do TLS, by name. */
const engines: Readonly<Record<string, () => Engine>> = {
  node: nodeEngine,
  ...(uringAvailability() === true &&
    opensslAvailability() === true && {
      uring: uringEngine,
      "uring with the smallest queues, and ownership checked": () => {
        smallest ??= makeUringEngine({
          submissionEntries: 1,
          completionEntries: 2,
          receiveBufferCount: 2,
          receiveBufferBytes: 65_536,
          sendArenaBytes: 65_536,
          turnCompletions: 1,
          debug: true,
        });
        return smallest;
      },
    }),
};

for (const [name, create] of Object.entries(engines)) {
  describe(`secured streams of the engine ${name}`, () => securedStreams(create));
}

function securedStreams(create: () => Engine): void {
  const isNode = create === nodeEngine;
  let world: EngineWorld;

  beforeEach(() => {
    world = new EngineWorld(create());
  });

  afterEach(() => world.end());

  const isSecured = (stream: StreamProbe): boolean => stream.events.includes("secured");

  async function securePair(
    version: (typeof versions)[number],
  ): Promise<{ client: StreamProbe; server: StreamProbe }> {
    const listener = await world.listen(loopback(), { stream: SECURABLE });
    const { client, server } = await world.pair(listener, { stream: SECURABLE });
    const context = contexts(create(), version);
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
        const context = contexts(create(), version);
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
    const context = contexts(create(), "TLSv1.3");
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

  test("refuses TLS on a stream that was not opened for it", {
    skip: isNode ? false : "on the ring each stream of TCP can begin TLS",
  }, async () => {
    const { client } = await world.pair();

    assert.throws(() => client.socket.startTls(contexts(create(), "TLSv1.3").client), {
      code: "NOT_SUPPORTED",
    });
  });

  for (const version of versions) {
    test(`takes what came before it as the beginning of the handshake: ${version}`, async () => {
      const listener = await world.listen(loopback(), { stream: SECURABLE });
      const { client, server } = await world.pair(listener, { stream: SECURABLE });
      const context = contexts(create(), version);
      client.socket.startTls(context.client, "localhost");
      await until(() => server.receivedBytes > 0);
      server.socket.pause();
      const early = Buffer.from(server.received());
      assert.equal(early[0], 22, "a record of the handshake");

      server.socket.startTls(context.server, undefined, early);
      server.socket.resume();
      await until(() => isSecured(client) && isSecured(server));
      client.socket.write(Buffer.from("ping"));
      await until(() => server.received().toString().endsWith("ping"));

      assert.equal(server.receivedBytes, early.length + 4);
    });

    test(`carries bytes of all sizes both ways at once: ${version}`, async () => {
      const { client, server } = await securePair(version);
      const sizes = [
        1, 100, 4_095, 4_097, 16_384, 16_385, 49_152, 49_153, 65_536, 300_000, 1_000_000,
      ];
      const piecesOf = (seed: number): Buffer[] =>
        sizes.map((size, index) => {
          const piece = Buffer.alloc(size);
          for (let at = 0; at < size; at++) piece[at] = (at * 31 + seed + index) & 0xff;
          return piece;
        });
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const send = async (probe: StreamProbe, pieces: Buffer[]): Promise<void> => {
        for (const piece of pieces) {
          const before = probe.writtenCount;
          probe.socket.write(piece);
          await until(() => probe.writtenCount > before);
        }
        const before = probe.writtenCount;
        probe.socket.writeAll(pieces, total);
        await until(() => probe.writtenCount > before);
      };
      const [ours, theirs] = [piecesOf(1), piecesOf(2)];

      await Promise.all([send(client, ours), send(server, theirs)]);
      await until(() => client.receivedBytes === 2 * total && server.receivedBytes === 2 * total);

      assert.ok(server.received().equals(Buffer.concat([...ours, ...ours])));
      assert.ok(client.received().equals(Buffer.concat([...theirs, ...theirs])));
    });

    test(`carries many small pieces of one write: ${version}`, async () => {
      const { client, server } = await securePair(version);
      const pieces = Array.from({ length: 5_000 }, (_, index) =>
        Buffer.from(index % 7 === 0 ? "" : `piece ${index};`),
      );
      const whole = Buffer.concat(pieces);

      client.socket.writeAll(pieces, whole.length);
      await until(() => server.receivedBytes === whole.length);

      assert.ok(server.received().equals(whole));
    });

    test(`completes a write of nothing, and one of nothing in a piece: ${version}`, async () => {
      const { client, server } = await securePair(version);
      let count = 0;
      Object.defineProperty(client, "streamWritten", { value: () => count++ });

      client.socket.write(Buffer.alloc(0));
      await until(() => count === 1);
      client.socket.writeAll([Buffer.alloc(0), Buffer.alloc(0)], 0);
      await until(() => count === 2);
      client.socket.write(Buffer.from("after"));
      await until(() => server.receivedBytes === 5);

      assert.equal(server.received().toString(), "after");
    });

    test(`receives what was sent while it was paused, behind the handshake too: ${version}`, async () => {
      const { client, server } = await securePair(version);
      server.socket.pause();
      client.socket.write(Buffer.alloc(500_000, 5));
      await turns(20);
      const heldBytes = server.receivedBytes;

      server.socket.resume();
      await until(() => server.receivedBytes === 500_000);

      assert.ok(heldBytes <= 2 * 65_536 + 16_384);
    });
  }
}
