/** WebSocket clients and agents: the handshake, and how it fails. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type EngineName, NetError } from "hp-socket";
import { CookieStore } from "hp-socket/http";
import {
  WebSocketAgent,
  type WebSocketAgentOptions,
  WebSocketClient,
  WebSocketServer,
} from "hp-socket/websocket";
import { acceptOf } from "#src/protocol/websocket/accept-key.js";
import { availableEngines } from "../support/engine-list.js";
import { proxyServer } from "../support/http-proxy-server.js";
import { type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";
import { describeTls } from "../support/tls-certificates.js";
import { until } from "../support/until.js";
import { plainFrame } from "../support/websocket-frames.js";
import { sha1 } from "../support/websocket-handshake.js";
import { webSocketServer } from "../support/websocket-world.js";

const MIB = 1_048_576;

for (const engine of availableEngines()) {
  describe(`WebSocket clients on ${engine}`, () => clients(engine));
}
describeTls("WebSockets over TLS", ({ server: certificate, ca }) => {
  it("goes through a proxy's tunnel, with TLS to the server", async (test) => {
    const server = new WebSocketServer({
      tls: certificate,
      onMessage: (socket, data) => socket.send(`${data} ${socket.tls !== undefined}`),
    });
    await server.listen({ host: "127.0.0.1" });
    test.after(() => server.stop({ drainMs: 0 }));
    const proxy = await proxyServer(test);
    const client = new WebSocketClient({ tls: { ca }, proxy: proxy.url });
    test.after(() => client.stop({ drainMs: 0 }));

    await client.connect(`wss://localhost:${server.port}/`);
    client.send("over TLS:");

    assert.equal(await client.read(), "over TLS: true");
    assert.equal(proxy.seen[0]?.method, "CONNECT");
  });
});

for (const engine of availableEngines()) {
  describe(`ws: through a proxy on ${engine}`, () => {
    it("asks it for a tunnel, with the credentials of the proxy", async (test) => {
      const authorization = `Basic ${Buffer.from("u:p").toString("base64")}`;
      const { port } = await webSocketServer(test, {
        onUpgrade: ({ exchange }) => ({ context: exchange.headers.get("proxy-authorization") }),
        onMessage: (socket, data) => socket.send(`${data} ${socket.context}`),
      });
      const proxy = await proxyServer(test, { authorization });
      const agent = agentOf(test, {
        engine,
        proxy: { url: proxy.url, username: "u", password: "p" },
      });

      const sockets = await Promise.all(
        [1, 2, 3].map(() => agent.connect(`ws://127.0.0.1:${port}/`)),
      );
      for (const socket of sockets) socket.send("hello");

      for (const socket of sockets) assert.equal(await socket.read(), "hello undefined");
      const seen = proxy.seen.map(({ method, target }) => `${method} ${target}`);
      assert.deepEqual(seen, Array(3).fill(`CONNECT 127.0.0.1:${port}`));
    });

    it("rejects where the proxy refuses, and goes past it where it is told to", async (test) => {
      const { port } = await webSocketServer(test, {});
      const proxy = await proxyServer(test, { authorization: "other" });
      const agent = agentOf(test, { engine, proxy: proxy.url });
      const url = `ws://127.0.0.1:${port}/`;

      await assert.rejects(agent.connect(url), { code: "PROXY_AUTHENTICATION" });
      const direct = await agent.connect(url, { proxy: false });
      const excepted = await agent.connect(url, {
        proxy: { url: proxy.url, noProxy: "127.0.0.1" },
      });

      assert.ok(direct.isOpen && excepted.isOpen);
      assert.equal(proxy.seen.length, 1);
    });
  });
}

function agentOf<Context>(
  test: TestContext,
  options: WebSocketAgentOptions<Context>,
): WebSocketAgent<Context> {
  const agent = new WebSocketAgent<Context>(options);
  test.after(() => agent.stop({ drainMs: 0 }));
  return agent;
}

/** Responds to the handshake as it should be, but for what `change` makes of the lines. */
async function respond(
  peer: ScriptedPeer,
  change: (lines: string[]) => string[] = (lines) => lines,
  behind = "",
): Promise<void> {
  const request = await peer.request();
  const key = /sec-websocket-key: (.*)\r/i.exec(request)?.[1] ?? "";
  const lines = change([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(key, sha1)}`,
  ]);
  peer.socket.write(`${lines.join("\r\n")}\r\n\r\n${behind}`, "latin1");
}

function clients(engine: EngineName): void {
  it("asks with subprotocols, fields, origin and cookies, and keeps cookies of the response", async (test) => {
    const seen: unknown[] = [];
    const server = await webSocketServer(test, {
      engine,
      protocols: ["two"],
      onUpgrade({ exchange, origin, protocols }) {
        const { headers } = exchange;
        seen.push(origin, protocols, headers.get("x-user"), headers.get("cookie"));
        return { headers: { "Set-Cookie": "later=2" } };
      },
    });
    const cookies = new CookieStore();
    const url = `ws://127.0.0.1:${server.port}/`;
    cookies.setFromHeader("first=1", `http://127.0.0.1:${server.port}/`);
    const agent = agentOf(test, { engine, cookies });

    const socket = await agent.connect(url, {
      protocols: ["one", "two"],
      headers: { "X-User": "ann" },
      origin: "https://page.example",
    });

    assert.deepEqual(seen, ["https://page.example", ["one", "two"], "ann", "first=1"]);
    assert.equal(socket.protocol, "two");
    assert.match(cookies.cookieHeader(`http://127.0.0.1:${server.port}/`) ?? "", /later=2/);
  });

  it("publishes behind a message that one of its sockets has begun, and as it is told to", async (test) => {
    const seen: string[] = [];
    const compressed: boolean[] = [];
    const server = await webSocketServer(test, {
      engine,
      compression: true,
      onMessage: (_socket, data) => void seen.push(String(data)),
      onMessageBegin(_socket, _isText, isCompressed) {
        compressed.push(isCompressed);
        return "whole";
      },
    });
    const agent = agentOf(test, { engine, compression: { minBytes: 0 } });
    const socket = await agent.connect(`ws://127.0.0.1:${server.port}/`);
    socket.subscribe("all");

    socket.send("be", { isLast: false });
    const counts = [agent.publish("all", "news")];
    socket.send("gun", { isLast: true });
    counts.push(agent.publish("all", "plain", { compress: false }));
    counts.push(agent.publish("all", "deflated"));
    await until(() => seen.length === 4);

    assert.deepEqual(counts, [1, 1, 1]);
    assert.deepEqual(seen, ["begun", "news", "plain", "deflated"]);
    assert.deepEqual(compressed.slice(2), [false, true]);
  });

  it("has many sockets, each with its context, and closes them with 1001", async (test) => {
    const codes: number[] = [];
    const got: unknown[] = [];
    const server = await webSocketServer(test, {
      engine,
      onMessage: (socket, data) => socket.send(data),
      onClose: (_socket, code) => codes.push(code),
    });
    const agent = agentOf<number>(test, {
      engine,
      onMessage: ({ context }, data) => got.push([context, data]),
    });

    for (let context = 0; context < 3; context++) {
      const socket = await agent.connect(`ws://127.0.0.1:${server.port}/`, { context });
      socket.send(`hello ${context}`);
    }
    await until(() => got.length === 3);
    await agent.stop();
    await until(() => codes.length === 3);

    assert.deepEqual(got.sort(), [
      [0, "hello 0"],
      [1, "hello 1"],
      [2, "hello 2"],
    ]);
    assert.deepEqual(codes, [1_001, 1_001, 1_001]);
    assert.equal(agent.connectionCount, 0);
  });

  it("has one socket at a time as a client, and can connect again", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      onMessage: (socket, data) => socket.send(data),
    });
    const client = new WebSocketClient({ engine });
    test.after(() => client.stop({ drainMs: 0 }));
    const url = `ws://127.0.0.1:${server.port}/`;

    await client.connect(url);
    await assert.rejects(client.connect(url), { code: "INVALID_STATE" });
    const { id } = client.socket;
    client.close();
    await client.socket.closed();
    await client.connect(url);
    client.send("again");

    assert.equal(await client.read(), "again");
    assert.notEqual(client.socket.id, id);
  });

  it("gets what came right behind the response, and masks what it sends", async (test) => {
    let peer: ScriptedPeer | undefined;
    const { origin } = await scriptedServer(test, async (one) => {
      peer = one;
      await respond(one, undefined, plainFrame({ payload: "early" }).toString("latin1"));
    });
    const client = new WebSocketClient({ engine });
    test.after(() => client.stop({ drainMs: 0 }));

    await client.connect(`${origin}/`);
    const early = await client.read();
    client.send("masked");
    client.send(Buffer.alloc(10_000, "masked"));
    await until(() => (peer?.received.split("\r\n\r\n")[1]?.length ?? 0) >= 12 + 10_008);

    assert.equal(early, "early");
    const sent = Buffer.from(peer?.received.split("\r\n\r\n")[1] ?? "", "latin1");
    assert.equal(sent[1], 0x80 | 6);
    assert.equal(sent.includes("masked"), false);
  });

  it("makes a connection for each handshake, also after one that was refused", async (test) => {
    const server = await scriptedServer(test, (peer) =>
      respond(peer, (lines) =>
        peer.index === 0 ? ["HTTP/1.1 503 Busy", "Content-Length: 0"] : lines,
      ),
    );
    const client = new WebSocketClient({ engine });
    test.after(() => client.stop({ drainMs: 0 }));

    await assert.rejects(client.connect(`${server.origin}/`), /responded 503/);
    await client.connect(`${server.origin}/`);

    assert.equal(server.peers.length, 2);
  });

  const FAULTS: readonly (readonly [string, (lines: string[]) => string[], RegExp])[] = [
    ["another status", () => ["HTTP/1.1 403 Forbidden", "Content-Length: 0"], /responded 403/],
    [
      "a wrong accept value",
      ([a, b, c]) => [a ?? "", b ?? "", c ?? "", "Sec-WebSocket-Accept: x"],
      /does not belong to the key/,
    ],
    ["no accept value", (lines) => lines.slice(0, 3), /no Sec-WebSocket-Accept/],
    [
      "a status line of HTTP/1.0",
      ([, ...fields]) => ["HTTP/1.0 101 Switching Protocols", ...fields],
      /older than HTTP\/1\.1/,
    ],
    [
      "a subprotocol that was not offered",
      (lines) => [...lines, "Sec-WebSocket-Protocol: x"],
      /not offered/,
    ],
    [
      "an extension that was not offered",
      (lines) => [...lines, "Sec-WebSocket-Extensions: x"],
      /not offered/,
    ],
  ];
  for (const [title, change, message] of FAULTS) {
    it(`takes no response with ${title}`, async (test) => {
      const { origin } = await scriptedServer(test, (peer) => respond(peer, change));
      const client = new WebSocketClient({ engine });
      test.after(() => client.stop({ drainMs: 0 }));

      await assert.rejects(client.connect(`${origin}/`), (error) => {
        assert.ok(error instanceof NetError);
        assert.equal(error.code, "WEBSOCKET_HANDSHAKE");
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it("tells with stop how many sockets ended in good order, and how many were cut", async (test) => {
    const server = await webSocketServer(test, { onMessage() {} });
    const url = `ws://127.0.0.1:${server.port}/`;
    const agent = agentOf(test, { engine });
    await agent.connect(url);
    assert.deepEqual(await agent.stop(), { drainedCount: 1, cutCount: 0 });
    assert.deepEqual(await agent.stop(), { drainedCount: 1, cutCount: 0 }, "joins the first");

    const other = agentOf(test, { engine });
    await other.connect(url);
    assert.deepEqual(await other.stop({ drainMs: 0 }), { drainedCount: 0, cutCount: 1 });
  });

  it("gives up after timeoutMs, and when aborted", async (test) => {
    const { origin } = await scriptedServer(test, async () => {});
    const agent = agentOf(test, { engine });
    const abort = new AbortController();

    const late = agent.connect(`${origin}/`, { timeoutMs: 300 });
    const aborted = agent.connect(`${origin}/`, { signal: abort.signal });
    setImmediate(() => abort.abort());

    await Promise.all([
      assert.rejects(late, { code: "REQUEST_TIMEOUT" }),
      assert.rejects(aborted, { code: "ABORTED" }),
    ]);
    assert.equal(agent.connectionCount, 0);
  });

  it("closes with 1002 where the server masks, and with 1009 where it sends too much", async (test) => {
    const ends: string[] = [];
    const agent = agentOf(test, {
      engine,
      maxMessageBytes: 10,
      onClose: (_socket, code, _reason, { code: cause }) => ends.push(`${code} ${cause}`),
    });
    const bad = [
      Buffer.from("818537fa213d7f9f4d5158", "hex"),
      plainFrame({ payload: "more than ten bytes" }),
    ];
    const received: string[] = [];

    for (const frame of bad) {
      const { origin } = await scriptedServer(test, async (peer) => {
        await respond(peer, undefined, frame.toString("latin1"));
        await until(() => peer.hasEnded || peer.isClosed);
        received.push(peer.received.split("\r\n\r\n")[1] ?? "");
        peer.socket.end();
      });
      await agent.connect(`${origin}/`);
      const count = received.length;
      await until(() => received.length > count);
    }
    await until(() => ends.length === 2);

    assert.deepEqual(ends, ["1006 WEBSOCKET_MALFORMED", "1006 WEBSOCKET_TOO_LONG"]);
    assert.equal(received[0]?.charCodeAt(0), 0x88);
  });

  it("bounds what waits by its own maxPendingBytes, also above that of a connection", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      maxMessageBytes: 64 * MIB,
      onOpen: (socket) => void socket.pause(),
    });
    const url = `ws://127.0.0.1:${server.port}/`;
    const ends: string[] = [];
    const options = {
      engine,
      maxPendingBytes: 30 * MIB,
      slowConsumer: "drop",
      onClose: (_socket, _code, _reason, { code }) => void ends.push(code),
    } as const satisfies WebSocketAgentOptions;
    const agent = agentOf(test, options);
    const socket = await agent.connect(url);

    const taken: unknown[] = [];
    for (let count = 0; count < 4; count++) taken.push(socket.send(Buffer.alloc(9 * MIB)));
    // A ping takes no room of the messages, however little there is.
    for (let count = 0; count < 3; count++) taken.push(socket.ping(Buffer.alloc(125)));

    assert.deepEqual(taken, ["slow", "slow", "slow", false, "slow", "slow", "slow"]);
    assert.deepEqual([socket.isOpen, socket.stats.droppedCount, ends], [true, 1, []]);
  });

  it("asks allowAddress about what a host was looked up to", async (test) => {
    const server = await webSocketServer(test, { engine });
    const asked: string[] = [];
    const agent = agentOf(test, {
      engine,
      family: "IPv4",
      allowAddress(address) {
        asked.push(address);
        return false;
      },
    });
    const url = `ws://localhost:${server.port}/`;
    await assert.rejects(agent.connect(url), { code: "ADDRESS_REFUSED" });
    assert.deepEqual([asked, server.stats.openedCount], [["127.0.0.1"], 0]);
  });

  it("refuses URLs and options that are none", async (test) => {
    const agent = agentOf(test, { engine });

    for (const url of ["ftp://h/", "ws://h/#fragment", "ws://h/#", "nowhere"]) {
      await assert.rejects(agent.connect(url), { code: "INVALID_ARGUMENT" }, url);
    }
    await assert.rejects(agent.connect("ws://h/", { protocols: ["a", "a"] }), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => new WebSocketAgent({ pingIntervalMs: -1 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => new WebSocketAgent({ onMassage: () => {} } as object), {
      code: "INVALID_ARGUMENT",
    });
  });
}
