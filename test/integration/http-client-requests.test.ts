/** What an HTTP agent sends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { CookieStore, encodeFields, HttpAgent, HttpClient } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { bodyOf, nodeServer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`requests of an agent on ${engine}`, () => requests(engine));
  describe(`request bodies of an agent on ${engine}`, () => bodies(engine));
}

function requests(engine: EngineName): void {
  it("sends method, target, Host and fields, and nothing of its own", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      const text = await peer.request();
      peer.answer(text);
    });
    const agent = httpAgent(test, { engine });

    const response = await agent.request({
      url: `${server.origin}/a%20b?c=d#fragment`,
      method: "PROPFIND",
      headers: { "X-One": "1", "X-Two": ["2", "3"] },
    });

    assert.equal(
      await response.text(),
      `PROPFIND /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
        "X-One: 1\r\nX-Two: 2\r\nX-Two: 3\r\n\r\n",
    );
    assert.equal(response.url, `${server.origin}/a%20b?c=d`);
  });

  it("adds the agent's fields where the request has none of that name", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      response.end(`${request.headers["user-agent"]} ${request.headers["accept"]}`);
    });
    const agent = httpAgent(test, { engine, headers: { "User-Agent": "a", Accept: "b" } });

    const response = await agent.request({ url: server.origin, headers: { accept: "c" } });

    assert.equal(await response.text(), "a c");
  });

  it("makes Authorization of credentials in the URL", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      response.end(request.headers.authorization);
    });
    const agent = httpAgent(test, { engine });

    const url = `http://user:p%40ss@127.0.0.1:${server.port}/`;
    const response = await agent.request({ url });

    const expected = `Basic ${Buffer.from("user:p@ss").toString("base64")}`;
    assert.equal(await response.text(), expected);
    assert.equal(response.url, `${server.origin}/`);
  });

  it("refuses what can't be a head, and uses the connection for the next", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("fine"));
    const agent = httpAgent(test, { engine });

    const pairs = ["a: b"] as unknown as [string, string][];
    for (const headers of [{ "a b": "c" }, { a: "b\r\nc: d" }, { Host: "a b" }, pairs] as const) {
      await assert.rejects(agent.request({ url: server.origin, headers }), {
        code: "INVALID_ARGUMENT",
      });
      await assert.rejects(agent.follow(server.origin, { headers }), { code: "INVALID_ARGUMENT" });
    }
    const response = await agent.request({ url: server.origin });

    assert.equal(await response.text(), "fine");
    assert.equal(agent.stats.connectionCount, 1);
  });

  it("looks nothing up and connects nowhere for a request that can't be sent", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });

    for (const wrong of [
      { method: "GE T" },
      { method: "" },
      { target: "no path" },
      { target: "*" },
      { host: "a b" },
      { host: 5 },
      { upgrade: "" },
      { upgrade: "web socket" },
      { upgrade: null },
      { headers: { Upgrade: "a,", Connection: "upgrade" } },
      { headers: { Connection: "keep alive" } },
      { headers: { Expect: "=" } },
      { headers: { "X-Text": "snowman \u2603" } },
      { headers: { "Content-Length": "5" } },
      { method: "TRACE", body: "text" },
      { trailers: {} },
      { onInterim: true },
      { connectTimeoutMs: null },
    ]) {
      const options = { url: server.origin, ...(wrong as object) };
      const what = JSON.stringify(wrong);
      await assert.rejects(agent.request(options), { code: "INVALID_ARGUMENT" }, what);
      // The name has no address: to look it up would be another error.
      const nowhere = { ...options, url: "http://nowhere.invalid/" };
      await assert.rejects(agent.request(nowhere), { code: "INVALID_ARGUMENT" }, what);
    }

    assert.equal(server.peers.length, 0);
    assert.deepEqual([agent.stats.connectionCount, agent.stats.originCount], [0, 0]);
  });

  it("leaves out fields that are undefined, so that the agent's own go", async (test) => {
    const server = await scriptedServer(test, async (peer) => peer.answer(await peer.request()));
    const agent = httpAgent(test, { engine, headers: { "User-Agent": "a", "X-Never": undefined } });
    const headers = { "User-Agent": undefined, Host: undefined, "X-None": undefined, "X-One": "1" };

    const asked = [agent.request({ url: server.origin, headers })];
    asked.push(agent.request({ url: server.origin, headers: Object.entries(headers) }));

    for (const response of await Promise.all(asked)) {
      const host = `Host: 127.0.0.1:${server.port}`;
      assert.equal(
        await response.text(),
        `GET / HTTP/1.1\r\n${host}\r\nX-One: 1\r\nUser-Agent: a\r\n\r\n`,
      );
    }
  });

  it("takes Host from headers, once, and sends it first", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      for (;;) peer.answer(await peer.request());
    });
    const agent = httpAgent(test, { engine });
    const ask = (options: object) => agent.request({ url: server.origin, ...options });

    const lines: (string | undefined)[] = [];
    for (const options of [
      { headers: { A: "b", host: "one.example" } },
      { headers: [["HOST", ["two.example:81"]]] },
      { headers: encodeFields({ Host: "three.example" }) },
      { host: "four.example", headers: { Host: undefined } },
    ]) {
      lines.push((await (await ask(options)).text()).split("\r\n")[1]);
    }

    assert.deepEqual(
      lines,
      ["one.example", "two.example:81", "three.example", "four.example"].map((h) => `Host: ${h}`),
    );
    await assert.rejects(ask({ headers: { Host: ["a", "b"] } }), {
      code: "INVALID_ARGUMENT",
      message: /Host 2 times.*option host/,
    });
    await assert.rejects(ask({ headers: { Host: "a" }, host: "b" }), {
      code: "INVALID_ARGUMENT",
      message: /headers and by the option host/,
    });
  });

  it("refuses URLs and options that can't be, before anything is sent", async (test) => {
    const agent = httpAgent(test, { engine });
    const unknown = { url: "http://h/", timeout: 5 };

    for (const url of ["", "/path", "ftp://host/", "http://h:0/"]) {
      await assert.rejects(agent.request({ url }), { code: "INVALID_ARGUMENT" });
    }
    await assert.rejects(agent.request(unknown), { code: "INVALID_ARGUMENT" });
    for (const wrong of [
      { timeoutMs: -1 },
      { headers: 5 },
      { headers: "a: b" },
      { body: 5 },
      { body: true },
      { signal: {} },
      { signal: { aborted: false } },
    ]) {
      const options = wrong as object;
      await assert.rejects(agent.request({ url: "http://h/", ...options }), {
        code: "INVALID_ARGUMENT",
      });
      await assert.rejects(agent.follow("http://h/", options), { code: "INVALID_ARGUMENT" });
    }
    assert.equal(agent.stats.connectionCount, 0);
  });

  it("refuses options of clients that can't be", () => {
    for (const wrong of [
      { headers: 5 },
      { headers: { "a b": "c" } },
      { headers: { A: "snowman \u2603" } },
      { headers: { Upgrade: "web socket" } },
      { cookies: {} },
      { tls: 5 },
      { proxy: null },
      { proxy: "https://proxy.example" },
    ]) {
      const options = wrong as object;
      assert.throws(() => new HttpAgent({ engine, ...options }), { code: "INVALID_ARGUMENT" });
      assert.throws(() => new HttpClient({ engine, ...options }), { code: "INVALID_ARGUMENT" });
    }
  });

  it("asks for the URL that was given, and not for what becomes of the object", async (test) => {
    const server = await nodeServer(test, (_request, response) => {
      response.setHeader("Set-Cookie", "n=v").end();
    });
    const cookies = new CookieStore();
    const agent = httpAgent(test, { engine, cookies });
    const url = new URL(`${server.origin}/dir/page`);

    const asked = agent.request({ url });
    url.hostname = "other.example";
    url.pathname = "/";
    await asked;

    const [cookie] = cookies.list();
    assert.deepEqual([cookie?.domain, cookie?.path], ["127.0.0.1", "/dir"]);
  });

  it("sends heads larger than the memory that is shared", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      const text = await peer.request();
      peer.answer(String(text.length));
    });
    const agent = httpAgent(test, { engine });

    for (const size of [3_000, 70_000, 300_000]) {
      const response = await agent.request({
        url: server.origin,
        headers: { "X-Long": "x".repeat(size), Connection: "close" },
      });
      assert.ok(Number(await response.text()) > size);
    }
  });
}

function bodies(engine: EngineName): void {
  async function echoOf(
    test: Parameters<typeof httpAgent>[0],
    options: Omit<Parameters<ReturnType<typeof httpAgent>["request"]>[0], "url">,
  ): Promise<{ length: string; coding: string; type: string; body: string }> {
    const server = await nodeServer(test, async (request, response) => {
      const { headers } = request;
      const body = await bodyOf(request);
      const length = headers["content-length"] ?? "";
      const coding = headers["transfer-encoding"] ?? "";
      response.end(JSON.stringify({ length, coding, type: headers["content-type"] ?? "", body }));
    });
    const agent = httpAgent(test, { engine });
    const response = await agent.request({ url: server.origin, method: "POST", ...options });
    return (await response.json()) as Awaited<ReturnType<typeof echoOf>>;
  }

  it("sends text and bytes with their length", async (test) => {
    const text = await echoOf(test, { body: "häh?" });
    const bytes = await echoOf(test, { body: Buffer.from("bytes") });
    const buffer = await echoOf(test, { body: new Uint8Array([65, 66]).buffer });

    assert.deepEqual(text, { length: "5", coding: "", type: "", body: "häh?" });
    assert.deepEqual(bytes, { length: "5", coding: "", type: "", body: "bytes" });
    assert.equal(buffer.body, "AB");
  });

  it("says that a POST has no body, and nothing of the kind with GET", async (test) => {
    const empty = await echoOf(test, {});
    const got = await echoOf(test, { method: "GET" });

    assert.equal(empty.length, "0");
    assert.equal(got.length, "");
  });

  it("sends bodies of any size as they are", async (test) => {
    for (const size of [4_096, 4_097, 262_144, 262_145, 3_000_001]) {
      const { body, length } = await echoOf(test, { body: "x".repeat(size) });
      assert.equal(length, String(size));
      assert.equal(body.length, size);
    }
  });

  it("sends what yields chunks in chunks", async (test) => {
    async function* yielded(): AsyncGenerator<string | Uint8Array> {
      yield "one ";
      yield "";
      yield Buffer.from("two");
    }

    const asynchronous = await echoOf(test, { body: yielded() });
    const list = await echoOf(test, { body: ["one ", "two"] });
    const made = await echoOf(test, { body: yielded });
    const stream = await echoOf(test, { body: new Blob(["one ", "two"]).stream() });

    for (const { coding, body } of [asynchronous, list, made, stream]) {
      assert.deepEqual({ coding, body }, { coding: "chunked", body: "one two" });
    }
  });

  it("sends chunks with the length that is told, and holds them to it", async (test) => {
    const { length, coding } = await echoOf(test, { body: ["ab", "c"], bodyLength: 3 });
    const byField = await echoOf(test, { body: ["ab"], headers: { "Content-Length": "2" } });

    assert.deepEqual([length, coding], ["3", ""]);
    assert.equal(byField.length, "2");
    await assert.rejects(echoOf(test, { body: ["abcd"], bodyLength: 3 }), {
      code: "INVALID_ARGUMENT",
    });
    await assert.rejects(echoOf(test, { body: ["ab"], bodyLength: 3 }), {
      code: "INVALID_STATE",
    });
  });

  it("sends form fields, forms with files and blobs with their types", async (test) => {
    const form = new FormData();
    form.append("name", "value");
    form.append("file", new File(["content"], "a.txt", { type: "text/plain" }));

    const fields = await echoOf(test, { body: new URLSearchParams({ a: "b c" }) });
    const parts = await echoOf(test, { body: form });
    const blob = await echoOf(test, { body: new Blob(["x"], { type: "image/png" }) });

    assert.equal(fields.body, "a=b+c");
    assert.match(fields.type, /^application\/x-www-form-urlencoded/);
    assert.match(parts.type, /^multipart\/form-data; boundary=/);
    assert.match(parts.body, /name="file"; filename="a.txt"[\s\S]*content/);
    assert.equal(parts.length, String(parts.body.length));
    assert.deepEqual([blob.type, blob.length, blob.body], ["image/png", "1", "x"]);
  });

  it("sends a form a second time when its kept connection turns out to be dead", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      const text = await peer.request();
      peer.answer(text);
      if (peer.index > 0) return;
      await peer.request();
      peer.finish();
    });
    const agent = httpAgent(test, { engine });
    const form = new FormData();
    form.append("file", new File(["content"], "a.txt"));
    const put = { url: server.origin, method: "PUT", body: form };

    const first = await (await agent.request(put)).text();
    const second = await (await agent.request(put)).text();

    for (const text of [first, second])
      assert.match(text, /Content-Length: \d+[\s\S]*content\r\n--/);
  });

  it("sends trailers behind chunks", async (test) => {
    const server = await nodeServer(test, async (request, response) => {
      await bodyOf(request);
      response.end(request.trailers["checksum"]);
    });
    const agent = httpAgent(test, { engine });

    const response = await agent.request({
      url: server.origin,
      method: "PUT",
      body: ["data"],
      trailers: () => ({ Checksum: "42" }),
    });

    assert.equal(await response.text(), "42");
  });

  it("does not read on in a source that the server is slower than", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      peer.socket.pause();
    });
    const agent = httpAgent(test, { engine });
    let made = 0;
    const controller = new AbortController();
    let isEnded = false;
    function* endless(): Generator<Uint8Array> {
      try {
        for (;;) {
          made++;
          yield Buffer.alloc(1_048_576);
        }
      } finally {
        isEnded = true;
      }
    }

    const { signal } = controller;
    const asked = agent.request({ url: server.origin, method: "POST", body: endless(), signal });
    asked.catch(() => {});
    await until(() => made >= 2);
    let before = -1;
    await until(() => {
      const settled = made === before;
      before = made;
      return settled;
    });
    controller.abort();

    await assert.rejects(asked, { code: "ABORTED" });
    assert.ok(made < 64, `${made} MiB were taken from the source`);
    await until(() => isEnded);
  });

  it("fails with what the source of a body throws", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });
    const cause = new Error("no more paper");
    function* failing(): Generator<string> {
      yield "a";
      throw cause;
    }

    const asked = agent.request({ url: server.origin, method: "POST", body: failing() });

    await assert.rejects(asked, { code: "HANDLER_FAILED", cause });
    await server.peers[0]?.ended();
  });

  it("waits for 100 before it sends a body", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await until(() => peer.received.endsWith("\r\n\r\n"));
      assert.match(peer.received, /Expect: 100-continue/);
      peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      await until(() => peer.received.endsWith("body"));
      peer.answer("done");
    });
    const agent = httpAgent(test, { engine });
    const interim: number[] = [];

    const response = await agent.request({
      url: server.origin,
      method: "PUT",
      body: "body",
      expectContinue: true,
      onInterim: (status) => interim.push(status),
    });

    assert.equal(await response.text(), "done");
    assert.deepEqual(interim, [100]);
  });

  it("sends the body when 100 does not come, after continueTimeoutMs", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer("done");
    });
    const agent = httpAgent(test, { engine, continueTimeoutMs: 20 });

    const options = { url: server.origin, method: "PUT", body: "b", expectContinue: true };
    const response = await agent.request(options);

    assert.equal(await response.text(), "done");
  });

  it("does not send the body that a final answer makes superfluous", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await until(() => peer.received.endsWith("\r\n\r\n"));
      peer.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
      await peer.ended();
    });
    const agent = httpAgent(test, { engine });

    const options = { url: server.origin, method: "PUT", body: "secret", expectContinue: true };
    const { status } = await agent.request(options);

    assert.equal(status, 417);
    await until(() => agent.stats.connectionCount === 0);
    assert.doesNotMatch(server.peers[0]?.received ?? "", /secret/);
  });

  it("takes an answer that comes while the body is on its way, and ends the body", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await until(() => peer.received.includes("\r\n\r\n"));
      peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
      await peer.ended();
    });
    const agent = httpAgent(test, { engine });
    let isEnded = false;
    async function* slow(): AsyncGenerator<string> {
      try {
        yield "begin";
        await new Promise(() => {});
      } finally {
        isEnded = true;
      }
    }
    const iterator = slow();
    const body = { [Symbol.asyncIterator]: () => iterator };

    const response = await agent.request({ url: server.origin, method: "POST", body });

    assert.equal(response.status, 413);
    assert.equal(await response.text(), "no");
    await until(() => agent.stats.connectionCount === 0);
    assert.equal(isEnded, false, "a generator that waits can't be ended from outside");
  });
}
