/** Datagrams that go by a SOCKS 5 proxy (RFC 1928 §7): our clients, our proxy, and peers that break the rules. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import { ArqClient, ArqServer } from "hp-socket/arq";
import type { AccessRecord, ProxyServer } from "hp-socket/proxy";
import { UdpAgent, UdpClient, UdpServer } from "hp-socket/udp";
import { availableEngines } from "../support/engine-list.js";
import { proxyServer } from "../support/proxy-world.js";
import { until } from "../support/until.js";

const LIMIT = { timeoutMs: 5_000 };

for (const engine of availableEngines()) {
  describe(`datagrams by a proxy on ${engine}`, () => {
    clients(engine);
    rules(engine);
    faults(engine);
  });
}

async function echo(test: TestContext, engine: EngineName): Promise<UdpServer> {
  const server = new UdpServer({ engine, onReceive: (peer, data) => void peer.send(data) });
  test.after(() => server.stop({ drainMs: 0 }));
  await server.listen({ host: "127.0.0.1" });
  return server;
}

function client(test: TestContext, engine: EngineName, by: string): UdpClient {
  const made = new UdpClient({ engine, proxy: by });
  test.after(() => made.stop({ drainMs: 0 }));
  return made;
}

function clients(engine: EngineName): void {
  for (const [host, user] of [
    ["127.0.0.1", ""],
    ["localhost", ""],
    ["127.0.0.1", "me:right@"],
  ] as const) {
    it(`reach ${host} ${user === "" ? "" : "with a password"}`, async (test) => {
      const server = await echo(test, engine);
      const records: AccessRecord[] = [];
      const through = await proxyServer(test, engine, {
        ...(user !== "" && { authenticate: { me: "right" } }),
        onAccess: (record) => records.push(record),
      });
      const one = client(test, engine, `socks5://${user}127.0.0.1:${through.port}`);

      await one.connect({ host, port: server.port, ...LIMIT });
      for (const length of [1, 100, 1_400]) {
        const back = await one.request(Buffer.alloc(length, "x"), LIMIT);
        assert.equal(back.length, length);
      }
      // What a name stands for only the proxy knows.
      const { remoteAddress } = one;
      assert.equal(remoteAddress?.port, host === "localhost" ? undefined : server.port);
      assert.equal(through.stats.associationCount, 1);
      const sent = one.connectionStats?.sentBytes ?? 0;
      await one.stop();
      await until(() => records.length === 1);

      const [record] = records as [AccessRecord];
      assert.deepEqual([record.protocol, record.error], ["udp", undefined]);
      assert.equal(record.user, user === "" ? undefined : "me");
      assert.ok(record.fromClientBytes >= 1_501 && record.fromClientBytes >= sent);
      assert.ok(record.toClientBytes >= 1_501);
      assert.equal(through.stats.associationCount, 0);
    });
  }

  it("have bursts relayed as they are", async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine);
    const one = client(test, engine, `socks5://127.0.0.1:${through.port}`);
    await one.connect({ port: server.port, ...LIMIT });

    const got: string[] = [];
    for (let at = 0; at < 50; at++) one.send(`${at} ${"x".repeat(at * 3)}`);
    for (let at = 0; at < 50; at++) got.push((await one.read(LIMIT)).toString());

    assert.deepEqual(
      got,
      Array.from({ length: 50 }, (_, at) => `${at} ${"x".repeat(at * 3)}`),
    );
  });

  it("carry reliable messages", async (test) => {
    const server = new ArqServer({ engine, onReceive: (peer, data) => void peer.send(data) });
    test.after(() => server.stop({ drainMs: 0 }));
    await server.listen({ host: "127.0.0.1" });
    const through = await proxyServer(test, engine);
    const one = new ArqClient({ engine, proxy: `socks5://127.0.0.1:${through.port}` });
    test.after(() => one.stop({ drainMs: 0 }));

    await one.connect({ port: server.port, ...LIMIT });
    one.send(Buffer.alloc(60_000, "x"));

    assert.equal((await one.read(LIMIT)).length, 60_000);
  });

  it("choose the proxy for each connection, and go by one of SOCKS 5 only", async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine);
    const by = `socks5://127.0.0.1:${through.port}`;
    const seen: string[] = [];
    const agent = new UdpAgent({
      engine,
      proxy({ host, port, scheme }) {
        seen.push(`${scheme} ${host} ${port === server.port}`);
        return by;
      },
    });
    test.after(() => agent.stop({ drainMs: 0 }));

    const far = await agent.connect({ port: server.port, ...LIMIT });
    const near = await agent.connect({ port: server.port, proxy: false, ...LIMIT });
    assert.equal((await far.request("far", LIMIT)).toString(), "far");
    assert.equal((await near.request("near", LIMIT)).toString(), "near");
    assert.equal(through.stats.associationCount, 1);
    assert.deepEqual(seen, ["udp 127.0.0.1 true"]);
    for (const wrong of [`http://127.0.0.1:${through.port}`, [by, by]]) {
      await assert.rejects(agent.connect({ port: server.port, proxy: wrong, ...LIMIT }), {
        code: "INVALID_ARGUMENT",
        message: /datagrams go by one proxy, of SOCKS 5, not by (http|socks5):/,
      });
    }
  });
}

/** A SOCKS 5 client of its own, whose datagrams a test writes by hand. */
interface RawClient {
  readonly datagrams: Socket;
  readonly relayPort: number;
  readonly received: Buffer[];
  send(header: string, data: string): void;
  leave(): void;
}

async function rawClient(test: TestContext, { port }: ProxyServer): Promise<RawClient> {
  const stream = createConnection(port, "127.0.0.1");
  stream.on("error", () => {});
  test.after(() => stream.destroy());
  const read: Buffer[] = [];
  stream.on("data", (bytes) => read.push(bytes));
  stream.write(Buffer.from([5, 1, 0]));
  await until(() => Buffer.concat(read).length === 2);
  stream.write(Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
  await until(() => Buffer.concat(read).length === 12);
  const reply = Buffer.concat(read).subarray(2);
  assert.deepEqual([...reply.subarray(0, 8)], [5, 0, 0, 1, 127, 0, 0, 1]);
  const relayPort = reply.readUInt16BE(8);
  const datagrams = createSocket("udp4");
  test.after(() => datagrams.close());
  const received: Buffer[] = [];
  datagrams.on("message", (bytes) => received.push(bytes));
  datagrams.bind(0, "127.0.0.1");
  await once(datagrams, "listening");
  return {
    datagrams,
    relayPort,
    received,
    send: (header, data) =>
      datagrams.send(
        Buffer.concat([Buffer.from(header, "hex"), Buffer.from(data)]),
        relayPort,
        "127.0.0.1",
      ),
    leave: () => void stream.destroy(),
  };
}

/** Before a datagram to a port of this machine. */
function headerTo(port: number): string {
  return `000000017f000001${port.toString(16).padStart(4, "0")}`;
}

function rules(engine: EngineName): void {
  it("reach nothing private", async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine, { destinations: {} });
    const raw = await rawClient(test, through);

    const port = server.port.toString(16).padStart(4, "0");
    raw.send(headerTo(server.port), "by address");
    raw.send(`0000000309${Buffer.from("localhost").toString("hex")}${port}`, "by name");
    raw.send(`0000000400000000000000000000ffff7f000001${port}`, "mapped");
    raw.send(`00000001a9fea9fe${port}`, "link-local");
    raw.send("000000017f0000010000", "port 0");
    raw.leave();
    await until(() => through.stats.associationCount === 0);

    assert.equal(server.connectionCount, 0);
    assert.deepEqual(raw.received, []);
  });

  it("drop what is no datagram of SOCKS, fragments, and what strangers send", async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine);
    const raw = await rawClient(test, through);
    raw.send(headerTo(server.port), "first");
    await until(() => raw.received.length === 1);
    assert.equal(raw.received[0]?.subarray(10).toString(), "first");
    assert.equal(raw.received[0]?.subarray(0, 10).toString("hex"), headerTo(server.port));

    for (const header of ["", "00", "0000000", "00000005", "000000030", "00000003000050"]) {
      raw.send(header, "");
    }
    raw.send(headerTo(server.port).replace(/^000000/, "000001"), "a fragment");
    const stranger = createSocket("udp4");
    test.after(() => stranger.close());
    stranger.send(
      Buffer.concat([Buffer.from(headerTo(server.port), "hex"), Buffer.from("stranger")]),
      raw.relayPort,
      "127.0.0.1",
    );
    raw.send(headerTo(server.port), "last");
    await until(() => raw.received.length === 2);

    assert.equal(raw.received[1]?.subarray(10).toString(), "last");
    raw.leave();
    await until(() => through.stats.associationCount === 0);
    await until(() => through.stats.droppedCount > 0);
  });

  it("let nobody send back who was not sent to", async (test) => {
    const seen: AddressInfo[] = [];
    const server = createSocket("udp4", (_bytes, from) => seen.push(from as never));
    test.after(() => server.close());
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    const stranger = createSocket("udp4");
    test.after(() => stranger.close());
    const through = await proxyServer(test, engine, { maxAssociationPeers: 1 });
    const raw = await rawClient(test, through);
    raw.send(headerTo(server.address().port), "hello");
    await until(() => seen.length === 1);
    const outer = seen[0]?.port ?? 0;

    stranger.send("from a stranger", outer, "127.0.0.1");
    server.send("from the server", outer, "127.0.0.1");
    await until(() => raw.received.length === 1);
    assert.equal(raw.received[0]?.subarray(10).toString(), "from the server");

    // One destination is remembered: the other is a stranger from now on.
    const other = await echo(test, engine);
    raw.send(headerTo(other.port), "other");
    await until(() => raw.received.length === 2);
    server.send("forgotten", outer, "127.0.0.1");
    raw.send(headerTo(other.port), "again");
    await until(() => raw.received.length === 3);
    assert.equal(raw.received[2]?.subarray(10).toString(), "again");
  });

  it("have limits: clients, time, and the application's word", async (test) => {
    const server = await echo(test, engine);
    const few = await proxyServer(test, engine, { maxAssociations: 1 });
    const by = `socks5://127.0.0.1:${few.port}`;
    await client(test, engine, by).connect({ port: server.port, ...LIMIT });
    await assert.rejects(client(test, engine, by).connect({ port: server.port, ...LIMIT }), {
      code: "PROXY_REFUSED",
    });

    const records: AccessRecord[] = [];
    const asked = await proxyServer(test, engine, {
      tunnelIdleTimeoutMs: 50,
      onTunnel: ({ protocol, user }) => protocol === "udp" && user !== "you",
      authenticate: () => true,
      onAccess: (record) => records.push(record),
    });
    const refused = client(test, engine, `socks5://you:x@127.0.0.1:${asked.port}`);
    await assert.rejects(refused.connect({ port: server.port, ...LIMIT }), {
      code: "PROXY_REFUSED",
    });
    const silent = client(test, engine, `socks5://me:x@127.0.0.1:${asked.port}`);
    silent.configure({ detectAttempts: 0 });
    await silent.connect({ port: server.port, ...LIMIT });
    const reason = await silent.closed();
    assert.equal(reason.cause?.code, "PROXY_UNREACHABLE");
    await until(() => records.length === 2);
    assert.deepEqual(
      records.map(({ error }) => error?.code),
      ["REFUSED", "IDLE_TIMEOUT"],
    );

    const closed = await proxyServer(test, engine, { relaysDatagrams: false });
    await assert.rejects(
      client(test, engine, `socks5://127.0.0.1:${closed.port}`).connect({
        port: server.port,
        ...LIMIT,
      }),
      { code: "PROXY_REFUSED" },
    );
  });

  it("drop what waits for names beyond a bound", async (test) => {
    const through = await proxyServer(test, engine);
    const raw = await rawClient(test, through);
    const name = Buffer.from("a-name-that-is-nowhere.invalid");
    const header = `00000003${name.length.toString(16)}${name.toString("hex")}0050`;

    for (let at = 0; at < 40; at++) raw.send(header, "x".repeat(8_000));
    raw.send(headerTo((await echo(test, engine)).port), "here");
    await until(() => raw.received.length === 1);
    raw.leave();
    await until(() => through.stats.associationCount === 0);

    assert.ok(through.stats.droppedCount > 0);
  });
}

/** A proxy that says what a test wants, byte by byte. */
async function scripted(test: TestContext, ...replies: readonly string[]): Promise<string> {
  const server = createServer((socket) => {
    let at = 0;
    socket.on("error", () => {});
    socket.on("data", () => {
      const reply = replies[at++];
      if (reply === undefined) socket.destroy();
      else if (reply === "end") socket.end();
      else socket.write(Buffer.from(reply, "hex"));
    });
    test.after(() => socket.destroy());
  });
  test.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `socks5://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function faults(engine: EngineName): void {
  for (const [what, replies, code] of [
    ["closes at once", ["end"], "PROXY_REFUSED"],
    ["wants a password", ["05ff"], "PROXY_AUTHENTICATION"],
    ["knows no such command", ["0500", "05070001000000000000"], "PROXY_REFUSED"],
    ["relays at port 0", ["0500", "050000017f0000010000"], "PROXY_MALFORMED"],
    ["relays at no address", ["0500", "0500000300"], "PROXY_MALFORMED"],
    ["is no SOCKS proxy", ["4854"], "PROXY_MALFORMED"],
    ["is silent", ["0500", ""], "CONNECT_TIMEOUT"],
  ] as const) {
    it(`tell of a proxy that ${what}`, async (test) => {
      const one = client(test, engine, await scripted(test, ...replies));
      const timeoutMs = code === "CONNECT_TIMEOUT" ? 100 : LIMIT.timeoutMs;

      await assert.rejects(one.connect({ port: 9, timeoutMs }), { code });
      assert.equal(one.connectionCount, 0);
    });
  }

  it("end when the proxy leaves, and when they are aborted in any step", async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine);
    const by = `socks5://127.0.0.1:${through.port}`;
    const one = client(test, engine, by);
    await one.connect({ port: server.port, ...LIMIT });
    await through.stop({ drainMs: 0 });
    assert.equal((await one.closed()).cause?.code, "PROXY_UNREACHABLE");

    const again = await proxyServer(test, engine);
    for (let turns = 0; turns < 12; turns++) {
      const leaving = new AbortController();
      const other = client(test, engine, `socks5://127.0.0.1:${again.port}`);
      const attempt = other.connect({ port: server.port, signal: leaving.signal });
      const settled = attempt.then(
        () => "made",
        () => "aborted",
      );
      for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
      leaving.abort();
      await settled;
      await other.stop();
    }
    await until(() => again.stats.associationCount === 0 && again.connectionCount === 0);
  });
}
