/** Peers that ask for more than they take, or say what can be read in two ways. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import type { HttpExchange } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpMemory } from "../support/http-memory.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

for (const engine of availableEngines()) {
  describe(`an HTTP server on ${engine}`, () => {
    hostile(engine);
  });
}

function hostile(engine: EngineName): void {
  it("tells answers whose turn has not come to wait at 65,536 bytes", async (test) => {
    const waiting: HttpExchange[] = [];
    const piece = Buffer.alloc(16_384, "x");
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        waiting.push(exchange);
      },
    });
    const peer = await rawPeer(test, server);
    peer.send(GET + GET);
    await until(() => waiting.length === 2);
    const [front, behind] = waiting;
    const writer = behind?.startResponse(200, { "Content-Length": 5 * piece.length });

    const flows = [1, 2, 3, 4].map(() => writer?.write(piece));
    const turn = writer?.drained();
    front?.respond(200);
    await turn;
    writer?.write(piece);
    writer?.end();

    const [, answer] = await peer.answers(2);
    assert.deepEqual(flows, [true, true, true, false]);
    assert.equal(answer?.body.length, 5 * piece.length);
  });

  it("closes the source of an answer to HEAD, however much it had to give", async (test) => {
    let isClosed = false;
    function* endless(): Generator<string> {
      try {
        for (;;) yield "more";
      } finally {
        isClosed = true;
      }
    }
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respondStream(200, {}, endless()),
    });
    const peer = await rawPeer(test, server);

    peer.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");

    assert.equal((await peer.answer(false)).statusCode, 200);
    await until(() => isClosed);
    assert.equal(peer.rest, "");
  });

  it("closes behind 417 to who may hold its body back, or send it", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200),
    });
    const peer = await rawPeer(test, server);

    peer.send(
      `POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue, more\r\nContent-Length: ${GET.length}\r\n\r\n`,
    );

    const { statusCode, fields } = await peer.answer();
    assert.deepEqual([statusCode, fields.get("connection")], [417, "close"]);
    await peer.ended();
    peer.send(GET);
    assert.equal(peer.rest, "");
  });
}

describe("an HTTP server in memory", () => {
  it("gives a slow upload that is read the time that requestTimeoutMs says", async () => {
    const world = await httpMemory({
      responseTimeoutMs: 5_000,
      requestTimeoutMs: 20_000,
      async onRequest(exchange) {
        exchange.respond(200, {}, await exchange.body.text());
      },
    });
    const peer = await world.peer();

    await peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    for (let second = 0; second < 10; second++) {
      await world.pass(1_000);
      assert.equal(peer.received, "");
      await peer.send(`${second}`);
    }
    await world.pass(0);

    assert.match(peer.received, /^HTTP\/1\.1 200 /);
    assert.ok(peer.received.endsWith("\r\n\r\n0123456789"));
  });

  it("counts responseTimeoutMs from the end of a body that was read", async () => {
    const codes: string[] = [];
    const world = await httpMemory({
      responseTimeoutMs: 5_000,
      async onRequest(exchange) {
        await exchange.body.text();
      },
      onClose: (_connection, { code }) => {
        codes.push(code);
      },
    });
    const peer = await world.peer();

    await peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n");
    await world.pass(4_000);
    await peer.send("x");
    await world.pass(4_900);
    assert.equal(peer.received, "");
    await world.pass(200);

    assert.match(peer.received, /^HTTP\/1\.1 503 /);
  });

  it("tells who waits for the turn of a file that the connection has ended", async () => {
    const codes: string[] = [];
    const world = await httpMemory({
      async onRequest(exchange) {
        if (exchange.id === 1) return;
        await exchange.respondFile("/nowhere").catch((error: NetError) => codes.push(error.code));
      },
    });
    const peer = await world.peer();

    await peer.send(GET + GET);
    peer.client.abort();
    await world.pass(0);

    assert.deepEqual(codes, ["CONNECTION_CLOSED"]);
  });
});
