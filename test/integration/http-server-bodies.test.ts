/** Bodies of requests: reading, holding back, throwing away, limits, 100-continue, trailers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import type { HttpExchange } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpMemory } from "../support/http-memory.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const post = (body: string, more = ""): string =>
  `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

const chunked = (chunks: readonly string[], trailers = ""): string =>
  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
  `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}` +
  `0\r\n${trailers}\r\n`;

for (const engine of availableEngines()) {
  describe(`bodies of requests on ${engine}`, () => {
    reading(engine);
    holding(engine);
    leaving(engine);
    expecting(engine);
  });
}

describe("bodies of requests in memory that is lent", () => {
  it("come whole however they are cut", async () => {
    const bodies: string[] = [];
    const world = await httpMemory({
      async onRequest(exchange) {
        const parts: string[] = [];
        for await (const chunk of exchange.body) parts.push(chunk.toString());
        const trailer = exchange.body.trailers?.get("x-t") ?? "none";
        const field = exchange.headers.get("x-h") ?? "none";
        bodies[exchange.id - 1] = `${parts.join("")} ${field} ${trailer}`;
        exchange.respond(200);
      },
    });
    const request =
      chunked(["hello", " ", "world"], "X-T: t\r\n").replace("\r\n\r\n", "\r\nX-H: h\r\n\r\n") +
      post("plain");
    const peer = await world.peer();

    for (const octet of request) await peer.send(octet);
    await peer.send(request);

    assert.deepEqual(bodies, [
      "hello world h t",
      "plain none none",
      "hello world h t",
      "plain none none",
    ]);
  });
});

function reading(engine: EngineName): void {
  it("reads them as bytes, text, JSON, and chunk by chunk", async (test) => {
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        const { body, path } = exchange;
        if (path === "/bytes") exchange.respond(200, {}, await body.bytes());
        else if (path === "/text") exchange.respond(200, {}, (await body.text()).toUpperCase());
        else if (path === "/json") exchange.respond(200, {}, JSON.stringify(await body.json()));
        else exchange.respond(200, {}, String(await body.read()) + String(await body.read()));
      },
    });
    const peer = await rawPeer(test, server);

    for (const [path, body] of [
      ["/bytes", "one"],
      ["/text", "two"],
      ["/json", '{ "a": [1] }'],
      ["/read", "x"],
    ] as const) {
      peer.send(post(body).replace("POST /", `POST ${path}`));
    }

    const bodies = (await peer.answers(4)).map(({ body }) => body);
    assert.deepEqual(bodies, ["one", "TWO", '{"a":[1]}', "xundefined"]);
  });

  it("reads one of 64 KiB and one of 5 MB, with length and in chunks", async (test) => {
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        const bytes = await exchange.body.bytes();
        exchange.respond(
          200,
          {},
          `${bytes.length} ${bytes.equals(Buffer.alloc(bytes.length, "x"))}`,
        );
      },
    });
    const peer = await rawPeer(test, server);
    const block = "x".repeat(65_536);

    peer.send(post(block));
    peer.send(post("x".repeat(5_000_000)));
    peer.send(chunked(Array.from({ length: 80 }, () => block)));

    const bodies = (await peer.answers(3)).map(({ body }) => body);
    assert.deepEqual(bodies, ["65536 true", "5000000 true", "5242880 true"]);
  });

  it("gives an empty one where there is none", async (test) => {
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        exchange.respond(200, {}, `${await exchange.body.text()}${exchange.body.isComplete}`);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(GET + post(""));

    const bodies = (await peer.answers(2)).map(({ body }) => body);
    assert.deepEqual(bodies, ["true", "true"]);
  });

  it("is used in one way, once", async (test) => {
    const codes: string[] = [];
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        await exchange.body.text();
        for (const again of [() => exchange.body.bytes(), () => exchange.body.read()]) {
          await again().catch((error: NetError) => codes.push(error.code));
        }
        exchange.respond(200);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(post("x"));
    await peer.answer();

    assert.deepEqual(codes, ["INVALID_STATE", "INVALID_STATE"]);
  });

  it("sends what it reads back while it comes", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respondStream(200, {}, exchange.body),
    });
    const peer = await rawPeer(test, server);

    peer.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    await peer.came("one");
    peer.send("3\r\ntwo\r\n0\r\n\r\n");

    assert.equal((await peer.answer()).body, "onetwo");
  });

  it("answers what is too large for the reader with 413, what is no JSON with 400", async (test) => {
    const failures: unknown[] = [];
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        if (exchange.path === "/json") await exchange.body.json();
        else await exchange.body.bytes({ maxBytes: 10 });
      },
      onHandlerError: (error) => failures.push(error),
    });
    const peer = await rawPeer(test, server);

    peer.send(post("12345678901"));
    peer.send(chunked(["123456", "7890", "1"]));
    peer.send(post("no").replace("POST /", "POST /json"));

    const codes = (await peer.answers(3)).map(({ statusCode }) => statusCode);
    assert.deepEqual(codes, [413, 413, 400]);
    assert.deepEqual(failures, []);
  });

  it("answers what is above maxBodyBytes with 413, announced or not", async (test) => {
    const server = await httpServer(test, {
      engine,
      maxBodyBytes: 10,
      async onRequest(exchange) {
        await exchange.body.bytes();
        exchange.respond(200);
      },
    });

    for (const request of [post("12345678901"), chunked(["123456", "78901"])]) {
      const peer = await rawPeer(test, server);
      peer.send(request);
      const { statusCode, fields } = await peer.answer();
      assert.deepEqual([statusCode, fields.get("connection")], [413, "close"]);
      await peer.ended();
    }
  });

  it("answers 400 in the middle of a body that is malformed, and tells its reader", async (test) => {
    const codes: string[] = [];
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        await exchange.body.bytes().catch((error: NetError) => codes.push(error.code));
        exchange.respond(200);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nonetwo");

    assert.equal((await peer.answer()).statusCode, 400);
    await peer.ended();
    assert.deepEqual(codes, ["HTTP_MALFORMED"]);
    assert.equal(peer.rest, "");
  });
}

function holding(engine: EngineName): void {
  it("holds the peer back while nobody reads, with little in memory", async (test) => {
    let exchange: HttpExchange | undefined;
    const server = await httpServer(test, {
      engine,
      onRequest: (one) => {
        exchange = one;
      },
    });
    const peer = await rawPeer(test, server);
    peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 16777216\r\n\r\n");
    await until(() => exchange !== undefined);
    const body = exchange?.body;

    const block = Buffer.alloc(65_536);
    for (let count = 0; count < 256; count++) peer.send(block);
    await until(() => (body?.receivedBytes ?? 0) > 65_000);
    for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
    const held = body?.receivedBytes ?? 0;
    let read = 0;
    for await (const chunk of body ?? []) read += chunk.length;

    assert.ok(held < 500_000, `${held}`);
    assert.equal(read, 16_777_216);
  });
}

function leaving(engine: EngineName): void {
  it("reads over a body that nobody reads, and keeps the connection", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(200, {}, exchange.method),
    });
    const peer = await rawPeer(test, server);

    peer.send(post("x".repeat(100_000)) + chunked(["a", "b"]) + GET);

    const bodies = (await peer.answers(3)).map(({ body }) => body);
    assert.deepEqual(bodies, ["POST", "POST", "GET"]);
  });

  it("closes instead when the body is longer than maxDiscardBytes", async (test) => {
    const server = await httpServer(test, {
      engine,
      maxDiscardBytes: 1_000,
      onRequest: (exchange) => exchange.respond(403),
    });
    const announced = await rawPeer(test, server);
    const unannounced = await rawPeer(test, server);

    announced.send(post("x".repeat(2_000)));
    unannounced.send(chunked(["x".repeat(2_000)]));

    assert.equal((await announced.answer()).fields.get("connection"), "close");
    assert.equal((await unannounced.answer()).statusCode, 403);
    await announced.ended();
    await unannounced.ended();
  });

  it("goes on reading for a handler that answers first", async (test) => {
    let text = "";
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        const reading = exchange.body.text();
        exchange.respond(202);
        text = await reading;
      },
    });
    const peer = await rawPeer(test, server);

    peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\none");
    const first = await peer.answer();
    peer.send(`two${GET}`);
    const second = await peer.answer();

    assert.deepEqual([first.statusCode, second.statusCode], [202, 202]);
    assert.equal(text, "onetwo");
  });

  it("tells the reader when the peer goes away in the middle", async (test) => {
    const codes: string[] = [];
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        try {
          await exchange.body.bytes();
        } catch (error) {
          codes.push((error as NetError).code);
          throw error;
        }
      },
      onHandlerError: () => codes.push("reported"),
    });
    const peer = await rawPeer(test, server);

    peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\none");
    await until(() => server.stats.requestCount === 1);
    peer.socket.resetAndDestroy();
    await until(() => codes.length > 0 && server.connectionCount === 0);

    assert.deepEqual(codes, ["CONNECTION_CLOSED"]);
  });
}

function expecting(engine: EngineName): void {
  const expecting =
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";

  it("sends 100 when the body is first read, and not before", async (test) => {
    let read = (): void => {};
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        await new Promise<void>((resolve) => {
          read = resolve;
        });
        exchange.respond(200, {}, await exchange.body.text());
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(expecting);
    await until(() => server.stats.requestCount === 1);
    assert.equal(peer.received, "");
    read();
    assert.equal((await peer.answer()).statusCode, 100);
    peer.send("one");

    assert.equal((await peer.answer()).body, "one");
    assert.equal(peer.received.match(/100 Continue/g)?.length, 1);
  });

  it("sends none to a peer that does not wait for it, or whose body came meanwhile", async (test) => {
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        exchange.respond(200, {}, await exchange.body.text());
      },
    });
    const peer = await rawPeer(test, server);

    peer.send(post("one"));

    assert.equal((await peer.answer()).body, "one");
    assert.equal(peer.received.includes("100"), false);
  });

  it("closes when the answer comes without it: the body may come or not", async (test) => {
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => exchange.respond(403),
    });
    const peer = await rawPeer(test, server);

    peer.send(expecting);

    const { statusCode, fields } = await peer.answer();
    assert.deepEqual([statusCode, fields.get("connection")], [403, "close"]);
    await peer.ended();
  });

  it("sends further interim answers, in the order of the exchanges", async (test) => {
    const waiting: HttpExchange[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => {
        waiting.push(exchange);
      },
    });
    const peer = await rawPeer(test, server);
    peer.send(GET + GET);
    await until(() => waiting.length === 2);

    waiting[1]?.interim(103, { Link: "</second>" });
    waiting[0]?.interim(103, { Link: "</first>" });
    for (const exchange of waiting) exchange.respond(200);

    const links = (await peer.answers(4)).map(({ statusCode, fields }) =>
      statusCode === 103 ? fields.get("link") : statusCode,
    );
    assert.deepEqual(links, ["</first>", 200, "</second>", 200]);
  });
}
