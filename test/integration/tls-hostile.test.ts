/** Peers that do not finish a handshake, or do not mean TLS at all. Others go on. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import process from "node:process";
import { it } from "node:test";
import { delimiter, TcpServer } from "hp-socket";
import { describeTls } from "../support/tls-certificates.js";
import {
  clientHello,
  connectError,
  connected,
  plainPeer,
  secureClient,
  secureServer,
  startRelay,
} from "../support/tls-world.js";
import { rounds, until } from "../support/until.js";

/** Open descriptors of this process; 0 where the system does not tell. */
function descriptorCount(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}

describeTls("a TLS server", ({ ca, server }) => {
  it("ends handshakes that stall, at whatever byte, and serves others meanwhile", async (test) => {
    const world = await secureServer(test, server, { handshakeTimeoutMs: 1_000 });
    const hello = await clientHello(test);
    const cuts = Array.from({ length: hello.length }, (_, cut) => cut).filter(
      (cut) => cut < 64 || cut % 16 === 0 || cut === hello.length - 1,
    );

    for (const cut of cuts) {
      const peer = await plainPeer(test, world.port);
      peer.write(hello.subarray(0, cut));
    }
    const client = await connected(secureClient(test, { ca }), world.port);
    const answer = await client.request("meanwhile");
    await until(() => world.reasons.length === cuts.length);

    assert.equal(String(answer), "meanwhile");
    assert.ok(cuts.length > 75);
    for (const { code, operation } of world.reasons) {
      assert.deepEqual([code, operation], ["HANDSHAKE_TIMEOUT", "handshake"]);
    }
    assert.equal(world.underWayCount, 0);
    assert.equal(world.server.connectionCount, 1);
  });

  it("ends a handshake that stalls behind the server's answer", async (test) => {
    const world = await secureServer(test, server, { handshakeTimeoutMs: 50 });
    const peer = await plainPeer(test, world.port);

    peer.write(await clientHello(test));
    await until(() => world.reasons.length === 1);

    assert.equal(world.reasons[0]?.code, "HANDSHAKE_TIMEOUT");
    assert.equal(world.secured.length, 0);
  });

  it("has no handshake deadline with 0, and counts who shakes hands", async (test) => {
    const world = await secureServer(test, server, { handshakeTimeoutMs: 0 });
    const peer = await plainPeer(test, world.port);
    await until(() => world.accepted.length === 1);

    const count = world.underWayCount;
    peer.destroy();
    await until(() => world.reasons.length === 1);

    assert.equal(count, 1);
    assert.equal(world.reasons[0]?.code, "TLS_FAILED");
    assert.equal(world.underWayCount, 0);
  });

  it("refuses more than maxHandshakes, and takes others when there is room", async (test) => {
    const world = await secureServer(test, server, { maxHandshakes: 2 });
    const hello = await clientHello(test);
    const stalled = [await plainPeer(test, world.port), await plainPeer(test, world.port)];
    for (const peer of stalled) peer.write(hello.subarray(0, 5));
    await until(() => world.underWayCount === 2);
    // What they sent has come when a third, which is silent, would have given way to a fourth.
    await until(() => stalled.every((peer) => peer.bytesWritten === 5));
    await rounds();

    const error = await connectError(secureClient(test, { ca }), world.port);
    for (const peer of stalled) peer.destroy();
    await until(() => world.underWayCount === 0);
    const client = await connected(secureClient(test, { ca }), world.port);

    assert.ok(["TLS_FAILED", "CONNECTION_RESET"].includes(error.code));
    assert.equal(world.refused[0]?.code, "HANDSHAKE_LIMIT");
    assert.match(world.refused[0]?.message ?? "", /2 handshakes .*maxHandshakes/);
    assert.equal(String(await client.request("x")), "x");
  });

  it("takes the places of peers that have not sent a byte for those that come", async (test) => {
    const world = await secureServer(test, server, { maxHandshakes: 2 });
    for (let count = 0; count < 10; count++) await plainPeer(test, world.port);
    await until(() => world.reasons.length === 8);

    const client = await connected(secureClient(test, { ca }), world.port);

    assert.equal(String(await client.request("x")), "x");
    assert.equal(world.refused.length, 0);
    for (const { code } of world.reasons) assert.equal(code, "HANDSHAKE_LIMIT");
  });

  it("loses nothing by handshakes that are cut at each byte", async (test) => {
    const world = await secureServer(test, server);
    const hello = await clientHello(test);
    const before = descriptorCount();

    const total = hello.length + 1;
    for (let count = 0; count < total; count += 100) {
      const length = Math.min(100, total - count);
      const cuts = Array.from({ length }, (_, index) => count + index);
      await Promise.all(
        cuts.map(async (cut) => {
          const peer = await plainPeer(test, world.port);
          peer.write(hello.subarray(0, cut));
          // Some finish in good order, some reset.
          if (cut % 2 === 0) peer.end();
          else peer.resetAndDestroy();
          await until(() => world.reasons.length > count + length / 2 || peer.destroyed);
          peer.destroy();
        }),
      );
      await until(() => world.reasons.length === count + length);
    }

    for (const { code, operation } of world.reasons) {
      assert.deepEqual([code, operation], ["TLS_FAILED", "handshake"]);
    }
    assert.equal(world.underWayCount, 0);
    assert.equal(world.server.connectionCount, 0);
    await until(() => descriptorCount() <= before);
  });

  for (const text of [
    "GET / HTTP/1.1\r\n\r\n",
    "EHLO example.com\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
  ]) {
    it(`tells plain bytes: ${text.trim()}`, async (test) => {
      const world = await secureServer(test, server);
      const peer = await plainPeer(test, world.port);
      peer.resume();

      peer.write(text);
      await until(() => world.reasons.length === 1);

      assert.equal(world.reasons[0]?.code, "TLS_PLAINTEXT");
      assert.equal(world.reasons[0]?.operation, "handshake");
      assert.equal(world.secured.length, 0);
      assert.equal(world.server.stats.receivedBytes, 0);
    });
  }

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const to of ["client", "server"] as const) {
      it(`ends both sides, and says why, when the ${to} gets a record of somebody else (${version})`, async (test) => {
        const world = await secureServer(test, { ...server, maxVersion: version });
        const relay = await startRelay(test, world.port);
        const client = await connected(secureClient(test, { ca }), relay.port);
        await client.request("before");

        // Data that nobody has ciphered (RFC 8446 §5.1).
        relay.inject(to, Buffer.from("1703030020".padEnd(2 * 37, "7"), "hex"));
        const reason = await client.closed();
        await until(() => world.reasons.length === 1);

        const here = to === "client" ? reason : world.reasons[0];
        const there = to === "client" ? world.reasons[0] : reason;
        assert.equal(here?.code, "TLS_FAILED");
        // Node tells the first of several errors, we the last.
        assert.match(here?.cause?.message ?? "", /bad record mac|cipher operation failed/);
        // The alert has told the other side.
        assert.equal(there?.code, "TLS_FAILED");
        assert.match(there?.cause?.message ?? "", /alert bad record mac/);
      });
    }
  }

  it("is told apart by a client from one that speaks plain", async (test) => {
    const plain = new TcpServer({
      receive: delimiter(),
      onHandshake: (connection) => {
        connection.send("220 welcome to a server that speaks plain text");
      },
    });
    test.after(() => plain.stop({ drainMs: 0 }));
    await plain.listen({ host: "127.0.0.1" });

    const error = await connectError(secureClient(test, { ca }), plain.port);

    assert.equal(error.code, "TLS_PLAINTEXT");
    assert.match(error.message, /speaks no TLS/);
  });

  it("fails a client that gives it up or stops in the middle of a handshake", async (test) => {
    const silent = new TcpServer();
    test.after(() => silent.stop({ drainMs: 0 }));
    await silent.listen({ host: "127.0.0.1" });
    const slow = secureClient(test, { ca }, { handshakeTimeoutMs: 30 });
    const stopped = secureClient(test, { ca });
    const aborted = secureClient(test, { ca });

    const error = await connectError(slow, silent.port);
    const attempt = assert.rejects(connected(stopped, silent.port), { code: "STOPPED" });
    await until(() => stopped.stats.handshakeCount === 1);
    await stopped.stop({ drainMs: 0 });
    await attempt;
    const other = assert.rejects(connected(aborted, silent.port), { code: "ABORTED" });
    await until(() => aborted.stats.handshakeCount === 1);
    aborted.abort();
    await other;

    assert.equal(error.code, "HANDSHAKE_TIMEOUT");
    for (const client of [slow, stopped, aborted]) {
      assert.equal(client.stats.handshakeCount, 0);
    }
  });
});
