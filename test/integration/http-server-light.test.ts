/** Applications made for the web's classes, while the global ones are light. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";
import type { EngineName } from "hp-socket";
import { installLightClasses } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";

let putBack = (): void => {};
before(() => {
  putBack = installLightClasses();
});
after(() => putBack());

function application(): Hono {
  const app = new Hono();
  app.use("/guarded/*", cors(), secureHeaders(), etag());
  app.get("/guarded/text", (context) => context.text("guarded"));
  app.get("/text", (context) => context.text("Hello, Wörld €!"));
  app.get("/json", (context) => context.json({ a: [1] }, 201, { "X-A": "1" }));
  app.get("/bytes", () => new Response(Uint8Array.of(1, 2, 3)));
  app.get("/empty", (context) => context.body(null, 204));
  app.get("/static", () => Response.json("text"));
  app.get("/stream", () => new Response(streamOf("streamed")));
  app.get("/later", () => new Response(streamOf("later", nextTurn)));
  app.get("/blob", () => new Response(new Blob(["blob"]).stream()));
  app.get("/cookies", (context) => {
    context.header("Set-Cookie", "a=1", { append: true });
    context.header("Set-Cookie", "b=2", { append: true });
    return context.text("cookies");
  });
  app.get("/away", (context) => context.redirect("/text"));
  app.post("/body", async (context) => {
    const request = new Request(context.req.raw);
    return context.json([context.req.raw instanceof Request, await request.text()]);
  });
  return app;
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A stream that has all of `text` at once, or a turn later. */
function streamOf(text: string, wait?: () => Promise<void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      if (wait !== undefined) await wait();
      controller.enqueue(Buffer.from(text));
      controller.close();
    },
  });
}

/** Whether a stream gives what it has, and its end, without a turn of the loop: that of a Blob did once. */
async function isReadAtOnce(stream: ReadableStream<Uint8Array>): Promise<boolean> {
  let isRead = false;
  const reader = stream.getReader();
  void reader
    .read()
    .then(() => reader.read())
    .then(() => {
      isRead = true;
    });
  for (let turn = 0; turn < 16; turn++) await undefined;
  return isRead;
}

const BLOBS_ARE_AT_ONCE: boolean = await isReadAtOnce(new Blob(["blob"]).stream());

const EXPECTED: Readonly<Record<string, readonly [status: number, body: string, field?: string]>> =
  {
    "/guarded/text": [200, "guarded", "access-control-allow-origin: *"],
    "/text": [200, "Hello, Wörld €!", "content-type: text/plain;charset=UTF-8"],
    "/json": [201, '{"a":[1]}', "x-a: 1"],
    "/bytes": [200, "\x01\x02\x03", "content-length: 3"],
    "/empty": [204, ""],
    "/static": [200, '"text"', "content-type: application/json"],
    "/stream": [200, "streamed", "content-length: 8"],
    "/later": [200, "later", "transfer-encoding: chunked"],
    "/blob": [200, "blob", BLOBS_ARE_AT_ONCE ? "content-length: 4" : "transfer-encoding: chunked"],
    "/cookies": [200, "cookies", "set-cookie: a=1, b=2"],
    "/away": [302, "", "location: /text"],
    "/missing": [404, "404 Not Found"],
  };

for (const engine of availableEngines()) {
  describe(`light classes on ${engine}`, () => light(engine));
}

function light(engine: EngineName): void {
  for (const [path, [status, body, field]] of Object.entries(EXPECTED)) {
    it(`send what an application answers at ${path}`, async (test) => {
      const server = await httpServer(test, { engine, fetch: application().fetch });
      const peer = await rawPeer(test, server);

      peer.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
      const answer = await peer.answer();

      assert.equal(answer.statusCode, status);
      assert.equal(Buffer.from(answer.body, "latin1").toString(), body);
      const fields = [...answer.fields].map(([name, value]) => `${name}: ${value}`);
      assert.equal(field === undefined || fields.includes(field), true, fields.join("\n"));
    });
  }

  it("give an application requests that are like the platform's", async (test) => {
    const server = await httpServer(test, { engine, fetch: application().fetch });

    const response = await fetch(`http://127.0.0.1:${server.port}/body`, {
      method: "POST",
      body: "posted",
    });

    assert.equal(response instanceof Response, true);
    assert.deepEqual(await response.json(), [true, "posted"]);
  });

  it("refuse to send one Response twice, as its body is read once", async (test) => {
    const once = new Response("once");
    const errors: string[] = [];
    const server = await httpServer(test, {
      engine,
      fetch: () => once,
      onHandlerError: (error) => errors.push(error.message),
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2));
    const codes = (await peer.answers(2)).map(({ statusCode }) => statusCode);

    assert.deepEqual(codes, [200, 500]);
    assert.match(errors[0] ?? "", /already been read/);
    assert.equal(once.bodyUsed, true);
  });
}
