/** WebSockets of `HttpSyncClient`, against the library `ws` in a thread of its own. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, describe, it, type TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { CookieStore, HttpSyncClient, type HttpSyncClientOptions } from "hp-socket/http";
import { availableEngines, firstEngine } from "../support/engine-list.js";
import { httpSyncClient } from "../support/http-client-world.js";
import { until } from "../support/until.js";

/** Echoes; `close CODE REASON` closes, `cut` cuts, `burst N` sends N messages, `head` tells the request. */
const SERVER = `
  const { WebSocketServer } = require("ws");
  const { parentPort } = require("node:worker_threads");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: { threshold: 0 } });
  server.on("headers", (headers) => headers.push("Set-Cookie: seen=yes"));
  server.on("connection", (socket, request) => {
    socket.on("message", (data, isBinary) => {
      const [word, first, ...rest] = isBinary ? [] : String(data).split(" ");
      if (word === "close") socket.close(Number(first), rest.join(" "));
      else if (word === "cut") socket.terminate();
      else if (word === "burst") for (let index = 0; index < first; index++) socket.send(String(index));
      else if (word === "silent") return;
      else if (word === "head") socket.send(JSON.stringify([request.url, request.headers, socket.protocol]));
      else socket.send(data, { binary: isBinary });
    });
  });
  server.on("listening", () => parentPort.postMessage(server.address().port));`;

/**
 * Without `ws`, by path: `close` sends a Close frame and keeps the connection, `deaf` takes nothing and breaks a rule
 * when it is told to, `silent` does nothing, `refuse` responds 403, `leave` responds 200 and then leaves. Tells how many are connected.
 */
const RAW_SERVER = `
  const { createHash } = require("node:crypto");
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const accept = (key) => createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  let count = 0;
  const tell = (change) => parentPort.postMessage({ count: (count += change) });
  const server = createServer((socket) => {
    tell(1);
    socket.on("error", () => {}).on("close", () => tell(-1));
    socket.once("data", (head) => {
      const [, path] = /GET .(\\w+)/.exec(head);
      socket.resume();
      if (path === "refuse") return socket.write("HTTP/1.1 403 No\\r\\nContent-Length: 2\\r\\n\\r\\nno");
      if (path === "leave") {
        socket.write("HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n");
        return setTimeout(() => socket.end(), 100);
      }
      const [, key] = /Sec-WebSocket-Key: (.*)\\r/i.exec(head);
      socket.write("HTTP/1.1 101 Yes\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n");
      socket.write("Sec-WebSocket-Accept: " + accept(key) + "\\r\\n\\r\\n");
      if (path === "close") socket.write(Buffer.from("880203e8", "hex"));
      if (path !== "deaf") return;
      socket.pause();
      parentPort.once("message", () => socket.write(Buffer.from("f100", "hex")));
    });
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage({ port: server.address().port }));`;

interface RawServer {
  readonly host: string;
  connections: number;
  /** Lets `deaf` break a rule. */
  breakRule(): void;
}

async function rawServer(scope: { after(end: () => unknown): void }): Promise<RawServer> {
  const worker = new Worker(RAW_SERVER, { eval: true });
  scope.after(() => worker.terminate());
  const [{ port }] = (await once(worker, "message")) as [{ port: number }];
  const server: RawServer = {
    host: `127.0.0.1:${port}`,
    connections: 0,
    breakRule: () => worker.postMessage("break"),
  };
  worker.on("message", ({ count }) => {
    server.connections = count;
  });
  return server;
}

async function wsServer(): Promise<string> {
  const worker = new Worker(SERVER, { eval: true });
  after(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  return `ws://127.0.0.1:${port}`;
}

// Of all tests: a thread takes long to start.
const [server, url] = await Promise.all([rawServer({ after }), wsServer()]);
const { host } = server;
const shared = new HttpSyncClient({ engine: firstEngine() });
after(() => shared.close());

for (const engine of availableEngines()) {
  describe(`HttpSyncClient on ${engine}: WebSockets`, () => {
    it("sends and receives text and bytes, compressed or not, and closes", (test) => {
      const sync = engine === firstEngine() ? shared : httpSyncClient(test, { engine });
      const large = Buffer.alloc(3_000_000, "large ");

      for (const compression of [false, true]) {
        const socket = sync.upgrade(url, { compression });
        socket.send("text ä");
        socket.send(Uint8Array.of(0, 255));
        socket.send(large);
        const answers = [1, 2, 3].map(() => socket.receive());

        assert.deepEqual(answers.slice(0, 2), ["text ä", Buffer.of(0, 255)]);
        assert.ok(large.equals(answers[2] as Buffer));
        assert.equal(socket.isCompressed, compression);
        assert.deepEqual(socket.close(4_000, "done"), {
          code: 4_000,
          reason: "done",
          isClean: true,
        });
        assert.equal(socket.receive(), undefined);
        assert.throws(() => socket.send("x"), { code: "CONNECTION_CLOSED" });
      }
    });
  });
}

{
  const engine = firstEngine();
  const client = (test: TestContext, options: HttpSyncClientOptions = {}) =>
    httpSyncClient(test, { engine, ...options });

  describe("HttpSyncClient: WebSockets", () => {
    it("asks with path, fields, subprotocols, origin, credentials and cookies", (test) => {
      const cookies = new CookieStore();
      cookies.setFromHeader("a=b", url.replace("ws", "http"));
      const sync = client(test, { cookies });

      const socket = sync.upgrade(`${url.replace("//", "//u:p@")}/path?query`, {
        protocols: ["x", "y"],
        headers: { "X-One": "1" },
        origin: "http://page.example",
      });
      socket.send("head");
      const [path, fields, protocol] = JSON.parse(String(socket.receive()));

      assert.deepEqual([path, protocol, socket.protocol], ["/path?query", "x", "x"]);
      assert.equal(fields["x-one"], "1");
      assert.equal(fields.origin, "http://page.example");
      assert.equal(fields.authorization, "Basic dTpw");
      assert.equal(fields.cookie, "a=b");
      assert.equal(cookies.cookieHeader(url.replace("ws", "http")), "a=b; seen=yes");
    });

    it("keeps what came between two calls, of several sockets at a time, beside requests", () => {
      const [one, two] = [shared.upgrade(url), shared.upgrade(url)];

      one.send("burst 2000");
      two.send("two");
      const request = shared.openUrl("GET", url.replace("ws", "http"));
      const messages = Array.from({ length: 2_000 }, () => one.receive());

      assert.equal(request.status, 426);
      assert.equal(two.receive(), "two");
      assert.deepEqual(
        messages,
        messages.map((_, index) => String(index)),
      );
    });

    it("throws when nothing comes in time, and goes on", () => {
      const socket = shared.upgrade(url);

      socket.send("silent");
      assert.throws(() => socket.receive({ timeoutMs: 50 }), { code: "READ_TIMEOUT" });
      socket.send("on");

      assert.equal(socket.receive(), "on");
    });

    it("tells a close from a cut", () => {
      const [closed, cut] = [shared.upgrade(url), shared.upgrade(url)];

      closed.send("close 4001 enough");
      cut.send("cut");

      assert.equal(closed.receive(), undefined);
      assert.deepEqual(closed.close(), { code: 4_001, reason: "enough", isClean: true });
      assert.throws(() => cut.receive(), { code: "CONNECTION_CLOSED" });
      assert.deepEqual(cut.close(), { code: 1_006, reason: "", isClean: false });
      assert.equal(closed.receive(), undefined);
      assert.throws(() => cut.receive(), { code: "CONNECTION_CLOSED" });
    });

    it("says at once that the peer has closed, also where it keeps the connection", () => {
      const socket = shared.upgrade(`ws://${host}/close`);

      assert.equal(socket.receive({ timeoutMs: 4_000 }), undefined);
      assert.equal(socket.receive({ timeoutMs: 4_000 }), undefined);
      assert.throws(() => socket.send("x"), {
        code: "CONNECTION_CLOSED",
        message: "the WebSocket is closing",
      });
      assert.deepEqual(socket.close(1_000, "", { timeoutMs: 50 }), {
        code: 1_000,
        reason: "",
        isClean: true,
      });
    });

    it("waits no longer than it may for a peer that takes nothing, and the others go on", () => {
      const [other, deaf, silent] = [
        shared.upgrade(url),
        shared.upgrade(`ws://${host}/deaf`),
        shared.upgrade(`ws://${host}/silent`),
      ];

      assert.throws(() => deaf.send(Buffer.alloc(14_000_000), { timeoutMs: 10 }), {
        code: "DRAIN_TIMEOUT",
      });
      server.breakRule();
      assert.throws(() => deaf.receive({ timeoutMs: 4_000 }), { code: "CONNECTION_CLOSED" });
      assert.throws(() => deaf.send("x"), { message: "the WebSocket is closing" });
      for (const socket of [deaf, silent]) {
        assert.deepEqual(socket.close(1_000, "", { timeoutMs: 20 }), {
          code: 1_006,
          reason: "",
          isClean: false,
        });
      }
      other.send("alive");

      assert.equal(other.receive(), "alive");
    });

    it("closes in good order though more than is kept was not received", () => {
      const socket = shared.upgrade(url);

      socket.send("burst 30000");
      assert.equal(socket.receive(), "0");

      assert.deepEqual(socket.close(4_000), { code: 4_000, reason: "", isClean: true });
    });

    it("keeps no connection to a server that refuses", async (test) => {
      const own = await rawServer(test);

      assert.throws(() => shared.upgrade(`ws://${own.host}/refuse`), {
        code: "WEBSOCKET_HANDSHAKE",
      });
      const silent = shared.upgrade(`ws://${own.host}/silent`);
      await until(() => own.connections === 1, 10_000);
      silent.close(1_000, "", { timeoutMs: 20 });
      await until(() => own.connections === 0, 10_000);
    });

    it("ends the order under way where a listener throws", (test) => {
      const sync = client(test, {
        listener: {
          onClose() {
            throw new Error("of the application");
          },
        },
      });
      const socket = sync.upgrade(`ws://${host}/silent`);
      sync.openUrl("GET", `http://${host}/leave`);
      const startMs = performance.now();

      assert.throws(() => socket.receive({ timeoutMs: 8_000 }), { code: "HANDLER_FAILED" });

      assert.ok(performance.now() - startMs < 7_000);
    });

    it("can be disposed of when its client has ended, and does nothing else then", (test) => {
      const sync = client(test);
      const socket = sync.upgrade(url);

      sync.close();
      socket[Symbol.dispose]();

      assert.throws(() => socket.close(), { code: "STOPPED" });
      assert.throws(() => socket.receive(), { code: "STOPPED" });
    });

    it("throws where there is no WebSocket, and for what can't be", () => {
      const socket = shared.upgrade(url);

      assert.throws(() => shared.upgrade("ws://127.0.0.1:1"), { code: "CONNECTION_REFUSED" });
      assert.throws(() => shared.upgrade("ftp://x"), { code: "INVALID_ARGUMENT" });
      assert.throws(() => shared.upgrade(url, { protocols: ["a b"] }), {
        code: "INVALID_ARGUMENT",
      });
      assert.throws(() => shared.upgrade(url, { other: 1 } as object), {
        code: "INVALID_ARGUMENT",
      });
      assert.throws(() => socket.send({} as string), { code: "INVALID_ARGUMENT" });
      assert.throws(() => socket.receive({ timeoutMs: -1 }), { code: "INVALID_ARGUMENT" });
      assert.throws(() => socket.close(1), { code: "INVALID_ARGUMENT" });
      assert.throws(() => socket.close(1_004), { code: "INVALID_ARGUMENT" });
      assert.throws(() => socket.close(1_000, "", { timeoutMs: -1 }), { code: "INVALID_ARGUMENT" });
      socket.send("still here");
      assert.equal(socket.receive(), "still here");
    });
  });
}
