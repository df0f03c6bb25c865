/** Files as answers: parts, conditions, what is not there (RFC 9110 §13, §14). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { NetError } from "hp-socket";
import type { FileResponseOptions, HttpExchange, HttpServer } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { type Answer, httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const folder = mkdtempSync(join(tmpdir(), "hp-socket-files-"));
after(() => rmSync(folder, { recursive: true }));
const small = join(folder, "small.txt");
const large = join(folder, "large.bin");
const largeBytes = Buffer.alloc(1_000_000, "0123456789");
const MODIFIED = new Date("2024-02-29T12:00:00.5Z");
const MODIFIED_TEXT = "Thu, 29 Feb 2024 12:00:00 GMT";
writeFileSync(small, "0123456789");
writeFileSync(large, largeBytes);
mkdirSync(join(folder, "folder"));
utimesSync(small, MODIFIED, MODIFIED);

const engines = availableEngines();

/** A server of the folder. */
async function files(
  test: Parameters<typeof httpServer>[0],
  options: FileResponseOptions = {},
  engine = engines[0] ?? "node",
): Promise<HttpServer> {
  return await httpServer(test, {
    engine,
    async onRequest(exchange) {
      await exchange.respondFile(join(folder, exchange.path), options);
    },
  });
}

/** Asks once. */
async function ask(
  test: Parameters<typeof httpServer>[0],
  server: HttpServer,
  target: string,
  fields: Record<string, string> = {},
  method = "GET",
): Promise<Answer> {
  const peer = await rawPeer(test, server);
  const lines = Object.entries({ Host: "h", ...fields }).map((pair) => `${pair.join(": ")}\r\n`);
  peer.send(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const answer = await peer.answer(method !== "HEAD");
  peer.socket.destroy();
  return answer;
}

for (const engine of engines) {
  describe(`files on ${engine}`, () => {
    it("are sent whole, small ones and large ones", async (test) => {
      const server = await files(test, {}, engine);

      const one = await ask(test, server, "/small.txt");
      const other = await ask(test, server, "/large.bin");

      assert.deepEqual([one.statusCode, one.body], [200, "0123456789"]);
      assert.equal(one.fields.get("content-type"), "text/plain; charset=utf-8");
      assert.equal(one.fields.get("last-modified"), MODIFIED_TEXT);
      assert.equal(one.fields.get("accept-ranges"), "bytes");
      assert.match(one.fields.get("etag") ?? "", /^"[\w-]+"$/);
      assert.equal(other.fields.get("content-type"), "application/octet-stream");
      assert.equal(other.fields.get("content-length"), "1000000");
      assert.equal(other.body, largeBytes.toString());
    });
  });
}

describe("files", () => {
  it("are told of by HEAD as by GET", async (test) => {
    const server = await files(test);

    for (const target of ["/small.txt", "/large.bin"]) {
      const whole = await ask(test, server, target);
      const head = await ask(test, server, target, {}, "HEAD");
      assert.equal(head.statusCode, 200);
      for (const name of ["content-length", "etag", "content-type", "last-modified"]) {
        assert.equal(head.fields.get(name), whole.fields.get(name), name);
      }
    }
  });

  it("are sent in part", async (test) => {
    const server = await files(test);
    const cases: [range: string, statusCode: number, body: string, contentRange?: string][] = [
      ["bytes=2-4", 206, "234", "bytes 2-4/10"],
      ["bytes=7-", 206, "789", "bytes 7-9/10"],
      ["bytes=-3", 206, "789", "bytes 7-9/10"],
      ["bytes=-30", 206, "0123456789", "bytes 0-9/10"],
      ["bytes=8-100", 206, "89", "bytes 8-9/10"],
      ["bytes=0-0", 206, "0", "bytes 0-0/10"],
      ["bytes=10-", 416, "", "bytes */10"],
      ["bytes=-0", 416, "", "bytes */10"],
      ["bytes=0-1,4-5", 200, "0123456789"],
      ["bytes=4-2", 200, "0123456789"],
      ["lines=1-2", 200, "0123456789"],
      ["bytes=a-b", 200, "0123456789"],
    ];

    for (const [range, statusCode, body, contentRange] of cases) {
      const answer = await ask(test, server, "/small.txt", { Range: range });
      assert.deepEqual([range, answer.statusCode, answer.body], [range, statusCode, body]);
      assert.equal(answer.fields.get("content-range"), contentRange);
    }
  });

  it("are sent in large parts, too", async (test) => {
    const server = await files(test);

    const answer = await ask(test, server, "/large.bin", { Range: "bytes=5-700004" });

    assert.equal(answer.body, largeBytes.toString("latin1", 5, 700_005));
  });

  it("are sent in part only when If-Range holds", async (test) => {
    const server = await files(test);
    const etag = (await ask(test, server, "/small.txt")).fields.get("etag") ?? "";

    for (const [ifRange, statusCode] of [
      [etag, 206],
      ['"other"', 200],
      [`W/${etag}`, 200],
      [MODIFIED_TEXT, 206],
      ["Thu, 29 Feb 2024 12:00:01 GMT", 200],
    ] as const) {
      const fields = { Range: "bytes=0-1", "If-Range": ifRange };
      assert.equal((await ask(test, server, "/small.txt", fields)).statusCode, statusCode, ifRange);
    }
  });

  it("are not sent to who has them: 304, with the same validators", async (test) => {
    const server = await files(test, { headers: { "Cache-Control": "max-age=60" } });
    const { fields } = await ask(test, server, "/small.txt");
    const etag = fields.get("etag") ?? "";

    for (const [name, value, statusCode] of [
      ["If-None-Match", etag, 304],
      ["If-None-Match", `W/${etag}`, 304],
      ["If-None-Match", `"a, b", ${etag}`, 304],
      ["If-None-Match", "*", 304],
      ["If-None-Match", '"other"', 200],
      ["If-Modified-Since", MODIFIED_TEXT, 304],
      ["If-Modified-Since", "Thu, 29 Feb 2024 11:59:59 GMT", 200],
      ["If-Modified-Since", "yesterday", 200],
      ["If-Match", etag, 200],
      ["If-Match", "*", 200],
      ["If-Match", '"other"', 412],
      ["If-Match", `W/${etag}`, 412],
      ["If-Unmodified-Since", MODIFIED_TEXT, 200],
      ["If-Unmodified-Since", "Thu, 29 Feb 2024 11:59:59 GMT", 412],
    ] as const) {
      const answer = await ask(test, server, "/small.txt", { [name]: value });
      assert.deepEqual([name, value, answer.statusCode], [name, value, statusCode]);
      if (statusCode !== 304) continue;
      assert.equal(answer.fields.get("etag"), etag);
      assert.equal(answer.fields.get("cache-control"), "max-age=60");
    }
  });

  it("heed an entity tag before a date", async (test) => {
    const server = await files(test);
    const fields = { "If-None-Match": '"other"', "If-Modified-Since": MODIFIED_TEXT };

    assert.equal((await ask(test, server, "/small.txt", fields)).statusCode, 200);
  });

  it("are sent without ranges, conditions and validators when they are switched off", async (test) => {
    const server = await files(test, {
      ranges: false,
      conditional: false,
      etag: false,
      lastModified: false,
      contentType: "text/x-own",
    });
    const fields = { Range: "bytes=0-1", "If-None-Match": "*", "If-Match": '"other"' };

    const answer = await ask(test, server, "/small.txt", fields);

    assert.deepEqual([answer.statusCode, answer.body], [200, "0123456789"]);
    assert.equal(answer.fields.get("content-type"), "text/x-own");
    for (const name of ["etag", "last-modified", "accept-ranges"]) {
      assert.equal(answer.fields.has(name), false);
    }
  });

  it("are sent with the validators that the application gives", async (test) => {
    const server = await files(test, { etag: 'W/"v1"', lastModified: new Date(0) });

    const { fields } = await ask(test, server, "/small.txt");

    assert.equal(fields.get("etag"), 'W/"v1"');
    assert.equal(fields.get("last-modified"), "Thu, 01 Jan 1970 00:00:00 GMT");
  });

  it("that are not there, no files, or can't have such a name, are 404", async (test) => {
    const listener = createServer().listen(join(folder, "socket"));
    test.after(() => listener.close());
    await once(listener, "listening");
    const server = await httpServer(test, {
      onRequest: (exchange) => exchange.respondFile(join(folder, decodeURI(exchange.path))),
    });

    for (const target of ["/missing", "/folder", "/small.txt/below", "/socket", "/small%00.txt"]) {
      assert.equal((await ask(test, server, target)).statusCode, 404, target);
    }
  });

  it("are sent whole where Range comes twice", async (test) => {
    const server = await files(test);
    const peer = await rawPeer(test, server);

    peer.send("GET /small.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n");

    const { statusCode, body } = await peer.answer();
    assert.deepEqual([statusCode, body], [200, "0123456789"]);
  });

  it("are not opened before it is their turn", async (test) => {
    const target = join(folder, "later.txt");
    const waiting: HttpExchange[] = [];
    const server = await httpServer(test, {
      async onRequest(exchange) {
        waiting.push(exchange);
        if (exchange.path === "/file") await exchange.respondFile(target);
      },
    });
    const peer = await rawPeer(test, server);

    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /file HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => waiting.length === 2);
    await stat(small);
    writeFileSync(target, "came later");
    waiting[0]?.respond(200);

    const [, file] = await peer.answers(2);
    assert.deepEqual([file?.statusCode, file?.body], [200, "came later"]);
  });

  it("can't be a second answer", async (test) => {
    const codes: string[] = [];
    const server = await httpServer(test, {
      async onRequest(exchange) {
        exchange.respond(200);
        await exchange.respondFile(small).catch((error: NetError) => codes.push(error.code));
      },
    });

    await ask(test, server, "/");

    await until(() => codes.length > 0);
    assert.deepEqual(codes, ["INVALID_STATE"]);
  });

  it("that become shorter while they are sent end the connection", async (test) => {
    const shrinking = join(folder, "shrinking.bin");
    writeFileSync(shrinking, "");
    truncateSync(shrinking, 64_000_000);
    const failures: string[] = [];
    const server = await httpServer(test, {
      engine: engines[0] ?? "node",
      async onRequest(exchange) {
        await exchange.respondFile(shrinking);
      },
      onHandlerError: (error) => failures.push(String(error.message)),
    });
    const peer = await rawPeer(test, server);
    peer.socket.pause();
    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await new Promise((resolve) => peer.socket.once("readable", resolve));

    truncateSync(shrinking, 1_000);
    peer.socket.resume();
    await peer.ended();

    assert.ok(peer.received.length < 64_000_000);
  });
});
