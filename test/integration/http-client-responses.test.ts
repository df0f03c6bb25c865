/** What an HTTP agent makes of answers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import type { CookieStore, HttpResponse } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { nodeServer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

/** An answer, and what it must come to. */
interface AnswerCase {
  readonly name: string;
  readonly method?: string;
  readonly answer: string;
  readonly closes?: boolean;
  readonly expected: string;
}

const ANSWERS: readonly AnswerCase[] = [
  {
    name: "with Content-Length",
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    expected: "200 hello",
  },
  {
    name: "in chunks with extensions and trailers",
    answer:
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nSum: 9\r\n\r\n",
    expected: "200 hello Sum=9",
  },
  {
    name: "without length, until the end of the connection",
    answer: "HTTP/1.1 200 OK\r\n\r\nhello",
    closes: true,
    expected: "200 hello",
  },
  {
    name: "of HTTP/1.0",
    answer: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    expected: "200 hello",
  },
  {
    name: "to HEAD, with the length of what GET would get",
    method: "HEAD",
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    expected: "200 ",
  },
  { name: "204", answer: "HTTP/1.1 204 No Content\r\n\r\n", expected: "204 " },
  {
    name: "304 with a length",
    answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    expected: "304 ",
  },
  {
    name: "behind responses 1xx",
    answer:
      "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    expected: "200 ok",
  },
];

async function summary(response: HttpResponse): Promise<string> {
  const body = await response.text();
  const trailers = [...(response.trailers ?? [])].map(([name, value]) => ` ${name}=${value}`);
  return `${response.status} ${body}${trailers.join("")}`;
}

for (const engine of availableEngines()) {
  describe(`responses to an agent on ${engine}`, () => responses(engine));
  describe(`changes of protocol on ${engine}`, () => upgrades(engine));
}

function responses(engine: EngineName): void {
  for (const { name, method = "GET", answer, closes = false, expected } of ANSWERS) {
    it(`reads an answer ${name}, cut at any place`, async (test) => {
      const cuts = [answer.length, 1, ...[...answer].keys()].filter((cut) => cut > 0);
      const server = await scriptedServer(test, async (peer) => {
        await peer.request();
        const cut = cuts[peer.index % cuts.length] ?? 1;
        if (cut === 1) for (const octet of answer) peer.send(octet);
        else {
          peer.send(answer.slice(0, cut));
          await new Promise((resolve) => setImmediate(resolve));
          peer.send(answer.slice(cut));
        }
        if (closes) peer.finish();
        // A connection that is free early gets a request whose own is still being made.
        while (!closes && (await peer.request().catch(() => undefined)) !== undefined) {
          peer.send(answer);
        }
      });
      const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: cuts.length });

      const asked = cuts.map((_, index) =>
        agent.request({ url: `${server.origin}/${index}`, method }),
      );
      const found = await Promise.all((await Promise.all(asked)).map(summary));

      assert.deepEqual(new Set(found), new Set([expected]));
    });
  }

  for (const [name, answer, code] of [
    ["a head that is cut off", "HTTP/1.1 200 OK\r\nContent-", "HTTP_TRUNCATED"],
    ["no answer at all", "", "CONNECTION_CLOSED"],
    ["what is no HTTP", "220 mail ready\r\n\r\n", "HTTP_MALFORMED"],
    [
      "both lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP_MALFORMED",
    ],
    ["a head without end", `HTTP/1.1 200 OK\r\nA: ${"x".repeat(20_000)}`, "HTTP_HEAD_TOO_LARGE"],
    ["1xx without end", "HTTP/1.1 102 Processing\r\n\r\n".repeat(40), "HTTP_INTERIM_LIMIT"],
    ["101 that nobody asked for", "HTTP/1.1 101 Switching\r\n\r\n", "HTTP_MALFORMED"],
  ] as const) {
    it(`fails with ${code} at ${name}`, async (test) => {
      const server = await scriptedServer(test, async (peer) => {
        await peer.request();
        peer.send(answer);
        peer.finish();
      });
      const agent = httpAgent(test, { engine });

      await assert.rejects(agent.request({ url: server.origin }), { code, fault: /remote|limit/ });
      await until(() => agent.stats.connectionCount === 0);
    });
  }

  for (const [name, answer, code] of [
    ["a body that is cut off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "HTTP_TRUNCATED"],
    [
      "chunks that are cut off",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      "HTTP_TRUNCATED",
    ],
    [
      "a chunk size that is none",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n",
      "HTTP_MALFORMED",
    ],
  ] as const) {
    it(`fails reading with ${code} at ${name}, behind what came before`, async (test) => {
      const server = await scriptedServer(test, async (peer) => {
        await peer.request();
        peer.send(answer);
        peer.finish();
      });
      const agent = httpAgent(test, { engine });

      const { body } = await agent.request({ url: server.origin });
      const first = await body.read();

      assert.equal(String(first), "abc");
      await assert.rejects(body.read(), { code });
    });
  }

  it("holds a server back whose body nobody reads, and goes on with it", async (test) => {
    const total = 20_000_000;
    let writtenBytes = 0;
    const server = await nodeServer(test, async (_request, response) => {
      response.setHeader("Content-Length", total);
      const chunk = Buffer.alloc(100_000, 1);
      for (; writtenBytes < total; writtenBytes += chunk.length) {
        if (!response.write(chunk)) {
          await new Promise((resolve) => response.once("drain", resolve));
        }
      }
      response.end();
    });
    const agent = httpAgent(test, { engine });

    const { body } = await agent.request({ url: server.origin });
    let before = -1;
    await until(() => {
      const isHeld = writtenBytes > 0 && writtenBytes === before && body.receivedBytes > 0;
      before = writtenBytes;
      return isHeld;
    });
    const heldAt = body.receivedBytes;
    let readBytes = 0;
    for await (const bytes of body) readBytes += bytes.length;

    assert.ok(heldAt < 1_000_000, `${heldAt} bytes were taken`);
    assert.equal(readBytes, total);
  });

  it("ends the connection when a long body is thrown away, and keeps it for a short rest", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      const size = Number(request.url?.slice(1));
      response.setHeader("Content-Length", size);
      response.write(Buffer.alloc(10));
      if (size < 1_000) response.end(Buffer.alloc(size - 10));
    });
    const agent = httpAgent(test, { engine });

    const short = await agent.request({ url: `${server.origin}/100` });
    short.body.discard();
    await until(() => agent.stats.idleCount === 1);
    const long = await agent.request({ url: `${server.origin}/1000000000` });
    long.body.discard();

    await until(() => agent.stats.connectionCount === 0);
    assert.equal(long.timing.isReused, true);
  });

  it("fails the request when its cookie store, or onInterim, throws", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 102 Processing\r\n\r\n");
      peer.answer("fine", "Set-Cookie: a=b\r\n");
    });
    const cookies = {
      cookieHeader: () => undefined,
      setFromHeader: () => {
        throw new Error("the disk is full");
      },
    } as unknown as CookieStore;
    const agent = httpAgent(test, { engine, cookies });
    const onInterim = (): void => {
      throw new Error("no");
    };

    await assert.rejects(agent.request({ url: server.origin }), {
      code: "HANDLER_FAILED",
      message: /the disk is full/,
    });
    await assert.rejects(agent.request({ url: server.origin, onInterim, useCookies: false }), {
      code: "HANDLER_FAILED",
      message: /onInterim failed: no/,
    });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("tells how long the parts took", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("x"));
    const agent = httpAgent(test, { engine });

    const first = await agent.request({ url: `http://localhost:${server.port}/` });
    await first.text();
    const second = await agent.request({ url: `http://localhost:${server.port}/` });
    await second.text();

    const {
      isReused,
      lookupMs,
      connectMs,
      firstByteMs,
      totalMs = -1,
      waitMs,
      tlsMs,
    } = first.timing;
    assert.deepEqual([isReused, tlsMs], [false, 0]);
    assert.ok(lookupMs >= 0 && connectMs > 0 && firstByteMs > 0);
    assert.ok(waitMs >= connectMs && totalMs >= waitMs + firstByteMs);
    assert.equal(second.timing.isReused, true);
    assert.equal(second.timing.connectMs, 0);
  });
}

function upgrades(engine: EngineName): void {
  it("hands the connection over after 101, with what came behind it", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      const text = await peer.request();
      assert.match(text, /Connection: Upgrade\r\nUpgrade: echo\r\n/);
      peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\nearly ");
      await until(() => peer.received.endsWith("ping"));
      peer.send("pong");
      peer.finish();
    });
    const agent = httpAgent(test, { engine });

    const { status, upgraded } = await agent.request({ url: server.origin, upgrade: "echo" });
    upgraded?.connection.send("ping");
    const text = await upgraded?.read().text();

    assert.equal(status, 101);
    assert.equal(text, "early pong");
    upgraded?.connection.close();
    await until(() => agent.stats.connectionCount === 0);
  });

  it("gives the events of a connection that was handed over to a receiver", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200 Connected\r\n\r\nhello");
      await until(() => peer.received.endsWith("bye"));
      peer.finish();
      await peer.ended();
    });
    const agent = httpAgent(test, { engine });
    const told: string[] = [];

    const options = { url: server.origin, method: "CONNECT", target: "far.example:22" };
    const { upgraded } = await agent.request(options);
    const connection = upgraded?.attach({
      onReceive: (_connection, bytes) => void told.push(String(bytes)),
      onEnd: (ended) => void told.push("end", String(ended.close())),
      onClose: (_connection, { code }) => void told.push(code),
    });
    connection?.send("bye");

    await until(() => told.includes("CLOSED"));
    assert.deepEqual(told, ["hello", "end", "true", "CLOSED"]);
    assert.throws(() => upgraded?.read(), { code: "INVALID_STATE" });
  });

  it("leaves a connection paused that its receiver has paused, whatever came behind the response", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\none");
      await until(() => peer.received.endsWith("go on"));
      peer.send("two");
    });
    const agent = httpAgent(test, { engine });
    const told: string[] = [];

    const { upgraded } = await agent.request({ url: server.origin, upgrade: "x" });
    const connection = upgraded?.attach({
      onReceive: (given, bytes) => {
        told.push(String(bytes));
        given.pause();
      },
    });
    await until(() => told.length === 1);
    connection?.send("go on");
    await until(() => server.peers[0]?.received.endsWith("go on") === true);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    const toldWhilePaused = [...told];
    connection?.resume();

    await until(() => told.length === 2);
    assert.deepEqual(toldWhilePaused, ["one"]);
    assert.deepEqual(told, ["one", "two"]);
  });

  it("tells a receiver that comes late what came before it, and the end", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly");
      peer.finish();
    });
    const agent = httpAgent(test, { engine });
    const told: string[] = [];

    const { upgraded } = await agent.request({ url: server.origin, upgrade: "x" });
    await until(() => server.peers[0]?.socket.writableFinished === true);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    upgraded?.attach({
      onReceive: (_connection, bytes) => void told.push(String(bytes)),
      onEnd: (connection) => void told.push(`end ${connection.close()}`),
      onClose: (_connection, { code }) => void told.push(code),
    });

    await until(() => told.length === 3);
    assert.deepEqual(told, ["early", "end true", "CLOSED"]);
    await until(() => agent.stats.connectionCount === 0);
  });

  it("tells a receiver that comes behind the end of that alone", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    });
    const agent = httpAgent(test, { engine });
    const told: string[] = [];

    const { upgraded } = await agent.request({ url: server.origin, upgrade: "x" });
    upgraded?.connection.abort();
    await until(() => agent.stats.connectionCount === 0);
    upgraded?.attach({
      onReceive: () => void told.push("bytes"),
      onClose: (_connection, { code }) => void told.push(code),
    });

    await until(() => told.length > 0);
    assert.deepEqual(told, ["ABORTED"]);
  });

  it("takes an ordinary answer to a request that asked for another protocol", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("no"));
    const agent = httpAgent(test, { engine });

    const response = await agent.request({ url: server.origin, upgrade: "echo" });

    assert.equal(response.upgraded, undefined);
    assert.equal(await response.text(), "no");
    assert.equal(agent.stats.idleCount, 1);
  });
}
