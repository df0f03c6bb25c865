/** The responses of an HTTP server: heads and bodies (RFC 9110, RFC 9112). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import { encodeFields, type HttpExchange } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;

for (const engine of availableEngines()) {
  describe(`responses of an HTTP server on ${engine}`, () => {
    responses(engine);
    streams(engine);
  });
}

function responses(engine: EngineName): void {
  it("answers with length, date and the time for which the connection stays", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) =>
        exchange.respond(200, { "Content-Type": "text/plain" }, "Hello, World!"),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);

    const { statusCode, reason, fields, body } = await peer.answer();
    assert.deepEqual([statusCode, reason, body], [200, "OK", "Hello, World!"]);
    assert.equal(fields.get("content-length"), "13");
    assert.equal(fields.get("content-type"), "text/plain");
    assert.equal(fields.get("connection"), "keep-alive");
    assert.equal(fields.get("keep-alive"), "timeout=5");
    assert.ok(Math.abs(Date.parse(fields.get("date") ?? "") - Date.now()) < 5_000);
  });

  it("shows the request: method, target, path, query, version, fields, authority", async (test) => {
    let seen: unknown;
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const { method, target, path, version, authority, headers } = exchange;
        const query = [...exchange.query];
        const values = [headers.get("x-one"), headers.getAll("X-ONE"), headers.has("x-two")];
        const { contentLength, hasBody } = exchange;
        seen = { method, target, path, query, version, authority, values, contentLength, hasBody };
        exchange.respond(204);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/a%20b?c=d&e=%C3%A9", "X-One: 1\r\nx-one: 2\r\n"));

    assert.equal((await peer.answer()).statusCode, 204);
    assert.deepEqual(seen, {
      method: "GET",
      target: "/a%20b?c=d&e=%C3%A9",
      path: "/a%20b",
      query: [
        ["c", "d"],
        ["e", "é"],
      ],
      version: "HTTP/1.1",
      authority: "h",
      values: ["1", ["1", "2"], false],
      contentLength: 0,
      hasBody: false,
    });
  });

  it("sends text as UTF-8, bytes as they are, and large bodies whole", async (test) => {
    const large = Buffer.alloc(3_000_000, "0123456789");
    const bodies: Record<string, string | Uint8Array> = {
      "/text": "é€😀",
      "/long": "é".repeat(5_000),
      "/bytes": new Uint8Array([1, 2, 255]),
      "/large": large,
      "/empty": "",
    };
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, {}, bodies[exchange.path]),
    });
    const peer = await rawPeer(test, server);

    peer.send(
      Object.keys(bodies)
        .map((path) => get(path))
        .join(""),
    );

    const got = (await peer.answers(5)).map(({ body }) => Buffer.from(body, "latin1"));
    assert.equal(got[0]?.toString(), "é€😀");
    assert.equal(got[1]?.toString(), "é".repeat(5_000));
    assert.deepEqual([...(got[2] ?? [])], [1, 2, 255]);
    assert.ok(got[3]?.equals(large));
    assert.equal(got[4]?.length, 0);
  });

  it("takes headers as an object, pairs, Headers, and as encoded before", async (test) => {
    const encoded = encodeFields({ "X-Field": ["a", "b"] });
    const kinds = [
      { "X-Field": ["a", "b"] },
      [
        ["X-Field", "a"],
        ["X-Field", "b"],
      ] as const,
      new Headers([["X-Field", "a, b"]]),
      encoded,
    ];
    let index = 0;
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, kinds[index++]),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET.repeat(4));

    for (const { fields } of await peer.answers(4)) {
      assert.equal(fields.get("x-field"), "a, b");
      assert.equal(fields.get("content-length"), "0");
    }
  });

  it("answers HEAD with the length of the body and without the body", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (exchange.path === "/whole") exchange.respond(200, {}, "12345");
        else {
          const writer = exchange.startResponse(200, {});
          writer.write("12345");
          writer.end({ "X-Trailer": "1" });
        }
      },
    });
    const peer = await rawPeer(test, server);

    peer.send("HEAD /whole HTTP/1.1\r\nHost: h\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    const whole = await peer.answer(false);
    const stream = await peer.answer(false);
    peer.send(get("/whole"));
    const next = await peer.answer();

    assert.equal(whole.fields.get("content-length"), "5");
    assert.equal(stream.statusCode, 200);
    assert.equal(next.body, "12345");
  });

  it("gives 204 and 304 no body and 204 no length", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (exchange.path === "/204") exchange.respond(204);
        else exchange.respond(304, { ETag: '"x"' }, "the body that there would be");
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/204") + get("/304") + get("/204"));

    const [none, same, last] = await peer.answers(3);
    assert.equal(none?.statusCode, 204);
    assert.equal(none?.fields.has("content-length"), false);
    assert.equal(same?.statusCode, 304);
    assert.equal(same?.fields.get("content-length"), "28");
    assert.equal(last?.statusCode, 204);
    assert.equal(peer.rest, "");
  });

  it("leaves out what 204 and 205 can't have", async (test) => {
    const errors: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const { path } = exchange;
        const statusCode = Number(path.slice(-3));
        if (path.startsWith("/body")) exchange.respond(statusCode, {}, "x".repeat(5_000));
        else if (path.startsWith("/error")) exchange.respondError(statusCode);
        else if (path.startsWith("/length")) exchange.respond(statusCode, { "content-length": 5 });
        else {
          const writer = exchange.startResponse(statusCode);
          writer.write("x");
          writer.end();
        }
      },
      onHandlerError: (error) => errors.push(error),
    });
    const peer = await rawPeer(test, server);
    const paths = [
      "/body/204",
      "/error/204",
      "/length/204",
      "/stream/204",
      "/body/205",
      "/error/205",
    ];

    peer.send(paths.map((path) => get(path)).join("") + get("/body/200"));
    const got = await peer.answers(paths.length);
    const last = await peer.answer();

    for (const [index, { statusCode, fields, body }] of got.entries()) {
      assert.equal(String(statusCode), paths[index]?.slice(-3));
      assert.equal(body, "");
      assert.equal(fields.has("transfer-encoding"), false);
      assert.equal(fields.get("content-length"), statusCode === 204 ? undefined : "0");
    }
    assert.equal(last.body.length, 5_000);
    assert.deepEqual(errors, []);
  });

  it("takes a minor version above 1.1 for 1.1, and says 1.1 itself", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, {}, exchange.version),
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/").replace("HTTP/1.1", "HTTP/1.9").repeat(2));

    const bodies = (await peer.answers(2)).map(({ body }) => body);
    assert.deepEqual(bodies, ["HTTP/1.1", "HTTP/1.1"]);
  });

  it("answers what is no request with the status that fits, and closes", async (test) => {
    const errors: string[] = [];
    const reasons: string[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200),
      onParseError: (_connection, error) => errors.push(error.code),
      onClose: (_connection, reason) => reasons.push(reason.code),
    });
    const cases: [request: string, statusCode: number, code: string][] = [
      ["NONSENSE\r\n\r\n", 400, "HTTP_MALFORMED"],
      ["GET / HTTP/1.1\r\n\r\n", 400, "HTTP_MALFORMED"],
      ["GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "HTTP_VERSION_UNSUPPORTED"],
      [get(`/${"x".repeat(9_000)}`), 414, "HTTP_LINE_TOO_LONG"],
      [`${"M".repeat(9_000)} / HTTP/1.1\r\n`, 501, "HTTP_METHOD_TOO_LONG"],
      [get("/", `X: ${"x".repeat(20_000)}\r\n`), 431, "HTTP_HEAD_TOO_LARGE"],
      [get("/", "Transfer-Encoding: gzip, chunked\r\n"), 501, "HTTP_CODING_UNSUPPORTED"],
      [get("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400, "HTTP_MALFORMED"],
    ];

    for (const [request, statusCode, code] of cases) {
      const peer = await rawPeer(test, server);
      peer.send(request);
      const answer = await peer.answer();
      await peer.ended();
      peer.socket.end();

      assert.equal(answer.statusCode, statusCode, request.slice(0, 40));
      assert.equal(answer.fields.get("connection"), "close");
      assert.equal(errors.at(-1), code);
    }
    await until(() => reasons.length === cases.length);
    assert.deepEqual(reasons, errors);
  });

  it("answers an expectation that it does not know with 417", async (test) => {
    let requestCount = 0;
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        requestCount++;
        exchange.respond(200);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/", "Expect: miracles\r\n") + GET);

    const [refused, next] = await peer.answers(2);
    assert.equal(refused?.statusCode, 417);
    assert.equal(next?.statusCode, 200);
    assert.equal(requestCount, 1);
  });
}

function streams(engine: EngineName): void {
  it("streams in chunks, with trailers", async (test) => {
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        const writer = exchange.startResponse(200, { Trailer: "X-Sum" });
        writer.write("one");
        await Promise.resolve();
        writer.write("two", ";name=value");
        writer.write("");
        writer.end({ "X-Sum": "6" });
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);
    await peer.came("X-Sum: 6\r\n\r\n");

    assert.match(
      peer.received,
      /\r\n\r\n3\r\none\r\n3;name=value\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n$/,
    );
  });

  it("streams with the length that the application has announced", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) =>
        exchange.respondStream(200, { "Content-Length": 7 }, ["one", " ", Buffer.from("two")]),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET + GET);

    for (const { body, fields } of await peer.answers(2)) {
      assert.equal(body, "one two");
      assert.equal(fields.has("transfer-encoding"), false);
    }
  });

  it("breaks the connection off when a stream fails, so that the peer sees it", async (test) => {
    const errors: NetError[] = [];
    let failNow = (): void => {};
    const failing = new Promise<never>((_resolve, reject) => {
      failNow = () => reject(new Error("no more"));
    });
    async function* source(): AsyncGenerator<string> {
      yield "some";
      yield await failing;
    }
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respondStream(200, {}, source()),
      onHandlerError: (error) => errors.push(error),
    });
    const peer = await rawPeer(test, server);

    peer.send(GET);
    await peer.came("some\r\n");
    failNow();
    await peer.ended();

    assert.match(peer.received, /4\r\nsome\r\n$/);
    assert.deepEqual(
      errors.map(({ message }) => message),
      ["onRequest failed: no more"],
    );
  });

  it("tells what is taken, what is taken while much waits, and what is lost", async (test) => {
    const small = "s";
    const large = Buffer.alloc(2_000_000);
    const results: Record<string, unknown> = {};
    let first: HttpExchange | undefined;
    const server = await httpServer(test, {
      engine,
      compression: { minBytes: 1_000_000 },
      async onRequest(exchange) {
        const { path } = exchange;
        first ??= exchange;
        if (exchange === first) return;
        results["interim"] = exchange.interim(103);
        // Not its turn: what it holds has a lower mark.
        if (path === "/held") results["held"] = exchange.respond(200, {}, small);
        if (path === "/held-much") results["held, much"] = exchange.respond(200, {}, large);
        if (path !== "/stream") return;
        const writer = exchange.startResponse(200, { "Content-Length": 2_000_002 });
        results["held piece"] = writer.write(small);
        results["held piece, much"] = writer.write(large);
        results["first"] = first.respond(200, { Connection: "close" }, large);
        exchange.connection.abort();
        await exchange.connection.closed();
        results["lost piece"] = writer.write(small);
        results["lost interim"] = exchange.interim(103);
      },
    });
    const peer = await rawPeer(test, server);
    peer.socket.pause();

    peer.send(["/", "/held", "/held-much", "/stream"].map((target) => get(target)).join(""));
    await until(() => "lost interim" in results);

    const plain = await rawPeer(test, server);
    first = undefined;
    plain.send(get("/", "Accept-Encoding: gzip\r\n"));
    await until(() => first !== undefined);
    const exchange = first as unknown as HttpExchange;
    const writer = exchange.startResponse(200, { "Content-Type": "text/plain" });
    results["coded piece"] = writer.write(small);
    results["coded piece, much"] = writer.write("x".repeat(100_000));
    plain.socket.destroy();
    await exchange.connection.closed();
    results["lost coded piece"] = writer.write(small);

    assert.deepEqual(results, {
      interim: true,
      held: true,
      "held, much": "slow",
      "held piece": true,
      "held piece, much": false,
      first: "slow",
      "lost piece": false,
      "lost interim": false,
      "coded piece": true,
      "coded piece, much": false,
      "lost coded piece": false,
    });
  });

  it("keeps memory flat while a reader stalls a stream of 32 MiB, and then sends it whole", async (test) => {
    const block = Buffer.alloc(65_536, "b");
    const blockCount = 512;
    let sent = 0;
    let most = 0;
    async function* source(): AsyncGenerator<Buffer> {
      for (; sent < blockCount; sent++) yield block;
    }
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        const writer = exchange.startResponse(200, { "Content-Length": block.length * blockCount });
        return (async () => {
          for await (const piece of source()) {
            most = Math.max(most, writer.pendingBytes);
            if (!writer.write(piece)) await writer.drained();
          }
          writer.end();
        })();
      },
    });
    const peer = await rawPeer(test, server);
    peer.socket.removeAllListeners("data");
    let receivedBytes = 0;
    peer.send(GET);
    peer.socket.pause();
    await until(() => most > 900_000);
    for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
    const sentWhileStalled = sent;

    peer.socket.on("data", (bytes) => {
      receivedBytes += bytes.length;
    });
    peer.socket.resume();
    await until(() => receivedBytes > block.length * blockCount, 60_000);

    assert.ok(sentWhileStalled < 400, `${sentWhileStalled} blocks of ${blockCount}`);
    assert.ok(most < 4_000_000, `${most}`);
  });

  it("ends a connection whose stream takes no notice of the peer, with SEND_QUEUE_FULL", async (test) => {
    const codes: string[] = [];
    const block = Buffer.alloc(65_536);
    const server = await httpServer(test, {
      engine,
      maxPendingBytes: 1_048_576,
      onRequest(exchange) {
        const writer = exchange.startResponse(200);
        while (exchange.isSendable) writer.write(block);
      },
      onClose: (_connection, reason) => codes.push(reason.code),
    });
    const peer = await rawPeer(test, server);
    peer.socket.pause();

    peer.send(GET);
    await until(() => codes.length === 1);

    assert.deepEqual(codes, ["SEND_QUEUE_FULL"]);
  });
}
