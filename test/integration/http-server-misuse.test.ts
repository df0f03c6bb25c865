/** What handlers of an HTTP server do wrong. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import type { HttpExchange } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;

/** What can be thrown, and has no text. */
const ODD: Record<string, () => unknown> = {
  "nothing at all": () => undefined,
  "an object without prototype": () => Object.create(null),
  "an error whose message throws": () =>
    Object.defineProperty(new Error("odd"), "message", {
      get() {
        throw new Error("no text");
      },
    }),
  "a proxy that throws": () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error("trap");
        },
        has() {
          throw new Error("trap");
        },
        getPrototypeOf() {
          throw new Error("trap");
        },
      },
    ),
};

for (const engine of availableEngines()) {
  describe(`misuse of an HTTP server on ${engine}`, () => {
    misuse(engine);
  });
}

function misuse(engine: EngineName): void {
  it("lets nothing be injected through what the application passes, and answers 500 instead", async (test) => {
    const errors: unknown[] = [];
    const attempts: ((exchange: HttpExchange) => unknown)[] = [
      (exchange) => exchange.respond(200, { "X-A": "1\r\nX-Injected: 1" }),
      (exchange) => exchange.respond(200, { "X-A\r\nX-Injected": "1" }),
      (exchange) => exchange.respond(200, [["X-A", "1\nX-Injected: 1"]]),
      (exchange) => exchange.respond(200, { "Content-Length": 1 }, "X-Injected"),
      (exchange) => exchange.startResponse(200, { "Transfer-Encoding": "gzip, chunked" }),
      // Refused before the head is sent, so that 500 still can be.
      (exchange) => exchange.respondStream(200, {}, 5 as never),
      (exchange) => exchange.respondFile(5 as never),
      (exchange) => exchange.interim(103, { Link: "\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: 1" }),
    ];
    let index = 0;
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => attempts[index++]?.(exchange),
      onHandlerError: (error) => errors.push((error.cause as NetError).code),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET.repeat(attempts.length));
    const got = await peer.answers(attempts.length);

    assert.ok(got.every(({ statusCode }) => statusCode === 500));
    assert.ok(errors.every((code) => code === "INVALID_ARGUMENT"));
    assert.equal(errors.length, attempts.length);
    assert.equal(peer.received.includes("Injected"), false);
  });

  it("answers 500 when a handler throws or rejects, and the next request as usual", async (test) => {
    const errors: NetError[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (exchange.path === "/throw") throw new Error("thrown");
        if (exchange.path === "/reject") return Promise.reject(new Error("rejected"));
        return exchange.respond(200);
      },
      onHandlerError: (error) => errors.push(error),
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/throw") + get("/reject") + GET);

    const codes = (await peer.answers(3)).map(({ statusCode }) => statusCode);
    assert.deepEqual(codes, [500, 500, 200]);
    assert.deepEqual(
      errors.map(({ code, message }) => [code, message]),
      [
        ["HANDLER_FAILED", "onRequest failed: thrown"],
        ["HANDLER_FAILED", "onRequest failed: rejected"],
      ],
    );
  });

  for (const [what, make] of Object.entries(ODD)) {
    it(`answers 500 when a handler throws or rejects with ${what}`, async (test) => {
      const errors: NetError[] = [];
      const server = await httpServer(test, {
        engine,
        onRequest(exchange) {
          if (exchange.path === "/throw") throw make();
          if (exchange.path === "/late")
            return Promise.resolve().then(() => Promise.reject(make()));
          return Promise.reject(make());
        },
        onHandlerError: (error) => errors.push(error),
      });
      const peer = await rawPeer(test, server);

      peer.send(get("/throw") + get("/reject") + get("/late"));

      const codes = (await peer.answers(3)).map(({ statusCode }) => statusCode);
      assert.deepEqual(codes, [500, 500, 500]);
      assert.deepEqual(
        errors.map(({ code }) => code),
        new Array(3).fill("HANDLER_FAILED"),
      );
    });
  }

  it("never answers twice: the second throws, and nothing of it is sent", async (test) => {
    const errors: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        exchange.respond(200, {}, "first");
        for (const again of [
          () => exchange.respond(200, {}, "second"),
          () => exchange.startResponse(200),
          () => exchange.respondError(500),
        ]) {
          assert.throws(again, (error: NetError) => errors.push(error.code) > 0);
        }
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(GET + GET);

    const bodies = (await peer.answers(2)).map(({ body }) => body);
    assert.deepEqual(bodies, ["first", "first"]);
    assert.ok(errors.every((code) => code === "INVALID_STATE"));
    assert.equal(peer.rest, "");
  });

  it("holds a stream to the length that it has announced", async (test) => {
    const errors: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const writer = exchange.startResponse(200, { "Content-Length": 4 });
        assert.throws(() => writer.write("12345"), { code: "INVALID_ARGUMENT" });
        writer.write("12");
        assert.throws(() => writer.end(), { code: "INVALID_STATE" });
        writer.write("34");
        writer.end();
        assert.throws(() => writer.write("5"), { code: "INVALID_STATE" });
      },
      onHandlerError: (error) => errors.push(error),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);

    assert.equal((await peer.answer()).body, "1234");
    assert.deepEqual(errors, []);
  });

  it("gives the head back to the parser once answered, unless it is kept", async (test) => {
    const exchanges: HttpExchange[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        exchanges.push(exchange);
        if (exchange.path === "/kept") exchange.keep();
        exchange.respond(200);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/kept", "X-A: kept\r\n") + get("/gone", "X-A: gone\r\n") + GET);
    await peer.answers(3);

    assert.equal(exchanges[0]?.headers.get("x-a"), "kept");
    assert.equal(exchanges[0]?.path, "/kept");
    assert.throws(() => exchanges[1]?.headers, { code: "INVALID_STATE" });
  });
}
