/** Relays of TLS: passed on by the name that is wanted, ended, begun, and PROXY headers before it. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type Connection, type EngineName, type NetError, TcpAgent, TcpServer } from "hp-socket";
import { Relay, type RelayOptions, type RelayRecord } from "hp-socket/proxy";
import { selfSignedCertificate } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const NAMES = ["a.test", "b.test", "www.c.test", "other.test", "127.0.0.1"];
const { cert, key } = selfSignedCertificate({ names: NAMES });

for (const engine of availableEngines()) {
  describe(`a relay of TLS on ${engine}`, () => relays(engine));
}

interface TlsTarget {
  readonly end: string;
  readonly server: TcpServer;
  /** What each client wanted, and where it came from. */
  readonly wanted: (string | undefined)[];
  readonly sources: (string | undefined)[];
}

/** A TLS server that says its name, and then what it hears. */
async function target(
  test: TestContext,
  engine: EngineName,
  name: string,
  isBehind = false,
): Promise<TlsTarget> {
  const wanted: (string | undefined)[] = [];
  const sources: (string | undefined)[] = [];
  const server = new TcpServer({
    engine,
    tls: { cert, key },
    ...(isBehind && { proxyHeader: { from: ["127.0.0.0/8"] } }),
    onHandshake: (connection) => {
      wanted.push(connection.tls?.serverName);
      const authority = connection.proxyHeader?.tlvs.find(({ type }) => type === 2)?.value;
      sources.push(`${connection.remoteAddress?.port} ${authority ?? ""}`);
      connection.send(`${name}\n`);
    },
    onReceive: (connection, bytes) => void connection.send(bytes),
  });
  test.after(() => server.stop({ drainMs: 0 }));
  const { port } = await server.listen({ host: "127.0.0.1" });
  return { end: `127.0.0.1:${port}`, server, wanted, sources };
}

async function relay(test: TestContext, engine: EngineName, options: RelayOptions): Promise<Relay> {
  const one = new Relay({ engine, ...options });
  test.after(() => one.stop({ drainMs: 0 }));
  await one.listen();
  return one;
}

/** What a TLS client that wants `serverName` is told first. */
async function greeting(
  test: TestContext,
  engine: EngineName,
  port: number,
  serverName: string | undefined,
): Promise<{ text: string; connection: Connection }> {
  // The address itself is no name that could be wanted.
  const tls = { ca: cert, ...(serverName !== undefined && { serverName }) };
  const agent = new TcpAgent({ engine, tls });
  test.after(() => agent.stop({ drainMs: 0 }));
  const connection = await agent.connect({ port });
  const text = await connection.readUntil("\n", { timeoutMs: 5_000 });
  return { text: text.toString().trim(), connection };
}

function relays(engine: EngineName): void {
  it("passes it on by the name that is wanted, as it is", async (test) => {
    const [a, b, c] = (await Promise.all(
      ["a", "b", "c"].map((name) => target(test, engine, name)),
    )) as [TlsTarget, TlsTarget, TlsTarget];
    const records: RelayRecord[] = [];
    const { port } = await relay(test, engine, {
      sni: { routes: { "a.test": [a.end], "B.test.": [b.end], "*.c.test": [c.end] } },
      onRelayed: (record) => records.push(record),
    });

    const one = await greeting(test, engine, port, "a.test");
    one.connection.send("hello");
    assert.equal((await one.connection.read(5, { timeoutMs: 5_000 })).toString(), "hello");
    assert.equal(one.text, "a");
    assert.equal((await greeting(test, engine, port, "b.test")).text, "b");
    assert.equal((await greeting(test, engine, port, "www.c.test")).text, "c");
    assert.deepEqual([a.wanted, b.wanted, c.wanted], [["a.test"], ["b.test"], ["www.c.test"]]);
    one.connection.close();
    await until(() => records.length > 0);
    assert.deepEqual(
      [records[0]?.serverName, records[0]?.destination, records[0]?.error],
      ["a.test", a.end, undefined],
    );
  });

  it("refuses a name that it does not know with an alert, or forwards it to the others", async (test) => {
    const [a, b] = (await Promise.all(["a", "b"].map((name) => target(test, engine, name)))) as [
      TlsTarget,
      TlsTarget,
    ];
    const records: RelayRecord[] = [];
    const strict = await relay(test, engine, {
      sni: { routes: { "a.test": [a.end] } },
      onRelayed: (record) => records.push(record),
    });
    await assert.rejects(greeting(test, engine, strict.port, "other.test"), (error: NetError) => {
      assert.match(`${error.message} ${error.cause}`, /unrecognized.name/i);
      return true;
    });
    await until(() => records.length === 1 && strict.connectionCount === 0);
    assert.equal(records[0]?.error?.code, "TLS_NAME_UNKNOWN");
    assert.equal(records[0]?.serverName, "other.test");

    const open = await relay(test, engine, {
      to: [b.end],
      sni: { routes: { "a.test": [a.end] }, unknown: "to" },
    });
    assert.equal((await greeting(test, engine, open.port, "other.test")).text, "b");
    assert.equal((await greeting(test, engine, open.port, "a.test")).text, "a");
  });

  it("asks a function, which knows the protocols too", async (test) => {
    const [a, b] = (await Promise.all(["a", "b"].map((name) => target(test, engine, name)))) as [
      TlsTarget,
      TlsTarget,
    ];
    const seen: unknown[] = [];
    const records: RelayRecord[] = [];
    let answer: unknown = "b.test";
    const { port } = await relay(test, engine, {
      sni: {
        routes: { "a.test": [a.end], "b.test": [b.end] },
        choose: (hello) => {
          seen.push(hello);
          return answer as string;
        },
      },
      onRelayed: (record) => records.push(record),
    });
    assert.equal((await greeting(test, engine, port, "a.test")).text, "b");
    assert.deepEqual(seen, [{ serverName: "a.test", alpnProtocols: [] }]);
    for (answer of ["c.test", 5]) await assert.rejects(greeting(test, engine, port, "a.test"));
    await until(() => records.length === 2);
    assert.deepEqual(
      records.map(({ error }) => error?.code),
      ["INVALID_ARGUMENT", "INVALID_ARGUMENT"],
    );
    answer = undefined;
    assert.equal((await greeting(test, engine, port, "a.test")).text, "a");
  });

  it("ends who does not begin with TLS, is silent, leaves, or says too much", async (test) => {
    const a = await target(test, engine, "a");
    const records: RelayRecord[] = [];
    const [one, hasty] = await Promise.all(
      [10_000, 50].map((helloTimeoutMs) =>
        relay(test, engine, {
          sni: { routes: { "a.test": [a.end] } },
          helloTimeoutMs,
          maxHelloBytes: 512,
          onRelayed: (record) => records.push(record),
        }),
      ),
    );
    assert.ok(one !== undefined && hasty !== undefined);
    const long = Buffer.alloc(600, 1);
    Buffer.from([22, 3, 1, 2, 83, 1, 0, 2, 79]).copy(long);
    const beginnings: readonly [string | Buffer, string][] = [
      ["GET / HTTP/1.1\r\n\r\n", "TLS_FAILED"],
      [long, "TLS_FAILED"],
      ["", "HANDSHAKE_TIMEOUT"],
      [Buffer.from([22, 3]), "HANDSHAKE_TIMEOUT"],
    ];
    for (const [bytes, code] of beginnings) {
      records.length = 0;
      const peer = await rawPeer(test, code === "HANDSHAKE_TIMEOUT" ? hasty : one);
      peer.send(bytes as string);
      await until(() => peer.isClosed && records.length === 1);
      assert.equal(records[0]?.error?.code, code);
    }
    records.length = 0;
    const leaving = await rawPeer(test, one);
    leaving.send("\x16\x03");
    leaving.socket.end();
    await until(() => leaving.isClosed && records.length === 1);
    assert.equal(a.server.stats.openedCount, 0);
    assert.equal(one.connectionCount, 0);
  });

  it("ends it, and goes by the name all the same", async (test) => {
    const plain = (name: string): Promise<string> => plainTarget(test, engine, name);
    const { port } = await relay(test, engine, {
      tls: { cert, key },
      to: [await plain("default")],
      sni: { routes: { "a.test": [await plain("a")] }, unnamed: "to" },
    });
    assert.equal((await greeting(test, engine, port, "a.test")).text, "a");
    assert.equal((await greeting(test, engine, port, undefined)).text, "default");
    await assert.rejects(greeting(test, engine, port, "b.test"), { code: "CONNECTION_CLOSED" });
  });

  it("begins it behind a PROXY header, and tells the name", async (test) => {
    const behind = await target(test, engine, "behind", true);
    const inner = await relay(test, engine, {
      to: [behind.end],
      tls: { cert, key },
      proxyHeader: { from: ["127.0.0.0/8"] },
      toTls: { ca: cert, serverName: "b.test" },
      sendProxyHeader: 2,
      healthCheck: { everyMs: 10_000 },
    });
    const outer = await relay(test, engine, {
      sni: { routes: { "a.test": [`127.0.0.1:${inner.port}`] } },
      sendProxyHeader: 2,
    });
    const { text, connection } = await greeting(test, engine, outer.port, "a.test");
    assert.equal(text, "behind");
    assert.ok(behind.sources.includes(`${connection.localAddress?.port} `), `${behind.sources}`);
    assert.deepEqual([...new Set(behind.wanted)], ["b.test"]);
    // The check of the inner relay came with a header of its own, and TLS behind it.
    await until(() => behind.wanted.length === 2);

    const telling = await target(test, engine, "telling", true);
    const teller = await relay(test, engine, {
      sni: { routes: { "a.test": [telling.end] } },
      sendProxyHeader: 2,
    });
    const told = await greeting(test, engine, teller.port, "a.test");
    assert.deepEqual(telling.sources, [`${told.connection.localAddress?.port} a.test`]);
  });

  it("exchanges its names without a cut", async (test) => {
    const [a, b] = (await Promise.all(["a", "b"].map((name) => target(test, engine, name)))) as [
      TlsTarget,
      TlsTarget,
    ];
    const one = await relay(test, engine, { sni: { routes: { "a.test": [a.end] } } });
    const first = await greeting(test, engine, one.port, "a.test");
    one.setRoutes({ "a.test": [b.end], "b.test": [b.end] });
    assert.equal((await greeting(test, engine, one.port, "a.test")).text, "b");
    first.connection.send("still");
    assert.equal((await first.connection.read(5, { timeoutMs: 5_000 })).toString(), "still");
    one.setRoutes({});
    await assert.rejects(greeting(test, engine, one.port, "a.test"));
    for (const routes of [{ "a b": [a.end] }, { "a.test": [] }, { "a.test": ["x"] }, 5]) {
      assert.throws(() => one.setRoutes(routes as never), { code: "INVALID_ARGUMENT" });
    }
    const plain = await relay(test, engine, { to: [a.end] });
    assert.throws(() => plain.setRoutes({}), { code: "INVALID_STATE" });
  });
}

async function plainTarget(test: TestContext, engine: EngineName, name: string): Promise<string> {
  const server = new TcpServer({
    engine,
    onHandshake: (connection) => void connection.send(`${name}\n`),
  });
  test.after(() => server.stop({ drainMs: 0 }));
  const { port } = await server.listen({ host: "127.0.0.1" });
  return `127.0.0.1:${port}`;
}

describe("options of a relay", () => {
  it("that can't be are refused", () => {
    const to = ["a:1"];
    const routes = { "a.test": to };
    for (const options of [
      {},
      { to: [] },
      { to: ["a"] },
      { to: ["a:0"] },
      { to: Array.from({ length: 10_001 }, (_, port) => `a:${port + 1}`) },
      { to, sni: {} },
      { to, sni: { routes: { "": to } } },
      { to, sni: { routes: { "a.*": to } } },
      { to, sni: { routes: { "a.test": to, "A.test": to } } },
      { to, sni: { routes, choose: 1 } },
      { to, sni: { routes, unnamed: "close" } },
      { sni: { routes, unnamed: "to" } },
      { sni: { routes, unknown: "to" } },
      {
        sni: {
          routes: Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`n${n}`, to])),
        },
      },
      { to, balance: "best" },
      { to, healthCheck: { everyMs: 0 } },
      { to, sendProxyHeader: 3 },
      { to, toTls: { start: "manual" } },
      { to, onCheck: 1 },
      { to, proxyHeaderFrom: [] },
    ]) {
      assert.throws(
        () => new Relay(options as never),
        { code: "INVALID_ARGUMENT" },
        JSON.stringify(options).slice(0, 100),
      );
    }
  });
});
