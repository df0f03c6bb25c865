/** In which order an HTTP server responds, and which connections stay (RFC 9112 §9.3). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import type { HttpExchange, ResponseWriter } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;

for (const engine of availableEngines()) {
  describe(`the connections of an HTTP server on ${engine}`, () => {
    persistence(engine);
    order(engine);
  });
}

function persistence(engine: EngineName): void {
  it("closes behind the answer when the request says so", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200),
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/", "Connection: close\r\n") + GET);

    const { fields } = await peer.answer();
    await peer.ended();
    assert.equal(fields.get("connection"), "close");
    assert.equal(fields.has("keep-alive"), false);
    assert.equal(peer.rest, "");
  });

  it("closes when the application's own field says so", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, { Connection: "close" }),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET + GET);

    assert.equal((await peer.answer()).fields.get("connection"), "close");
    await peer.ended();
    assert.equal(peer.rest, "");
  });

  const LAST: readonly (readonly [
    what: string,
    request: string,
    status: number,
    respond: (exchange: HttpExchange) => void,
  ])[] = [
    [
      "an expectation that is not known",
      `${get("/last", "Expect: more\r\nContent-Length: 4\r\n")}body`,
      417,
      () => assert.fail("this has no handler"),
    ],
    [
      "a response whose field says so",
      get("/last"),
      200,
      (exchange) => exchange.respond(200, { Connection: "close" }),
    ],
    [
      "a body that follows such a field",
      get("/last"),
      200,
      (exchange) => exchange.startResponse(200, { Connection: "close" }).end(),
    ],
    [
      "a response before a body that is too large to be read over",
      get("/last", "Content-Length: 2000000\r\n") + "x".repeat(2_000_000),
      200,
      (exchange) => exchange.respond(200),
    ],
  ];
  for (const [what, request, status, respond] of LAST) {
    it(`gives no handler what comes behind the last response: ${what}`, async (test) => {
      const paths: string[] = [];
      let first: HttpExchange | undefined;
      const server = await httpServer(test, {
        engine,
        onRequest(exchange) {
          paths.push(exchange.path);
          if (exchange.path === "/first") first = exchange;
          else if (exchange.path === "/last") respond(exchange);
          else exchange.respond(200);
        },
      });
      const peer = await rawPeer(test, server);
      const requests = get("/first") + request + get("/behind");

      // The last response waits for its turn while what is behind it comes.
      peer.send(requests);
      await until(() => first?.connection.stats.receivedBytes === requests.length);
      first?.respond(200);
      const [, last] = await peer.answers(2);
      await peer.ended();

      assert.equal(last?.statusCode, status);
      assert.equal(last?.fields.get("connection"), "close");
      assert.equal(paths.includes("/behind"), false);
      assert.equal(peer.rest, "");
    });
  }

  it("gives no handler what comes while the last response is on its way", async (test) => {
    const paths: string[] = [];
    let last: { readonly exchange: HttpExchange; readonly writer: ResponseWriter } | undefined;
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        paths.push(exchange.path);
        last ??= { exchange, writer: exchange.startResponse(200, { Connection: "close" }) };
      },
    });
    const peer = await rawPeer(test, server);
    const [begin, rest] = [get("/last") + get("/behind").slice(0, 9), get("/behind").slice(9)];

    peer.send(begin);
    await until(() => last?.exchange.connection.stats.receivedBytes === begin.length);
    peer.send(rest + get("/behind"));
    await until(() => {
      const { receivedBytes } = last!.exchange.connection.stats;
      return receivedBytes === begin.length + rest.length + get("/behind").length;
    });
    last?.writer.end();
    await peer.answer();
    await peer.ended();

    assert.deepEqual(paths, ["/last"]);
    assert.equal(peer.rest, "");
  });

  for (const when of ["before", "after an await"] as const) {
    it(`says so on the last response when the connection was closed ${when}`, async (test) => {
      const server = await httpServer(test, {
        engine,
        async onRequest(exchange) {
          if (exchange.path !== "/close") {
            exchange.respond(200);
            return;
          }
          if (when === "after an await") await Promise.resolve();
          exchange.connection.close();
          exchange.respond(200, {}, "last");
        },
      });
      const peer = await rawPeer(test, server);

      peer.send(get("/"));
      await peer.answer();
      peer.send(get("/") + get("/close"));
      const [first, last] = await peer.answers(2);
      await peer.ended();

      assert.equal(first?.fields.get("connection"), "keep-alive");
      assert.equal(last?.fields.get("connection"), "close");
      assert.equal(last?.fields.has("keep-alive"), false);
      assert.equal(peer.rest, "");
    });
  }

  it("closes behind the request that is number maxRequestsPerConnection, and announces it", async (test) => {
    const server = await httpServer(test, {
      engine,
      maxRequestsPerConnection: 2,
      onRequest: (exchange) => exchange.respond(200),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET.repeat(3));

    const [first, second] = await peer.answers(2);
    await peer.ended();
    assert.equal(first?.fields.get("keep-alive"), "timeout=5, max=2");
    assert.equal(second?.fields.get("connection"), "close");
    assert.equal(peer.rest, "");
  });

  it("closes behind an HTTP/1.0 request, unless that asks to keep the connection", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, {}, exchange.version),
    });
    const kept = await rawPeer(test, server);
    const closed = await rawPeer(test, server);

    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2));
    closed.send("GET / HTTP/1.0\r\n\r\n");

    for (const { fields, body } of await kept.answers(2)) {
      assert.equal(fields.get("connection"), "keep-alive");
      assert.equal(body, "HTTP/1.0");
    }
    assert.equal((await closed.answer()).fields.get("connection"), "close");
    await closed.ended();
  });

  it("sends an HTTP/1.0 peer a stream until close, not in chunks", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const writer = exchange.startResponse(200);
        writer.write("one ");
        writer.write("two");
        writer.end({ "X-Trailer": "left out" });
      },
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    const { fields, body } = await peer.answer();
    assert.equal(body, "one two");
    assert.equal(fields.get("connection"), "close");
    assert.equal(fields.has("transfer-encoding"), false);
  });
}

function order(engine: EngineName): void {
  it("answers in the order of the requests, however the handlers finish", async (test) => {
    const waiting = new Map<string, HttpExchange>();
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        waiting.set(exchange.path, exchange);
      },
    });
    const peer = await rawPeer(test, server);
    peer.send(["/1", "/2", "/3", "/4"].map((path) => get(path)).join(""));
    await until(() => waiting.size === 4);

    const stream = waiting.get("/2")?.startResponse(200);
    stream?.write("two, ");
    waiting.get("/4")?.respond(200, {}, "four");
    waiting.get("/3")?.respond(200, {}, Buffer.alloc(100_000, "3"));
    stream?.write("and more");
    waiting.get("/1")?.respond(200, {}, "one");
    stream?.end();

    const bodies = (await peer.answers(4)).map(({ body }) => body);
    assert.deepEqual(bodies, ["one", "two, and more", "3".repeat(100_000), "four"]);
  });

  it("stops reading at maxPipelined requests under way, and goes on when some are answered", async (test) => {
    const waiting: HttpExchange[] = [];
    let most = 0;
    const server = await httpServer(test, {
      engine,
      maxPipelined: 8,
      onRequest(exchange) {
        waiting.push(exchange);
        most = Math.max(most, waiting.length);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(GET.repeat(1_000));
    let answeredCount = 0;
    while (answeredCount < 1_000) {
      await until(() => waiting.length > 0);
      waiting.pop()?.respond(200, {}, "x");
      answeredCount++;
    }

    assert.equal((await peer.answers(1_000)).length, 1_000);
    assert.equal(most, 8);
  });

  it("answers 2,000 pipelined requests in order, with little waiting at a time", async (test) => {
    let number = 0;
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, {}, `${++number} of ${exchange.path}`),
    });
    const peer = await rawPeer(test, server);

    peer.send(Array.from({ length: 2_000 }, (_, index) => get(`/${index + 1}`)).join(""));

    const bodies = (await peer.answers(2_000)).map(({ body }) => body);
    assert.equal(bodies[0], "1 of /1");
    assert.equal(bodies[1_999], "2000 of /2000");
    assert.equal(new Set(bodies).size, 2_000);
  });

  it("reads no further request while the peer does not take large answers", async (test) => {
    let requestCount = 0;
    const body = Buffer.alloc(524_288);
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        requestCount++;
        exchange.respond(200, {}, body);
      },
    });
    const peer = await rawPeer(test, server);
    peer.socket.removeAllListeners("data");
    peer.socket.pause();

    peer.send(GET.repeat(80));
    await until(() => requestCount > 0);
    const before = requestCount;
    for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
    const during = requestCount;
    peer.socket.resume();
    await until(() => requestCount === 80);

    assert.ok(before <= during && during < 40, `${before} … ${during}`);
  });
}
