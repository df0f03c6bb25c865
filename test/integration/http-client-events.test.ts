/** The HTTP client with one connection: its events, its order, its end. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import type { HttpClient, HttpClientOptions } from "hp-socket/http";
import { CookieStore } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpClient } from "../support/http-client-world.js";
import {
  bodyOf,
  nodeServer,
  type ScriptedPeer,
  type ScriptedServer,
  scriptedServer,
} from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`events of an HTTP client on ${engine}`, () => events(engine));
  describe(`requests of an HTTP client on ${engine}`, () => requests(engine));
  describe(`the connection of an HTTP client on ${engine}`, () => connections(engine));
}

/** Handlers that note everything. */
function notes(told: string[]): HttpClientOptions {
  return {
    onConnect: () => void told.push("connect"),
    onMessageBegin: () => void told.push("begin"),
    onStatusLine: (_client, status, reason, version) =>
      void told.push(`${version} ${status} ${reason}`),
    onHeader: (_client, name, value) => void told.push(`${name}: ${value}`),
    onHeadersComplete: (_client, head) => void told.push(`head ${head.statusCode}`),
    onBody: (_client, bytes) => void told.push(String(bytes)),
    onChunkHeader: (_client, byteCount, extensions) =>
      void told.push(`chunk ${byteCount}${extensions}`),
    onChunkComplete: () => void told.push("chunk end"),
    onTrailer: (_client, name, value) => void told.push(`trailer ${name}: ${value}`),
    onMessageComplete: (_client, trailers) => void told.push(`complete ${trailers?.get("t")}`),
    onUpgrade: () => void told.push("upgrade"),
    onParseError: (_client, { code }) => void told.push(code),
    onClose: (_client, { code }) => void told.push(`close ${code}`),
  };
}

/** Answers every request of a connection with what `answer` says. */
function answering(
  test: TestContext,
  answer: (peer: ScriptedPeer, request: string) => unknown,
): Promise<ScriptedServer> {
  return scriptedServer(test, async (peer) => {
    for (;;) {
      const request = await peer.request().catch(() => undefined);
      if (request === undefined) break;
      await answer(peer, request);
    }
    peer.finish();
  });
}

async function connected(
  test: TestContext,
  server: { readonly origin: string },
  options: HttpClientOptions,
): Promise<HttpClient> {
  return await httpClient(test, options).connect(server.origin);
}

function events(engine: EngineName): void {
  it("are told in their order, for one response after the other", async (test) => {
    const server = await answering(test, (peer, request) =>
      request.startsWith("GET /chunks")
        ? peer.send(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
              "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nT: 9\r\n\r\n",
          )
        : peer.send("HTTP/1.0 404 Not Found\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"),
    );
    const told: string[] = [];
    const client = await connected(test, server, { engine, ...notes(told) });

    const first = await client.send({ path: "/chunks" });
    const second = await client.send({ path: "/" });
    await until(() => told.at(-1)?.startsWith("close") === true);

    assert.deepEqual([first.status, second.status], [200, 404]);
    assert.deepEqual(told, [
      "connect",
      ...["begin", "HTTP/1.1 103 Early Hints", "Link: </a>", "head 103", "complete undefined"],
      ...["begin", "HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "head 200"],
      ...["chunk 2;a=b", "he", "chunk end", "chunk 3", "llo", "chunk end"],
      ...["chunk 0", "trailer T: 9", "chunk end", "complete 9"],
      ...["begin", "HTTP/1.0 404 Not Found", "Connection: close", "Content-Length: 2"],
      ...["head 404", "no", "complete undefined", "close CLOSED"],
    ]);
  });

  it("can say that no body follows, whatever the head announces", async (test) => {
    const server = await answering(test, (peer) => {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    });
    const told: string[] = [];
    const handlers = { ...notes(told), onHeadersComplete: () => "skipBody" as const };
    const client = await connected(test, server, { engine, ...handlers });

    const responses = [await client.send(), await client.send()];

    assert.deepEqual(
      responses.map(({ status }) => status),
      [200, 200],
    );
    assert.deepEqual(told.slice(-2), ["Content-Length: 4", "complete undefined"]);
  });

  it("hand the connection over, once", async (test) => {
    const server = await answering(test, (peer) => {
      peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\nhello");
      peer.finish();
    });
    const told: string[] = [];
    const client = await connected(test, server, { engine, ...notes(told) });

    const { upgraded } = await client.request({ upgrade: "echo" });
    const text = await upgraded?.read().text();

    assert.equal(text, "hello");
    assert.equal(client.isOpen, false);
    assert.equal(told.filter((one) => one === "upgrade").length, 1);
    await assert.rejects(client.get("/"), { code: "INVALID_STATE" });
    upgraded?.connection.close();
    await until(() => told.at(-1) === "close CLOSED");
  });

  it("tell of what is no response, and of the end it makes", async (test) => {
    const server = await answering(test, (peer) => peer.send("what?\r\n\r\n"));
    const told: string[] = [];
    const client = await connected(test, server, { engine, ...notes(told) });

    await assert.rejects(client.send(), { code: "HTTP_MALFORMED" });
    await until(() => told.at(-1)?.startsWith("close") === true);

    assert.deepEqual(told.slice(-2), ["HTTP_MALFORMED", "close HTTP_MALFORMED"]);
  });

  for (const name of [
    "onStatusLine",
    "onHeadersComplete",
    "onBody",
    "onMessageComplete",
  ] as const) {
    it(`end their connection when a handler throws: ${name}`, async (test) => {
      const server = await answering(test, (peer) => peer.answer("body"));
      const told: string[] = [];
      const cause = new Error("no");
      const fails = (): never => {
        throw cause;
      };
      const client = await connected(test, server, { engine, ...notes(told), [name]: fails });

      await assert.rejects(client.send(), { code: "HANDLER_FAILED", cause });
      await until(() => told.at(-1) === "close HANDLER_FAILED");

      assert.equal(client.isOpen, false);
    });
  }

  for (const name of [
    "onStatusLine",
    "onHeader",
    "onHeadersComplete",
    "onBody",
    "onMessageComplete",
  ] as const) {
    it(`end their connection when the promise of a handler rejects: ${name}`, async (test) => {
      const server = await answering(test, (peer) => peer.answer("body"));
      const told: string[] = [];
      const fails = (): Promise<never> => Promise.reject(new Error("no"));
      const client = await connected(test, server, { engine, ...notes(told), [name]: fails });

      client.send().catch(() => undefined);
      await until(() => told.at(-1) === "close HANDLER_FAILED");

      assert.equal(client.isOpen, false);
    });
  }

  it("end their connection when onConnect throws, and connecting rejects", async (test) => {
    const server = await answering(test, (peer) => peer.answer());
    const told: string[] = [];
    const cause = new Error("no");
    const client = httpClient(test, {
      engine,
      ...notes(told),
      onConnect: () => {
        throw cause;
      },
    });

    await assert.rejects(client.connect(server.origin), { code: "HANDLER_FAILED", cause });
    await until(() => told.at(-1) === "close HANDLER_FAILED");

    assert.equal(client.isOpen, false);
  });

  it("end their connection when the promise of onConnect rejects", async (test) => {
    const server = await answering(test, () => undefined);
    const told: string[] = [];
    const cause = new Error("no");
    const onConnect = async (): Promise<void> => {
      await Promise.resolve();
      throw cause;
    };
    const client = await connected(test, server, { engine, ...notes(told), onConnect });

    await until(() => told.at(-1) === "close HANDLER_FAILED");

    assert.equal(client.isOpen, false);
  });

  it("end a request even where onClose throws, which becomes a process warning", async (test) => {
    const server = await answering(test, (peer) => peer.reset());
    const warnings: Error[] = [];
    const listener = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listener);
    test.after(() => process.off("warning", listener));
    const client = await connected(test, server, {
      engine,
      onClose: () => {
        throw new Error("no");
      },
    });

    await assert.rejects(client.get("/"), { code: "CONNECTION_RESET" });
    await until(() => warnings.length > 0);

    assert.match(String(warnings[0]), /onClose/);
  });
}

function requests(engine: EngineName): void {
  it("go one after the other, each behind the answer to the one before", async (test) => {
    let underWay = 0;
    const server = await nodeServer(test, (request, response) => {
      underWay++;
      assert.equal(underWay, 1);
      setImmediate(() => {
        underWay--;
        response.end(request.url);
      });
    });
    const client = await connected(test, server, { engine });

    const responses = await Promise.all(["/1", "/2", "/3"].map((path) => client.get(path)));
    const answers = await Promise.all(responses.map((response) => response.text()));

    assert.deepEqual(answers, ["/1", "/2", "/3"]);
  });

  it("have the method that the call is named for", async (test) => {
    const server = await nodeServer(test, async (request, response) => {
      response.setHeader("X-Seen", `${request.method} ${request.url} ${await bodyOf(request)}`);
      response.end();
    });
    const client = await connected(test, server, { engine });

    const responses = [
      await client.get("/a"),
      await client.head("/b"),
      await client.post("/c", "body"),
      await client.put("/d", "body"),
      await client.patch("/e", "body"),
      await client.delete("/f"),
      await client.options("/g"),
      await client.trace("/h"),
    ];

    assert.deepEqual(
      responses.map(({ headers }) => headers.get("x-seen")),
      [
        ...["GET /a", "HEAD /b", "POST /c body", "PUT /d body", "PATCH /e body"],
        ...["DELETE /f", "OPTIONS /g", "TRACE /h"],
      ],
    );
  });

  it("can ask for a tunnel", async (test) => {
    const server = await answering(test, (peer, request) => {
      assert.match(request, /^CONNECT far\.example:22 HTTP\/1\.1\r\n/);
      peer.send("HTTP/1.1 200 OK\r\n\r\nSSH-2.0");
      peer.finish();
    });
    const client = await connected(test, server, { engine });

    const { upgraded } = await client.tunnel("far.example:22");

    assert.equal(await upgraded?.read().text(), "SSH-2.0");
    upgraded?.connection.close();
  });

  it("need a connection, and a path", async (test) => {
    const server = await answering(test, (peer) => peer.answer());
    const client = httpClient(test, { engine });

    await assert.rejects(client.get("/"), { code: "INVALID_STATE" });
    await client.connect(server.origin);

    for (const path of ["", "a", "http://h/", "*"]) {
      await assert.rejects(client.get(path), { code: "INVALID_ARGUMENT" });
    }
    assert.equal((await client.get("//host/is/a/path")).status, 200);
    assert.match(server.peers[0]?.received ?? "", /^GET \/\/host\/is\/a\/path HTTP/);
  });

  it("wait in a bounded queue", async (test) => {
    const server = await answering(test, () => undefined);
    const client = await connected(test, server, { engine, maxQueued: 1 });

    const waiting = [client.get("/1"), client.get("/2")];
    for (const one of waiting) one.catch(() => {});

    await assert.rejects(client.get("/3"), { code: "HTTP_QUEUE_FULL" });
    client.close();
    for (const one of waiting) await assert.rejects(one, { code: "CONNECTION_CLOSED" });
  });

  it("are aborted in the queue without harm to the others, and under way with the connection", async (test) => {
    let answer = (): void => {};
    const server = await answering(test, async (peer) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      peer.answer("fine");
    });
    const client = await connected(test, server, { engine });
    const controllers = [new AbortController(), new AbortController()];

    const first = client.get("/1", { signal: controllers[0]!.signal });
    first.catch(() => {});
    const second = client.get("/2", { signal: controllers[1]!.signal });
    controllers[1]!.abort();
    await assert.rejects(second, { code: "ABORTED" });
    await until(() => server.peers[0]?.received.includes("\r\n\r\n") === true);
    controllers[0]!.abort();

    await assert.rejects(first, { code: "ABORTED" });
    await until(() => !client.isOpen);
    answer();
  });

  it("use cookies as the switch says", async (test) => {
    const server = await nodeServer(test, ({ headers }, response) => {
      response.setHeader("Set-Cookie", "a=b");
      response.end(headers.cookie ?? "none");
    });
    const cookies = new CookieStore();
    const client = await connected(test, server, { engine, cookies, useCookies: false });

    const seen = [await (await client.get("/")).text()];
    client.useCookies = true;
    for (let count = 0; count < 2; count++) seen.push(await (await client.get("/")).text());

    assert.deepEqual(seen, ["none", "none", "a=b"]);
    assert.equal(client.useCookies, true);
  });
}

function connections(engine: EngineName): void {
  it("is one at a time, and can be made again", async (test) => {
    const servers = [
      await answering(test, (peer) => peer.answer("0")),
      await answering(test, (peer) => peer.answer("1")),
    ];
    const told: string[] = [];
    const client = httpClient(test, { engine, ...notes(told) });

    const answers: string[] = [];
    for (const { origin } of servers) {
      await client.connect(origin);
      await assert.rejects(client.connect(origin), { code: "INVALID_STATE" });
      assert.deepEqual([client.isOpen, client.origin], [true, origin]);
      answers.push(await (await client.get("/")).text());
      assert.equal(client.close(), true);
      await until(() => client.connection?.state === "closed");
    }

    assert.deepEqual(answers, ["0", "1"]);
    const kept = told.filter((one) => /connect|close/.test(one));
    assert.deepEqual(kept, ["connect", "close CLOSED", "connect", "close CLOSED"]);
    assert.equal(client.close(), false);
  });

  it("ends with the server's, and is not made anew by itself", async (test) => {
    const server = await answering(test, (peer) => {
      peer.answer("last");
      peer.finish();
    });
    const told: string[] = [];
    const client = await connected(test, server, { engine, ...notes(told) });

    await (await client.get("/")).text();
    await until(() => told.at(-1) === "close CLOSED");

    assert.equal(client.isOpen, false);
    await assert.rejects(client.get("/"), { code: "INVALID_STATE" });
    assert.equal(server.peers.length, 1);
  });

  it("fails the requests behind a last answer", async (test) => {
    const server = await answering(test, (peer) => peer.answer("last", "Connection: close\r\n"));
    const client = await connected(test, server, { engine });

    const [first, second] = await Promise.allSettled([client.get("/1"), client.get("/2")]);

    assert.equal(first.status, "fulfilled");
    assert.equal(second.status, "rejected");
    assert.doesNotMatch(server.peers[0]?.received ?? "", /GET \/2/);
  });

  for (const [name, die, code] of [
    ["is reset", (peer: ScriptedPeer) => peer.reset(), "CONNECTION_RESET"],
    ["is closed", (peer: ScriptedPeer) => peer.finish(), "CONNECTION_CLOSED"],
  ] as const) {
    it(`is made anew for a request that may be repeated when it ${name} under it`, async (test) => {
      const counts = new Map<ScriptedPeer, number>();
      const server = await answering(test, (peer) => {
        const count = (counts.get(peer) ?? 0) + 1;
        counts.set(peer, count);
        if (count === 2) die(peer);
        else peer.answer(`connection ${peer.index}`);
      });
      const told: string[] = [];
      const client = await connected(test, server, { engine, ...notes(told) });

      const answers = [];
      answers.push(await (await client.get("/1")).text());
      const both = [client.get("/2"), client.get("/3")];
      answers.push(await (await both[0]!).text());
      await assert.doesNotReject(both[1]!);

      assert.deepEqual(answers, ["connection 0", "connection 1"]);
      const kept = told.filter((one) => /^(connect$|close)/.test(one)).slice(0, 3);
      assert.deepEqual(kept, ["connect", `close ${code}`, "connect"]);
    });

    it(`fails a POST with a body when it ${name} under it`, async (test) => {
      const server = await answering(test, (peer, request) => {
        if (request.startsWith("POST")) die(peer);
        else peer.answer();
      });
      const client = await connected(test, server, { engine });

      await (await client.get("/")).text();
      const asked = client.post("/order", "one");

      await assert.rejects(asked, { code, fault: "remote" });
      assert.equal(server.peers.length, 1);
      assert.equal(client.isOpen, false);
    });
  }

  it("ends by close with the request under way, which is not repeated", async (test) => {
    const server = await answering(test, (peer, request) => {
      if (request.startsWith("GET /1")) peer.answer();
    });
    const told: string[] = [];
    const client = await connected(test, server, { engine, ...notes(told) });

    await (await client.get("/1")).text();
    const waiting = client.get("/2");
    waiting.catch(() => {});
    await until(() => server.peers[0]?.received.includes("GET /2") === true);
    client.close();

    await assert.rejects(waiting, { code: "CONNECTION_CLOSED", fault: "local" });
    server.peers[0]?.reset();
    await until(() => told.at(-1)?.startsWith("close") === true);
    assert.equal(server.peers.length, 1);
  });

  it("is called off while it is being made", async (test) => {
    const server = await answering(test, (peer) => peer.answer());
    const client = httpClient(test, { engine });

    const connecting = client.connect(server.origin);
    connecting.catch(() => {});
    const wasCalledOff = client.close();

    await assert.rejects(connecting, { code: "ABORTED" });
    assert.equal(wasCalledOff, true);
    await client.connect(server.origin);
    assert.equal(client.isOpen, true);
  });

  it("fails as connecting does", async (test) => {
    const client = httpClient(test, { engine });

    await assert.rejects(client.connect("http://127.0.0.1:1"), { code: "CONNECTION_REFUSED" });
    const signal = AbortSignal.abort();
    await assert.rejects(client.connect("http://127.0.0.1:1", { signal }), { code: "ABORTED" });
    await assert.rejects(client.connect("127.0.0.1:1"), { code: "INVALID_ARGUMENT" });
    assert.equal(client.isOpen, false);
  });
}
