/** WebSockets on a server: the upgrade, messages, closing, what a peer can do to it. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { Hono } from "hono";
import type { EngineName, NetError, SendResult } from "hp-socket";
import { type HttpExchange, HttpServer } from "hp-socket/http";
import {
  type Message,
  type WebSocketConnection,
  WebSocketServer,
  webSocket,
} from "hp-socket/websocket";
import { SEGMENT_BYTES } from "#src/bytes/send-memory.js";
import type { ProtocolConnection } from "#src/connection/receiver.js";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import type { SocketSession } from "#src/websocket/socket-session.js";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { closeBody } from "../support/websocket-frames.js";
import { framePeer, socketsOf, webSocketServer } from "../support/websocket-world.js";

/** The connection below a socket. */
function connectionOf(socket: WebSocketConnection): ProtocolConnection {
  const { session } = socket as unknown as { readonly session: SocketSession };
  return session.connection;
}

for (const engine of availableEngines()) {
  describe(`the upgrade to WebSocket on ${engine}`, () => upgrades(engine));
  describe(`WebSockets of fetch applications on ${engine}`, () => applications(engine));
  describe(`messages of WebSockets on ${engine}`, () => messages(engine));
  describe(`the end of WebSockets on ${engine}`, () => ends(engine));
}

function upgrades(engine: EngineName): void {
  it("answers with the accept value and the subprotocol that the client prefers", async (test) => {
    const server = await webSocketServer(test, { engine, protocols: ["b", "a"] });

    const peer = await framePeer(test, server.port, {
      fields: ["Sec-WebSocket-Protocol: x, a, b"],
    });

    assert.equal(peer.status, 101);
    assert.equal(peer.field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert.equal(peer.field("sec-websocket-protocol"), "a");
    assert.equal(peer.field("content-length"), undefined);
    const [socket] = socketsOf(server);
    assert.equal(socket?.protocol, "a");
    assert.equal(socket?.isOpen, true);
    assert.equal(server.connection(socket?.id ?? 0), socket);
  });

  it("delivers what came behind the request first", async (test) => {
    const seen: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      onOpen: () => seen.push("open"),
      onMessage: (_socket, data) => seen.push(String(data)),
    });

    const early = Buffer.from("818037fa213d818537fa213d7f9f4d5158", "hex");
    const peer = await framePeer(test, server.port, { early });
    peer.send("later");
    await until(() => seen.length === 4);

    assert.deepEqual(seen, ["open", "", "Hello", "later"]);
  });

  it("keeps what comes while the application decides, and gives the socket its context", async (test) => {
    let decide: (() => void) | undefined;
    const seen: unknown[] = [];
    const server = await webSocketServer<{ readonly user: string }>(test, {
      engine,
      async onUpgrade({ exchange }) {
        await new Promise<void>((resolve) => {
          decide = resolve;
        });
        const user = exchange.query.get("user") ?? "";
        return { context: { user }, headers: { "X-User": user } };
      },
      onMessage: (socket, data) => seen.push(socket.context.user, data),
    });

    const pending = framePeer(test, server.port, {
      path: "/?user=ann",
      early: Buffer.from("818537fa213d7f9f4d5158", "hex"),
    });
    await until(() => decide !== undefined);
    decide?.();
    const peer = await pending;
    await until(() => seen.length === 2);

    assert.equal(peer.field("x-user"), "ann");
    assert.deepEqual(seen, ["ann", "Hello"]);
  });

  it("refuses with the response of the application's choice", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      origins: ["https://good.example"],
      onUpgrade: ({ exchange }) =>
        exchange.path === "/busy"
          ? { status: 503, headers: { "Retry-After": "7" }, body: "later" }
          : exchange.path !== "/closed",
    });

    const busy = await framePeer(test, server.port, { path: "/busy" });
    const closed = await framePeer(test, server.port, { path: "/closed" });
    const bad = await framePeer(test, server.port, { fields: ["Origin: https://bad.example"] });
    const good = await framePeer(test, server.port, { fields: ["Origin: https://good.example"] });
    await until(() => busy.body !== "");

    assert.equal(busy.status, 503);
    assert.equal(busy.field("retry-after"), "7");
    assert.equal(busy.body, "later");
    assert.deepEqual([closed.status, bad.status, good.status], [403, 403, 101]);
    assert.equal(server.connectionCount, 1);
  });

  it("answers 500 when the decision fails, and lives on", async (test) => {
    const warnings: unknown[] = [];
    const warned = (warning: unknown): unknown => warnings.push(warning);
    process.on("warning", warned);
    test.after(() => process.off("warning", warned));
    let calls = 0;
    const server = await webSocketServer(test, {
      engine,
      onUpgrade() {
        calls++;
        if (calls === 1) throw new Error("no");
        return calls === 2 ? Promise.reject(new Error("no")) : true;
      },
    });

    const statuses = [];
    for (let count = 0; count < 3; count++) {
      statuses.push((await framePeer(test, server.port)).status);
    }
    await until(() => warnings.length === 2);

    assert.deepEqual(statuses, [500, 500, 101]);
  });

  it("hands out large messages that came in many frames, over several turns, before what follows", async (test) => {
    const seen: (string | number)[] = [];
    const server = await webSocketServer(test, {
      engine,
      maxMessageBytes: 32 * 1_048_576,
      onMessage: (_socket, data) =>
        void seen.push(typeof data === "string" && data.length < 10 ? data : data.length),
      onPing: (_socket, data) => void seen.push(`ping ${data}`),
      onClose: (_socket, code) => void seen.push(code),
    });
    const peer = await framePeer(test, server.port);
    const part = Buffer.alloc(300_000, "x");

    for (const opcode of [1, 2]) {
      peer.send({ opcode, payload: part, fin: false });
      for (let count = 0; count < 10; count++) peer.send({ opcode: 0, payload: part, fin: false });
      peer.send({ opcode: 0, payload: "end" }, { opcode: 9, payload: "p" }, "small");
    }
    peer.close();
    await until(() => seen.length === 7);

    assert.deepEqual(seen, [3_300_003, "ping p", "small", 3_300_003, "ping p", "small", 1_000]);
  });

  it("says what a request that is none lacks", async (test) => {
    const server = await webSocketServer(test, { engine });

    const other = await framePeer(test, server.port, { fields: ["Sec-WebSocket-Version: 8"] });
    const plain = await fetch(`http://127.0.0.1:${server.port}/`);

    assert.equal(other.status, 400);
    assert.equal(plain.status, 426);
    assert.equal(plain.headers.get("upgrade"), "websocket");
  });

  it("answers 400 to a request with content, whether it has come or not", async (test) => {
    const server = await webSocketServer(test, { engine });

    for (const [field, early] of [
      ["Content-Length: 5", Buffer.from("hello")],
      ["Content-Length: 5", Buffer.alloc(0)],
      ["Transfer-Encoding: chunked", Buffer.from("5\r\nhello\r\n0\r\n\r\n")],
    ] as const) {
      const peer = await framePeer(test, server.port, { fields: [field], early });
      assert.equal(peer.status, 400);
    }
    assert.equal(
      (await framePeer(test, server.port, { fields: ["Content-Length: 0"] })).status,
      101,
    );
  });

  it("leaves other paths to the server it stands on, and stands under a fetch application", async (test) => {
    const sockets = webSocket({ path: "/ws", onMessage: (socket, data) => socket.send(data) });
    const server = new HttpServer({
      engine,
      fetch: (_request, { exchange }) => {
        if (sockets.handle(exchange)) return new Response(null);
        return new Response("page");
      },
    });
    await server.listen({ host: "127.0.0.1" });
    test.after(() => server.stop({ drainMs: 0 }));

    const peer = await framePeer(test, server.port, { path: "/ws" });
    peer.send("over fetch");
    await peer.saw("text over fetch");
    const page = await fetch(`http://127.0.0.1:${server.port}/page`);

    assert.equal(await page.text(), "page");
  });
}

function applications(engine: EngineName): void {
  it("stands in a route of an application made with Hono, behind its middleware", async (test) => {
    const sockets = webSocket<{ user: string }>({
      onMessage: (socket, data) => void socket.send(`${socket.context.user}: ${data}`),
    });
    const app = new Hono<{ Bindings: { exchange: HttpExchange }; Variables: { user: string } }>();
    app.use("/ws", async (context, next) => {
      const user = context.req.query("user");
      if (user === undefined) return context.text("who are you?", 401);
      context.set("user", user);
      return await next();
    });
    app.get("/ws", (context) => {
      sockets.handle(context.env.exchange, { context: { user: context.get("user") } });
      return context.body(null);
    });
    app.get("/page", (context) => context.text("a page"));
    const server = new HttpServer({ engine, fetch: app.fetch });
    await server.listen({ host: "127.0.0.1" });
    test.after(() => server.stop({ drainMs: 0 }));

    const peer = await framePeer(test, server.port, { path: "/ws?user=ann" });
    peer.send("hello");
    await peer.saw("text ann: hello");
    const unknown = await framePeer(test, server.port, { path: "/ws" });
    const page = await fetch(`http://127.0.0.1:${server.port}/page`);
    const noUpgrade = await fetch(`http://127.0.0.1:${server.port}/ws?user=bob`);

    assert.equal(unknown.status, 401);
    assert.equal(await page.text(), "a page");
    assert.equal(noUpgrade.status, 426);
    assert.equal(sockets.connectionCount, 1);
  });

  it("makes nothing of a request whose peer has gone while the middleware took its time", async (test) => {
    const sockets = webSocket({});
    const results: unknown[] = [];
    const server = new HttpServer({
      engine,
      fetch: async (_request, { exchange }) => {
        exchange.connection.abort();
        await exchange.connection.closed();
        results.push(sockets.handle(exchange, { context: "ann" }));
        try {
          exchange.upgrade({ onReceive() {} });
        } catch (error) {
          results.push((error as NetError).code);
        }
        return new Response(null);
      },
    });
    await server.listen({ host: "127.0.0.1" });
    test.after(() => server.stop({ drainMs: 0 }));

    await framePeer(test, server.port);
    await until(() => results.length === 2);

    assert.deepEqual(results, [true, "CONNECTION_CLOSED"]);
    assert.equal(sockets.connectionCount, 0);
  });
}

function messages(engine: EngineName): void {
  it("leaves requests that ask for no upgrade to http.onRequest, on whatever path it stands", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      onMessage() {},
      http: { onRequest: (exchange) => exchange.respond(200, {}, `${exchange.method} a page`) },
    });
    const page = await fetch(`http://127.0.0.1:${server.port}/`, { method: "POST" });
    assert.deepEqual([page.status, await page.text()], [200, "POST a page"]);
    const peer = await framePeer(test, server.port);
    assert.equal(peer.status, 101);
    peer.socket.destroy();
  });

  it("sends back text and bytes of every length form, in order", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      onMessage: (socket, data) => socket.send(data),
    });
    const peer = await framePeer(test, server.port);
    const texts = [
      "",
      "é",
      "x".repeat(125),
      "y".repeat(126),
      "z".repeat(65_535),
      "ü".repeat(70_000),
    ];

    for (const payload of texts) {
      peer.send(payload, { opcode: OPCODE.binary, payload });
    }
    await until(() => peer.recorder.messages.length === 2 * texts.length);

    const bytes = (text: string): string => `0x${Buffer.from(text).toString("hex")}`;
    assert.deepEqual(
      peer.recorder.messages,
      texts.flatMap((text) => [text, bytes(text)]),
    );
  });

  it("writes what is sent one behind the other, each message in as many bytes as it has", async (test) => {
    const used: number[] = [];
    const server = await webSocketServer(test, {
      engine,
      onMessage(socket) {
        const { memory } = connectionOf(socket);
        memory.reserve(SEGMENT_BYTES);
        const { buffer } = memory;
        for (const data of ["x".repeat(16_000), Buffer.alloc(16_000), "é".repeat(8_000)]) {
          socket.send(data);
          used.push(memory.buffer === buffer ? memory.used : -1);
        }
      },
    });
    const peer = await framePeer(test, server.port);

    peer.send("go");
    await until(() => peer.recorder.messages.length === 3);

    assert.deepEqual(used, [16_004, 32_008, 48_012]);
    assert.deepEqual(
      peer.recorder.messages.map((message) => message.length),
      [16_000, 2 + 32_000, 8_000],
    );
  });

  it("gives text as a string and bytes that stay the application's own", async (test) => {
    const seen: Message[] = [];
    const texts: boolean[] = [];
    const server = await webSocketServer(test, {
      engine,
      onMessage(_socket, data, isText) {
        seen.push(typeof data === "string" ? data.toUpperCase() : data);
        texts.push(isText);
      },
    });
    const peer = await framePeer(test, server.port);

    peer.send("one", { opcode: OPCODE.binary, payload: "two" });
    peer.send("x".repeat(1_000));
    await until(() => seen.length === 3);

    assert.equal(seen[0], "ONE");
    assert.deepEqual(seen[1], Buffer.from("two"));
    assert.deepEqual(texts, [true, false, true]);
  });

  it("lends messages that were cut, and uses their memory again when they have been sent on", async (test) => {
    const memories = new Set<ArrayBufferLike>();
    const kept: Message[] = [];
    const server = await webSocketServer(test, {
      engine,
      delivery: "borrow",
      onMessage(socket, data) {
        assert.ok(typeof data !== "string");
        memories.add(data.buffer);
        kept.push(Buffer.from(data));
        socket.send(data);
      },
    });
    const peer = await framePeer(test, server.port);
    const messages = Array.from({ length: 40 }, (_, n) =>
      Buffer.alloc(2_000 + 6_000 * (n % 4), n + 1),
    );

    for (const message of messages) {
      const half = message.subarray(0, 1_000);
      peer.send({ opcode: OPCODE.binary, fin: false, payload: half });
      peer.send({ opcode: OPCODE.continuation, payload: message.subarray(1_000) });
    }
    await until(() => peer.recorder.messages.length === messages.length);

    assert.deepEqual(kept, messages);
    assert.deepEqual(
      peer.recorder.messages,
      messages.map((message) => `0x${message.toString("hex")}`),
    );
    assert.ok(memories.size < messages.length / 2, `${memories.size} memories`);
  });

  it("holds the peer back while a handler's promise is not settled", async (test) => {
    const seen: string[] = [];
    let settle: (() => void) | undefined;
    const server = await webSocketServer(test, {
      engine,
      onMessage(_socket, data) {
        seen.push(String(data));
        if (data !== "wait") return undefined;
        return new Promise<void>((resolve) => {
          settle = resolve;
        });
      },
    });
    const peer = await framePeer(test, server.port);

    peer.send("wait", "next", "last");
    await until(() => settle !== undefined);
    const whileBusy = [...seen];
    settle?.();
    await until(() => seen.length === 3);

    assert.deepEqual(whileBusy, ["wait"]);
    assert.deepEqual(seen, ["wait", "next", "last"]);
  });

  it("hands large messages out in pieces, and tells of their frames", async (test) => {
    const seen: string[] = [];
    let byteCount = 0;
    const server = await webSocketServer(test, {
      engine,
      onMessageBegin: (_socket, isText) => {
        seen.push(`begin ${isText}`);
        return isText ? "whole" : "pieces";
      },
      onMessage: (_socket, data) => seen.push(`message ${data}`),
      onMessagePiece(_socket, bytes) {
        byteCount += bytes.length;
      },
      onMessageEnd: () => seen.push(`end ${byteCount}`),
      onFrameHead: (_socket, { opcode, isFinal, payloadBytes, isMasked }) =>
        seen.push(`head ${opcode} ${isFinal} ${payloadBytes} ${isMasked}`),
      onFrameEnd: (_socket, { remainingBytes }) => seen.push(`frame ${remainingBytes}`),
    });
    const peer = await framePeer(test, server.port);
    const part = Buffer.alloc(300_000, 1);

    peer.send({ opcode: OPCODE.binary, fin: false, payload: part });
    peer.send({ opcode: OPCODE.continuation, payload: part }, "done");
    await until(() => seen.at(-1) === "message done");

    assert.deepEqual(seen, [
      "head 2 false 300000 true",
      "begin false",
      "frame 0",
      "head 0 true 300000 true",
      "frame 0",
      "end 600000",
      "head 1 true 4 true",
      "begin true",
      "frame 0",
      "message done",
    ]);
  });

  it("can be read from, and iterated, until the peer closes", async (test) => {
    const read: Message[] = [];
    let isOver = false;
    const server = await webSocketServer(test, {
      engine,
      async onOpen(socket) {
        read.push(await socket.read());
        for await (const message of socket) read.push(message);
        isOver = true;
      },
    });
    const peer = await framePeer(test, server.port);

    peer.send("one", "two", { opcode: OPCODE.binary, payload: "three" });
    peer.close();
    await until(() => isOver);

    assert.deepEqual(read, ["one", "two", Buffer.from("three")]);
  });

  it("holds the peer back at maxUnreadBytes", async (test) => {
    let socket: WebSocketConnection | undefined;
    const server = await webSocketServer(test, {
      engine,
      maxUnreadBytes: 1_000,
      onOpen(one) {
        socket = one;
      },
    });
    const peer = await framePeer(test, server.port);

    peer.send(...Array.from({ length: 100 }, (_, index) => `message ${index}`));
    await until(() => (socket?.stats.receivedMessages ?? 0) > 0);
    const held = socket?.stats.receivedMessages ?? 0;
    const read: Message[] = [];
    while (read.length < 100) read.push((await socket?.read()) ?? "");

    assert.equal(held, 8);
    assert.deepEqual(read.at(-1), "message 99");
  });

  it("sends a message in fragments, between which others may not begin", async (test) => {
    let error: unknown;
    const server = await webSocketServer(test, {
      engine,
      onOpen(socket) {
        socket.send("frag", { isLast: false });
        try {
          socket.send("other");
        } catch (thrown) {
          error = thrown;
        }
        socket.ping("between");
        socket.send("ments", { isLast: false });
        socket.send("", {});
        socket.send("whole", { isText: false });
      },
    });

    const peer = await framePeer(test, server.port);
    await peer.saw("binary 0x77686f6c65");

    assert.equal((error as { code?: string }).code, "INVALID_STATE");
    assert.deepEqual(peer.events, [
      "begin text",
      "ping 0x6265747765656e",
      "text fragments",
      "begin binary",
      "binary 0x77686f6c65",
    ]);
  });

  it("streams as fast as the peer takes it", async (test) => {
    let mostPending = 0;
    const server = await webSocketServer(test, {
      engine,
      onOpen(socket) {
        const chunk = Buffer.alloc(65_536, 7);
        const chunks = (function* (): Generator<Buffer> {
          for (let count = 0; count < 200; count++) {
            mostPending = Math.max(mostPending, socket.pendingBytes);
            yield chunk;
          }
        })();
        return socket.sendStream(chunks);
      },
    });
    const peer = await framePeer(test, server.port);

    await until(() => peer.recorder.messages.length === 1);

    assert.equal(peer.recorder.messages[0]?.length, 2 + 2 * 200 * 65_536);
    assert.ok(mostPending <= 1_048_576 + 65_536 + 20, `${mostPending}`);
  });

  it("replies to pings, between fragments too, and tells of pongs", async (test) => {
    const seen: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      onMessage: (socket, data) => socket.send(data),
      onPing: (_socket, data) => seen.push(`ping ${data}`),
      onPong: (_socket, data) => seen.push(`pong ${data}`),
    });
    const peer = await framePeer(test, server.port);

    peer.send(
      { fin: false, payload: "a" },
      { opcode: OPCODE.ping, payload: "1" },
      { opcode: OPCODE.continuation, payload: "b" },
      { opcode: OPCODE.ping, payload: "2" },
      { opcode: OPCODE.pong, payload: "3" },
    );
    await peer.saw("pong 0x32");
    await until(() => seen.length === 3);

    assert.deepEqual(peer.events, ["pong 0x31", "begin text", "text ab", "pong 0x32"]);
    assert.deepEqual(seen, ["ping 1", "ping 2", "pong 3"]);
  });

  it("drops messages for a slow peer, never in the middle of one, and tells when there is room", async (test) => {
    let drains = 0;
    let socket: WebSocketConnection | undefined;
    const server = await webSocketServer(test, {
      engine,
      maxPendingBytes: 400_000,
      slowConsumer: "drop",
      onOpen(one) {
        socket = one;
      },
      onDrain() {
        drains++;
      },
    });
    const peer = await framePeer(test, server.port);
    await until(() => socket !== undefined);
    peer.socket.pause();

    const block = Buffer.alloc(100_000, 1);
    let sends = 0;
    const answers = new Map<SendResult | undefined, number>();
    while (socket?.stats.droppedCount === 0 && sends < 1_000) {
      for (let count = 0; count < 10; count++, sends++) {
        const answer = socket.send(block);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { droppedCount, sentMessages } = socket?.stats ?? {};
    peer.socket.resume();
    await until(() => drains > 0);
    socket?.send("after");
    await peer.saw("text after");

    assert.equal((droppedCount ?? 0) + (sentMessages ?? 0), sends);
    assert.equal(answers.get(false), droppedCount, "what was lost is told from what was taken");
    assert.ok((answers.get("slow") ?? 0) > 0, "and what was taken above the mark from both");
    assert.equal(peer.recorder.messages.length, (sentMessages ?? 0) + 1);
  });

  it("ends the socket of a peer that takes nothing, where nothing may be dropped", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      maxPendingBytes: 100_000,
      onOpen(socket) {
        for (let count = 0; count < 3; count++) socket.send(Buffer.alloc(90_000));
      },
      closeTimeoutMs: 30,
      onClose: (_socket, code, _reason, end) => codes.push(`${code} ${end.code}`),
    });

    await framePeer(test, server.port);
    await until(() => codes.length === 1);

    assert.deepEqual(codes, ["1006 SEND_QUEUE_FULL"]);
  });

  for (const slowConsumer of ["close", "drop", "pause"] as const) {
    const bounds = {
      engine,
      slowConsumer,
      maxPendingBytes: 100_000,
      highWaterMarkBytes: 50_000,
      closeTimeoutMs: 30,
    };

    it(`bounds fragments, and pings, with slowConsumer ${slowConsumer}`, async (test) => {
      const ends: string[] = [];
      const counts: number[] = [];
      const server = await webSocketServer(test, {
        ...bounds,
        onOpen(socket) {
          let pings = 0;
          while (pings < 5_000 && socket.ping(Buffer.alloc(100)) !== false) pings++;
          let fragments = 0;
          const [part, how] = [Buffer.alloc(100), { isLast: false }];
          // The pings leave some room at most.
          while (fragments < 5_000 && socket.send(part, how) !== false) fragments++;
          counts.push(pings, fragments, socket.stats.droppedCount);
          socket.abort();
        },
        onClose: (_socket, _code, _reason, end) => ends.push(end.code),
      });

      await framePeer(test, server.port);
      await until(() => ends.length === 1);

      const [pings = 0, fragments, droppedCount] = counts;
      assert.ok(pings > 900 && pings < 1_100, `${pings} pings`);
      assert.deepEqual([fragments, droppedCount], [0, 1]);
      assert.equal(ends[0], slowConsumer === "drop" ? "ABORTED" : "SEND_QUEUE_FULL");
    });

    it(`ends a message in the middle that a peer does not take, with slowConsumer ${slowConsumer}`, async (test) => {
      const ends: string[] = [];
      let fragments = 0;
      const server = await webSocketServer(test, {
        ...bounds,
        onOpen(socket) {
          const [part, how] = [Buffer.alloc(20_000), { isLast: false }];
          while (fragments < 100 && socket.send(part, how) !== false) fragments++;
        },
        onClose: (_socket, _code, _reason, end) => ends.push(end.code),
      });

      await framePeer(test, server.port);
      await until(() => ends.length === 1);

      assert.deepEqual([fragments, ends], [5, ["SEND_QUEUE_FULL"]]);
    });
  }

  it("takes directly what is about its connections, and tells what is given twice", async (test) => {
    const refused: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      maxConnections: 1,
      noDelay: false,
      highWaterMarkBytes: 10_000,
      access: { deny: ["127.0.0.2"] },
      http: { onRefuse: ({ code }) => void refused.push(code) },
      onOpen: (socket) => void socket.send(Buffer.alloc(20_000)),
      onMessage: (socket) => socket.send(String(socket.send(Buffer.alloc(20_000)))),
    });
    const peer = await framePeer(test, server.port);
    peer.send("what of 20,000 bytes?");
    await peer.saw("text slow");

    const second = await framePeer(test, server.port);
    await second.ended();
    const denied = connect({ port: server.port, host: "127.0.0.1", localAddress: "127.0.0.2" });
    test.after(() => denied.destroy());
    denied.on("error", () => {});
    await until(() => refused.length === 2);

    assert.deepEqual(refused, ["CONNECTION_LIMIT", "ACCESS_REFUSED"]);
    assert.throws(
      () => new WebSocketServer({ maxConnections: 1, http: { maxConnections: 2 } }),
      /maxConnections is given twice: by itself, and as http.maxConnections/,
    );
    assert.throws(() => new WebSocketServer({ closeTimeoutMs: -1 }), /^NetError: closeTimeoutMs/);
  });
}

function ends(engine: EngineName): void {
  it("replies to the peer's Close frame and ends the connection", async (test) => {
    const ends: unknown[] = [];
    const server = await webSocketServer(test, {
      engine,
      onClose: (_socket, code, reason, end) => ends.push([code, reason, end.code, end.initiator]),
    });
    const peer = await framePeer(test, server.port);

    peer.close(4_001, "bye");
    await peer.ended();
    await until(() => ends.length === 1);

    assert.deepEqual(peer.events, ["close 4001 bye"]);
    assert.deepEqual(ends, [[4_001, "bye", "CLOSED", "remote"]]);
    assert.equal(server.connectionCount, 0);
  });

  it("sends a Close frame, delivers what still comes, and waits for the peer's", async (test) => {
    const seen: unknown[] = [];
    const server = await webSocketServer(test, {
      engine,
      onOpen(socket) {
        seen.push(socket.close(3_000, "enough"), socket.close(), socket.send("late"), socket.state);
        socket.closed().then(({ isClean }) => seen.push(isClean));
      },
      onMessage: (_socket, data) => seen.push(data),
      onClose: (_socket, code, reason) => seen.push(code, reason),
    });
    const peer = await framePeer(test, server.port);

    await peer.saw("close 3000 enough");
    peer.send("still");
    peer.close(1_000, "fine");
    await peer.ended();
    await until(() => seen.length === 8);

    assert.deepEqual(seen, [true, false, false, "closing", "still", 1_000, "fine", true]);
  });

  it("gives up a peer that does not reply to a Close frame", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      closeFrameTimeoutMs: 30,
      onOpen: (socket) => socket.close(),
      closeTimeoutMs: 30,
      onClose: (_socket, code, _reason, end) => codes.push(`${code} ${end.code}`),
    });

    await framePeer(test, server.port);
    await until(() => codes.length === 1);

    assert.deepEqual(codes, ["1006 CLOSE_TIMEOUT"]);
  });

  it("leaves what it has sent, the Close frame too, to a peer that reads it too late", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      closeFrameTimeoutMs: 30,
      onMessage(socket) {
        for (let count = 0; count < 20; count++) socket.send("x".repeat(40_000 + count));
        socket.close(4_000, "late");
      },
      closeTimeoutMs: 30,
      onClose: (_socket, code, _reason, end) => codes.push(`${code} ${end.code}`),
    });
    const peer = await framePeer(test, server.port);
    const errors: Error[] = [];
    peer.socket.on("error", (error) => errors.push(error));

    peer.socket.pause();
    peer.send("go");
    await until(() => codes.length === 1);
    peer.socket.resume();
    await peer.saw("close 4000 late");
    await peer.ended();

    assert.deepEqual(codes, ["1006 CLOSE_TIMEOUT"]);
    assert.equal(peer.recorder.messages.length, 20);
    assert.deepEqual(errors, []);
  });

  it("pings a silent peer, and ends the socket of one that stays silent", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      pingIntervalMs: 40,
      pongTimeoutMs: 40,
      onClose: (_socket, code, _reason, end) => codes.push(`${code} ${end.code}`),
    });
    const peer = await framePeer(test, server.port);

    await peer.saw("ping 0x");
    peer.send({ opcode: OPCODE.pong });
    await until(() => peer.events.length === 2);
    await until(() => codes.length === 1);

    assert.deepEqual(peer.events, ["ping 0x", "ping 0x"]);
    assert.deepEqual(codes, ["1006 WEBSOCKET_PONG_TIMEOUT"]);
  });

  it("tells a peer which rule it broke, and the others go on", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      maxMessageBytes: 1_000,
      maxTextBytes: 500,
      maxFragments: 3,
      onMessage: (socket, data) => socket.send(data),
      onClose: (_socket, code, _reason, end) => codes.push(`${code} ${end.code}`),
    });
    const other = await framePeer(test, server.port);
    const broken = [
      [{ key: undefined, payload: "plain" }],
      [{ payload: Buffer.from("ff", "hex") }],
      [{ length: 2n ** 30n, lengthBytes: 8 as const }],
      [{ length: 501, opcode: OPCODE.text }],
      Array.from({ length: 4 }, (_, index) => ({
        fin: false,
        payload: "x",
        opcode: index === 0 ? OPCODE.text : OPCODE.continuation,
      })),
      [{ rsv: 4, payload: "x" }],
      [{ opcode: OPCODE.close, payload: closeBody(1_005) }],
    ];

    const told: string[] = [];
    for (const shapes of broken) {
      const peer = await framePeer(test, server.port);
      peer.send(...shapes);
      await peer.ended();
      told.push(peer.events[0]?.slice(0, 10) ?? "");
    }
    await until(() => codes.length === broken.length);
    other.send("alive");
    await other.saw("text alive");

    assert.deepEqual(told, [
      "close 1002",
      "close 1007",
      "close 1009",
      "close 1009",
      "close 1008",
      "close 1002",
      "close 1002",
    ]);
    assert.deepEqual(codes, [
      "1006 WEBSOCKET_MALFORMED",
      "1006 WEBSOCKET_TEXT_INVALID",
      "1006 WEBSOCKET_TOO_LONG",
      "1006 WEBSOCKET_TOO_LONG",
      "1006 WEBSOCKET_FLOOD",
      "1006 WEBSOCKET_MALFORMED",
      "1006 WEBSOCKET_MALFORMED",
    ]);
  });

  it("closes with 1011 where a handler fails, and tells of a peer that just leaves", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      onMessage(_socket, data) {
        if (data === "throw") throw new Error("no");
        return Promise.reject(new Error("no"));
      },
      onClose: (_socket, code, _reason, end) => codes.push(`${code} ${end.code}`),
    });

    for (const text of ["throw", "reject"]) {
      const peer = await framePeer(test, server.port);
      peer.send(text);
      await peer.saw("close 1011 ");
      await peer.ended();
    }
    const leaver = await framePeer(test, server.port);
    leaver.socket.end();
    await until(() => codes.length === 3);

    assert.deepEqual(codes, [
      "1006 HANDLER_FAILED",
      "1006 HANDLER_FAILED",
      "1006 WEBSOCKET_TRUNCATED",
    ]);
  });

  it("says 1001 to all sockets when the server stops, and waits for their replies", async (test) => {
    const server = await webSocketServer(test, { engine });
    const peers = await Promise.all(Array.from({ length: 20 }, () => framePeer(test, server.port)));

    const stopping = server.stop({ drainMs: 5_000 });
    await Promise.all(peers.map((peer) => peer.saw("close 1001 ")));
    for (const peer of peers) peer.close(1_001);
    const result = await stopping;

    assert.deepEqual(result, { drainedCount: 20, cutCount: 0 });
  });

  it("keeps id, counters and books of the connection", async (test) => {
    const server = await webSocketServer(test, { engine });
    const peer = await framePeer(test, server.port);
    const [socket] = socketsOf(server);

    const counted = server.stats.connectionCount;
    peer.close();
    await peer.ended();
    await until(() => server.stats.connectionCount === 0);

    assert.equal(counted, 1);
    assert.ok((socket?.stats.receivedBytes ?? 0) > 100);
  });
}
