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

  it("gives a response up, whatever abort is given", async (test) => {
    const errors: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const writer = exchange.startResponse(200, {});
        (writer.abort as (given: unknown) => void).call(writer, null);
      },
      onHandlerError: (error) => errors.push(error),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);
    await peer.ended();

    assert.deepEqual(errors, []);
  });

  for (const compression of [false, true]) {
    it(`names what is wrong with what is given${compression ? ", with compression" : ""}`, async (test) => {
      const wrong = (value: unknown): never => value as never;
      const detached = new Uint8Array(8);
      structuredClone(detached.buffer, { transfer: [detached.buffer] });
      const attempts: (readonly [RegExp, (exchange: HttpExchange) => unknown])[] = [
        [/^headers must be an object, not null/, (one) => one.respond(200, wrong(null))],
        [
          /^headers must yield pairs, not 2 bytes/,
          (one) => one.respond(200, wrong(new Uint8Array(2))),
        ],
        [/^headers must be an object, not "x"/, (one) => one.respondJson(200, 1, wrong("x"))],
        [/^headers must be an object, not 5/, (one) => one.respondText(200, "", wrong(5))],
        [
          /^headers must yield pairs, not 0 bytes/,
          (one) => one.startResponse(200, wrong(detached)),
        ],
        [
          /^data must be text or a Uint8Array, not null/,
          (one) => one.respond(200, {}, wrong(null)),
        ],
        [/^the memory of data was transferred/, (one) => one.respond(200, {}, detached)],
        [/^detail must be text, not an object/, (one) => one.respondError(405, wrong({}))],
        [/statusCode/, (one) => one.respondError(wrong(Symbol("status")))],
        [
          /^the options of respondFile must be an object/,
          (one) => one.respondFile("x", wrong(null)),
        ],
        [
          /^the source of a response must yield/,
          (one) => one.respondStream(200, {}, wrong(detached)),
        ],
        [
          /^the value of a field must be/,
          (one) => one.startResponse(200, { "Content-Length": wrong(Symbol("n")) }),
        ],
        [
          /^headers must yield pairs|^fields must be an object or yield pairs/,
          (one) => {
            const writer = one.startResponse(200, {});
            try {
              return writer.end(wrong(detached));
            } finally {
              writer.end();
            }
          },
        ],
        [
          /^the options of drained must be an object, not null/,
          async (one) => {
            const writer = one.startResponse(200, {});
            try {
              await writer.drained(wrong(null));
            } finally {
              writer.end();
            }
          },
        ],
        [/^the options of read must be an object/, (one) => one.body.read(wrong(null))],
        [/^the options of reading a body must be an object/, (one) => one.bytes(wrong(null))],
        [
          /^reading a body has no option "maxByte"; did you mean maxBytes/,
          (one) => one.body.json(wrong({ maxByte: 1 })),
        ],
        [
          /^extensions must be text, not 5/,
          (one) => {
            const writer = one.startResponse(200, {});
            try {
              return writer.write("x", wrong(5));
            } finally {
              writer.end();
            }
          },
        ],
      ];
      const told: string[] = [];
      const server = await httpServer(test, {
        engine,
        compression,
        async onRequest(exchange) {
          const [, attempt] = attempts[told.length] ?? [];
          const error = await (async () => await attempt?.(exchange))().catch(
            (thrown: unknown) => thrown,
          );
          told.push(
            (error as NetError).code === "INVALID_ARGUMENT"
              ? (error as NetError).message
              : String(error),
          );
          if (!exchange.isResponded) exchange.respond(418);
        },
      });
      const peer = await rawPeer(test, server);
      for (let count = 0; count < attempts.length; count++) {
        peer.send(get("/", "Accept-Encoding: gzip\r\n"));
        await peer.answers(1);
      }

      for (const [index, [expected]] of attempts.entries())
        assert.match(told[index] ?? "", expected);
    });
  }

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
