/** Topics of components with connections: TCP with its receive models, WebSockets. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type EngineName, pack, TcpAgent, TcpServer } from "hp-socket";
import { type HttpExchange, HttpServer } from "hp-socket/http";
import { WebSocketAgent, type WebSocketConnection, webSocket } from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { type FramePeer, framePeer, webSocketServer } from "../support/websocket-world.js";
import { ZlibInflater } from "../support/websocket-zlib.js";

for (const engine of availableEngines()) {
  describe(`topics of TCP connections on ${engine}`, () => connections(engine));
  describe(`topics of WebSockets on ${engine}`, () => sockets(engine));
}

describe("topics of an endpoint under servers on several engines", () => {
  it("give each socket the frame from the memory of its own engine", async (test) => {
    const sockets = webSocket({ onOpen: (socket) => void socket.subscribe("all") });
    const peers: FramePeer[] = [];
    for (const engine of availableEngines()) {
      const onRequest = (exchange: HttpExchange): void => void sockets.handle(exchange);
      const server = new HttpServer({ engine, onRequest });
      test.after(() => server.stop({ drainMs: 0 }));
      const { port } = await server.listen({ host: "127.0.0.1" });
      peers.push(await framePeer(test, port ?? 0), await framePeer(test, port ?? 0));
    }
    await until(() => sockets.subscriberCount("all") === peers.length);
    const wanted = Array.from({ length: 100 }, (_, index) => `message ${index}`);

    for (const text of wanted) sockets.publish("all", text);
    await until(() => peers.every(({ recorder }) => recorder.messages.length === wanted.length));

    for (const { recorder } of peers) assert.deepEqual(recorder.messages, wanted);
  });
});

function connections(engine: EngineName): void {
  it("sends a packet to all subscribers but the one that publishes", async (test) => {
    const server = new TcpServer({
      engine,
      receive: pack({ flag: 7 }),
      onReceive(connection, packet) {
        const text = packet.toString();
        if (text === "join") connection.subscribe("room");
        else if (text === "leave") connection.unsubscribe("room");
        else connection.publish("room", packet);
      },
    });
    await server.listen({ host: "127.0.0.1" });
    test.after(() => server.stop({ drainMs: 0 }));
    const got: string[] = [];
    const agent = new TcpAgent<Buffer, string | undefined>({
      engine,
      receive: pack({ flag: 7 }),
      context: () => "",
      onReceive: ({ context }, packet) => got.push(`${context} ${packet}`),
    });
    test.after(() => agent.stop({ drainMs: 0 }));
    const [ann, bob, carl] = await Promise.all(
      ["ann", "bob", "carl"].map(async (name) => {
        const connection = await agent.connect({ host: "127.0.0.1", port: server.port });
        connection.context = name;
        connection.send("join");
        return connection;
      }),
    );
    await until(() => server.subscriberCount("room") === 3);

    ann?.send("hello");
    await until(() => got.length === 2);
    carl?.send("leave");
    await until(() => server.subscriberCount("room") === 2);
    const count = server.publish("room", "from the server");
    await until(() => got.length === 4);
    bob?.close();
    await until(() => server.subscriberCount("room") === 1);
    const topics = server.topics();
    ann?.close();
    await until(() => server.topics().length === 0);

    assert.deepEqual(got.slice(0, 2).sort(), ["bob hello", "carl hello"]);
    assert.equal(count, 2);
    assert.deepEqual(got.slice(2).sort(), ["ann from the server", "bob from the server"]);
    assert.deepEqual(topics, ["room"]);
  });

  it("is bounded by maxTopics, and answers false on a connection that is closing", async (test) => {
    const seen: unknown[] = [];
    const server = new TcpServer({
      engine,
      maxTopics: 1,
      onAccept(connection) {
        seen.push(connection.subscribe("one"));
        assert.throws(() => connection.subscribe("two"), { code: "TOPIC_LIMIT" });
        seen.push(connection.topics);
        connection.close();
        seen.push(connection.subscribe("one"));
      },
    });
    await server.listen({ host: "127.0.0.1" });
    test.after(() => server.stop({ drainMs: 0 }));
    const agent = new TcpAgent({ engine });
    test.after(() => agent.stop({ drainMs: 0 }));

    await agent.connect({ host: "127.0.0.1", port: server.port });
    await until(() => seen.length === 3);

    assert.deepEqual(seen, [true, ["one"], false]);
  });
}

function sockets(engine: EngineName): void {
  it("publishes text and bytes, plain and compressed, each as its socket can have it", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      compression: { minBytes: 100 },
      onOpen: (socket) => socket.subscribe("all"),
    });
    const plain = await framePeer(test, server.port);
    const compressed = await framePeer(test, server.port, {
      fields: ["Sec-WebSocket-Extensions: permessage-deflate"],
      inflater: new ZlibInflater(),
    });
    const small = await framePeer(test, server.port, {
      fields: ["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9"],
      inflater: new ZlibInflater({ windowBits: 9 }),
    });
    await until(() => server.subscriberCount("all") === 3);
    const long = "price ".repeat(100);

    const counts = [
      server.publish("all", "short"),
      server.publish("all", long),
      server.publish("all", Buffer.from("bytes")),
      server.publish("none", long),
    ];
    const peers = [plain, compressed, small];
    await until(() => peers.every(({ recorder }) => recorder.messages.length === 3));

    assert.deepEqual(counts, [3, 3, 3, 0]);
    for (const { recorder } of peers) {
      assert.deepEqual(recorder.messages, ["short", long, "0x6279746573"]);
    }
    assert.ok(compressed.events.includes("begin text compressed"));
    assert.ok(!plain.events.includes("begin text compressed"));
    assert.ok(!small.events.includes("begin text compressed"));
  });

  it("goes behind a message that is under way, and not to the one that publishes", async (test) => {
    let first: WebSocketConnection | undefined;
    const server = await webSocketServer(test, {
      engine,
      onOpen(socket) {
        first ??= socket;
        socket.subscribe("all");
      },
    });
    const one = await framePeer(test, server.port);
    const two = await framePeer(test, server.port);
    await until(() => server.subscriberCount("all") === 2);

    first?.send("frag", { isLast: false });
    server.publish("all", "between");
    first?.send("ment", { isLast: true });
    first?.publish("all", "to others");
    await two.saw("text to others");
    await one.saw("text between");

    assert.deepEqual(one.recorder.messages, ["fragment", "between"]);
    assert.deepEqual(two.recorder.messages, ["between", "to others"]);
  });

  it("lends one frame to all, however many come one after the other, also to those inside a message", async (test) => {
    let inside: WebSocketConnection | undefined;
    const server = await webSocketServer(test, {
      engine,
      onOpen(socket) {
        inside ??= socket;
        socket.subscribe("all");
      },
    });
    const peers = [await framePeer(test, server.port), await framePeer(test, server.port)];
    await until(() => server.subscriberCount("all") === 2);
    const wanted = Array.from({ length: 300 }, (_, index) => `${index} `.repeat(index + 1));

    for (const [index, text] of wanted.entries()) {
      if (index === 100) inside?.send("be", { isLast: false });
      server.publish("all", text);
      if (index === 200) inside?.send("gun", { isLast: true });
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => peers[1]?.recorder.messages.length === wanted.length);
    await until(() => peers[0]?.recorder.messages.length === wanted.length + 1);

    const withBegun = [...wanted.slice(0, 100), "begun", ...wanted.slice(100)];
    assert.deepEqual(peers[0]?.recorder.messages, withBegun);
    assert.deepEqual(peers[1]?.recorder.messages, wanted);
  });

  it("treats a slow subscriber by its policy, and holds nobody up", async (test) => {
    const codes: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      maxPendingBytes: 200_000,
      onOpen: (socket) => socket.subscribe("all"),
      onClose: (_socket, _code, _reason, { code }) => codes.push(code),
    });
    const fast = await framePeer(test, server.port);
    const slow = await framePeer(test, server.port);
    slow.socket.pause();
    await until(() => server.subscriberCount("all") === 2);
    const block = Buffer.alloc(100_000, 1);

    let count = 0;
    while (codes.length === 0 && count < 1_000) {
      server.publish("all", block);
      count++;
      await until(() => fast.recorder.messages.length === count);
    }

    assert.deepEqual(codes, ["SEND_QUEUE_FULL"]);
    assert.equal(server.subscriberCount("all"), 1);
  });

  it("is there for clients' sockets, too", async (test) => {
    const got: string[] = [];
    const server = await webSocketServer(test, {
      engine,
      onMessage: (_socket, data) => got.push(String(data)),
    });
    const agent = new WebSocketAgent({ engine });
    test.after(() => agent.stop({ drainMs: 0 }));
    for (let count = 0; count < 2; count++) {
      const socket = await agent.connect(`ws://127.0.0.1:${server.port}/`);
      socket.subscribe("all");
    }

    const count = agent.publish("all", "up");
    await until(() => got.length === 2);

    assert.equal(count, 2);
    assert.deepEqual(got, ["up", "up"]);
  });
}
