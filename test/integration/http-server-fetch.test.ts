/** The web's own face of an HTTP server: from Request to Response. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`fetch handlers on ${engine}`, () => {
    handlers(engine);
    applications(engine);
  });
}

function handlers(engine: EngineName): void {
  it("get a Request, and their Response is sent", async (test) => {
    let seen: unknown;
    const server = await httpServer(test, {
      engine,
      async fetch(request, info) {
        const { method, url, headers } = request;
        const text = await request.text();
        seen = [method, url, headers.get("x-a"), text, info.connection.requestCount];
        return new Response("pong", { status: 201, headers: { "X-B": "2" } });
      },
    });

    const response = await fetch(`http://127.0.0.1:${server.port}/a?b=c`, {
      method: "POST",
      headers: { "X-A": "1" },
      body: "ping",
    });

    assert.deepEqual([response.status, await response.text()], [201, "pong"]);
    assert.equal(response.headers.get("x-b"), "2");
    assert.equal(response.headers.get("content-length"), "4");
    assert.deepEqual(seen, ["POST", `http://127.0.0.1:${server.port}/a?b=c`, "1", "ping", 1]);
  });

  it("send every Set-Cookie, no body where there is none, and HEAD without one", async (test) => {
    const server = await httpServer(test, {
      engine,
      fetch(request) {
        const headers = new Headers({ "X-Path": new URL(request.url).pathname });
        headers.append("Set-Cookie", "a=1");
        headers.append("Set-Cookie", "b=2");
        const isEmpty = request.url.endsWith("/empty");
        return new Response(isEmpty ? null : "body", { status: isEmpty ? 204 : 200, headers });
      },
    });
    const peer = await rawPeer(test, server);

    peer.send("GET /empty HTTP/1.1\r\nHost: h\r\n\r\n");
    const empty = await peer.answer();
    peer.send("HEAD /full HTTP/1.1\r\nHost: h\r\n\r\n");
    const head = await peer.answer(false);
    peer.send("GET /full HTTP/1.1\r\nHost: h\r\n\r\n");
    const full = await peer.answer();

    assert.equal(empty.statusCode, 204);
    assert.equal(empty.fields.get("set-cookie"), "a=1, b=2");
    assert.equal(head.fields.get("content-length"), "4");
    assert.equal(full.body, "body");
  });

  it("send text and bytes as they were given, once, and mark them as used", async (test) => {
    const bodies = [
      "text",
      "W\u00f6rld \u20ac \ud800",
      "",
      Uint8Array.of(1, 2, 3).subarray(1),
      Buffer.from("ab"),
    ];
    const given = bodies.map((body) => new Response(body));
    const [cloned, halfRead] = [new Response("original"), new Response("half")];
    const clone = cloned.clone();
    await halfRead.body?.getReader().read();
    const errors: string[] = [];
    const responses = [...given, ...given.slice(0, 1), cloned, clone, halfRead];
    const server = await httpServer(test, {
      engine,
      fetch: () => responses.shift() as Response,
      onHandlerError: (error) => errors.push(error.message),
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(9));
    const answers = await peer.answers(9);

    const told = answers.map(({ statusCode, body }) => [
      statusCode,
      statusCode === 200 ? body : "",
    ]);
    const utf8 = (text: string) => Buffer.from(text).toString("latin1");
    assert.deepEqual(told, [
      ...[
        [200, "text"],
        [200, utf8("W\u00f6rld \u20ac \ufffd")],
        [200, ""],
        [200, "\x02\x03"],
        [200, "ab"],
      ],
      ...[
        [500, ""],
        [200, "original"],
        [200, "original"],
        [500, ""],
      ],
    ]);
    assert.equal(
      answers.every(({ fields }) => fields.has("content-length")),
      true,
    );
    assert.deepEqual(
      given.map(({ bodyUsed }) => bodyUsed),
      [true, true, true, true, true],
    );
    assert.equal(errors.length, 2);
    await assert.rejects(given[0]!.text(), TypeError);
  });

  it("send what a Response says, where it is one of the application's own, too", async (test) => {
    class Teapot extends Response {}
    Object.defineProperty(Teapot.prototype, "status", { get: () => 418 });
    const appended = new Response("appended", { headers: { "X-A": "1", Connection: "close" } });
    appended.headers.append("x-a", "2");
    appended.headers.append("set-cookie", "a=1");
    appended.headers.append("set-cookie", "b=2");
    const passedOn = new Response("on", { headers: { "keep-alive": "timeout=1", "x-a": "3" } });
    const responses = [
      new Teapot("short"),
      Object.defineProperty(new Response("stout"), "status", { value: 202 }),
      Response.json({ a: 1 }, { status: 201, headers: { "X-A": " 4 " } }),
      Response.error(),
      passedOn,
      appended,
    ];
    const server = await httpServer(test, { engine, fetch: () => responses.shift()! });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(6));
    const answers = await peer.answers(6);

    assert.deepEqual(
      answers.map(({ statusCode, fields, body }) => [statusCode, fields.get("x-a"), body]),
      [
        [418, undefined, "short"],
        [202, undefined, "stout"],
        [201, "4", '{"a":1}'],
        [500, undefined, answers[3]!.body],
        [200, "3", "on"],
        [200, "1, 2", "appended"],
      ],
    );
    assert.equal(answers[5]!.fields.get("set-cookie"), "a=1, b=2");
    assert.equal(answers[2]!.fields.get("content-type"), "application/json");
    assert.equal(answers[4]!.fields.get("keep-alive"), "timeout=5");
  });

  it("stream both ways, each piece as it comes", async (test) => {
    const server = await httpServer(test, {
      engine,
      fetch: (request) =>
        new Response(
          request.body?.pipeThrough(
            new TransformStream<Uint8Array, Uint8Array>({
              transform(chunk, controller) {
                controller.enqueue(Buffer.from(Buffer.from(chunk).toString().toUpperCase()));
              },
            }),
          ),
        ),
    });
    const peer = await rawPeer(test, server);

    peer.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    await peer.came("ONE");
    peer.send("3\r\ntwo\r\n");
    await peer.came("TWO");
    peer.send("0\r\n\r\n");

    const { body, fields } = await peer.answer();
    assert.equal(body, "ONETWO");
    assert.equal(fields.get("transfer-encoding"), "chunked");
  });

  it("send a stream no faster than the peer takes it, and cancel it when that goes away", async (test) => {
    let pulledCount = 0;
    let isCancelled = false;
    const block = new Uint8Array(65_536);
    const server = await httpServer(test, {
      engine,
      fetch: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              pulledCount++;
              controller.enqueue(block);
            },
            cancel() {
              isCancelled = true;
            },
          }),
        ),
    });
    const peer = await rawPeer(test, server);
    peer.socket.pause();

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => pulledCount > 16);
    for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
    const whileStalled = pulledCount;
    peer.socket.resetAndDestroy();
    await until(() => isCancelled);

    assert.ok(whileStalled < 400, `${whileStalled}`);
  });

  it("have the signal of their request aborted when the peer goes away", async (test) => {
    let isAborted = false;
    let isRunning = false;
    const server = await httpServer(test, {
      engine,
      async fetch(request) {
        isRunning = true;
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        isAborted = true;
        return new Response("nobody hears this");
      },
    });
    const controller = new AbortController();

    const asking = fetch(`http://127.0.0.1:${server.port}/`, { signal: controller.signal });
    await until(() => isRunning);
    controller.abort();
    await assert.rejects(asking, { name: "AbortError" });
    await until(() => isAborted);

    assert.equal(isAborted, true);
  });

  it("have a signal that lives as long as somebody waits for it", async (test) => {
    let isAborted = false;
    let isRunning = false;
    const server = await httpServer(test, {
      engine,
      // Nothing is left of the Request but the listener of its signal.
      fetch: (request) =>
        new Promise<Response>((resolve) => {
          isRunning = true;
          request.signal.addEventListener("abort", () => {
            isAborted = true;
            resolve(new Response());
          });
        }),
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => isRunning);
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((next) => setImmediate(next));
      globalThis.gc?.();
    }
    peer.socket.resetAndDestroy();
    await until(() => isAborted);

    assert.equal(typeof globalThis.gc, "function");
  });

  it("are answered 500 when they throw, reject or answer with no Response", async (test) => {
    const failures: string[] = [];
    const server = await httpServer(test, {
      engine,
      fetch(request) {
        if (request.url.endsWith("/throw")) throw new Error("thrown");
        if (request.url.endsWith("/reject")) return Promise.reject(new Error("rejected"));
        return "text" as unknown as Response;
      },
      onHandlerError: (error) => failures.push(error.message),
    });
    const peer = await rawPeer(test, server);

    for (const path of ["/throw", "/reject", "/text"]) {
      peer.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
    }

    const codes = (await peer.answers(3)).map(({ statusCode }) => statusCode);
    assert.deepEqual(codes, [500, 500, 500]);
    assert.deepEqual(failures.sort(), [
      'fetch failed: fetch must return a Response, not "text"',
      "fetch failed: rejected",
      "fetch failed: thrown",
    ]);
  });

  it("are not asked for what no Request can be: CONNECT, TRACE", async (test) => {
    const server = await httpServer(test, { engine, fetch: () => new Response("asked") });

    for (const start of ["CONNECT h:1 HTTP/1.1", "TRACE / HTTP/1.1"]) {
      const peer = await rawPeer(test, server);
      peer.send(`${start}\r\nHost: h:1\r\n\r\n`);
      assert.equal((await peer.answer()).statusCode, 501);
    }
  });

  it("get the URL of what the peer asks for", async (test) => {
    const server = await httpServer(test, {
      engine,
      fetch: ({ method, url }) => new Response(`${method} ${url}`),
    });
    const peer = await rawPeer(test, server);
    const cases = [
      ["OPTIONS * HTTP/1.1\r\nHost: h:81", "OPTIONS http://h:81/"],
      ["OPTIONS * HTTP/1.0\r\nConnection: keep-alive", "OPTIONS http://localhost/"],
      ["GET http://other/a HTTP/1.1\r\nHost: h", "GET http://other/a"],
      ["GET //other/a HTTP/1.1\r\nHost: h", "GET http://h//other/a"],
    ] as const;

    for (const [start, expected] of cases) {
      peer.send(`${start}\r\n\r\n`);
      assert.equal((await peer.answer()).body, expected);
    }
  });

  it("are not asked for what is no matter of this connection (RFC 9110 §7.4)", async (test) => {
    const server = await httpServer(test, { engine, fetch: () => new Response("asked") });
    const peer = await rawPeer(test, server);

    for (const target of ["https://h/", "file://localhost/etc/passwd", "javascript://h/"]) {
      peer.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
      assert.equal((await peer.answer()).statusCode, 421, target);
    }
  });

  it("get no body with what a Request takes for GET or HEAD", async (test) => {
    const server = await httpServer(test, {
      engine,
      fetch: async (request) => new Response(`${request.method} ${await request.text()}`),
    });
    const peer = await rawPeer(test, server);

    for (const [method, expected] of [
      ["GET", "GET "],
      ["get", "GET "],
      ["Post", "POST abc"],
    ]) {
      peer.send(`${method} / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc`);
      assert.equal((await peer.answer()).body, expected);
    }
    peer.send("Head / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    assert.equal((await peer.answer(false)).statusCode, 200);
  });

  it("send the head when the first piece takes its time", async (test) => {
    let give: (text: string) => void = () => {};
    const server = await httpServer(test, {
      engine,
      fetch: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(controller) {
              give = (text) => {
                controller.enqueue(Buffer.from(text));
                controller.close();
              };
            },
          }),
        ),
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await peer.came("\r\n\r\n");
    give("late");

    assert.equal((await peer.answer()).body, "late");
  });

  it("have a stream cancelled that nobody hears: to HEAD, or when it waits and the peer goes", async (test) => {
    const cancelled: string[] = [];
    const server = await httpServer(test, {
      engine,
      fetch: ({ method }) =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              if (method === "HEAD") controller.enqueue(new Uint8Array(1));
              return method === "HEAD" ? undefined : new Promise(() => {});
            },
            cancel() {
              cancelled.push(method);
            },
          }),
        ),
    });
    const peer = await rawPeer(test, server);

    peer.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    await peer.answer(false);
    await until(() => cancelled.length === 1);
    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await peer.came("chunked");
    peer.socket.resetAndDestroy();
    await until(() => cancelled.length === 2);

    assert.deepEqual(cancelled, ["HEAD", "GET"]);
  });

  it("have a body cancelled that comes when the peer has gone, or the exchange was used", async (test) => {
    let cancelledCount = 0;
    const waiting: (() => void)[] = [];
    const server = await httpServer(test, {
      engine,
      async fetch(request, { exchange }) {
        if (request.method === "PUT") exchange.respond(200, {}, "by the exchange");
        else await new Promise<void>((resolve) => waiting.push(resolve));
        return new Response(
          new ReadableStream({
            cancel() {
              cancelledCount++;
            },
          }),
        );
      },
    });
    const gone = await rawPeer(test, server);
    const stays = await rawPeer(test, server);

    gone.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => waiting.length === 1);
    gone.socket.resetAndDestroy();
    await until(() => server.connectionCount === 1);
    waiting[0]?.();
    await until(() => cancelledCount === 1);
    stays.send("PUT / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert.equal((await stays.answer()).body, "by the exchange");
    await until(() => cancelledCount === 2);
  });

  for (const [what, first] of [
    ["before a piece", undefined],
    ["between its pieces", "piece"],
  ]) {
    it(`have a silent stream cancelled when the peer closes ${what}`, async (test) => {
      let isCancelled = false;
      const reasons: unknown[] = [];
      const server = await httpServer(test, {
        engine,
        fetch(request) {
          request.signal.addEventListener("abort", () => reasons.push(request.signal.reason.code));
          return new Response(
            new ReadableStream<Uint8Array>({
              start(controller) {
                if (first !== undefined) controller.enqueue(Buffer.from(first));
              },
              cancel() {
                isCancelled = true;
              },
            }),
          );
        },
      });
      const peer = await rawPeer(test, server);

      peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      await peer.came("chunked");
      peer.socket.destroy();
      await until(() => isCancelled && server.connectionCount === 0);

      assert.deepEqual(reasons, ["CONNECTION_CLOSED"]);
    });

    it(`go on with a stream for a peer that has only finished ${what}`, async (test) => {
      let give: (text: string) => void = () => {};
      let signal: AbortSignal | undefined;
      const server = await httpServer(test, {
        engine,
        fetch(request) {
          ({ signal } = request);
          return new Response(
            new ReadableStream<Uint8Array>({
              start(controller) {
                if (first !== undefined) controller.enqueue(Buffer.from(first));
                give = (text) => {
                  controller.enqueue(Buffer.from(text));
                  controller.close();
                };
              },
            }),
          );
        },
      });
      const peer = await rawPeer(test, server);

      peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      await peer.came("chunked");
      peer.socket.end();
      // The zeros by which is found out that it is there.
      await until(() => /00$/.test(peer.received));
      give("late");

      assert.equal((await peer.answer()).body, `${first ?? ""}late`);
      assert.equal(signal?.aborted, false);
    });
  }

  it("let the process turn while a source never waits", async (test) => {
    let turnCount = 0;
    let pulledCount = 0;
    const server = await httpServer(test, {
      engine,
      fetch: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              pulledCount++;
              controller.enqueue(Buffer.from("tiny"));
              if (pulledCount === 10_000) controller.close();
            },
          }),
        ),
    });
    const turn = (): void => {
      turnCount++;
      if (pulledCount < 10_000) setImmediate(turn);
    };
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => pulledCount > 0);
    turn();
    await until(() => pulledCount === 10_000);

    assert.ok(turnCount > 100, `${turnCount}`);
  });

  it("pass on a Response of another server, which was sent in its own way", async (test) => {
    const server = await httpServer(test, {
      engine,
      fetch: () =>
        new Response("body", {
          headers: { "Transfer-Encoding": "chunked", "Keep-Alive": "timeout=60", "X-A": "1" },
        }),
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    const { statusCode, fields, body } = await peer.answer();
    assert.deepEqual([statusCode, body, fields.get("x-a")], [200, "body", "1"]);
    assert.equal(fields.get("content-length"), "4");
    assert.equal(fields.get("keep-alive"), "timeout=5");
  });

  it("can use the exchange below for what a Response can't say", async (test) => {
    const server = await httpServer(test, {
      engine,
      fetch(_request, { exchange }) {
        exchange.respond(200, {}, "by the exchange");
        return new Response("by the Response");
      },
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    assert.equal((await peer.answer()).body, "by the exchange");
  });
}

function applications(engine: EngineName): void {
  it("run an application made with Hono unchanged", async (test) => {
    const app = new Hono();
    app.get("/hello/:name", (context) => context.text(`Hello, ${context.req.param("name")}!`));
    app.post("/sum", async (context) => {
      const numbers = await context.req.json<number[]>();
      return context.json({ sum: numbers.reduce((sum, number) => sum + number, 0) });
    });
    app.get("/stream", (context) =>
      stream(context, async (out) => {
        for (const word of ["one ", "two ", "three"]) await out.write(word);
      }),
    );
    app.notFound((context) => context.text("nothing here", 404));
    const server = await httpServer(test, { engine, fetch: app.fetch });
    const base = `http://127.0.0.1:${server.port}`;

    const hello = await fetch(`${base}/hello/world`);
    const sum = await fetch(`${base}/sum`, { method: "POST", body: "[1, 2, 3]" });
    const streamed = await fetch(`${base}/stream`);
    const missing = await fetch(`${base}/missing`);

    assert.equal(await hello.text(), "Hello, world!");
    assert.deepEqual(await sum.json(), { sum: 6 });
    assert.equal(await streamed.text(), "one two three");
    assert.deepEqual([missing.status, await missing.text()], [404, "nothing here"]);
  });
}
