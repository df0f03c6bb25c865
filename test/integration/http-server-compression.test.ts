/** Responses that are compressed, those that are not, and peers that make it hard. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import * as zlib from "node:zlib";
import type { EngineName, NetError } from "hp-socket";
import type {
  HttpExchange,
  HttpServerOptions,
  ResponseReport,
  ResponseWriter,
} from "hp-socket/http";
import { AVAILABLE_CODINGS } from "#src/http/server/compression/coder.js";
import { WHOLE_BYTES } from "#src/http/server/compression/compressed-response.js";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, type RawPeer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const TEXT = { "Content-Type": "text/plain" };
const LONG = "all work and no play makes Jack a dull boy\n".repeat(200);

const get = (target: string, accept = "gzip", more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: h\r\nAccept-Encoding: ${accept}\r\n${more}\r\n`;

const folder = mkdtempSync(join(tmpdir(), "hp-socket-coded-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "small.txt"), LONG);
writeFileSync(join(folder, "large.txt"), LONG.repeat(100));
writeFileSync(join(folder, "x.png"), LONG);

const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: (bytes: Buffer) => Buffer };
const DECODERS: Record<string, (bytes: Buffer) => Buffer> = {
  br: zlib.brotliDecompressSync,
  gzip: zlib.gunzipSync,
  deflate: zlib.inflateSync,
  zstd: (bytes) => zstdDecompressSync?.(bytes) ?? bytes,
};

const decoded = (coding: string, body: string): string =>
  (DECODERS[coding] as (bytes: Buffer) => Buffer)(Buffer.from(body, "latin1")).toString("latin1");

for (const engine of availableEngines()) {
  describe(`compression on ${engine}`, () => compression(engine));
}

function compression(engine: EngineName): void {
  const serve = (
    test: Parameters<typeof httpServer>[0],
    onRequest: (exchange: HttpExchange) => unknown,
    options: Partial<HttpServerOptions> = {},
  ) =>
    httpServer(test, {
      engine,
      compression: true,
      async onRequest(exchange) {
        await onRequest(exchange);
      },
      ...options,
    });

  const responders: Record<string, (exchange: HttpExchange) => unknown> = {
    "a whole body of text": (exchange) => exchange.respond(200, TEXT, LONG),
    "a whole body of bytes": (exchange) => exchange.respond(200, TEXT, Buffer.from(LONG)),
    "pieces with a length": (exchange) => {
      const writer = exchange.startResponse(200, { ...TEXT, "Content-Length": LONG.length });
      writer.write(LONG.slice(0, 1000));
      writer.write(LONG.slice(1000));
      writer.end();
    },
    "a stream": (exchange) => exchange.respondStream(200, TEXT, [LONG.slice(0, 9), LONG.slice(9)]),
    "a small file": (exchange) => exchange.respondFile(join(folder, "small.txt")),
  };
  for (const [what, respond] of Object.entries(responders)) {
    for (const coding of AVAILABLE_CODINGS) {
      it(`sends ${what} in ${coding}, and the connection goes on`, async (test) => {
        const server = await serve(test, respond);
        const peer = await rawPeer(test, server);

        peer.send(get("/", coding) + get("/", "identity"));
        const [coded, plain] = await peer.answers(2);

        assert.equal(coded?.fields.get("content-encoding"), coding);
        assert.match(coded?.fields.get("vary") ?? "", /Accept-Encoding/);
        assert.ok((coded?.body.length ?? LONG.length) < LONG.length / 4);
        assert.equal(decoded(coding, coded?.body ?? ""), LONG);
        assert.equal(plain?.fields.get("content-encoding"), undefined);
        assert.match(plain?.fields.get("vary") ?? "", /Accept-Encoding/);
        assert.equal(plain?.body, LONG);
      });
    }
  }

  it("sends large bodies and files piece by piece, whole", async (test) => {
    const body = LONG.repeat(Math.ceil((3 * WHOLE_BYTES) / LONG.length));
    const server = await serve(test, (exchange) =>
      exchange.path === "/file"
        ? exchange.respondFile(join(folder, "large.txt"))
        : exchange.respond(200, TEXT, body),
    );
    const peer = await rawPeer(test, server);

    peer.send(get("/") + get("/file"));
    const [whole, file] = await peer.answers(2);

    assert.equal(whole?.fields.get("transfer-encoding"), "chunked");
    assert.equal(decoded("gzip", whole?.body ?? ""), body);
    assert.equal(decoded("gzip", file?.body ?? ""), LONG.repeat(100));
    assert.equal(file?.fields.get("accept-ranges"), undefined);
  });

  it("leaves alone what is not worth it, or must not be touched", async (test) => {
    const untouched: Record<string, (exchange: HttpExchange) => unknown> = {
      short: (exchange) => exchange.respond(200, TEXT, "short"),
      "of no type": (exchange) => exchange.respond(200, {}, LONG),
      "an image": (exchange) => exchange.respond(200, { "Content-Type": "image/png" }, LONG),
      "encoded already": (exchange) =>
        exchange.respond(200, { ...TEXT, "content-encoding": "br" }, LONG),
      "not to be transformed": (exchange) =>
        exchange.respond(200, { ...TEXT, "Cache-Control": "public, no-transform" }, LONG),
      "with a digest": (exchange) =>
        exchange.respond(200, { ...TEXT, "Content-Digest": "x" }, LONG),
      "switched off": (exchange) => {
        exchange.compression = false;
        exchange.respond(200, TEXT, LONG);
      },
    };
    const server = await serve(test, (exchange) =>
      untouched[decodeURIComponent(exchange.path.slice(1))]?.(exchange),
    );
    const peer = await rawPeer(test, server);
    for (const what of Object.keys(untouched)) {
      peer.send(get(`/${encodeURIComponent(what)}`, "gzip, br"));
      const { fields, body } = await peer.answer();

      assert.ok(body === LONG || body === "short", what);
      assert.equal(fields.get("vary"), undefined, what);
    }
  });

  it("is off by default, and can be switched on for one exchange", async (test) => {
    const server = await serve(
      test,
      (exchange) => {
        assert.equal(exchange.compression, false);
        if (exchange.path === "/on") exchange.compression = true;
        exchange.respond(200, TEXT, LONG);
      },
      { compression: false },
    );
    const peer = await rawPeer(test, server);

    peer.send(get("/off") + get("/on"));
    const [off, on] = await peer.answers(2);

    assert.equal(off?.fields.get("content-encoding"), undefined);
    assert.equal(on?.fields.get("content-encoding"), "gzip");
  });

  it("makes entity tags weak, adds to Vary, and keeps cookies", async (test) => {
    const server = await serve(test, (exchange) => {
      exchange.setCookie("a", "1");
      exchange.respond(
        200,
        { ...TEXT, ETag: '"v1"', Vary: "Origin", "Content-Length": LONG.length },
        LONG,
      );
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/") + get("/", "identity"));
    const [coded, plain] = await peer.answers(2);

    assert.equal(coded?.fields.get("etag"), 'W/"v1"');
    assert.equal(plain?.fields.get("etag"), '"v1"');
    assert.equal(coded?.fields.get("vary"), "Origin, Accept-Encoding");
    assert.match(coded?.fields.get("set-cookie") ?? "", /^a=1/);
    assert.equal(coded?.fields.get("content-length"), String(coded?.body.length));
  });

  it("responds to HEAD, conditional requests and ranges as RFC 9110 has it", async (test) => {
    const server = await serve(test, (exchange) =>
      exchange.path === "/file"
        ? exchange.respondFile(join(folder, "small.txt"))
        : exchange.respond(200, TEXT, LONG),
    );
    const peer = await rawPeer(test, server);
    const ask = async (request: string, hasBody = true) => {
      peer.send(request);
      return peer.answer(hasBody);
    };

    for (const path of ["/", "/file"]) {
      const head = await ask(get(path).replace("GET", "HEAD"), false);
      assert.equal(head.fields.get("content-encoding"), "gzip", path);
      assert.equal(head.fields.get("content-length"), undefined);
    }
    const { fields } = await ask(get("/file"));
    const etag = fields.get("etag") ?? "";
    assert.match(etag, /^W\/"/);
    const unchanged = await ask(get("/file", "gzip", `If-None-Match: ${etag}\r\n`));
    assert.equal(unchanged.statusCode, 304);
    assert.equal(unchanged.fields.get("etag"), etag);
    assert.equal(unchanged.fields.get("vary"), "Accept-Encoding");
    assert.equal(unchanged.fields.get("content-encoding"), undefined);
    const part = await ask(get("/file", "gzip", "Range: bytes=0-9\r\n"));
    assert.deepEqual([part.statusCode, part.body], [206, LONG.slice(0, 10)]);
    assert.equal(part.fields.get("etag"), etag.slice(2));
    const resumed = await ask(get("/file", "gzip", `Range: bytes=5-9\r\nIf-Range: ${etag}\r\n`));
    assert.equal(resumed.statusCode, 200, "a weak tag names no bytes");
    assert.equal(decoded("gzip", resumed.body), LONG);
  });

  it("gives responses in the order of their requests, whichever is compressed first", async (test) => {
    const server = await serve(test, (exchange) => {
      const index = Number(exchange.path.slice(1));
      const body = `${index}:${LONG.repeat(index % 3 === 0 ? 20 : 1)}`;
      exchange.respond(200, TEXT, index % 2 === 0 ? body : `${index}`);
    });
    const peer = await rawPeer(test, server);

    peer.send(Array.from({ length: 40 }, (_, index) => get(`/${index}`)).join(""));
    const answers = await peer.answers(40);

    answers.forEach(({ fields, body }, index) => {
      const text = fields.has("content-encoding") ? decoded("gzip", body) : body;
      assert.equal(Number.parseInt(text, 10), index);
      assert.equal(fields.has("content-encoding"), index % 2 === 0);
    });
  });

  it("sends each event of a stream when it is written", async (test) => {
    let writer: ResponseWriter | undefined;
    const server = await serve(test, (exchange) => {
      writer = exchange.startResponse(200, { "Content-Type": "text/event-stream" });
    });
    for (const coding of AVAILABLE_CODINGS) {
      const peer = await rawPeer(test, server);
      peer.send(get("/", coding));
      await peer.came("\r\n\r\n");
      for (let count = 1; count <= 3; count++) {
        const before = peer.received.length;
        writer?.write(`data: ${count}\n\n`);
        await until(() => peer.received.length > before);
      }
      writer?.end();
      const { body } = await peer.answer();
      assert.equal(decoded(coding, body), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    }
  });

  it("refuses at once what can't be sent, and sends nothing of it", async (test) => {
    const attempts: ((exchange: HttpExchange) => unknown)[] = [
      (exchange) => exchange.respond(200, { ...TEXT, "X-A": "1\r\nX-B: 2" }, LONG),
      (exchange) => exchange.respond(200, { ...TEXT, "Content-Length": 5_000 }, LONG),
      (exchange) => exchange.respond(200, TEXT, 7 as unknown as string),
    ];
    const server = await serve(test, (exchange) => {
      for (const attempt of attempts) {
        assert.throws(() => attempt(exchange), { code: "INVALID_ARGUMENT" });
      }
      const writer = exchange.startResponse(200, { ...TEXT, "Content-Length": 2_000 });
      assert.throws(() => writer.write("x".repeat(2_001)), { code: "INVALID_ARGUMENT" });
      writer.write("x".repeat(1_999));
      assert.throws(() => writer.end(), { code: "INVALID_STATE" });
      writer.write("x");
      assert.throws(() => writer.end([["X-T", "1"]]), { code: "INVALID_ARGUMENT" });
      writer.end();
      assert.throws(() => writer.write("x"), { code: "INVALID_STATE" });
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/"));
    const { body } = await peer.answer();

    assert.equal(decoded("gzip", body), "x".repeat(2_000));
  });

  it("sends trailers behind a compressed stream, and to HTTP/1.0 until the end", async (test) => {
    const server = await serve(test, (exchange) => {
      const writer = exchange.startResponse(200, TEXT);
      writer.write(LONG);
      writer.end([["X-Sum", "7"]]);
    });
    const peer = await rawPeer(test, server);
    peer.send(get("/"));
    assert.equal(decoded("gzip", (await peer.answer()).body), LONG);
    assert.ok(peer.received.endsWith("\r\nX-Sum: 7\r\n\r\n"));

    const plain = await serve(test, (exchange) => exchange.respondStream(200, TEXT, [LONG]));
    const old = await rawPeer(test, plain);
    old.send("GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
    assert.equal(decoded("gzip", (await old.answer()).body), LONG);
  });

  it("holds no more than a bound for a peer that takes nothing", async (test) => {
    let writer: ResponseWriter | undefined;
    const reasons: string[] = [];
    const random = randomBytes(65_536);
    let given = 0;
    const server = await serve(
      test,
      async (exchange) => {
        writer = exchange.startResponse(200, TEXT);
        try {
          for (;;) {
            given += random.length;
            if (!writer.write(random)) await writer.drained();
          }
        } catch {
          reasons.push("told");
        }
      },
      { maxPendingBytes: 1_000_000 },
    );
    const peer = await rawPeer(test, server);
    peer.socket.pause();
    peer.send(get("/"));

    let last = -1;
    let calm = 0;
    await until(() => {
      calm = given === last && given > 0 ? calm + 1 : 0;
      last = given;
      return calm > 200;
    });
    assert.ok((writer?.pendingBytes ?? 0) < 2_500_000, `${writer?.pendingBytes} bytes wait`);
    assert.equal(server.connectionCount, 1, "it is held back, and not ended");
    peer.socket.destroy();
    await until(() => reasons.length === 1);
  });

  it("ends a connection for which more waits than may", async (test) => {
    const codes: string[] = [];
    const server = await serve(
      test,
      (exchange) => {
        const writer = exchange.startResponse(200, TEXT);
        for (let count = 0; count < 100; count++) writer.write(Buffer.alloc(65_536, count));
      },
      { maxPendingBytes: 1_000_000, onClose: (_, { code }) => codes.push(code) },
    );
    const peer = await rawPeer(test, server);
    peer.send(get("/"));
    await until(() => codes.length === 1);

    assert.deepEqual(codes, ["SEND_QUEUE_FULL"]);
  });

  it("lets everything go when the peer leaves in the middle", async (test) => {
    const reports: ResponseReport[] = [];
    const errors: NetError[] = [];
    const server = await serve(
      test,
      (exchange) => {
        if (exchange.path === "/whole") exchange.respond(200, TEXT, LONG.repeat(90));
        else if (exchange.path === "/large") exchange.respond(200, TEXT, LONG.repeat(500));
        else {
          const writer = exchange.startResponse(200, TEXT);
          writer.write(LONG);
          if (exchange.path === "/ended") writer.end();
        }
      },
      {
        onResponseComplete: (_, report) => void reports.push(report),
        onHandlerError: (error) => void errors.push(error),
        compression: { maxCompressing: 2 },
      },
    );
    let count = 0;
    for (const path of ["/whole", "/large", "/stream", "/ended"]) {
      for (const turns of [0, 1, 3]) {
        const peer = await rawPeer(test, server);
        peer.send(get(path));
        await until(() => server.stats.requestCount > count);
        count++;
        for (let turn = 0; turn < turns; turn++) await new Promise((next) => setImmediate(next));
        peer.socket.resetAndDestroy();
        await until(() => reports.length === count);
      }
    }
    // Whatever was under way was let go, so that the next one is compressed again.
    let encoding: string | undefined;
    for (let attempt = 0; attempt < 50 && encoding === undefined; attempt++) {
      const peer = await rawPeer(test, server);
      peer.send(get("/ended"));
      encoding = (await peer.answer()).fields.get("content-encoding");
    }
    assert.equal(encoding, "gzip");
    assert.deepEqual(errors, []);
  });

  it("sends as it is what comes above maxCompressing", async (test) => {
    const writers: ResponseWriter[] = [];
    const server = await serve(
      test,
      (exchange) => void writers.push(exchange.startResponse(200, TEXT)),
      { compression: { maxCompressing: 1 } },
    );
    const peers: RawPeer[] = [];
    for (let count = 1; count <= 2; count++) {
      const peer = await rawPeer(test, server);
      peer.send(get("/"));
      await peer.came("\r\n\r\n");
      peers.push(peer);
    }

    assert.ok(peers[0]?.received.includes("Content-Encoding: gzip"));
    assert.ok(!peers[1]?.received.includes("Content-Encoding"));
    for (const writer of writers) writer.end();
  });

  it("calls handlers in no other context than the server's", async (test) => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const server = await serve(
      test,
      (exchange) => {
        seen.push(storage.getStore());
        storage.run(exchange.path, () => exchange.respond(200, TEXT, LONG));
      },
      {
        maxPipelined: 1,
        onResponseComplete: () => void seen.push(storage.getStore()),
      },
    );
    const peer = await rawPeer(test, server);
    peer.send(get("/1") + get("/2") + get("/3"));
    await peer.answers(3);
    await until(() => seen.length === 6);
    storage.disable();

    assert.deepEqual(new Set(seen), new Set([undefined]));
  });

  it("counts what was sent, and works for fetch handlers", async (test) => {
    const reports: ResponseReport[] = [];
    const server = await httpServer(test, {
      engine,
      compression: { codings: ["gzip"], minBytes: 10 },
      fetch: (request) =>
        request.url.endsWith("/stream")
          ? new Response(
              new ReadableStream({
                async start(controller) {
                  for (let count = 0; count < 20; count++) {
                    controller.enqueue(Buffer.from(LONG));
                    await new Promise((next) => setImmediate(next));
                  }
                  controller.close();
                },
              }),
              { headers: TEXT },
            )
          : new Response(LONG, { headers: TEXT }),
      onResponseComplete: (_, report) => void reports.push(report),
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/whole") + get("/stream"));
    const [whole, stream] = await peer.answers(2);
    await until(() => reports.length === 2);

    assert.equal(decoded("gzip", whole?.body ?? ""), LONG);
    assert.equal(decoded("gzip", stream?.body ?? ""), LONG.repeat(20));
    assert.equal(reports[0]?.bodyBytes, whole?.body.length);
    assert.equal(reports[1]?.bodyBytes, stream?.body.length);
  });
}
