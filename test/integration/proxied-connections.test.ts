import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { type EngineName, type ProxyChoice, TcpAgent, TcpClient, TcpServer } from "hp-socket";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { selfSignedCertificate } from "hp-socket/testing";
import { REPLY } from "#src/protocol/socks/socks-reply.js";
import { availableEngines } from "../support/engine-list.js";
import { proxyServer } from "../support/http-proxy-server.js";
import { socksProxy } from "../support/scripted-proxy.js";
import { until } from "../support/until.js";

const CERTIFICATE = selfSignedCertificate({ names: ["a.example", "localhost"] });
const HOSTS = { "a.example": "127.0.0.1" };

for (const engine of availableEngines()) {
  describe(`connections through proxies on ${engine}`, () => {
    tunnels(engine);
    refusals(engine);
    endings(engine);
    http(engine);
  });
}

/** An echo server; answers its port. */
async function echo(test: TestContext, engine: EngineName, tls = false): Promise<number> {
  const server = new TcpServer({
    engine,
    ...(tls && { tls: { cert: CERTIFICATE.cert, key: CERTIFICATE.key } }),
    onHandshake: (connection) => void connection.send("220 ready\n"),
    onReceive: (connection, bytes) => void connection.send(bytes),
  });
  test.after(() => server.stop({ drainMs: 0 }));
  return (await server.listen({ host: "127.0.0.1" })).port as number;
}

function agentOf(test: TestContext, engine: EngineName, proxy: ProxyChoice, tls = false): TcpAgent {
  const agent = new TcpAgent({ engine, proxy, ...(tls && { tls: { ca: CERTIFICATE.cert } }) });
  test.after(() => agent.stop({ drainMs: 0 }));
  return agent;
}

/** A proxy that does as it is told with each client. */
async function rawProxy(test: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

function tunnels(engine: EngineName): void {
  for (const [scheme, isSecure] of [
    ["socks5", false],
    ["socks5", true],
    ["socks4a", false],
    ["socks4a", true],
    ["http", false],
    ["http", true],
  ] as const) {
    it(`go by ${scheme}${isSecure ? " with TLS in the tunnel" : ""}, a server that speaks first too`, async (test) => {
      const port = await echo(test, engine, isSecure);
      const socks = await socksProxy(test, { hosts: HOSTS });
      const forward = await proxyServer(test);
      const url = scheme === "http" ? forward.url : `${scheme}://127.0.0.1:${socks.port}`;
      const agent = agentOf(test, engine, url, isSecure);
      // The forward proxy looks names up by the system.
      const host = scheme === "http" ? "localhost" : "a.example";

      const connection = await agent.connect({ host, port });
      const greeting = await connection.readUntil("\n", { timeoutMs: 5_000 });
      connection.send("hello");

      assert.equal(greeting.toString(), "220 ready\n");
      assert.equal((await connection.read(5, { timeoutMs: 5_000 })).toString(), "hello");
      assert.equal(connection.remoteHost, host);
      assert.equal(connection.tls?.isAuthorized ?? false, isSecure);
    });
  }

  it("go through a chain, with credentials at each proxy", async (test) => {
    const port = await echo(test, engine);
    const last = await socksProxy(test, { hosts: HOSTS, password: "b" });
    const middle = await proxyServer(test, {
      authorization: `Basic ${Buffer.from("me:a").toString("base64")}`,
    });
    const first = await socksProxy(test, {});
    const agent = agentOf(test, engine, [
      `socks4a://127.0.0.1:${first.port}`,
      `http://me:a@${middle.host}`,
      { url: `socks5://127.0.0.1:${last.port}`, username: "me", password: "b" },
    ]);

    const connection = await agent.connect({ host: "a.example", port });

    assert.equal((await connection.read(10, { timeoutMs: 5_000 })).toString(), "220 ready\n");
    assert.equal(first.requests[0]?.target.port, Number(middle.host.split(":")[1]));
    assert.equal(middle.seen[0]?.target, `127.0.0.1:${last.port}`);
    assert.deepEqual(last.requests[0]?.target, { host: "a.example", port });
    assert.deepEqual(last.credentials, [{ username: "me", password: "b" }]);
  });

  it("are chosen for each connection, and by a function", async (test) => {
    const port = await echo(test, engine);
    const socks = await socksProxy(test);
    const url = `socks5://127.0.0.1:${socks.port}`;
    const agent = agentOf(test, engine, ({ port: asked }) => (asked === port ? url : undefined));

    await agent.connect({ port });
    await agent.connect({ port, proxy: false });
    await agent.connect({ port, proxy: { url, noProxy: "127.0.0.1" } });
    await agent.connect({ port, proxy: url });

    assert.equal(socks.requests.length, 2);
  });

  it("carry much in both directions, whole", async (test) => {
    const port = await echo(test, engine);
    const socks = await socksProxy(test);
    const agent = agentOf(test, engine, `socks5://127.0.0.1:${socks.port}`);
    const connection = await agent.connect({ port });
    await connection.read(10, { timeoutMs: 5_000 });
    const sent = Buffer.alloc(1_000_000, "0123456789abcdef-");

    connection.send(sent);
    const received: Buffer[] = [];
    for (let count = 0; count < sent.length; ) {
      const bytes = await connection.read({ timeoutMs: 5_000 });
      received.push(bytes);
      count += bytes.length;
    }

    assert.ok(Buffer.concat(received).equals(sent));
  });

  it("serve a client that reconnects by itself", async (test) => {
    const port = await echo(test, engine);
    const socks = await socksProxy(test);
    const client = new TcpClient({ engine, proxy: `socks5://127.0.0.1:${socks.port}` });
    test.after(() => client.stop({ drainMs: 0 }));
    for (let round = 0; round < 3; round++) {
      await client.connect({ port });
      assert.equal((await client.read(10, { timeoutMs: 5_000 })).toString(), "220 ready\n");
      await client.stop();
    }
    assert.equal(socks.requests.length, 3);
  });
}

function refusals(engine: EngineName): void {
  for (const [name, reply, code] of [
    ["does not want to", REPLY.notAllowed, "PROXY_REFUSED"],
    ["can't reach the host", REPLY.hostUnreachable, "PROXY_DESTINATION"],
  ] as const) {
    it(`are told as ${code} where the proxy ${name}`, async (test) => {
      const socks = await socksProxy(test, { reply });
      const closed: string[] = [];
      const agent = new TcpAgent({
        engine,
        proxy: `socks5://127.0.0.1:${socks.port}`,
        onConnect: () => assert.fail("there is no connection"),
        onClose: (_, reason) => closed.push(reason.code),
      });
      test.after(() => agent.stop({ drainMs: 0 }));

      await assert.rejects(agent.connect({ port: 9 }), {
        code,
        message: new RegExp(`the proxy 127.0.0.1:${socks.port} made no tunnel to 127.0.0.1:9: `),
      });
      assert.deepEqual(closed, [code]);
      assert.equal(agent.connectionCount, 0);
    });
  }

  it("tell a wrong password without saying it", async (test) => {
    const socks = await socksProxy(test, { password: "right" });
    const agent = agentOf(test, engine, `socks5://myself:wrongly@127.0.0.1:${socks.port}`);
    await assert.rejects(agent.connect({ port: 9 }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "PROXY_AUTHENTICATION");
      assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /myself|wrongly/);
      return true;
    });
  });

  it("tell which proxy of a chain can't be reached", async (test) => {
    const dead = await rawProxy(test, () => {});
    const first = await socksProxy(test, { reply: REPLY.refused });
    const urls = [`socks5://127.0.0.1:${first.port}`, `socks5://127.0.0.1:${dead}`];
    await assert.rejects(agentOf(test, engine, urls).connect({ port: 9 }), {
      code: "PROXY_UNREACHABLE",
      message: new RegExp(`the proxy 127.0.0.1:${first.port} made no tunnel to 127.0.0.1:${dead}`),
    });
    await assert.rejects(agentOf(test, engine, "socks5://127.0.0.1:1").connect({ port: 9 }), {
      code: "PROXY_UNREACHABLE",
      message: /the proxy 127.0.0.1:1 can't be reached/,
    });
  });

  for (const [name, script] of [
    ["closes at once", (socket: Socket) => socket.end()],
    ["resets at once", (socket: Socket) => socket.resetAndDestroy()],
    ["closes in the middle", (socket: Socket) => socket.end(Buffer.from([5]))],
    [
      "resets in the middle",
      (socket: Socket) => socket.once("data", () => socket.resetAndDestroy()),
    ],
  ] as const) {
    it(`end the attempt once when the proxy ${name}`, async (test) => {
      const port = await rawProxy(test, script);
      const agent = agentOf(test, engine, `socks5://127.0.0.1:${port}`);
      const error = await agent.connect({ port: 9 }).then(
        () => assert.fail("there is no tunnel"),
        (reason: { code: string }) => reason,
      );
      // A reset that comes with the connection itself can be seen as a connection that never was.
      const codes = name === "resets at once" ? /^PROXY_(REFUSED|UNREACHABLE)$/ : /^PROXY_REFUSED$/;
      assert.match(error.code, codes);
      assert.equal(agent.connectionCount, 0);
    });
  }

  it("take nothing of a proxy's own where TLS has to begin", async (test) => {
    const port = await rawProxy(test, (socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\nmore")),
    );
    const agent = agentOf(test, engine, `http://127.0.0.1:${port}`, true);
    await assert.rejects(agent.connect({ host: "a.example", port: 9 }), {
      code: "PROXY_MALFORMED",
      message: /bytes of its own/,
    });
  });

  for (const [status, code] of [
    ["HTTP/1.1 407 Proxy Authentication Required", "PROXY_AUTHENTICATION"],
    ["HTTP/1.1 401 Unauthorized", "PROXY_AUTHENTICATION"],
    ["HTTP/1.1 403 Forbidden", "PROXY_REFUSED"],
    ["HTTP/1.1 502 Bad Gateway", "PROXY_DESTINATION"],
    ["SSH-2.0-x", "PROXY_MALFORMED"],
  ] as const) {
    it(`tell a response ${status} as ${code}`, async (test) => {
      const port = await rawProxy(test, (socket) =>
        socket.once("data", () => socket.write(`${status}\r\n\r\n`)),
      );
      const agent = agentOf(test, engine, `http://127.0.0.1:${port}`);
      await assert.rejects(agent.connect({ port: 9 }), { code });
    });
  }

  it("refuse a path, and proxies that can't be, before anything is begun", async (test) => {
    const agent = agentOf(test, engine, "socks5://127.0.0.1:1");
    const bad = { code: "INVALID_ARGUMENT" };
    await assert.rejects(agent.connect({ path: "/tmp/x", proxy: "socks5://x" }), bad);
    await assert.rejects(agent.connect({ port: 1, proxy: "ftp://x" }), bad);
    await assert.rejects(agent.connect({ port: 1, host: "x".repeat(300) }), bad);
    assert.throws(() => new TcpAgent({ engine, proxy: "x" }), bad);
    assert.equal(agent.stats.openedCount, 0);
  });
}

function endings(engine: EngineName): void {
  for (const how of ["timeout", "signal", "abort", "stop"] as const) {
    it(`are called off in the middle by ${how}, and the proxy sees it`, async (test) => {
      const ended: string[] = [];
      const port = await rawProxy(test, (socket) => {
        socket.once("data", () => {
          socket.write(Buffer.from([5]));
          ended.push("asked");
        });
        socket.once("close", () => ended.push("closed"));
      });
      const agent = agentOf(test, engine, `socks5://127.0.0.1:${port}`);
      const controller = new AbortController();
      const attempt = agent.connect({
        port: 9,
        signal: controller.signal,
        ...(how === "timeout" && { timeoutMs: 50 }),
      });
      attempt.catch(() => {});
      await until(() => ended.length === 1);

      if (how === "signal") controller.abort();
      if (how === "abort") agent.abort(agent.connectionIds()[0] ?? 0);
      if (how === "stop") void agent.stop({ drainMs: 0 });

      const code = {
        timeout: "CONNECT_TIMEOUT",
        signal: "ABORTED",
        abort: "ABORTED",
        stop: "STOPPED",
      };
      await assert.rejects(attempt, { code: code[how] });
      await until(() => ended.length === 2);
      assert.equal(agent.connectionCount, 0);
      if (how === "timeout") {
        const text = /127.0.0.1:\d+ made no tunnel to 127.0.0.1:9 within timeoutMs \(50\)/;
        await attempt.catch((error: Error) => assert.match(error.message, text));
      }
    });
  }

  it("pass on an end that comes with the last bytes of the handshake", async (test) => {
    const port = await rawProxy(test, (socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\n\r\nbye"));
    });
    const agent = agentOf(test, engine, `http://127.0.0.1:${port}`);
    const connection = await agent.connect({ port: 9 });
    assert.equal((await connection.read(3, { timeoutMs: 5_000 })).toString(), "bye");
    assert.equal((await connection.closed()).code, "CLOSED");
  });
}

function http(engine: EngineName): void {
  it("carry requests of HTTP and HTTPS by SOCKS, over kept connections", async (test) => {
    for (const isSecure of [false, true]) {
      const server = new HttpServer({
        engine,
        ...(isSecure && { tls: { cert: CERTIFICATE.cert, key: CERTIFICATE.key } }),
        onRequest: (exchange) => void exchange.respond(200, {}, exchange.target),
      });
      test.after(() => server.stop({ drainMs: 0 }));
      const { port } = await server.listen({ host: "127.0.0.1" });
      const socks = await socksProxy(test, { hosts: HOSTS });
      const agent = new HttpAgent({
        engine,
        proxy: `socks5://127.0.0.1:${socks.port}`,
        tls: { ca: CERTIFICATE.cert },
      });
      test.after(() => agent.stop({ drainMs: 0 }));
      const url = `${isSecure ? "https" : "http"}://a.example:${port}/x`;

      for (let round = 0; round < 3; round++) {
        assert.equal(await (await agent.follow(url)).text(), "/x");
      }

      assert.equal(socks.requests.length, 1);
    }
  });
}
