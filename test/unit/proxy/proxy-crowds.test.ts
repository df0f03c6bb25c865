/** Crowds of clients that stall, in memory, with time that is moved by hand. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpAgent, TcpServer } from "hp-socket";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { type AccessRecord, ProxyServer, type ProxyServerOptions } from "hp-socket/proxy";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import { fuzzRuns } from "../../support/fuzz-runs.js";

const PROXY = 3_128;
const CROWD = fuzzRuns(4_000);

class World {
  readonly clock = new ManualClock();
  readonly engine: MemoryEngine;
  readonly proxy: ProxyServer;
  readonly records: AccessRecord[] = [];
  readonly clients: TcpAgent;
  /** What each client has got, by its id. */
  readonly got: Map<number, string> = new Map();

  constructor(options: ProxyServerOptions, engine?: MemoryEngine) {
    this.engine = engine ?? new MemoryEngine({ clock: this.clock });
    this.proxy = new ProxyServer({
      engine: this.engine,
      access: { allow: ["0.0.0.0/0", "::/0"] },
      destinations: { allow: ["127.0.0.0/8"] },
      onAccess: (record) => this.records.push(record),
      ...options,
    });
    this.clients = new TcpAgent({
      engine: this.engine,
      maxConnections: CROWD,
      onReceive: ({ id }, bytes) => {
        this.got.set(id, (this.got.get(id) ?? "") + bytes.toString("latin1"));
      },
    });
  }

  async start(): Promise<this> {
    const listening = this.proxy.listen({ port: PROXY });
    await this.pass(0);
    await listening;
    return this;
  }

  async pass(ms: number): Promise<void> {
    await this.engine.settle();
    this.clock.advance(ms);
    await this.engine.settle();
  }

  /** So many clients, each of which says one of `words`. */
  async crowd(count: number, ...words: readonly (string | Buffer)[]): Promise<void> {
    const coming = Array.from({ length: count }, () => this.clients.connect({ port: PROXY }));
    await this.pass(0);
    for (const [at, client] of (await Promise.all(coming)).entries()) {
      client.send(words[at % words.length] ?? "");
    }
    await this.pass(0);
  }

  async stop(): Promise<void> {
    const stopping = Promise.all([this.proxy.stop({ drainMs: 0 }), this.clients.stop()]);
    await this.pass(10_000);
    await stopping;
  }

  /** How many clients got what `pattern` matches. */
  count(pattern: RegExp): number {
    return [...this.got.values()].filter((text) => pattern.test(text)).length;
  }
}

describe("a proxy and crowds that stall", () => {
  it("ends a crowd of clients that are stuck in a handshake, each when its time is over", async () => {
    const world = await new World({ maxConnections: CROWD }).start();

    await world.crowd(
      CROWD,
      "CONNECT 127.0.0.1:1 HTT",
      "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n",
      "GET http://127.0.0.1/ HTTP/1.1\r\nHost:",
      Buffer.from([5]),
      Buffer.from([5, 2, 0]),
      Buffer.from([5, 1, 0]),
      Buffer.from([4, 1, 0, 1, 0, 0, 0, 1, 97, 0, 98]),
    );
    assert.equal(world.proxy.connectionCount, CROWD);
    assert.equal(world.proxy.stats.tunnelCount, 0);
    await world.pass(60_000);
    await world.pass(60_000);

    assert.equal(world.proxy.connectionCount, 0);
    assert.equal(world.clients.connectionCount, 0);
    await world.stop();
  });

  it("ends clients that stall in their credentials, in a body, between requests, or read no response", async () => {
    const world = await new World({
      headTimeoutMs: 1_000,
      bodyTimeoutMs: 2_000,
      keepAliveTimeoutMs: 2_000, // and a second that is not told
      sendTimeoutMs: 3_000, // looked after a few times within it
      authenticate: { me: "secret" },
    }).start();
    const origin = new HttpServer({
      engine: world.engine,
      onRequest: async (exchange) => {
        if (exchange.path !== "/much") await exchange.body.bytes();
        exchange.respond(200, {}, exchange.path === "/much" ? Buffer.alloc(8_000_000) : "done");
      },
      onHandlerError: () => {},
    });
    const listening = origin.listen({ port: 81 });
    await world.pass(0);
    await listening;
    const start = (method: string, path: string): string =>
      `${method} http://127.0.0.1:81${path} HTTP/1.1\r\nHost: a\r\n` +
      `Proxy-Authorization: Basic ${btoa("me:secret")}\r\n`;

    await world.crowd(
      5,
      Buffer.from("\x05\x01\x02\x01\x02me\x06sec"),
      `${start("POST", "/body")}Content-Length: 10\r\n\r\nabc`,
      `${start("POST", "/chunks")}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
      `${start("GET", "/")}\r\n`,
      "",
    );
    const [deaf] = world.clients.connectionIds().slice(-1);
    world.clients.pause(deaf ?? 0);
    world.clients.send(deaf ?? 0, `${start("GET", "/much")}\r\n`);
    await world.pass(0);
    const left: number[] = [world.proxy.connectionCount];
    for (let second = 1; second <= 4; second++) {
      await world.pass(1_010);
      left.push(world.proxy.connectionCount);
    }

    assert.equal(world.count(/done$/), 1);
    assert.deepEqual(left, [5, 4, 2, 1, 0]);
    const stopping = origin.stop({ drainMs: 0 });
    await world.stop();
    await world.pass(10_000);
    await stopping;
    assert.equal(world.proxy.stats.upstream.connectionCount, 0);
  });

  it("makes no more tunnels than maxTunnels, and tells the others of a crowd so", async () => {
    const maxTunnels = 100;
    let letGo = (): void => {};
    const waiting = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    const world = await new World({
      maxConnections: CROWD,
      maxTunnels,
      onTunnel: () => waiting,
    }).start();
    const request = "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n";

    await world.crowd(CROWD, request);
    assert.equal(world.proxy.stats.tunnelCount, maxTunnels);
    assert.equal(world.count(/^HTTP\/1\.1 503 /), CROWD - maxTunnels);
    letGo();
    await world.pass(20_000);

    // Nobody listens where they want to.
    assert.equal(world.count(/^HTTP\/1\.1 502 /), maxTunnels);
    assert.equal(world.proxy.stats.tunnelCount, 0);
    await world.stop();
    assert.equal(world.records.length, CROWD);
  });

  it("has as many upstream connections as it may, and the others wait", async () => {
    const world = await new World({ maxUpstreams: 3, maxUpstreamsPerOrigin: 2 }).start();
    const held: (() => void)[] = [];
    const origins = await Promise.all(
      [81, 82].map(async (port) => {
        const origin = new HttpServer({
          engine: world.engine,
          onRequest: (exchange) => void held.push(() => exchange.respond(200, {}, "done")),
        });
        const listening = origin.listen({ port });
        await world.pass(0);
        await listening;
        return origin;
      }),
    );
    const to = (port: number): string =>
      `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: a\r\n\r\n`;

    await world.crowd(12, to(81), to(82));
    assert.equal(world.proxy.stats.upstream.connectionCount, 3);
    assert.ok(origins.every((origin) => origin.connectionCount <= 2));
    assert.equal(held.length, 3);
    for (let answered = 0; answered < 12; answered++) {
      held[answered]?.();
      await world.pass(1);
      assert.ok(world.proxy.stats.upstream.connectionCount <= 3);
    }

    assert.equal(world.count(/done$/), 12);
    const stopping = Promise.all(origins.map((origin) => origin.stop({ drainMs: 0 })));
    await world.stop();
    await world.pass(10_000);
    await stopping;
  });

  it("gives up an origin that does not respond, and upstream connections that are idle", async () => {
    const world = await new World({ upstreamTimeoutMs: 500, upstreamIdleTimeoutMs: 300 }).start();
    const silent = new TcpServer({ engine: world.engine, onReceive() {} });
    const quick = new HttpServer({
      engine: world.engine,
      onRequest: (exchange) => exchange.respond(200, {}, "done"),
    });
    const listening = Promise.all([silent.listen({ port: 81 }), quick.listen({ port: 82 })]);
    await world.pass(0);
    await listening;

    await world.crowd(
      2,
      "GET http://127.0.0.1:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http://127.0.0.1:82/ HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert.equal(world.count(/done$/), 1);
    assert.equal(quick.connectionCount, 1);
    await world.pass(400);
    assert.equal(quick.connectionCount, 0);
    await world.pass(200);
    assert.equal(world.count(/^HTTP\/1\.1 504 /), 1);

    const stopping = Promise.all([silent.stop({ drainMs: 0 }), quick.stop({ drainMs: 0 })]);
    await world.stop();
    await world.pass(10_000);
    await stopping;
  });

  it("refuses what an origin outside redirects to inside", async () => {
    const engine = new MemoryEngine({
      clock: new ManualClock(),
      names: { "out.example": ["8.8.4.4"] },
    });
    const world = await new World({ destinations: {} }, engine).start();
    const outside = new HttpServer({
      engine,
      onRequest: (exchange) => {
        const Location = `http://${exchange.path.slice(1)}:81/`;
        exchange.respond(302, { Location });
      },
    });
    const inside = new TcpServer({ engine, onAccept: () => assert.fail("reached") });
    const agent = new HttpAgent({ engine, proxy: `http://127.0.0.1:${PROXY}` });
    const opening = Promise.all([
      outside.listen({ host: "8.8.4.4", port: 80 }),
      inside.listen({ host: "127.0.0.1", port: 81 }),
    ]);
    await world.pass(0);
    await opening;
    for (const host of ["127.0.0.1", "localhost", "[::ffff:7f00:1]", "2130706433"]) {
      const asking = agent.follow(`http://out.example/${host}`);
      await world.pass(0);
      const response = await asking;
      assert.equal(response.status, 403, host);
      await response.bytes();
    }
    const stopping = Promise.all([agent.stop(), outside.stop({ drainMs: 0 }), inside.stop()]);
    await world.stop();
    await world.pass(10_000);
    await stopping;
  });

  it("dials the address that was checked, whatever the name says the next time", async () => {
    const clock = new ManualClock();
    const asked: string[] = [];
    class Rebinding extends MemoryEngine {
      override async resolve(host: string): Promise<readonly { host: string; family: "IPv4" }[]> {
        if (host !== "rebound.example") return [{ host, family: "IPv4" }];
        asked.push(host);
        return [{ host: asked.length === 1 ? "8.8.4.4" : "127.0.0.1", family: "IPv4" }];
      }
    }
    const world = new World({ destinations: {} }, new Rebinding({ clock }));
    const listening = world.proxy.listen({ port: PROXY });
    await world.engine.settle();
    await listening;
    const inside = new TcpServer({ engine: world.engine, onAccept: () => assert.fail("reached") });
    const opening = inside.listen({ host: "127.0.0.1", port: 80 });
    await world.engine.settle();
    await opening;
    const client = world.clients.connect({ port: PROXY });
    await world.engine.settle();
    (await client).send("CONNECT rebound.example:80 HTTP/1.1\r\nHost: a\r\n\r\n");
    await world.engine.settle();
    (await client).close();
    const second = world.clients.connect({ port: PROXY });
    await world.engine.settle();
    (await second).send("GET http://rebound.example/ HTTP/1.1\r\nHost: a\r\n\r\n");
    await world.engine.settle();

    // The first was dialled where it was found, and nobody is there; the second was found inside.
    assert.equal(asked.length, 2);
    assert.equal(world.count(/^HTTP\/1\.1 502 /), 1);
    assert.equal(world.count(/^HTTP\/1\.1 403 /), 1);
    const stopping = Promise.all([
      world.proxy.stop({ drainMs: 0 }),
      world.clients.stop(),
      inside.stop(),
    ]);
    await world.engine.settle();
    clock.advance(10_000);
    await world.engine.settle();
    await stopping;
  });
});
