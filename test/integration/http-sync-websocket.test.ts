/** WebSockets of `HttpSyncClient`, against the library `ws` in a thread of its own. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { CookieStore, HttpSyncClient, type HttpSyncListener } from "hp-socket/http";
import { availableEngines, firstEngine } from "../support/engine-list.js";
import { httpSyncClient } from "../support/http-client-world.js";
import { until } from "../support/until.js";

/**
 * The first is of the library `ws`. It echoes; `close CODE REASON` closes, `cut` cuts, `burst N` sends N messages, `head` tells the request.
 *
 * The others know no `ws`. By path: `close` sends a Close frame and keeps the connection, `deaf` takes nothing and
 * breaks a rule when it is told to, `silent` does nothing, `refuse` responds 403, `leave` responds 200 and then leaves.
 * They tell how many are connected.
 */
const SERVERS = `
  const { WebSocketServer } = require("ws");
  const { createHash } = require("node:crypto");
  const { createServer } = require("node:net");
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

  const accept = (key) => createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  const serve = (socket) => {
    socket.on("error", () => {});
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
  };
  const raw = createServer(serve);
  let count = 0;
  const tell = (change) => parentPort.postMessage({ count: (count += change) });
  const counting = createServer((socket) => {
    tell(1);
    socket.on("close", () => tell(-1));
    serve(socket);
  });
  const listening = (one) => new Promise((resolve) => one.on("listening", () => resolve(one.address().port)));
  const ports = [server, raw, counting].map(listening);
  for (const one of [raw, counting]) one.listen(0, "127.0.0.1");
  Promise.all(ports).then((ports) => parentPort.postMessage({ ports }));`;

// Of all tests: a thread takes long to start.
const thread = new Worker(SERVERS, { eval: true });
after(() => thread.terminate());
const [{ ports }] = (await once(thread, "message")) as [{ ports: readonly number[] }];
const url = `ws://127.0.0.1:${ports[0]}`;
/** Those without `ws`; the second counts. */
const [host = "", countingHost = ""] = ports.slice(1).map((port) => `127.0.0.1:${port}`);
let connectionCount = 0;
thread.on("message", ({ count }) => {
  connectionCount = count;
});
/** Lets `deaf` break a rule. */
const breakRule = (): void => thread.postMessage("break");

/** Of most tests, for the same reason; whoever hears it does so until the test ends. */
const cookies = new CookieStore();
let onClose: HttpSyncListener["onClose"];
const shared = new HttpSyncClient({
  engine: firstEngine(),
  cookies,
  listener: { onClose: (reason) => onClose?.(reason) },
});
after(() => shared.close());

for (const engine of availableEngines()) {
  describe(`HttpSyncClient on ${engine}: WebSockets`, () => {
    it("sends and receives text and bytes, compressed or not, and closes", (test) => {
      const sync = engine === firstEngine() ? shared : httpSyncClient(test, { engine });
      const large = Buffer.alloc(1_000_000, "large ");

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

describe("HttpSyncClient: WebSockets", () => {
  it("asks with path, fields, subprotocols, origin, credentials and cookies", () => {
    cookies.clear();
    cookies.setFromHeader("a=b", url.replace("ws", "http"));

    const socket = shared.upgrade(`${url.replace("//", "//u:p@")}/path?query`, {
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
    breakRule();
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

  it("keeps no connection to a server that refuses", async () => {
    assert.throws(() => shared.upgrade(`ws://${countingHost}/refuse`), {
      code: "WEBSOCKET_HANDSHAKE",
    });
    const silent = shared.upgrade(`ws://${countingHost}/silent`);
    await until(() => connectionCount === 1, 10_000);
    silent.close(1_000, "", { timeoutMs: 20 });
    await until(() => connectionCount === 0, 10_000);
  });

  it("ends the order under way where a listener throws", (test) => {
    const socket = shared.upgrade(`ws://${host}/silent`);
    shared.openUrl("GET", `http://${host}/leave`);
    onClose = () => {
      throw new Error("of the application");
    };
    test.after(() => {
      onClose = undefined;
    });
    const startMs = performance.now();

    assert.throws(() => socket.receive({ timeoutMs: 8_000 }), { code: "HANDLER_FAILED" });

    assert.ok(performance.now() - startMs < 7_000);
  });

  it("can be disposed of when its client has ended, and does nothing else then", (test) => {
    const sync = httpSyncClient(test, { engine: firstEngine() });
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
