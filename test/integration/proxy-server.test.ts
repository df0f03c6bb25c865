import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type EngineName, TcpAgent, TcpServer } from "hp-socket";
import { HttpAgent, HttpServer, type HttpServerOptions } from "hp-socket/http";
import { type AccessRecord, ProxyServer, type ProxyServerOptions } from "hp-socket/proxy";
import { availableEngines } from "../support/engine-list.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { rawPeer } from "../support/http-world.js";
import { proxyServer } from "../support/proxy-world.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`a proxy on ${engine}`, () => {
    tunnels(engine);
    requests(engine);
    rules(engine);
    phases(engine);
  });
}

/** A client, which may be reset before it knows that it was connected. */
async function arrives(test: TestContext, server: ProxyServer): Promise<void> {
  const peer = await rawPeer(test, server);
  await until(() => peer.isClosed || peer.hasEnded);
  throw new Error("closed");
}

async function echo(test: TestContext, engine: EngineName): Promise<TcpServer> {
  const server = new TcpServer({
    engine,
    slowConsumer: "pause",
    halfOpen: true,
    onHandshake: (connection) => void connection.send("220 ready\n"),
    onReceive: (connection, bytes) => void connection.send(bytes),
    onEnd: (connection) => void connection.finish(),
  });
  test.after(() => server.stop({ drainMs: 0 }));
  await server.listen({ host: "127.0.0.1" });
  return server;
}

async function origin(
  test: TestContext,
  engine: EngineName,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const server = new HttpServer({ engine, ...options });
  test.after(() => server.stop({ drainMs: 0 }));
  await server.listen({ host: "127.0.0.1" });
  return server;
}

function tunnels(engine: EngineName): void {
  for (const scheme of ["http", "socks5", "socks4a"]) {
    it(`makes a tunnel by ${scheme}, to a server that speaks first`, async (test) => {
      const server = await echo(test, engine);
      const records: AccessRecord[] = [];
      const { port } = await proxyServer(test, engine, { onAccess: (one) => records.push(one) });
      const agent = new TcpAgent({
        engine,
        halfOpen: true,
        proxy: `${scheme}://127.0.0.1:${port}`,
      });
      test.after(() => agent.stop({ drainMs: 0 }));

      const connection = await agent.connect({ host: "127.0.0.1", port: server.port });
      assert.equal(
        (await connection.readUntil("\n", { timeoutMs: 5_000 })).toString(),
        "220 ready\n",
      );
      connection.send("hello");
      connection.finish();
      assert.equal((await connection.read(5, { timeoutMs: 5_000 })).toString(), "hello");
      assert.equal((await connection.closed({ timeoutMs: 5_000 })).cause, undefined);
      await until(() => records.length === 1 && server.connectionCount === 0);

      const [record] = records as [AccessRecord];
      assert.equal(record.target, `127.0.0.1:${server.port}`);
      assert.equal(record.fromClientBytes, 5);
      assert.equal(record.toClientBytes, 15);
      assert.equal(record.error, undefined);
    });

    it(`wants name and password by ${scheme}`, async (test) => {
      const server = await echo(test, engine);
      const { port } = await proxyServer(test, engine, { authenticate: { me: "right" } });
      const agent = new TcpAgent({ engine });
      test.after(() => agent.stop({ drainMs: 0 }));
      const to = (user: string): Promise<unknown> =>
        agent.connect({ port: server.port, proxy: `${scheme}://${user}127.0.0.1:${port}` });

      for (const user of ["", "me:wrong@", "you:right@"]) {
        await assert.rejects(to(user), {
          code: scheme === "socks4a" ? "PROXY_REFUSED" : "PROXY_AUTHENTICATION",
        });
      }
      if (scheme !== "socks4a") await to("me:right@");
    });
  }

  it("carries much, each way, whole, with memory that stays", {
    timeout: 120_000,
  }, async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine);
    const agent = new TcpAgent({ engine, proxy: `socks5://127.0.0.1:${through.port}` });
    test.after(() => agent.stop({ drainMs: 0 }));
    const connection = await agent.connect({ host: "127.0.0.1", port: server.port });
    await connection.readUntil("\n", { timeoutMs: 5_000 });
    const piece = Buffer.alloc(262_144);
    for (let at = 0; at < piece.length; at += 4)
      piece.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    const count = 128;
    const before = process.memoryUsage();
    let peak = 0;

    const sending = (async () => {
      for (let index = 0; index < count; index++) {
        if (connection.send(piece) !== true) await connection.drained({ timeoutMs: 20_000 });
      }
    })();
    for (let index = 0; index < count; index++) {
      const got = await connection.read(piece.length, { timeoutMs: 20_000 });
      assert.ok(got.equals(piece), `piece ${index} is another`);
      peak = Math.max(peak, process.memoryUsage().rss - before.rss);
    }
    await sending;

    assert.ok(peak < 128 * 2 ** 20, `${peak} bytes more`);
  });

  it("holds back who sends to a peer that does not read", async (test) => {
    const server = new TcpServer({ engine, onAccept: (connection) => void connection.pause() });
    test.after(() => server.stop({ drainMs: 0 }));
    await server.listen({ host: "127.0.0.1" });
    const through = await proxyServer(test, engine);
    const agent = new TcpAgent({ engine, proxy: `http://127.0.0.1:${through.port}` });
    test.after(() => agent.stop({ drainMs: 0 }));
    const connection = await agent.connect({ host: "127.0.0.1", port: server.port });

    const piece = Buffer.alloc(1_048_576);
    for (let index = 0; index < 15; index++) connection.send(piece);
    let received = -1;
    await until(() => {
      const now = through.stats.receivedBytes;
      const isSame = now === received && now > 0;
      received = now;
      return isSame;
    });
    await assert.rejects(connection.drained({ timeoutMs: 300 }), { code: "DRAIN_TIMEOUT" });
    assert.ok(through.stats.receivedBytes < 14 * piece.length);
  });

  it("ends both sides together, whoever leaves, and leaks nothing", {
    timeout: 60_000,
  }, async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine);
    const schemes = ["http", "socks5", "socks4a"];
    const agent = new TcpAgent({ engine });
    test.after(() => agent.stop({ drainMs: 0 }));
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed;
    };
    for (let round = 0; round < fuzzRuns(16); round++) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const proxy = `${schemes[index % 3]}://127.0.0.1:${through.port}`;
          const leaving = new AbortController();
          const kind = random() % 5;
          if (kind === 0) setImmediate(() => leaving.abort());
          const { signal } = leaving;
          const attempt = agent.connect({ host: "127.0.0.1", port: server.port, proxy, signal });
          const connection = await attempt.catch(() => undefined);
          if (connection === undefined) return;
          connection.send(Buffer.alloc(random() % 100_000));
          if (kind === 1) connection.abort();
          else if (kind === 2) server.abort(server.connectionIds()[0] ?? 0);
          else if (kind === 3) connection.close();
          else await connection.read({ timeoutMs: 5_000 }).catch(() => undefined);
          connection.close();
        }),
      );
    }
    await until(() => through.connectionCount === 0 && server.connectionCount === 0, 20_000);
    assert.equal(through.stats.tunnelCount, 0);
  });
}

function requests(engine: EngineName): void {
  it("sends requests on, over connections that the next client gets", async (test) => {
    const seen: [string, string, string, [string, string][]][] = [];
    const server = await origin(test, engine, {
      onRequest: async (exchange) => {
        exchange.keep();
        const body = (await exchange.bytes()).toString();
        seen.push([exchange.method, exchange.target, body, [...exchange.headers]]);
        exchange.respond(200, { Connection: "X-Hop", "X-Hop": "1", "X-End": "2" }, `got ${body}`);
      },
    });
    const through = await proxyServer(test, engine, { via: "me" });
    for (let round = 0; round < 3; round++) {
      const peer = await rawPeer(test, through);
      peer.send(
        `POST http://127.0.0.1:${server.port}/a/../b?c HTTP/1.1\r\nHost: other\r\nContent-Length: 3\r\n` +
          "Connection: X-Mine, close, content-length\r\nX-Mine: 1\r\nTE: trailers\r\nProxy-Authorization: a b\r\n" +
          "Via: 1.0 fred\r\nX-End: 1\r\n\r\nabc",
      );
      const answer = await peer.answer();
      assert.equal(answer.statusCode, 200);
      assert.equal(answer.body, "got abc");
      assert.equal(answer.fields.get("x-end"), "2");
      assert.equal(answer.fields.has("x-hop"), false);
      assert.equal(answer.fields.get("via"), "1.1 me");
      peer.socket.destroy();
      await until(() => through.stats.upstream.idleCount === 1);
    }
    assert.deepEqual(seen[0]?.slice(0, 3), ["POST", "/a/../b?c", "abc"]);
    assert.deepEqual(
      new Map(seen[0]?.[3].map(([name, value]) => [name.toLowerCase(), value])),
      new Map([
        ["host", `127.0.0.1:${server.port}`],
        ["content-length", "3"],
        ["via", "1.1 me"],
        ["x-end", "1"],
        // The client takes trailers, and so does the proxy (RFC 9110 §10.1.4).
        ["te", "trailers"],
        ["connection", "TE"],
      ]),
    );
    assert.equal(through.stats.reusedCount, 2);
    assert.equal(server.stats.openedCount, 1);
  });

  it("loses no upstream connection to clients that leave at any moment", async (test) => {
    const server = await origin(test, engine, {
      onRequest: async (exchange) => {
        exchange.keep();
        if (exchange.hasBody) await exchange.bytes();
        const pieces = Array.from({ length: 10 }, () => Buffer.alloc(20_000));
        await exchange.respondStream(200, {}, pieces);
      },
    });
    const through = await proxyServer(test, engine, { maxUpstreamsPerOrigin: 8 });
    const target = `http://127.0.0.1:${server.port}/`;
    const words = [
      `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(5),
      `POST ${target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc`,
      `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
      `GET ${target} HTTP/1.0\r\n\r\n`,
    ];
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        words.map(async (word, index) => {
          const peer = await rawPeer(test, through);
          peer.send(word);
          // Some leave at once, some with the head, some later.
          const cameBytes = [0, 1, 30_000][(round + index) % 3] ?? 0;
          await until(() => peer.received.length >= Math.min(cameBytes, index === 2 ? 0 : 20));
          if (round % 2 === 0) peer.socket.destroy();
          else peer.socket.resetAndDestroy();
        }),
      );
    }
    await until(() => through.connectionCount === 0);
    const { upstream } = through.stats;
    await until(() => {
      const { connectionCount, idleCount, queuedCount } = through.stats.upstream;
      return connectionCount === idleCount && queuedCount === 0;
    });
    assert.ok(upstream.connectionCount <= 8);
    const peer = await rawPeer(test, through);
    peer.send(`HEAD ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await peer.came("HTTP/1.1 200");
  });

  for (const isShown of [false, true]) {
    const by = isShown ? "past handlers" : "straight";
    const handlers = isShown ? { onRequest() {}, onResponse() {} } : {};

    it(`sends trailers on, ${by}, but those that a head has to have`, async (test) => {
      let seen: [string, string][] = [];
      const server = await origin(test, engine, {
        onRequest: async (exchange) => {
          assert.equal(await exchange.text(), "abc");
          seen = [...(exchange.body.trailers ?? [])];
          const trailers = [
            ["X-Down", "2"],
            ["Set-Cookie", "a=b"],
            ["Content-Type", "text/html"],
          ] as const;
          await exchange.respondStream(200, {}, ["def"], () => trailers);
        },
      });
      const through = await proxyServer(test, engine, handlers);
      const peer = await rawPeer(test, through);
      peer.send(
        `POST http://127.0.0.1:${server.port}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n` +
          "3\r\nabc\r\n0\r\nX-Up: 1\r\nAuthorization: Basic x\r\nX-Also: two words\r\n\r\n",
      );
      await peer.came("3\r\ndef\r\n0\r\nX-Down: 2\r\n\r\n");
      assert.deepEqual(seen, [
        ["X-Up", "1"],
        ["X-Also", "two words"],
      ]);
      assert.equal(through.stats.upstream.idleCount, 1);
    });

    it(`cuts a response, ${by}, whose trailers are longer than maxTrailerBytes`, async (test) => {
      const records: AccessRecord[] = [];
      const long = `X-Long: ${"a".repeat(9_000)}`;
      const server = new TcpServer({
        engine,
        onReceive: (connection) => {
          connection.send(
            `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n${long}\r\n\r\n`,
          );
        },
      });
      test.after(() => server.stop({ drainMs: 0 }));
      await server.listen({ host: "127.0.0.1" });
      const onAccess = (one: AccessRecord) => records.push(one);
      const through = await proxyServer(test, engine, { ...handlers, onAccess });
      const peer = await rawPeer(test, through);
      peer.send(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
      await until(() => peer.isClosed || peer.hasEnded);
      peer.socket.end();
      await until(() => records.length === 1);
      assert.doesNotMatch(peer.received, /X-Long|\r\n0\r\n/);
      assert.equal(records[0]?.error?.code, "HTTP_HEAD_TOO_LARGE");
    });

    it(`passes on a body, ${by}, as fast as the client takes it, and gives up with the client`, async (test) => {
      let given = 0;
      let isLeft = false;
      const server = await origin(test, engine, {
        onRequest: async (exchange) => {
          async function* endless(): AsyncGenerator<Buffer> {
            for (;;) {
              given += 65_536;
              yield Buffer.alloc(65_536);
            }
          }
          await exchange.respondStream(200, {}, endless());
          isLeft = true;
        },
      });
      const through = await proxyServer(test, engine, handlers);
      const peer = await rawPeer(test, through);
      peer.send(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
      await peer.came("HTTP/1.1 200");
      peer.socket.pause();
      let last = -1;
      let steadyCount = 0;
      await until(() => {
        steadyCount = given === last ? steadyCount + 1 : 0;
        last = given;
        return steadyCount === 30;
      });
      // What sockets and queues of both sides have; nobody takes more.
      assert.ok(given < 64 * 1_048_576, `${given} bytes were taken`);
      assert.equal(isLeft, false);
      assert.equal(through.connectionCount, 1);
      peer.socket.destroy();
      await until(() => isLeft && through.connectionCount === 0);
      await until(() => through.stats.upstream.connectionCount === 0);
    });
  }

  it("responds to HEAD, 204 and 304 as the origin does, and to a chunked body piece by piece", async (test) => {
    const server = await origin(test, engine, {
      onRequest: async (exchange) => {
        if (exchange.path === "/204") exchange.respond(204);
        else if (exchange.path === "/304") exchange.respond(304, { ETag: '"a"' });
        else if (exchange.path === "/chunked") {
          exchange.statusText = "Quite so";
          await exchange.respondStream(
            200,
            {},
            ["one ", "two"].map((one) => Buffer.from(one)),
          );
        } else exchange.respond(200, {}, "0123456789");
      },
    });
    const through = await proxyServer(test, engine);
    const agent = new HttpAgent({ engine, proxy: `http://127.0.0.1:${through.port}` });
    test.after(() => agent.stop({ drainMs: 0 }));
    const url = `http://127.0.0.1:${server.port}`;

    const head = await agent.request({ url: `${url}/`, method: "HEAD" });
    assert.equal(head.headers.get("content-length"), "10");
    assert.equal(head.statusText, "OK");
    assert.equal((await head.bytes()).length, 0);
    assert.equal((await agent.request({ url: `${url}/204` })).status, 204);
    assert.equal((await agent.request({ url: `${url}/304` })).headers.get("etag"), '"a"');
    const chunked = await agent.request({ url: `${url}/chunked` });
    assert.equal(chunked.headers.get("transfer-encoding"), "chunked");
    assert.equal(chunked.statusText, "Quite so");
    assert.equal(await chunked.text(), "one two");
  });

  it("answers OPTIONS and TRACE at the last hop, and refuses loops and what is for no proxy", async (test) => {
    const hops: (string | undefined)[] = [];
    const server = await origin(test, engine, {
      onRequest: (exchange) => {
        hops.push(exchange.headers.get("max-forwards"));
        assert.equal(exchange.target, "*");
        exchange.respond(200);
      },
    });
    const through = await proxyServer(test, engine, { via: "me" });
    const peer = await rawPeer(test, through);
    const ask = async (method: string, target: string, field = ""): Promise<number> => {
      peer.send(`${method} ${target} HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
      return (await peer.answer()).statusCode;
    };
    const url = `http://127.0.0.1:${server.port}`;
    assert.equal(await ask("OPTIONS", url, "Max-Forwards: 0\r\n"), 200);
    assert.equal(await ask("OPTIONS", url, "Max-Forwards: 3\r\n"), 200);
    assert.deepEqual(hops, ["2"]);
    assert.equal(await ask("TRACE", `${url}/`, "Max-Forwards: 0\r\n"), 405);
    assert.equal(await ask("GET", `${url}/`, "Via: 1.1 you, 1.1 me (x)\r\n"), 508);
    assert.equal(await ask("GET", "/"), 400);
    assert.equal(await ask("GET", "https://127.0.0.1/"), 400);
    assert.equal(await ask("GET", "http://me@127.0.0.1/"), 400);
  });

  it("shows and changes requests and responses, and responds itself", async (test) => {
    const server = await origin(test, engine, {
      onRequest: async (exchange) => {
        const body = exchange.hasBody ? await exchange.text() : "";
        exchange.statusText = "Quite so";
        exchange.respond(200, {}, `${exchange.headers.get("x-added")} ${exchange.target} ${body}`);
      },
    });
    const through = await proxyServer(test, engine, {
      onRequest: (request) => {
        if (request.url.endsWith("/own")) return { status: 418, body: "tea" };
        if (request.url.endsWith("/no")) return false;
        if (request.url.endsWith("/throws")) throw new Error("no");
        request.headers.push(["X-Added", "yes"]);
        request.url = request.url.replace("/old", "/new");
        return undefined;
      },
      onResponse: (response) => {
        response.headers.push(["X-Seen", "1"]);
        if (response.request.url.endsWith("/202")) response.status = 202;
        const { body } = response;
        response.body = (async function* () {
          for await (const bytes of body) yield Buffer.from(bytes.toString().toUpperCase());
        })();
      },
      onHandlerError: (error) => assert.equal(error.code, "HANDLER_FAILED"),
    });
    const agent = new HttpAgent({ engine, proxy: `http://127.0.0.1:${through.port}` });
    test.after(() => agent.stop({ drainMs: 0 }));
    const url = `http://127.0.0.1:${server.port}`;
    const response = await agent.request({ url: `${url}/old`, method: "POST", body: "b" });
    assert.equal(response.headers.get("x-seen"), "1");
    assert.equal(response.statusText, "Quite so");
    const accepted = await agent.request({ url: `${url}/202` });
    assert.deepEqual([accepted.status, accepted.statusText], [202, "Accepted"]);
    assert.equal(await response.text(), "YES /NEW B");
    assert.equal((await agent.request({ url: `${url}/own` })).status, 418);
    assert.equal((await agent.request({ url: `${url}/no` })).status, 403);
    assert.equal((await agent.request({ url: `${url}/throws` })).status, 502);
  });

  it("passes 100-continue and early responses on", async (test) => {
    const server = await origin(test, engine, {
      onRequest: async (exchange) => {
        if (exchange.path === "/no") exchange.respond(403);
        else exchange.respond(200, {}, await exchange.bytes());
      },
    });
    const through = await proxyServer(test, engine);
    const peer = await rawPeer(test, through);
    const head = (path: string): string =>
      `PUT http://127.0.0.1:${server.port}${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
    peer.send(head("/"));
    assert.equal((await peer.answer()).statusCode, 100);
    peer.send("ok");
    assert.equal((await peer.answer()).body, "ok");
    peer.send(head("/no"));
    assert.equal((await peer.answer()).statusCode, 403);
  });
}

function rules(engine: EngineName): void {
  it("reaches nothing private, by whatever form, name or protocol", async (test) => {
    let connected = 0;
    const server = new TcpServer({ engine, onAccept: () => void connected++ });
    test.after(() => server.stop({ drainMs: 0 }));
    await server.listen({ host: "127.0.0.1" });
    const through = await proxyServer(test, engine, { destinations: {}, connectTimeoutMs: 2_000 });
    const { port } = server;
    const hosts = [
      "127.0.0.1",
      "127.1.2.3",
      "localhost",
      "0.0.0.0",
      "2130706433",
      "0177.0.0.1",
      "0x7f.1",
      "127.1",
      "[::1]",
      "[::]",
      "[::ffff:127.0.0.1]",
      "[::127.0.0.1]",
      "[64:ff9b::7f00:1]",
      "[2002:7f00:1::]",
      "[::ffff:0:127.0.0.1]",
      "192.0.2.1",
      "[2001:db8::1]",
      "10.0.0.1",
      "192.168.1.1",
      "172.16.0.1",
      "169.254.169.254",
      "100.64.0.1",
      "224.0.0.1",
      "[fe80::1]",
      "[fd00::1]",
    ];
    const agent = new TcpAgent({ engine });
    test.after(() => agent.stop({ drainMs: 0 }));
    for (const host of hosts) {
      const peer = await rawPeer(test, through);
      peer.send(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
      const status = (await peer.answer()).statusCode;
      assert.ok([400, 403, 502].includes(status), `CONNECT ${host}: ${status}`);
      const other = await rawPeer(test, through);
      other.send(`GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const second = (await other.answer()).statusCode;
      assert.ok([400, 403, 502].includes(second), `GET ${host}: ${second}`);
      for (const scheme of ["socks5", "socks4a"]) {
        await assert.rejects(
          agent.connect({
            host: host.replace(/[[\]]/g, ""),
            port,
            proxy: `${scheme}://127.0.0.1:${through.port}`,
          }),
          { code: /^PROXY_(REFUSED|DESTINATION)$/ },
        );
      }
    }
    assert.equal(connected, 0);
  });

  it("lets through what is allowed alone, by name, network and port", async (test) => {
    const server = await echo(test, engine);
    const { port } = server;
    const tries: [ProxyServerOptions["destinations"], string, boolean][] = [
      [{ allow: ["localhost"] }, "localhost", true],
      [{ allow: ["localhost"] }, "127.0.0.1", false],
      [{ allow: ["127.0.0.0/8"] }, "localhost", true],
      [{ allow: ["127.0.0.0/8"], deny: ["127.0.0.1"] }, "localhost", false],
      [{ allow: ["127.0.0.0/8"], deny: ["LOCALHOST"] }, "localhost", false],
      [{ allow: ["127.0.0.0/8"], ports: [1] }, "localhost", false],
      [{ allow: ["127.0.0.0/8"], ports: [port] }, "localhost", true],
      [{ allow: ["127.0.0.0/8"], only: ["localhost"] }, "127.0.0.1", false],
      [{ allow: ["127.0.0.0/8"], only: ["127.0.0.1"] }, "127.0.0.1", true],
    ];
    for (const [destinations, host, isAllowed] of tries) {
      const through = await proxyServer(test, engine, { destinations: destinations ?? {} });
      const peer = await rawPeer(test, through);
      peer.send(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await peer.came("\r\n\r\n");
      const status = Number(peer.received.split(" ")[1]);
      assert.equal(status, isAllowed ? 200 : 403, JSON.stringify([destinations, host]));
    }
  });

  it("is no open relay, and lets in whom it is told to", async (test) => {
    await assert.rejects(new ProxyServer({ engine }).listen({ host: "0.0.0.0" }), {
      code: "INVALID_ARGUMENT",
    });
    const refused: string[] = [];
    const through = await proxyServer(test, engine, {
      access: { deny: ["127.0.0.0/8"] },
      onRefuse: (error) => refused.push(error.code),
    });
    await assert.rejects(arrives(test, through));
    assert.deepEqual(refused, ["ACCESS_REFUSED"]);
    assert.equal(through.stats.refusedCount, 1);
  });

  it("has limits of tunnels and of connections of a client", async (test) => {
    const server = await echo(test, engine);
    const refused: string[] = [];
    const through = await proxyServer(test, engine, {
      maxTunnels: 1,
      access: { maxConnectionsPerAddress: 2 },
      onRefuse: (error) => refused.push(error.code),
    });
    const connect = `CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const first = await rawPeer(test, through);
    first.send(connect);
    await first.came("220 ready");
    const second = await rawPeer(test, through);
    second.send(connect);
    assert.equal((await second.answer()).statusCode, 503);
    await assert.rejects(arrives(test, through));
    assert.deepEqual(refused, ["ADDRESS_LIMIT"]);
    first.socket.destroy();
    second.socket.destroy();
    await until(() => through.connectionCount === 0 && through.stats.tunnelCount === 0);
    const last = await rawPeer(test, through);
    last.send(connect);
    await last.came("220 ready");
  });
}

function phases(engine: EngineName): void {
  it("gives up clients that are slow in any phase, and tunnels in which nothing happens", async (test) => {
    const server = await echo(test, engine);
    const through = await proxyServer(test, engine, {
      headTimeoutMs: 100,
      tunnelIdleTimeoutMs: 200,
    });
    const beginnings = [
      "",
      "\x05",
      "\x05\x01\x00\x05\x01",
      "\x04\x01\x00",
      "CONNECT ",
      "GET http://a/ HTTP/1.1\r\n",
      `CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nHost: a\r\n\r\n`,
    ];
    const peers = await Promise.all(beginnings.map(() => rawPeer(test, through)));
    for (const [index, peer] of peers.entries())
      peer.send(Buffer.from(beginnings[index] ?? "", "latin1"));
    await until(() => peers.every((peer) => peer.isClosed || peer.hasEnded));
    for (const peer of peers) peer.socket.destroy();
    await until(() => through.connectionCount === 0 && server.connectionCount === 0);
  });

  it("tells the client whose fault it was", async (test) => {
    const silent = new TcpServer({ engine });
    const garbage = new TcpServer({ engine, onReceive: (one) => void one.send("no HTTP\r\n\r\n") });
    for (const one of [silent, garbage]) {
      test.after(() => one.stop({ drainMs: 0 }));
      await one.listen({ host: "127.0.0.1" });
    }
    const through = await proxyServer(test, engine, { upstreamTimeoutMs: 100 });
    const peer = await rawPeer(test, through);
    const get = async (port: number): Promise<number> => {
      peer.send(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
      return (await peer.answer()).statusCode;
    };
    assert.equal(await get(silent.port), 504);
    assert.equal(await get(garbage.port), 502);
    const { port } = garbage;
    await garbage.stop({ drainMs: 0 });
    assert.equal(await get(port), 502);
  });

  it("ends half-open CONNECTs with their clients", async (test) => {
    const through = await proxyServer(test, engine, {
      onTunnel: () =>
        new Promise<undefined>((resolve) => void setTimeout(() => resolve(undefined), 50)),
    });
    const server = await echo(test, engine);
    const peers = await Promise.all(Array.from({ length: 50 }, () => rawPeer(test, through)));
    for (const peer of peers) {
      peer.send(`CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
    }
    await until(() => through.stats.tunnelCount > 0);
    for (const peer of peers) peer.socket.destroy();
    await until(() => through.stats.tunnelCount === 0 && through.connectionCount === 0);
    await until(() => server.connectionCount === 0);
  });

  it("goes through a chain of its own kind", async (test) => {
    const server = await echo(test, engine);
    const outer = await proxyServer(test, engine, { authenticate: { a: "b" } });
    const inner = await proxyServer(test, engine);
    const agent = new TcpAgent({
      engine,
      proxy: [`http://a:b@127.0.0.1:${outer.port}`, `socks5://127.0.0.1:${inner.port}`],
    });
    test.after(() => agent.stop({ drainMs: 0 }));
    const connection = await agent.connect({ host: "localhost", port: server.port });
    assert.equal((await connection.read(10, { timeoutMs: 5_000 })).toString(), "220 ready\n");
  });
}
