/** What can be done with connections of an HTTP server, as with those of a TCP server. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import type { HttpExchange, HttpServerConnection } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpMemory } from "../support/http-memory.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { rounds, until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

for (const engine of availableEngines()) {
  describe(`connections of an HTTP server on ${engine}`, () => connections(engine));
}

function connections(engine: EngineName): void {
  it("have a context from a factory, before onAccept, and after an upgrade", async (test) => {
    const seen: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      context: ({ id }) => ({ id, count: 0 }),
      onAccept: ({ context }) => void seen.push(context),
      onRequest(exchange) {
        seen.push(exchange.connection.context);
        if (!exchange.isUpgrade) exchange.respond(200);
        else seen.push(exchange.upgrade({ onReceive: () => {} }, { Upgrade: "x" }).context);
      },
      onClose: ({ context }) => void seen.push(context),
    });
    const peer = await rawPeer(test, server);
    peer.send(GET);
    await peer.answer();
    peer.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    await peer.came("101");
    peer.socket.end();
    await until(() => seen.length === 5);

    assert.ok(seen.every((one) => one === seen[0] && typeof one === "object"));
  });

  it("are ended by a factory that fails, and nobody else is", async (test) => {
    let count = 0;
    const codes: string[] = [];
    const server = await httpServer(test, {
      engine,
      context() {
        if (count++ === 0) throw new Error("no context");
        return count;
      },
      onAccept: ({ context }) => assert.equal(context, 2),
      onRequest: (exchange) => void exchange.respond(200),
      onClose: (_, { code }) => void codes.push(code),
    });
    // It may be reset before it knows that it is connected.
    await rawPeer(test, server).catch(() => undefined);
    await until(() => codes.length === 1);
    const second = await rawPeer(test, server);
    second.send(GET);

    assert.equal((await second.answer()).statusCode, 200);
    assert.deepEqual(codes, ["HANDLER_FAILED"]);
  });

  it("tell of what is sent, that the queue is short again, and of the peer's end", async (test) => {
    let sentBytes = 0;
    const told: string[] = [];
    const server = await httpServer(test, {
      engine,
      keepAliveTimeoutMs: 0,
      onRequest: (exchange) => void exchange.respond(200, {}, Buffer.alloc(8_000_000)),
      onSend: (_, byteCount) => {
        sentBytes += byteCount;
      },
      onDrain: ({ pendingBytes }) => void told.push(`drained ${pendingBytes < 8_000_000}`),
      onEnd: ({ isOpen }) => void told.push(`ended ${isOpen}`),
      onClose: () => void told.push("closed"),
    });
    const peer = await rawPeer(test, server);
    peer.send(GET);
    await peer.answer();
    // The peer may have its last bytes before this side is told that they were sent.
    await until(() => sentBytes === peer.received.length);
    peer.socket.end();
    await until(() => told.includes("closed"));

    assert.deepEqual(told, ["drained true", "ended true", "closed"]);
  });

  it("are ended by a handler of theirs that fails", async (test) => {
    const codes: string[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => void exchange.respond(200),
      onSend() {
        throw new Error("no");
      },
      onClose: (_, { code }) => void codes.push(code),
    });
    const peer = await rawPeer(test, server);
    peer.send(GET);
    await until(() => codes.length === 1);

    assert.deepEqual(codes, ["HANDLER_FAILED"]);
  });

  it("read nothing while they are paused, by id too", async (test) => {
    const exchanges: HttpExchange[] = [];
    const accepted: HttpServerConnection[] = [];
    const server = await httpServer(test, {
      engine,
      onAccept: (connection) => void accepted.push(connection),
      onRequest(exchange) {
        exchanges.push(exchange);
        exchange.respond(200);
      },
    });
    const peer = await rawPeer(test, server);
    await until(() => accepted.length === 1);
    const [connection] = accepted;
    const id = connection?.id ?? 0;
    assert.equal(connection?.pause(), true);
    assert.equal(connection?.isPaused, true);
    peer.send(GET);
    await rounds(20);
    assert.equal(exchanges.length, 0);

    assert.equal(server.resume(id), true);
    await peer.answer();
    assert.deepEqual(
      [server.pause(id), connection?.isPaused, server.pause(0)],
      [true, true, false],
    );
    assert.equal(connection?.resume(), true);
    assert.equal(connection?.isPaused, false);
    connection?.abort();
    await until(() => server.connectionCount === 0);
    assert.deepEqual([connection?.pause(), connection?.resume()], [false, false]);
  });

  it("tell of themselves, and have their sockets set", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const { connection } = exchange;
        connection.setNoDelay(false);
        connection.setKeepAlive({ idleMs: 1_000, intervalMs: 1_000, count: 3 });
        exchange.respondJson(200, [
          connection.state,
          connection.stats.receivedBytes,
          connection.pendingBytes,
          connection.silentForMs < 10_000,
          connection.closeReason === undefined,
        ]);
      },
    });
    const peer = await rawPeer(test, server);
    peer.send(GET);

    assert.equal((await peer.answer()).body, `["open",${GET.length},0,true,true]`);
    assert.equal(server.settings.maxPipelined, 64);
    server.configure({ maxPipelined: 2 });
    assert.equal(server.settings.maxPipelined, 2);
  });
}

describe("connections of an HTTP server that are closed together", () => {
  it("are those that are silent and wait for nothing, with the reason", async () => {
    const world = await httpMemory({
      keepAliveTimeoutMs: 0,
      headTimeoutMs: 0,
      onRequest(exchange) {
        if (exchange.path !== "/wait") exchange.respond(200);
      },
    });
    const idle = await world.peer();
    await idle.send(GET);
    const waiting = await world.peer();
    await waiting.send(GET.replace("/", "/wait"));
    await world.pass(5_000);
    const fresh = await world.peer();

    assert.equal(world.server.closeSilent(5_000), 1);
    await world.pass(0);

    assert.ok(idle.hasEnded && !waiting.hasEnded && !fresh.hasEnded);
    idle.client.close();
    await world.pass(0);
    assert.deepEqual(world.codes, ["IDLE_TIMEOUT"]);
    assert.throws(() => world.server.closeSilent(-1), { code: "INVALID_ARGUMENT" });
    await world.server.stop({ drainMs: 0 });
  });

  it("are those that are old, when they have their response", async () => {
    let late: HttpExchange | undefined;
    const world = await httpMemory({
      onRequest: (exchange) => {
        late = exchange;
      },
    });
    const old = await world.peer();
    await old.send(GET);
    await world.pass(1_000);

    assert.equal(world.server.closeOlderThan(1_000), 1);
    await world.pass(0);
    assert.ok(!old.hasEnded);
    late?.respond(200, {}, "whole");
    await world.pass(0);

    assert.match(old.received, /Connection: close[\s\S]*whole$/);
    assert.ok(old.hasEnded);
    old.client.close();
    await world.pass(0);
    assert.deepEqual(world.codes, ["AGE_LIMIT"]);
    await world.server.stop({ drainMs: 0 });
  });

  it("do not count a pause of the application against the peer", async () => {
    const world = await httpMemory({
      headTimeoutMs: 1_000,
      bodyTimeoutMs: 1_000,
      onRequest: (exchange) => void exchange.text().then((text) => exchange.respondText(200, text)),
    });
    for (const [part, rest] of [
      ["POST / HT", "TP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"],
      ["POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na", "b"],
    ] as const) {
      const peer = await world.peer();
      const id = world.server.connectionIds().at(-1) ?? 0;
      await peer.send(part);
      world.server.pause(id);
      await peer.send(rest);
      await world.pass(3_000);
      assert.equal(peer.received, "");
      world.server.resume(id);
      await world.pass(0);
      assert.match(peer.received, /^HTTP\/1.1 200 [\s\S]*ab$/);
    }
    await world.server.stop({ drainMs: 0 });
  });
});
