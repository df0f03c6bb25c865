/** What goes over TLS: every receive model, order, back-pressure, and all the ways to end. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import {
  type Connection,
  delimiter,
  fixedLength,
  lengthPrefix,
  pack,
  pull,
  push,
  type ReceiveModel,
  startEnd,
  TcpClient,
  type TcpServerOptions,
  untilClosed,
} from "hp-socket";
import { describeTls, type TestCertificates } from "../support/tls-certificates.js";
import {
  connected,
  readBytes,
  secureClient,
  secureServer,
  startRelay,
  tlsPeer,
} from "../support/tls-world.js";
import { until } from "../support/until.js";

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const MIB = 1_048_576;

describeTls("a TLS stream", (certificates) => {
  data(certificates);
  ends(certificates);
  truncations(certificates);
  handlers(certificates);
});

function data({ ca, server }: TestCertificates): void {
  const models: readonly ReceiveModel<Buffer>[] = [
    push(),
    pack({ flag: 3 }),
    lengthPrefix({ format: "uint-be", bytes: 2 }),
    delimiter(),
    fixedLength({ bytes: 5 }),
    startEnd({ start: "<", end: ">" }),
  ];
  for (const receive of models) {
    it(`carries ${receive.name}`, async (test) => {
      const world = await secureServer(test, server, { receive });
      const client = secureClient(test, { ca }, { receive });

      await connected(client, world.port);
      const answers = [await client.request("hello"), await client.request("world")];

      assert.deepEqual(answers.map(String), ["hello", "world"]);
    });
  }

  it("carries pull", async (test) => {
    const world = await secureServer(test, server);
    const client = new TcpClient({ receive: pull(), tls: { ca } });
    test.after(() => client.stop({ drainMs: 0 }));

    await client.connect({ host: "localhost", port: world.port, family: "IPv4" });
    client.send("hello");
    await until(() => client.unreadBytes === 5);

    assert.equal(String(client.fetch(5)), "hello");
  });

  it("carries untilClosed, whose packet ends with close_notify", async (test) => {
    const world = await secureServer(test, server, {
      onHandshake: (connection) => {
        connection.send("all of it");
        connection.close();
      },
    });
    const received: string[] = [];
    const client = secureClient(
      test,
      { ca },
      { receive: untilClosed(), onReceive: (_client, bytes) => void received.push(String(bytes)) },
    );

    await connected(client, world.port);
    const reason = await client.closed();

    assert.deepEqual(received, ["all of it"]);
    assert.equal(reason.code, "CLOSED");
  });

  it("says close_notify when it finishes with the handshake, after traffic of a single stream", async (test) => {
    let endsAtOnce = false;
    const world = await secureServer(test, server, {
      onHandshake: (connection) => {
        if (!endsAtOnce) return;
        connection.send("all of it");
        connection.close();
      },
      onReceive: (connection, bytes) => void connection.send(bytes),
    });
    const first = secureClient(test, { ca });
    await connected(first, world.port);
    for (let count = 0; count < 64; count++) await first.request("x");
    endsAtOnce = true;
    const second = secureClient(test, { ca }, { receive: untilClosed() });

    await connected(second, world.port);
    const received = await second.read();
    const reason = await second.closed();

    assert.equal(String(received), "all of it");
    assert.equal(reason.code, "CLOSED");
  });

  for (const version of VERSIONS) {
    it(`carries 8 MiB both ways unharmed (${version})`, async (test) => {
      const block = Buffer.alloc(65_536, "every byte counts; ");
      const tls = { ...server, maxVersion: version };
      const world = await secureServer(test, tls, { slowConsumer: "pause" });
      const hash = createHash("sha256");
      let receivedBytes = 0;
      const client = secureClient(
        test,
        { ca },
        {
          onReceive: (_client, bytes) => {
            hash.update(bytes);
            receivedBytes += bytes.length;
          },
        },
      );
      const expected = createHash("sha256");

      await connected(client, world.port);
      for (let count = 0; count < 128; count++) {
        block.writeUInt32BE(count, count);
        expected.update(block);
        if (client.send(Buffer.from(block)) === "slow") await client.drained();
      }
      await until(() => receivedBytes >= 8 * MIB);

      assert.equal(receivedBytes, 8 * MIB);
      assert.equal(hash.digest("hex"), expected.digest("hex"));
      assert.equal(world.server.stats.receivedBytes, 8 * MIB);
    });
  }

  it("holds the peer back while it is paused, from the first byte on", async (test) => {
    const world = await secureServer(test, server, {
      onAccept: (connection) => void connection.pause(),
      onReceive: () => {},
    });
    const client = secureClient(test, { ca });
    await connected(client, world.port);
    const [connection] = world.accepted;

    client.send(Buffer.alloc(15 * MIB));
    let [pendingBytes, quietTurns] = [0, 0];
    await until(() => {
      quietTurns = client.pendingBytes === pendingBytes ? quietTurns + 1 : 0;
      pendingBytes = client.pendingBytes;
      return quietTurns > 200;
    });
    const heldBytes = connection?.stats.receivedBytes ?? Number.NaN;
    connection?.resume();
    await until(() => connection?.stats.receivedBytes === 15 * MIB);

    assert.equal(heldBytes, 0);
    assert.ok(pendingBytes > 0);
    assert.equal(client.pendingBytes, 0);
  });

  it("takes the options of the socket under TLS too", async (test) => {
    const world = await secureServer(test, server);
    const client = secureClient(test, { ca });
    await connected(client, world.port);

    client.setNoDelay(false);
    const keepAlive = client.setKeepAlive({ idleMs: 5_000 });
    client.unref();
    client.ref();

    assert.notEqual(keepAlive, false);
    assert.ok(client.localAddress?.port !== undefined);
    assert.deepEqual(client.remoteAddress, {
      host: "127.0.0.1",
      port: world.port,
      family: "IPv4",
    });
  });
}

function ends({ ca, server }: TestCertificates): void {
  for (const maxVersion of VERSIONS) {
    it(`ends in good order from either side (${maxVersion})`, async (test) => {
      const world = await secureServer(test, { ...server, maxVersion });
      const closing = secureClient(test, { ca });
      await connected(closing, world.port);
      await closing.request("x");

      closing.close();
      const ours = await closing.closed();
      await until(() => world.reasons.length === 1);
      const closed = secureClient(test, { ca });
      await connected(closed, world.port);
      await closed.request("x");
      world.secured[1]?.close();
      const theirs = await closed.closed();
      await until(() => world.reasons.length === 2);

      assert.deepEqual([ours.code, ours.initiator], ["CLOSED", "local"]);
      assert.deepEqual([theirs.code, theirs.initiator], ["CLOSED", "remote"]);
      const reasons = world.reasons.map(({ code, initiator }) => [code, initiator]);
      assert.deepEqual(reasons, [
        ["CLOSED", "remote"],
        ["CLOSED", "local"],
      ]);
    });

    it(`can be closed right after the handshake (${maxVersion})`, async (test) => {
      const world = await secureServer(test, { ...server, maxVersion });
      const client = secureClient(test, { ca }, { onHandshake: (one) => void one.close() });

      await connected(client, world.port);
      const reason = await client.closed();
      await until(() => world.reasons.length === 1);

      assert.equal(reason.code, "CLOSED");
      assert.equal(world.reasons[0]?.code, "CLOSED");
    });

    it(`sends what waits before it closes (${maxVersion})`, async (test) => {
      const world = await secureServer(test, { ...server, maxVersion });
      const peer = await tlsPeer(test, world.port);
      peer.write("x");
      await readBytes(peer, 1);

      peer.resume();
      world.secured[0]?.send(Buffer.alloc(2 * MIB, 1));
      world.secured[0]?.close();
      const bytes = await readBytes(peer, 2 * MIB);

      assert.equal(bytes.length, 2 * MIB);
    });

    it(`can be half closed (${maxVersion})`, async (test) => {
      const world = await secureServer(
        test,
        { ...server, maxVersion },
        {
          halfOpen: true,
          onReceive: () => {},
          onEnd: (connection) => {
            connection.send("after the end");
            connection.close();
          },
        },
      );
      const client = secureClient(test, { ca });
      await connected(client, world.port);

      client.send("the last");
      client.finish();
      const answer = await client.read(13);
      const reason = await client.closed();

      assert.equal(String(answer), "after the end");
      assert.equal(reason.code, "CLOSED");
    });

    it(`resets the peer on abort (${maxVersion})`, async (test) => {
      const world = await secureServer(test, { ...server, maxVersion });
      const peer = await tlsPeer(test, world.port);
      peer.write("x");
      await readBytes(peer, 1);

      peer.resume();
      const error = new Promise<NodeJS.ErrnoException>((resolve) => {
        peer.once("error", resolve);
      });
      world.secured[0]?.abort();

      assert.equal((await error).code, "ECONNRESET");
      assert.equal(world.secured[0]?.isOpen, false);
    });

    it(`tells a reset of the peer (${maxVersion})`, async (test) => {
      const world = await secureServer(test, { ...server, maxVersion });
      const client = secureClient(test, { ca });
      await connected(client, world.port);
      await client.request("x");

      client.abort();
      await until(() => world.reasons.length === 1);

      assert.equal(world.reasons[0]?.code, "CONNECTION_RESET");
      assert.equal(world.reasons[0]?.operation, "receive");
    });
  }

  it("finish before TLS waits for TLS", async (test) => {
    const world = await secureServer(test, server);
    const client = secureClient(test, { ca }, { onConnect: (one) => void one.finish() });

    await connected(client, world.port);
    const reason = await client.closed();
    await until(() => world.reasons.length === 1);

    assert.equal(reason.code, "CLOSED");
    assert.equal(world.secured.length, 1);
    assert.equal(world.reasons[0]?.code, "CLOSED");
  });
}

function truncations({ ca, server }: TestCertificates): void {
  for (const maxVersion of VERSIONS) {
    // 24 and 31 are the lengths of close_notify with the ciphers in use: the length must not decide.
    for (const byteCount of [0, 1, 5, 22, 23, 24, 31, 53, 1_000]) {
      it(`is told apart when cut ${byteCount} bytes later (${maxVersion})`, async (test) => {
        const world = await secureServer(test, { ...server, maxVersion }, { onReceive: () => {} });
        const relay = await startRelay(test, world.port);
        const client = secureClient(test, { ca });
        await connected(client, relay.port);
        client.send("complete");
        await until(() => world.secured[0]?.stats.receivedBytes === 8);

        relay.cutAfter(byteCount);
        client.send(Buffer.alloc(2_000));
        await until(() => world.reasons.length === 1);

        assert.equal(world.reasons[0]?.code, "TLS_TRUNCATED");
        assert.equal(world.reasons[0]?.operation, "receive");
        assert.equal(world.reasons[0]?.cause?.fault, "remote");
      });
    }

    it(`is told apart also while paused, behind data that waits (${maxVersion})`, async (test) => {
      const received: string[] = [];
      const world = await secureServer(
        test,
        { ...server, maxVersion },
        {
          onHandshake: (connection) => void connection.pause(),
          onReceive: (_connection, bytes) => void received.push(String(bytes)),
        },
      );
      const relay = await startRelay(test, world.port);
      const client = secureClient(test, { ca });
      await connected(client, relay.port);
      await until(() => world.secured.length === 1);

      const before = relay.passedBytes;
      client.send("complete");
      await until(() => relay.passedBytes > before);
      relay.cutAfter(0);
      world.secured[0]?.resume();
      await until(() => world.reasons.length === 1);

      assert.deepEqual(received, ["complete"]);
      assert.equal(world.reasons[0]?.code, "TLS_TRUNCATED");
    });

    it(`is in good order also while paused, behind data that waits (${maxVersion})`, async (test) => {
      const received: Buffer[] = [];
      const world = await secureServer(
        test,
        { ...server, maxVersion },
        {
          onHandshake: (connection) => void connection.pause(),
          onReceive: (_connection, bytes) => void received.push(bytes),
        },
      );
      const client = secureClient(test, { ca });
      await connected(client, world.port);
      await until(() => world.secured.length === 1);

      client.send(Buffer.alloc(300_000, 1));
      client.close();
      await until(() => client.connectionStats?.sentBytes === 300_000 || world.reasons.length > 0);
      world.secured[0]?.resume();
      await until(() => world.reasons.length === 1);

      assert.equal(Buffer.concat(received).length, 300_000);
      assert.equal(world.reasons[0]?.code, "CLOSED");
    });
  }
}

function handlers({ ca, server }: TestCertificates): void {
  const names = ["onAccept", "onHandshake", "onReceive", "onSend", "onClose"] as const;
  const actions: Record<string, (connection: Connection, stop: () => unknown) => void> = {
    close: (connection) => void connection.close(),
    abort: (connection) => void connection.abort(),
    "stop()": (_connection, stop) => void stop(),
    throw: () => {
      throw new Error("on purpose");
    },
  };
  for (const name of names) {
    for (const [action, act] of Object.entries(actions)) {
      if (name === "onClose" && action === "throw") continue;
      it(`${action} in ${name} gives exactly one onClose`, async (test) => {
        let stop: () => unknown = () => {};
        const options: TcpServerOptions = {
          [name]: (connection: Connection, bytes: Buffer) => {
            if (name === "onReceive" && action !== "throw") connection.send(bytes);
            act(connection, stop);
          },
        };
        const world = await secureServer(test, server, options);
        stop = () => world.server.stop();
        const client = secureClient(test, { ca });

        await connected(client, world.port).catch(() => {});
        client.send("x");
        await until(() => world.accepted.length === 1);
        if (name === "onClose") client.close();
        await client.stopped();
        await until(() => world.server.connectionCount === 0);
        await world.server.stop();

        assert.equal(world.reasons.length, 1);
        assert.equal(world.underWayCount, 0);
        assert.equal(world.server.stats.openedCount, 1);
      });
    }
  }
}
