/** The call in the manner of fetch: redirects, codings, cookies. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { EngineName } from "hp-socket";
import { CookieStore, createFetch } from "hp-socket/http";
import { patternView } from "../support/byte-pattern.js";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { bodyOf, nodeServer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

/** What the redirect in front of it came to: method and body as they arrived. */
const REDIRECTS: readonly (readonly [status: number, method: string, arrives: string])[] = [
  [301, "GET", "GET "],
  [301, "HEAD", "HEAD "],
  [301, "POST", "GET "],
  [301, "PUT", "PUT body"],
  [302, "POST", "GET "],
  [302, "DELETE", "DELETE "],
  [303, "GET", "GET "],
  [303, "HEAD", "HEAD "],
  [303, "POST", "GET "],
  [303, "PUT", "GET "],
  [307, "POST", "POST body"],
  [307, "GET", "GET "],
  [308, "POST", "POST body"],
  [308, "PATCH", "PATCH body"],
];

const TEXT = "All happy families are alike. ".repeat(2_000);

const ENCODED: Readonly<Record<string, readonly [coding: string, bytes: Buffer]>> = {
  gzip: ["gzip", gzipSync(TEXT)],
  "x-gzip": ["x-GZIP", gzipSync(TEXT)],
  deflate: ["deflate", deflateSync(TEXT)],
  "deflate without its frame": ["deflate", deflateRawSync(TEXT)],
  br: ["br", brotliCompressSync(TEXT)],
  "two codings": ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
  "several members": [
    "gzip",
    Buffer.concat([gzipSync(TEXT.slice(0, 99)), gzipSync(TEXT.slice(99))]),
  ],
  identity: ["identity", Buffer.from(TEXT)],
  "an unknown coding": ["rot13", Buffer.from(TEXT)],
};

/** 300 MB of zeros, made for the first engine. */
let bomb: Buffer | undefined;
let nestedBomb: Buffer | undefined;

for (const engine of availableEngines()) {
  describe(`redirects on ${engine}`, () => redirects(engine));
  describe(`content codings on ${engine}`, () => codings(engine));
  describe(`cookies of an agent on ${engine}`, () => cookies(engine));
}

function redirects(engine: EngineName): void {
  for (const [status, method, arrives] of REDIRECTS) {
    it(`${status} after ${method} becomes ${arrives}`, async (test) => {
      let arrived = "";
      const server = await nodeServer(test, async (request, response) => {
        const body = await bodyOf(request);
        if (request.url === "/from") response.writeHead(status, { Location: "/to?a=b" }).end();
        else {
          arrived = `${request.method} ${body}`;
          const type = request.headers["content-type"] ?? "none";
          assert.equal(type, body === "" ? "none" : "text/plain");
          response.end();
        }
      });
      const agent = httpAgent(test, { engine });
      const hasBody = ["POST", "PUT", "PATCH"].includes(method);

      const response = await agent.follow(`${server.origin}/from#part`, {
        method,
        ...(hasBody && { body: "body", headers: { "Content-Type": "text/plain" } }),
      });

      assert.equal(arrived, arrives);
      assert.equal(response.redirected, true);
      assert.equal(response.url, `${server.origin}/to?a=b`);
      assert.equal(agent.stats.connectionCount, 1, "over the connection that was there");
    });
  }

  it("leaves a redirect without Location as it is, and one that is not to be followed", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      if (request.url === "/none") response.writeHead(302).end("none");
      else response.writeHead(302, { Location: "/none" }).end("some");
    });
    const agent = httpAgent(test, { engine });

    const none = await agent.follow(`${server.origin}/none`);
    const manual = await agent.follow(server.origin, { redirect: "manual" });

    assert.deepEqual([none.status, await none.text(), none.redirected], [302, "none", false]);
    assert.deepEqual([manual.status, manual.headers.get("location")], [302, "/none"]);
    await assert.rejects(agent.follow(server.origin, { redirect: "error" }), {
      code: "HTTP_REDIRECT_REFUSED",
    });
  });

  it("gives up after maxRedirects with HTTP_REDIRECT_LIMIT", async (test) => {
    let count = 0;
    const server = await nodeServer(test, (_request, response) => {
      count++;
      response.writeHead(302, { Location: `/${count}` }).end();
    });
    const agent = httpAgent(test, { engine });

    await assert.rejects(agent.follow(server.origin), { code: "HTTP_REDIRECT_LIMIT" });
    assert.equal(count, 21);
    await assert.rejects(agent.follow(server.origin, { maxRedirects: 0 }), {
      code: "HTTP_REDIRECT_LIMIT",
    });
    assert.equal(count, 22);
  });

  it("drops credentials on the way to another origin, those of the agent too", async (test) => {
    const seen: string[] = [];
    const note = ({ headers }: IncomingMessage): void => {
      const { authorization = "-", cookie = "-", "x-kept": kept = "-" } = headers;
      seen.push(`${authorization} ${cookie} ${kept}`);
    };
    const other = await nodeServer(test, (request, response) => {
      note(request);
      response.end();
    });
    const server = await nodeServer(test, (request, response) => {
      note(request);
      const location = request.url === "/" ? "/again" : other.origin;
      response.writeHead(307, { Location: location }).end();
    });
    const agent = httpAgent(test, { engine, headers: { authorization: "agent", "X-Kept": "k" } });

    await agent.follow(server.origin, { headers: { Cookie: "c=1" } });

    assert.deepEqual(seen, ["agent c=1 k", "agent c=1 k", "- - k"]);
  });

  for (const location of ["ftp://h/", "http://", "javascript:alert(1)", "http://h:99999/"]) {
    it(`refuses to follow ${location}`, async (test) => {
      const server = await scriptedServer(test, async (peer) => {
        await peer.request();
        peer.send(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
      });
      const agent = httpAgent(test, { engine });

      await assert.rejects(agent.follow(server.origin), { code: "HTTP_REDIRECT_REFUSED" });
    });
  }

  it("refuses to send again what can be read only once", async (test) => {
    const server = await nodeServer(test, async (request, response) => {
      await bodyOf(request);
      response.writeHead(307, { Location: "/" }).end();
    });
    const agent = httpAgent(test, { engine });

    const body = new Blob(["once"]).stream();
    const asked = agent.follow(server.origin, { method: "POST", body });

    await assert.rejects(asked, { code: "HTTP_REDIRECT_REFUSED" });
  });

  it("takes timeoutMs for all redirects together", async (test) => {
    const server = await nodeServer(test, (_request, response) => {
      const timer = setTimeout(() => response.writeHead(302, { Location: "/" }).end(), 20);
      timer.unref();
    });
    const agent = httpAgent(test, { engine });

    const asked = agent.follow(server.origin, { timeoutMs: 100, maxRedirects: 1_000 });

    await assert.rejects(asked, { code: "REQUEST_TIMEOUT" });
  });

  it("is there as a function", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("hello"));
    const fetch = createFetch(httpAgent(test, { engine }));

    const response = await fetch(new URL(server.origin));

    assert.equal(response.ok, true);
    assert.equal(await response.text(), "hello");
  });
}

function encoded(coding: string, bytes: Uint8Array) {
  return (_request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader("Content-Encoding", coding);
    response.end(bytes);
  };
}

function codings(engine: EngineName): void {
  for (const [name, [coding, bytes]] of Object.entries(ENCODED)) {
    it(`decodes ${name}`, async (test) => {
      const server = await nodeServer(test, encoded(coding, bytes));
      const agent = httpAgent(test, { engine });

      const response = await agent.follow(server.origin);

      assert.equal(await response.text(), TEXT);
      assert.equal(response.headers.get("content-encoding"), coding);
    });
  }

  it("asks for what it can decode, and only then", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      response.end(String(request.headers["accept-encoding"]));
    });
    const agent = httpAgent(test, { engine });

    const asks = await agent.follow(server.origin);
    const asksNot = await agent.follow(server.origin, { decompress: false });

    assert.match(await asks.text(), /^gzip, deflate, br/);
    assert.equal(await asksNot.text(), "undefined");
  });

  it("leaves encoded content alone where that is wished, and for request()", async (test) => {
    const bytes = gzipSync(TEXT);
    const server = await nodeServer(test, encoded("gzip", bytes));
    const agent = httpAgent(test, { engine });

    const plain = await agent.follow(server.origin, { decompress: false });
    const requested = await agent.request({ url: server.origin });

    assert.deepEqual(await plain.bytes(), bytes);
    assert.deepEqual(await requested.bytes(), bytes);
  });

  it("takes no content for no content, whatever the coding says", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      response.setHeader("Content-Encoding", "gzip");
      if (request.url === "/chunked") response.write("");
      response.end();
    });
    const agent = httpAgent(test, { engine });

    for (const [path, method] of [
      ["/", "GET"],
      ["/", "HEAD"],
      ["/chunked", "GET"],
    ] as const) {
      const response = await agent.follow(`${server.origin}${path}`, { method });
      assert.equal(await response.text(), "");
    }
  });

  for (const [name, bytes] of [
    ["is not what it says", Buffer.from("no gzip at all")],
    ["is cut off", gzipSync(TEXT).subarray(0, 40)],
    ["has a wrong checksum", Buffer.concat([gzipSync(TEXT).subarray(0, -8), Buffer.alloc(8)])],
  ] as const) {
    it(`fails with HTTP_CONTENT_MALFORMED where content ${name}`, async (test) => {
      const server = await nodeServer(test, encoded("gzip", bytes));
      const agent = httpAgent(test, { engine });

      const response = await agent.follow(server.origin);

      await assert.rejects(response.text(), { code: "HTTP_CONTENT_MALFORMED", fault: "remote" });
    });
  }

  for (const [coding, sound] of [
    ["br", brotliCompressSync(TEXT)],
    ["deflate", deflateSync(TEXT)],
    ["deflate", deflateRawSync(TEXT)],
    ["gzip", gzipSync(TEXT)],
    ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
    ["br, gzip", gzipSync(Buffer.concat([brotliCompressSync(TEXT), Buffer.from("more")]))],
  ] as const) {
    it(`fails with HTTP_CONTENT_MALFORMED where bytes come behind the end of ${coding}`, async (test) => {
      const server = await nodeServer(test, async (request, response) => {
        response.setHeader("Content-Encoding", coding);
        response.write(sound);
        if (request.url === "/later") await new Promise((resolve) => setImmediate(resolve));
        response.write("more");
        if (request.url !== "/endless") response.end();
      });
      const agent = httpAgent(test, { engine });

      for (const path of ["/", "/later", "/endless"]) {
        const response = await agent.follow(`${server.origin}${path}`);
        await assert.rejects(response.bytes(), { code: "HTTP_CONTENT_MALFORMED" }, path);
      }
    });
  }

  it("decodes several members of gzip as one (RFC 1952 §2.2)", async (test) => {
    const server = await nodeServer(
      test,
      encoded("gzip", Buffer.concat([gzipSync("a"), gzipSync("b")])),
    );
    const agent = httpAgent(test, { engine });

    assert.equal(await (await agent.fetch(server.origin)).text(), "ab");
  });

  it("fails with what ended the encoded body", async (test) => {
    const bytes = gzipSync(TEXT);
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bytes.length}`;
      peer.send(`${head}\r\n\r\n`);
      peer.send(bytes.subarray(0, 50));
      peer.finish();
    });
    const agent = httpAgent(test, { engine });

    const response = await agent.follow(server.origin);

    await assert.rejects(response.text(), { code: "HTTP_TRUNCATED" });
  });

  it("refuses a zip bomb by its ratio, and ends its connection", async (test) => {
    bomb ??= gzipSync(Buffer.alloc(32_000_000));
    const sent = bomb;
    const server = await nodeServer(test, (_request, response) => {
      response.setHeader("Content-Encoding", "gzip");
      response.write(sent);
    });
    const agent = httpAgent(test, { engine });

    const response = await agent.follow(server.origin);
    let readBytes = 0;
    const reading = (async () => {
      for await (const bytes of response.body) readBytes += bytes.length;
    })();

    await assert.rejects(reading, { code: "HTTP_CONTENT_TOO_LARGE", fault: "limit" });
    assert.ok(readBytes < 26_000_000, `${readBytes} bytes came out`);
    await until(() => agent.stats.connectionCount === 0);
  });

  it("refuses a bomb within a bomb, and more than maxDecodedBytes", async (test) => {
    nestedBomb ??= gzipSync(gzipSync(Buffer.alloc(20_000_000)));
    const twice = nestedBomb;
    const server = await nodeServer(test, encoded("gzip, gzip", twice));
    const agent = httpAgent(test, { engine });
    const many = await nodeServer(test, encoded("gzip,gzip,gzip,gzip,gzip", twice));

    const nested = await agent.follow(server.origin);
    const limited = await agent.follow(server.origin, { maxDecodedBytes: 1_000 });

    await assert.rejects(nested.bytes(), { code: "HTTP_CONTENT_TOO_LARGE" });
    await assert.rejects(limited.bytes(), { code: "HTTP_CONTENT_TOO_LARGE" });
    await assert.rejects(agent.follow(many.origin), { code: "HTTP_CONTENT_MALFORMED" });
  });

  it("holds the server back while nobody reads what is decoded", async (test) => {
    const block = gzipSync(patternView(0, 65_536));
    const server = await nodeServer(test, async (_request, response) => {
      response.setHeader("Content-Encoding", "gzip");
      for (let count = 0; count < 200; count++) {
        if (!response.write(block)) {
          await new Promise((resolve) => response.once("drain", resolve));
        }
      }
      response.end();
    });
    const agent = httpAgent(test, { engine, maxDecodedRatio: 1_000_000 });

    const { body } = await agent.follow(server.origin);
    let before = -1;
    await until(() => {
      const isHeld = body.receivedBytes > 0 && body.receivedBytes === before;
      before = body.receivedBytes;
      return isHeld;
    });
    const heldAt = body.receivedBytes;
    let readBytes = 0;
    for await (const bytes of body) readBytes += bytes.length;

    assert.ok(heldAt < 10_000_000, `${heldAt} bytes were decoded ahead`);
    assert.equal(readBytes, 200 * 65_536);
  });

  it("ends the connection when the decoded body is left", async (test) => {
    const server = await nodeServer(test, (_request, response) => {
      response.setHeader("Content-Encoding", "gzip");
      response.write(gzipSync(TEXT));
    });
    const agent = httpAgent(test, { engine });

    const { body } = await agent.follow(server.origin);
    for await (const _bytes of body) break;

    await until(() => agent.stats.connectionCount === 0);
  });
}

function cookies(engine: EngineName): void {
  it("sends what was set, across requests, redirects and connections", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      const { cookie = "none" } = request.headers;
      if (request.url === "/login") {
        response.setHeader("Set-Cookie", ["id=42; Path=/; HttpOnly", "gone=1; Max-Age=0"]);
        response.writeHead(303, { Location: "/home" }).end();
      } else {
        response.setHeader("Connection", "close");
        response.end(cookie);
      }
    });
    const store = new CookieStore();
    const agent = httpAgent(test, { engine, cookies: store });

    const before = await agent.follow(server.origin);
    const after = await agent.follow(`${server.origin}/login`, { method: "POST", body: "me" });
    const later = await agent.request({ url: server.origin });
    const without = await agent.request({ url: server.origin, useCookies: false });
    const own = await agent.request({ url: server.origin, headers: { Cookie: "mine=1" } });

    assert.equal(await before.text(), "none");
    assert.equal(await after.text(), "id=42");
    assert.equal(await later.text(), "id=42");
    assert.equal(await without.text(), "none");
    assert.equal(await own.text(), "mine=1");
  });

  it("ignores a Set-Cookie that is malformed", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer("fine", "Set-Cookie: ;;;=\r\nSet-Cookie: a=b; Domain=com\r\nSet-Cookie: c=d\r\n");
    });
    const store = new CookieStore();
    const agent = httpAgent(test, { engine, cookies: store });

    const response = await agent.request({ url: server.origin });

    assert.equal(await response.text(), "fine");
    assert.deepEqual(
      store.list().map(({ name }) => name),
      ["c"],
    );
  });
}
