/** Content that is read by its type, responses of usual forms, and handlers that give none. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import type { HttpExchange } from "hp-socket/http";
import { httpServer, rawPeer } from "../support/http-world.js";

const post = (type: string, body: string | Uint8Array, more = ""): Buffer => {
  const bytes = Buffer.from(body);
  const typeLine = type === "" ? "" : `Content-Type: ${type}\r\n`;
  const head = `POST / HTTP/1.1\r\nHost: h\r\n${typeLine}${more}Content-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
};
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

describe("the content of a request", () => {
  const cases: [
    what: string,
    read: "json" | "text" | "bytes",
    Buffer,
    expected: number | string,
  ][] = [
    ["JSON", "json", post("application/json", '{"a":1}'), '{"a":1}'],
    ["JSON with a charset", "json", post("Application/JSON; charset=utf-8", "[1]"), "[1]"],
    ["JSON of another name", "json", post("application/ld+json", "1"), "1"],
    ["JSON behind a byte order mark", "json", post("application/json", "\ufeff1"), "1"],
    ["text for JSON", "json", post("text/plain", "1"), 415],
    ["what has no type for JSON", "json", post("", "1"), 415],
    ["what is no JSON", "json", post("application/json", "{a:1}"), 400],
    ["nothing for JSON", "json", post("application/json", ""), 400],
    ["what is no UTF-8 for JSON", "json", post("application/json", Buffer.from([0x22, 0xff])), 400],
    ["too much JSON", "json", post("application/json", `"${"x".repeat(200)}"`), 413],
    [
      "JSON that is gzipped",
      "json",
      post("application/json", "x", "Content-Encoding: gzip\r\n"),
      415,
    ],
    ["text", "text", post("text/plain", "grün"), '"grün"'],
    ["text in Latin-1", "text", post("text/plain; charset=iso-8859-1", Buffer.from([0xfc])), '"ü"'],
    ["text in a quoted charset", "text", post('text/plain; charset="utf-8"', "ü"), '"ü"'],
    ["text in no charset", "text", post("text/plain; charset=klingon", "x"), 415],
    ["what is no text", "text", post("text/plain", Buffer.from([0xff])), 400],
    ["bytes", "bytes", post("", "ab"), '{"type":"Buffer","data":[97,98]}'],
    ["bytes that are gzipped", "bytes", post("", "ab", "Content-Encoding: gzip\r\n"), 415],
    ["no bytes", "bytes", Buffer.from(GET), '{"type":"Buffer","data":[]}'],
  ];
  for (const [what, read, request, expected] of cases) {
    it(`is read, or refused with the status that fits: ${what}`, async (test) => {
      const failures: NetError[] = [];
      const server = await httpServer(test, {
        async onRequest(exchange) {
          exchange.respondJson(200, await exchange[read]({ maxBytes: 100 }));
        },
        onHandlerError: (error) => failures.push(error),
      });
      const peer = await rawPeer(test, server);

      peer.send(request);
      const { statusCode, body } = await peer.answer();

      if (typeof expected === "number") assert.equal(statusCode, expected);
      else assert.equal(Buffer.from(body, "latin1").toString(), expected);
      assert.deepEqual(failures, [], "it is the peer's fault");
      // What was refused does not disturb what follows.
      peer.send(post("application/json", "1"));
      assert.ok((await peer.answer()).statusCode > 0);
    });
  }
});

describe("responses of usual forms", () => {
  const respond = async (
    test: Parameters<typeof httpServer>[0],
    responder: (exchange: HttpExchange) => unknown,
  ) => {
    const server = await httpServer(test, {
      onRequest(exchange) {
        responder(exchange);
      },
      onHandlerError: () => {},
    });
    const peer = await rawPeer(test, server);
    peer.send(GET);
    return peer.answer();
  };

  it("are JSON", async (test) => {
    const { statusCode, fields, body } = await respond(test, (exchange) =>
      exchange.respondJson(201, { a: [1, "ü"] }, { "X-A": "1" }),
    );

    assert.deepEqual([statusCode, fields.get("content-type")], [201, "application/json"]);
    assert.equal(fields.get("x-a"), "1");
    assert.equal(Buffer.from(body, "latin1").toString(), '{"a":[1,"ü"]}');
  });

  it("have the type that the application gives, in any form of fields", async (test) => {
    const given = [
      { "content-type": "application/problem+json" },
      [["Content-Type", "application/problem+json"]] as const,
      new Headers({ "Content-Type": "application/problem+json" }),
    ];
    for (const headers of given) {
      const { fields } = await respond(test, (exchange) => exchange.respondJson(400, {}, headers));
      assert.equal(fields.get("content-type"), "application/problem+json");
    }
  });

  it("are text", async (test) => {
    const { fields, body } = await respond(test, (exchange) => exchange.respondText(200, "hi"));

    assert.deepEqual([fields.get("content-type"), body], ["text/plain; charset=utf-8", "hi"]);
  });

  it("are errors, with the fields that go with their code", async (test) => {
    const { statusCode, fields, body } = await respond(test, (exchange) =>
      exchange.respondError(405, undefined, { Allow: "GET" }),
    );
    assert.deepEqual(
      [statusCode, fields.get("allow"), fields.get("content-type"), body],
      [405, "GET", "text/plain; charset=utf-8", "405 Method Not Allowed\n"],
    );

    const busy = await respond(test, (exchange) =>
      exchange.respondError(503, "come back", { "Retry-After": "9" }),
    );
    assert.deepEqual([busy.fields.get("retry-after"), busy.body], ["9", "503 come back\n"]);
  });

  it("are redirects, through which nothing is injected", async (test) => {
    const places: [string | URL, string][] = [
      ["/a?b=c", "/a?b=c"],
      ["/ü b", "/%C3%BC%20b"],
      ["/x\r\nSet-Cookie: a=1", "/x%0D%0ASet-Cookie:%20a=1"],
      ["/\ud800", "/%EF%BF%BD"],
      [new URL("https://example.com/ü"), "https://example.com/%C3%BC"],
    ];
    for (const [place, expected] of places) {
      const { statusCode, fields } = await respond(test, (exchange) =>
        exchange.respondRedirect(302, place),
      );
      assert.deepEqual([statusCode, fields.get("location")], [302, expected]);
    }
  });

  it("can't be what they are not", async (test) => {
    const circle: unknown[] = [];
    circle.push(circle);
    const attempts: ((exchange: HttpExchange) => unknown)[] = [
      (exchange) => exchange.respondJson(200, undefined),
      (exchange) => exchange.respondJson(200, circle),
      (exchange) => exchange.respondJson(200, 1n),
      (exchange) => exchange.respondError(405, { Allow: "GET" } as unknown as string),
      (exchange) => exchange.respondRedirect(200, "/"),
      (exchange) => exchange.respondRedirect(302, ""),
      (exchange) => exchange.respondRedirect(302, undefined as unknown as string),
    ];
    for (const attempt of attempts) {
      const { statusCode } = await respond(test, (exchange) => {
        assert.throws(() => attempt(exchange), { code: "INVALID_ARGUMENT" });
        exchange.respond(418);
      });
      assert.equal(statusCode, 418);
    }
  });

  it("tell their status", async (test) => {
    const seen: unknown[] = [];
    await respond(test, (exchange) => {
      seen.push(exchange.status);
      exchange.respondText(202, "");
      seen.push(exchange.status);
    });

    assert.deepEqual(seen, [undefined, 202]);
  });
});

describe("a handler that returns a value and gives no response", () => {
  const values: unknown[] = ["text", 0, true, null, { status: 200 }, new Response("x"), []];
  for (const value of values) {
    for (const isLater of [false, true]) {
      it(`fails at once with 500: ${String(value)}${isLater ? ", by a promise" : ""}`, async (test) => {
        const errors: NetError[] = [];
        const server = await httpServer(test, {
          onRequest: () => (isLater ? Promise.resolve(value) : value),
          onHandlerError: (error) => errors.push(error),
        });
        const peer = await rawPeer(test, server);

        peer.send(GET);
        const { statusCode } = await peer.answer();

        assert.equal(statusCode, 500);
        assert.deepEqual(
          errors.map(({ cause }) => (cause as NetError).code),
          ["INVALID_STATE"],
        );
        assert.match(errors[0]?.message ?? "", /onRequest failed: it returned .* gave no response/);
      });
    }
  }

  it("may return anything where it has responded, and nothing where it will", async (test) => {
    const later: HttpExchange[] = [];
    const server = await httpServer(test, {
      onRequest(exchange) {
        if (exchange.path === "/now") return exchange.respond(200);
        later.push(exchange);
        return undefined;
      },
      onHandlerError: (error) => assert.fail(error),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET.replace("/", "/now") + GET);
    assert.equal((await peer.answer()).statusCode, 200);
    await peer.came("HTTP");
    later[0]?.respond(204);

    assert.equal((await peer.answer()).statusCode, 204);
  });
});
