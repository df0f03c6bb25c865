/** Clients, origins and handlers that do a proxy harm, and what of it the others see. */
import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { type EngineName, type NetError, TcpAgent, TcpServer } from "hp-socket";
import type { AccessRecord, ProxyServer, ProxyServerOptions } from "hp-socket/proxy";
import { availableEngines } from "../support/engine-list.js";
import { type RawPeer, rawPeer } from "../support/http-world.js";
import { proxyServer } from "../support/proxy-world.js";
import { until } from "../support/until.js";

const LIMIT = { timeoutMs: 5_000 };

/** What a client does to be let in with a name and a password. */
const NAMED = {
  http: `Proxy-Authorization: Basic ${Buffer.from("me:right").toString("base64")}\r\n`,
  socks: Buffer.from("\x05\x01\x02\x01\x02me\x05right", "latin1"),
};

async function listener(test: TestContext, accept: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

async function says(
  test: TestContext,
  proxy: ProxyServer,
  text: string | Buffer,
): Promise<RawPeer> {
  const peer = await rawPeer(test, proxy);
  peer.send(typeof text === "string" ? Buffer.from(text, "latin1") : text);
  return peer;
}

function socksRequest(host: string, port: number, command = 1): Buffer {
  return Buffer.concat([
    Buffer.from([5, 1, 0, 5, command, 0, 3, host.length]),
    Buffer.from(host, "latin1"),
    Buffer.from([port >> 8, port & 0xff]),
  ]);
}

function socks4Request(host: string, port: number, user = "me"): Buffer {
  return Buffer.concat([
    Buffer.from([4, 1, port >> 8, port & 0xff, 0, 0, 0, 1]),
    Buffer.from(`${user}\0${host}\0`, "latin1"),
  ]);
}

function names(engine: EngineName): void {
  // Resolvers take the first two for localhost, and where Node looks names up the third as well.
  for (const host of [
    "local\xadhost",
    "local\nhost",
    "localhost\0.trusted.example",
    "local host",
  ]) {
    it(`reaches nobody by the name ${JSON.stringify(host)}`, async (test) => {
      let count = 0;
      const port = await listener(test, () => void count++);
      const records: AccessRecord[] = [];
      const proxy = await proxyServer(test, engine, {
        destinations: { allow: ["127.0.0.0/8", "::1", ".trusted.example"], deny: ["localhost"] },
        onAccess: (record) => records.push(record),
      });

      const five = await says(test, proxy, socksRequest(host, port));
      await until(() => five.hasEnded);
      assert.equal(five.received.slice(0, 4), "\x05\x00\x05\x08");
      const four = await says(test, proxy, socks4Request(host, port));
      await until(() => four.hasEnded || four.isClosed);
      assert.equal(four.received[1], "\x5b");
      assert.equal(count, 0);
      await until(() => records.length === 2);
      assert.deepEqual(
        records.map(({ protocol, target }) => [protocol, target]),
        [
          ["socks5", ""],
          ["socks4", host.includes("\0") ? `localhost:${port}` : ""],
        ],
      );

      const agent = new TcpAgent({ engine });
      test.after(() => agent.stop({ drainMs: 0 }));
      if (host.includes("\xad")) return;
      // What has white space is no name at all, and is not looked up.
      const code = /\s/.test(host) ? "INVALID_ARGUMENT" : "HOST_NOT_FOUND";
      await assert.rejects(agent.connect({ host, port, ...LIMIT }), { code });
    });
  }

  it("takes no user whose name could forge a line of a log", async (test) => {
    const records: AccessRecord[] = [];
    const proxy = await proxyServer(test, engine, {
      authenticate: () => true,
      onAccess: (record) => records.push(record),
    });
    const five = await says(test, proxy, Buffer.from("\x05\x01\x02\x01\x02m\n\x01p", "latin1"));
    await until(() => five.hasEnded);
    assert.equal(five.received, "\x05\x02\x01\x01");
    const basic = Buffer.from("m\n:p").toString("base64");
    const head = `GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`;
    const http = await says(test, proxy, head);
    assert.equal((await http.answer()).statusCode, 407);
    const open = await proxyServer(test, engine, { onAccess: (record) => records.push(record) });
    const four = await says(test, open, socks4Request("localhost", 1, "m\ne"));
    await until(() => four.hasEnded || four.isClosed);
    await until(() => records.length === 3);
    for (const { user } of records) assert.equal(user, undefined);
  });
}

/** Targets by what follows the method, where the origin listens on port `P`; each is refused with this status. */
const TARGETS: readonly (readonly [string, number])[] = [
  ...[
    ["me@127.0.0.1:P", "127.0.0.1:P/x", "127.0.0.1:P?", "//127.0.0.1:P", "http://127.0.0.1:P/"],
    ["127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:99999999999999999999", "[::1]"],
    ["127.0.0.1:+P", "127.0.0.1:0P", "127.0.0.1:-1", "127.0.0.1:0x50", ":P", "::1:P", "*", "/"],
    ["[::1%25lo]:P", "[::1%lo]:P", "127.0.0.1\\@a:P", "127.0.0.1\x01:P", "127.0.0.1\xe9:P"],
  ]
    .flat()
    .map((target) => [`CONNECT ${target}`, 400] as const),
  ["CONNECT 127.0.0.1:0", 403],
  ...[
    [
      "http://127.0.0.1:0/",
      "http://127.0.0.1:65536/",
      "http:/127.0.0.1:P/",
      "http:///127.0.0.1:P/",
    ],
    ["http://127.0.0.1:P/\x01", "http://127.0.0.1:P/\x7f", "http://127.0.0.1:P/\xe9"],
    ["http://127.0.0.1:P/a b", "http://127.0.0.1:P/a\tb", "http://127.0.0.1:P\\x/"],
    ["http://127.0.0.1:P#@a/", "http://127.0.0.1:P/a#b", "http://me@127.0.0.1:P/", "127.0.0.1:P"],
    [
      "ftp://127.0.0.1:P/",
      "//127.0.0.1:P/",
      "*",
      "http://[::1%25lo]:P/",
      "http://127.0.0.1%2f@a:P/",
    ],
  ]
    .flat()
    .map((target) => [`GET ${target}`, 400] as const),
  ["PRI *", 400],
];

function targets(engine: EngineName): void {
  it("takes no target but of the two forms there are, and no port that is none", async (test) => {
    let count = 0;
    const port = await listener(test, () => void count++);
    const destinations = { allow: ["127.0.0.0/8", "::1"] };
    const proxy = await proxyServer(test, engine, { destinations });
    await Promise.all(
      TARGETS.map(async ([text, status]) => {
        const line = text.replace(/P(?=\W|$)/, `${port}`);
        const peer = await says(test, proxy, `${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
        assert.equal((await peer.answer()).statusCode, status, JSON.stringify(line));
      }),
    );
    assert.equal(count, 0);
    assert.equal(proxy.stats.tunnelCount, 0);
  });

  it("sends the authority of the target as Host, whatever the client said that it is", async (test) => {
    const heads: string[] = [];
    const port = await listener(test, (socket) => {
      socket.on("data", (bytes) => {
        heads.push(bytes.toString("latin1"));
        socket.write("HTTP/1.1 204 No Content\r\n\r\n");
      });
    });
    const proxy = await proxyServer(test, engine, {});
    const peer = await rawPeer(test, proxy);
    for (const host of ["evil.example", "", "127.0.0.1:1", "[::1]"]) {
      peer.send(`GET HTTP://127.0.0.1:${port}/a/../b HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.equal((await peer.answer()).statusCode, 204, host);
    }
    assert.equal(heads.length, 4);
    for (const head of heads) {
      assert.ok(head.startsWith("GET /a/../b HTTP/1.1\r\n"), head);
      assert.deepEqual(head.match(/^host:.*/gim), [`Host: 127.0.0.1:${port}`]);
    }
  });
}

function credentials(engine: EngineName): void {
  it("takes one field of credentials, and none that is malformed", async (test) => {
    const port = await listener(test, (socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
    });
    const proxy = await proxyServer(test, engine, { authenticate: { me: "right", é: "à:b" } });
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    const tries: [readonly string[], number][] = [
      [[basic("me:right")], 204],
      [[basic("é:à:b")], 204],
      [[basic("me:right").replace("Basic", "bASIC ")], 204],
      [[basic("me:right"), basic("me:wrong")], 407],
      [[basic("me:right"), basic("me:right")], 407],
      [[], 407],
      [["Basic"], 407],
      [["Basic !"], 407],
      [[basic("me")], 407],
      [[basic(":")], 407],
      [[basic("me:")], 407],
      [[basic("__proto__:right")], 407],
      [[basic("me:right").replace("Basic", "Bearer")], 407],
      [[`${basic("me:right")} x`], 407],
    ];
    const peer = await rawPeer(test, proxy);
    for (const [fields, status] of tries) {
      const lines = fields.map((field) => `Proxy-Authorization: ${field}\r\n`).join("");
      peer.send(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
      assert.equal((await peer.answer()).statusCode, status, fields.join());
    }
  });
}

/** A proxy whose handler `name` answers as it is told. */
async function withHandler(
  test: TestContext,
  engine: EngineName,
  name: string,
  handler: () => unknown,
): Promise<{ proxy: ProxyServer; failures: NetError[]; records: AccessRecord[]; port: number }> {
  const port = await listener(test, (socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  const failures: NetError[] = [];
  const records: AccessRecord[] = [];
  const proxy = await proxyServer(test, engine, {
    handlerTimeoutMs: 60,
    [name]: handler,
    onHandlerError: (error) => failures.push(error),
    onAccess: (record) => records.push(record),
  } as ProxyServerOptions);
  return { proxy, failures, records, port };
}

const FATES: readonly [string, () => unknown][] = [
  [
    "throws",
    () => {
      throw new Error("no");
    },
  ],
  ["rejects", () => Promise.reject(new Error("no"))],
  ["does not settle", () => new Promise(() => {})],
];

function handlers(engine: EngineName): void {
  for (const name of ["authenticate", "onTunnel", "onRequest", "onResponse"]) {
    for (const [fate, handler] of FATES) {
      it(`answers, and tells of ${name}, which ${fate}`, async (test) => {
        const { proxy, failures, records, port } = await withHandler(test, engine, name, handler);
        let count = 0;
        if (name !== "onTunnel") {
          const get = `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: a\r\n${NAMED.http}\r\n`;
          const peer = await says(test, proxy, get);
          assert.equal((await peer.answer()).statusCode, 502);
          count++;
        }
        if (name === "authenticate" || name === "onTunnel") {
          const connect = `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n${NAMED.http}\r\n`;
          const peer = await says(test, proxy, connect);
          assert.equal((await peer.answer()).statusCode, 502);
          count++;
          const isNamed = name === "authenticate";
          const socks = isNamed ? NAMED.socks : socksRequest("127.0.0.1", port);
          const five = await says(test, proxy, socks);
          await until(() => five.hasEnded || five.isClosed);
          const reply = isNamed ? "\x05\x02\x01\x01" : "\x05\x00\x05\x01";
          assert.equal(five.received.slice(0, 4), reply);
          count++;
        }
        await until(() => records.length === count && failures.length === count);
        for (const { code, message } of failures) {
          assert.equal(code, "HANDLER_FAILED");
          assert.match(
            message,
            new RegExp(`^${name} failed: ${fate.startsWith("does") ? "it had not" : "no"}`),
          );
        }
        const { tunnelCount, associationCount } = proxy.stats;
        assert.deepEqual([tunnelCount, associationCount], [0, 0]);
      });
    }
  }

  it("forgets clients that leave while onTunnel has not settled", async (test) => {
    const proxy = await proxyServer(test, engine, { onTunnel: () => new Promise(() => {}) });
    const words = [
      "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n",
      socksRequest("127.0.0.1", 1),
      socksRequest("127.0.0.1", 1, 3),
    ];
    const peers = await Promise.all(words.map((text) => says(test, proxy, text)));
    const { stats } = proxy;
    assert.equal(stats.tunnelCount + stats.associationCount <= 3, true);
    await until(() => proxy.stats.tunnelCount === 2 && proxy.stats.associationCount === 1);
    for (const { socket } of peers) socket.resetAndDestroy();
    await until(() => proxy.stats.tunnelCount === 0 && proxy.stats.associationCount === 0);
    await until(() => proxy.connectionCount === 0);
  });

  it("believes the PROXY headers of relays that it knows", async (test) => {
    const records: AccessRecord[] = [];
    const port = await listener(test, (socket) => socket.resume().on("end", () => socket.end()));
    const proxy = await proxyServer(test, engine, {
      access: { allow: ["127.0.0.0/8", "203.0.113.0/24"] },
      proxyHeader: { from: ["127.0.0.0/8"] },
      onAccess: (record) => records.push(record),
    });
    const header = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n";
    const peer = await says(
      test,
      proxy,
      `${header}CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n\r\n`,
    );
    await peer.came("200");
    peer.socket.destroy();
    await until(() => records.length === 1);
    assert.equal(records[0]?.client, "203.0.113.7");
    const stranger = await says(test, proxy, header.replace("203.0.113.7", "198.51.100.1"));
    await until(() => stranger.isClosed || stranger.hasEnded);
    const plain = await says(test, proxy, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await until(() => plain.isClosed || plain.hasEnded);
    assert.equal(plain.received, "");
  });
}

function origins(engine: EngineName): void {
  for (const [framing, head, rest] of [
    ["a length", "Content-Length: 10\r\n\r\n", "half!"],
    ["chunks", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhalf!\r\n"],
  ] as const) {
    it(`passes on what came of a response with ${framing} whose origin leaves, and shows that it is cut`, async (test) => {
      const port = await listener(test, (socket) => {
        socket.on("data", () => socket.end(`HTTP/1.1 200 OK\r\n${head}${rest}`));
      });
      const records: AccessRecord[] = [];
      const proxy = await proxyServer(test, engine, { onAccess: (record) => records.push(record) });
      const get = (version: string): string =>
        `GET http://127.0.0.1:${port}/ HTTP/${version}\r\nHost: a\r\n\r\n`;

      const peer = await says(test, proxy, get("1.1"));
      await until(() => peer.hasEnded);
      assert.ok(peer.received.endsWith(framing === "chunks" ? rest : `\r\n\r\n${rest}`));
      peer.socket.end();
      // Without a length or chunks an end would say that all has come.
      const old = await says(test, proxy, get("1.0"));
      await until(() => old.isClosed);
      assert.equal(old.hasEnded, false);
      await until(() => records.length === 2);
      for (const { error } of records) assert.equal(error?.code, "HTTP_TRUNCATED");
    });
  }

  it("sends a name that has addresses inside and outside to those outside only", async (test) => {
    const server = new TcpServer({ engine });
    await server.listen({ host: "127.0.0.1" });
    test.after(() => server.stop({ drainMs: 0 }));
    // localhost has two, of which one is allowed, at which nobody is.
    const proxy = await proxyServer(test, engine, { destinations: { allow: ["::1"] } });
    const peer = await says(test, proxy, socksRequest("localhost", server.port));
    await until(() => peer.hasEnded || peer.isClosed);
    assert.ok([1, 4, 5].includes(peer.received.charCodeAt(3)), JSON.stringify(peer.received));
    assert.equal(server.stats.openedCount, 0);
  });
}

function nowhere(engine: EngineName): void {
  const lookers = { nobody: {}, onRequest: { onRequest() {} }, onResponse: { onResponse() {} } };
  for (const [name, handlers] of Object.entries(lookers)) {
    it(`answers requests to nowhere, where ${name} looks at messages`, async (test) => {
      const proxy = await proxyServer(test, engine, handlers);
      for (const method of ["GET", "OPTIONS", "TRACE"]) {
        const text = `${method} http://a:0/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n`;
        const peer = await says(test, proxy, text);
        assert.equal((await peer.answer()).statusCode, 400, method);
      }
    });
  }
}

for (const engine of availableEngines()) {
  describe(`a proxy and harm on ${engine}`, () => {
    names(engine);
    targets(engine);
    credentials(engine);
    handlers(engine);
    origins(engine);
    nowhere(engine);
  });
}
