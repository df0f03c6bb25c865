/** How an HTTP server stops, and what becomes of what is under way. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import { type HttpExchange, HttpServer } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

for (const engine of availableEngines()) {
  describe(`stopping an HTTP server on ${engine}`, () => stopping(engine));
}

function stopping(engine: EngineName): void {
  it("closes idle connections at once, and answers what is under way with Connection: close", async (test) => {
    const waiting: HttpExchange[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        waiting.push(exchange);
      },
    });
    const idle = await rawPeer(test, server);
    const busy = await rawPeer(test, server);
    busy.send(GET + GET);
    await until(() => waiting.length === 2 && server.connectionCount === 2);

    const stopped = server.stop({ drainMs: 10_000 });
    await idle.ended();
    idle.socket.end();
    assert.equal(busy.received, "");
    busy.send(GET);
    for (const exchange of waiting) exchange.respond(200, {}, "last");
    const [first, last] = await busy.answers(2);
    await busy.ended();
    busy.socket.end();

    assert.equal(first?.fields.get("connection"), "keep-alive");
    assert.equal(last?.fields.get("connection"), "close");
    assert.equal(busy.rest, "");
    assert.deepEqual(await stopped, { drainedCount: 2, cutCount: 0 });
    assert.equal(server.stats.requestCount, 2);
  });

  it("lets a request whose head is on its way come to its end", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, {}, "just in time"),
    });
    const peer = await rawPeer(test, server);
    peer.send(GET + GET.slice(0, 20));
    await peer.answer();

    const stopped = server.stop({ drainMs: 10_000 });
    peer.send(GET.slice(20) + GET);
    const answer = await peer.answer();
    await peer.ended();
    peer.socket.end();

    assert.equal(answer.body, "just in time");
    assert.equal(answer.fields.get("connection"), "close");
    assert.equal(peer.rest, "");
    assert.equal((await stopped).cutCount, 0);
  });

  it("lets a stream come to its end, and cuts what is left after drainMs", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const writer = exchange.startResponse(200);
        writer.write("begun, ");
        if (exchange.path === "/ends") {
          exchange.connection.context = () => {
            writer.write("ended");
            writer.end();
          };
        }
      },
    });
    const ends = await rawPeer(test, server);
    const stays = await rawPeer(test, server);
    ends.send(GET.replace("/", "/ends"));
    stays.send(GET);
    await ends.came("begun");
    await stays.came("begun");
    const contexts = server.connectionIds().map((id) => server.connection(id)?.context);

    const stopped = server.stop({ drainMs: 300 });
    for (const end of contexts) if (typeof end === "function") end();
    const answer = await ends.answer();
    ends.socket.end();

    assert.equal(answer.body, "begun, ended");
    assert.deepEqual(await stopped, { drainedCount: 1, cutCount: 1 });
  });

  it("aborts the signal when the peer goes away, not when it has only finished", async (test) => {
    const exchanges: HttpExchange[] = [];
    const aborted: string[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        exchanges.push(exchange);
        exchange.signal.addEventListener("abort", () => {
          aborted.push((exchange.signal.reason as NetError).code);
        });
      },
    });
    const finishing = await rawPeer(test, server);
    const resetting = await rawPeer(test, server);

    finishing.send(GET);
    await until(() => exchanges.length === 1);
    finishing.socket.end();
    await finishing.came("102 Processing");
    exchanges[0]?.respond(200, {}, "all the same");
    await finishing.came("all the same");
    resetting.send(GET);
    await until(() => exchanges.length === 2);
    resetting.socket.resetAndDestroy();
    await until(() => aborted.length === 1);

    assert.equal(exchanges[0]?.signal.aborted, false);
    assert.equal(exchanges[1]?.respond(200), false);
    assert.deepEqual(aborted, ["CONNECTION_CLOSED"]);
    await until(() => server.connectionCount === 0);
  });

  it("counts, finds, closes and aborts connections by id", async (test) => {
    const reasons: string[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200),
      onAccept: (connection) => {
        connection.context = `number ${connection.id}`;
      },
      onClose: (connection, reason) => reasons.push(`${connection.context} ${reason.code}`),
    });
    const closed = await rawPeer(test, server);
    const aborted = await rawPeer(test, server);
    closed.send(GET);
    aborted.send(GET + GET);
    await closed.answer();
    await aborted.answers(2);
    const byCount = (count: number): number =>
      server.connectionIds().find((id) => server.connection(id)?.requestCount === count) ?? 0;
    const [one, two] = [byCount(1), byCount(2)];

    assert.equal(server.connectionCount, 2);
    assert.equal(server.connection(one)?.context, `number ${one}`);
    assert.equal(server.close(one), true);
    assert.equal(server.abort(two), true);
    await closed.ended();
    closed.socket.end();
    await until(() => reasons.length === 2);

    assert.deepEqual(reasons.sort(), [`number ${one} CLOSED`, `number ${two} ABORTED`].sort());
    assert.equal(server.close(one), false);
    assert.equal(server.connection(two), undefined);
    const { requestCount, openedCount, closedCount, exchangeCount, engine: name } = server.stats;
    assert.deepEqual(
      { requestCount, openedCount, closedCount, exchangeCount, name },
      { requestCount: 3, openedCount: 2, closedCount: 2, exchangeCount: 0, name: engine },
    );
  });

  it("can listen again, and ends with `await using`'s call", async () => {
    const server = new HttpServer({ engine, onRequest: (exchange) => exchange.respond(200) });
    await server.listen({ host: "127.0.0.1" });
    await server.stop();
    await server.listen({ host: "127.0.0.1" });

    assert.equal(server.state, "started");
    assert.ok(server.port > 0);
    await server[Symbol.asyncDispose]();
    assert.equal(server.state, "stopped");
    assert.equal(server.address, undefined);
  });
}
