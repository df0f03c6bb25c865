import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type EngineName, TcpAgent, TcpServer } from "hp-socket";
import { Relay, type RelayOptions, type RelayRecord } from "hp-socket/proxy";
import { selfSignedCertificate } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const CERTIFICATE = selfSignedCertificate({ names: ["localhost"] });

for (const engine of availableEngines()) {
  describe(`a relay on ${engine}`, () => {
    relays(engine);
  });
}

async function greeter(
  test: TestContext,
  engine: EngineName,
  name: string,
  tls = false,
): Promise<TcpServer> {
  const server = new TcpServer({
    engine,
    slowConsumer: "pause",
    halfOpen: true,
    ...(tls && { tls: { cert: CERTIFICATE.cert, key: CERTIFICATE.key } }),
    onHandshake: (connection) => void connection.send(`${name}\n`),
    onReceive: (connection, bytes) => void connection.send(bytes),
    onEnd: (connection) => void connection.finish(),
  });
  test.after(() => server.stop({ drainMs: 0 }));
  await server.listen({ host: "127.0.0.1" });
  return server;
}

async function relay(test: TestContext, engine: EngineName, options: RelayOptions): Promise<Relay> {
  const one = new Relay({ engine, ...options });
  test.after(() => one.stop({ drainMs: 0 }));
  await one.listen();
  return one;
}

/** What a client is sent first. */
async function greeting(test: TestContext, one: Relay): Promise<string> {
  const peer = await rawPeer(test, one);
  await peer.came("\n");
  peer.socket.destroy();
  return peer.received;
}

function relays(engine: EngineName): void {
  it("forwards in turn, passes what one side finishes on, and tells of it", async (test) => {
    const servers = [await greeter(test, engine, "one"), await greeter(test, engine, "two")];
    const records: RelayRecord[] = [];
    const one = await relay(test, engine, {
      to: servers.map(({ port }) => `127.0.0.1:${port}`),
      onRelayed: (record) => records.push(record),
    });
    const peer = await rawPeer(test, one);
    peer.send("hello");
    peer.socket.end();
    await until(() => peer.isClosed);
    assert.equal(peer.received, "one\nhello");
    assert.equal(await greeting(test, one), "two\n");
    await until(() => records.length === 2 && one.connectionCount === 0);
    const [{ client, fromClientBytes, toClientBytes, error }] = records as [RelayRecord];
    assert.deepEqual(
      [client, fromClientBytes, toClientBytes, error],
      ["127.0.0.1", 5, 9, undefined],
    );
  });

  it("carries much, whole, with memory that stays", { timeout: 120_000 }, async (test) => {
    const server = await greeter(test, engine, "one");
    const { port } = await relay(test, engine, { to: [`127.0.0.1:${server.port}`] });
    const agent = new TcpAgent({ engine });
    test.after(() => agent.stop({ drainMs: 0 }));
    const connection = await agent.connect({ port });
    await connection.readUntil("\n", { timeoutMs: 5_000 });
    const piece = Buffer.alloc(262_144);
    for (let at = 0; at < piece.length; at += 4)
      piece.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    const before = process.memoryUsage().rss;
    let peak = 0;
    const sending = (async () => {
      for (let index = 0; index < 128; index++) {
        if (connection.send(piece) !== true) await connection.drained({ timeoutMs: 20_000 });
      }
    })();
    for (let index = 0; index < 128; index++) {
      const got = await connection.read(piece.length, { timeoutMs: 20_000 });
      assert.ok(got.equals(piece), `piece ${index} is another`);
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    await sending;
    assert.ok(peak < 128 * 2 ** 20, `${peak} bytes more`);
  });

  it("tries the next where one is dead, leaves that out for a while, and never the only one", async (test) => {
    const dead = await greeter(test, engine, "dead");
    const deadEnd = `127.0.0.1:${dead.port}`;
    await dead.stop({ drainMs: 0 });
    const server = await greeter(test, engine, "one");
    const ejected: string[] = [];
    const errors: (string | undefined)[] = [];
    const one = await relay(test, engine, {
      to: [deadEnd, `127.0.0.1:${server.port}`],
      ejectAfter: 2,
      onEject: (destination) => ejected.push(destination),
      onRelayed: ({ error }) => errors.push(error?.code),
    });
    for (let round = 0; round < 6; round++) assert.equal(await greeting(test, one), "one\n");
    assert.deepEqual(ejected, [deadEnd]);
    assert.equal(one.stats.ejectedCount, 1);

    one.setDestinations([deadEnd]);
    for (let round = 0; round < 3; round++) {
      // The reset may come before the client knows that it was connected.
      const peer = await rawPeer(test, one).catch(() => undefined);
      await until(() => peer?.isClosed !== false);
    }
    // It was left out before, and is tried since there is no other.
    await until(() => errors.filter((code) => code === "CONNECTION_REFUSED").length === 3);
    assert.throws(() => one.setDestinations([]), { code: "INVALID_ARGUMENT" });
    one.setDestinations([`127.0.0.1:${server.port}`]);
    assert.equal(await greeting(test, one), "one\n");
  });

  for (const version of [1, 2] as const) {
    it(`tells who the client is by PROXY ${version}, and passes on what it was told`, async (test) => {
      const server = await greeter(test, engine, "one");
      const inner = await relay(test, engine, {
        to: [`127.0.0.1:${server.port}`],
        proxyHeader: { from: ["127.0.0.0/8"] },
        sendProxyHeader: 1,
      });
      const outer = await relay(test, engine, {
        to: [`127.0.0.1:${inner.port}`],
        sendProxyHeader: version,
      });
      const peer = await rawPeer(test, outer);
      peer.send("x");
      const text = `PROXY TCP4 127.0.0.1 127.0.0.1 ${peer.socket.localPort} ${outer.port}\r\nx`;
      await peer.came(text);
      assert.equal(peer.received, `one\n${text}`);
    });
  }

  it("ends who has to begin with a PROXY header and does not", async (test) => {
    const server = await greeter(test, engine, "one");
    const one = await relay(test, engine, {
      to: [`127.0.0.1:${server.port}`],
      proxyHeader: { from: ["127.0.0.1"], timeoutMs: 100 },
    });
    for (const text of ["GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 a b 1 2\r\n", "PRO", ""]) {
      const peer = await rawPeer(test, one);
      peer.send(text);
      await until(() => peer.isClosed);
      assert.equal(peer.received, "");
    }
    assert.equal(server.stats.openedCount, 0);
    assert.throws(() => new Relay({ to: ["a:1"], proxyHeader: { from: ["::ffff:10.0.0.0/8"] } }), {
      code: "INVALID_ARGUMENT",
    });
  });

  it("ends TLS, and begins it", async (test) => {
    const server = await greeter(test, engine, "one", true);
    const { cert, key } = CERTIFICATE;
    const one = await relay(test, engine, {
      to: [`localhost:${server.port}`],
      tls: { cert, key },
      toTls: { ca: cert },
    });
    const agent = new TcpAgent({ engine, tls: { ca: cert } });
    test.after(() => agent.stop({ drainMs: 0 }));
    const connection = await agent.connect({ host: "localhost", port: one.port, family: "IPv4" });
    assert.equal((await connection.readUntil("\n", { timeoutMs: 5_000 })).toString(), "one\n");
    connection.send("hello");
    assert.equal((await connection.read(5, { timeoutMs: 5_000 })).toString(), "hello");
  });

  it("stops when what is under way has ended, and cuts it at last", async (test) => {
    const server = await greeter(test, engine, "one");
    const one = await relay(test, engine, { to: [`127.0.0.1:${server.port}`] });
    const peer = await rawPeer(test, one);
    await peer.came("one\n");
    const stopping = one.stop({ drainMs: 5_000 });
    peer.send("still");
    await peer.came("still");
    peer.socket.end();
    assert.deepEqual(await stopping, { drainedCount: 1, cutCount: 0 });
    await until(() => server.connectionCount === 0);
  });

  it("leaks nothing, whoever leaves at any moment", { timeout: 60_000 }, async (test) => {
    const server = await greeter(test, engine, "one");
    const one = await relay(test, engine, { to: [`127.0.0.1:${server.port}`] });
    const agent = new TcpAgent({ engine });
    test.after(() => agent.stop({ drainMs: 0 }));
    await Promise.all(
      Array.from({ length: 150 }, async (_, index) => {
        const connection = await agent.connect({ port: one.port }).catch(() => undefined);
        if (connection === undefined) return;
        connection.send(Buffer.alloc(index * 200));
        if (index % 3 === 0) connection.abort();
        else if (index % 3 === 1) server.abort(server.connectionIds()[0] ?? 0);
        else connection.close();
      }),
    );
    for (const id of agent.connectionIds()) agent.close(id);
    await until(() => one.connectionCount === 0 && server.connectionCount === 0, 20_000);
  });
}
