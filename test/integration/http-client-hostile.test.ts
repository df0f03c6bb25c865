/** An HTTP agent and servers that mean it no good. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import type { HttpAgent } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import {
  nodeServer,
  type ScriptedServer,
  scriptedServer,
} from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

/** Heads that are none: the request fails. */
const BAD_HEADS: Readonly<Record<string, readonly [answer: string, code: string]>> = {
  "different lengths": [`${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, "HTTP_MALFORMED"],
  "a negative length": [`${OK}Content-Length: -1\r\n\r\n`, "HTTP_MALFORMED"],
  "a length with a sign": [`${OK}Content-Length: +5\r\n\r\nhello`, "HTTP_MALFORMED"],
  "a length above all numbers": [
    `${OK}Content-Length: ${"9".repeat(30)}\r\n\r\n`,
    "HTTP_MALFORMED",
  ],
  "a field without a name": [`${OK}: x\r\n\r\n`, "HTTP_MALFORMED"],
  "a folded line": [`${OK}A: b\r\n c\r\n\r\n`, "HTTP_MALFORMED"],
  "a bare LF": ["HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "HTTP_MALFORMED"],
  "a NUL": [`${OK}A: b\0c\r\n\r\n`, "HTTP_MALFORMED"],
  "another version": ["HTTP/2.0 200 OK\r\n\r\n", "HTTP_VERSION_UNSUPPORTED"],
  "another coding": [`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, "HTTP_CODING_UNSUPPORTED"],
  "a status line without end": ["HTTP/1.1 200 ".padEnd(20_000, "x"), "HTTP_LINE_TOO_LONG"],
  "a thousand fields": [`${OK}${"A: b\r\n".repeat(1_000)}`, "HTTP_HEAD_TOO_LARGE"],
  "a thousand 1xx": ["HTTP/1.1 103 E\r\n\r\n".repeat(1_000), "HTTP_INTERIM_LIMIT"],
};

/** Bodies that are none: reading fails. */
const BAD_BODIES: Readonly<Record<string, readonly [answer: string, code: string]>> = {
  "a chunk that is longer than it says": [`${CHUNKED}2\r\nabc\r\n`, "HTTP_MALFORMED"],
  "a chunk size with a sign": [`${CHUNKED}-2\r\n`, "HTTP_MALFORMED"],
  "a chunk size in another notation": [`${CHUNKED}0x2\r\nab\r\n`, "HTTP_MALFORMED"],
  "a chunk size above all numbers": [`${CHUNKED}${"f".repeat(20)}\r\n`, "HTTP_MALFORMED"],
  "chunk extensions without end": [`${CHUNKED}1;${"a".repeat(10_000)}`, "HTTP_BODY_TOO_LARGE"],
  "trailers without end": [`${CHUNKED}0\r\n${"A: b\r\n".repeat(100)}`, "HTTP_HEAD_TOO_LARGE"],
  "more than maxBodyBytes": [`${CHUNKED}7d1\r\n${"x".repeat(2_001)}\r\n`, "HTTP_BODY_TOO_LARGE"],
};

/** What comes behind an answer that is complete. */
const SURPLUS: Readonly<Record<string, readonly [method: string, answer: string]>> = {
  "junk behind 204": ["GET", "HTTP/1.1 204 No Content\r\n\r\njunk"],
  "a body with 304": ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\njunk"],
  "a body to HEAD": ["HEAD", `${OK}Content-Length: 4\r\n\r\njunk`],
  "more than Content-Length": ["GET", `${OK}Content-Length: 2\r\n\r\nokjunk`],
  "more than the last chunk": ["GET", `${CHUNKED}2\r\nok\r\n0\r\n\r\njunk`],
  "a second answer": ["GET", `${OK}Content-Length: 2\r\n\r\nok${OK}Content-Length: 4\r\n\r\nevil`],
};

for (const engine of availableEngines()) {
  describe(`an HTTP agent and hostile heads on ${engine}`, () => heads(engine));
  describe(`an HTTP agent and hostile bodies on ${engine}`, () => bodies(engine));
  describe(`an HTTP agent and too many bytes on ${engine}`, () => surplus(engine));
  describe(`a response that is cut or left on ${engine}`, () => cuts(engine));
}

/** Sends `answer` to the first request of each connection. */
function answering(test: TestContext, answer: string): Promise<ScriptedServer> {
  return scriptedServer(test, async (peer) => {
    await peer.request();
    peer.send(answer);
    await peer.ended();
  });
}

/** Sends `piece` again and again until the client is gone. */
function dripping(test: TestContext, start: string, piece: string): Promise<ScriptedServer> {
  return scriptedServer(test, async (peer) => {
    await peer.request();
    peer.send(start);
    const timer = setInterval(() => peer.send(piece), 2);
    await peer.ended();
    clearInterval(timer);
  });
}

function heads(engine: EngineName): void {
  for (const [name, [answer, code]] of Object.entries(BAD_HEADS)) {
    it(`fails with ${code} at ${name}`, async (test) => {
      const server = await answering(test, answer);
      const agent = httpAgent(test, { engine });

      await assert.rejects(agent.request({ url: server.origin }), { code });
      await until(() => agent.stats.connectionCount === 0);
      assert.equal(agent.stats.repeatedCount, 0);
    });
  }

  it("ends a head that trickles for ever at headTimeoutMs", async (test) => {
    const server = await dripping(test, OK, "A");
    const agent = httpAgent(test, { engine, headTimeoutMs: 60 });

    await assert.rejects(agent.request({ url: server.origin }), { code: "HTTP_HEAD_TIMEOUT" });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("ends 1xx that come for ever at headTimeoutMs", async (test) => {
    const server = await dripping(test, "", "HTTP/1.1 102 P\r\n\r\n");
    const limits = { maxInterimResponses: 10_000 };
    const agent = httpAgent(test, { engine, limits, headTimeoutMs: 60 });

    await assert.rejects(agent.request({ url: server.origin }), { code: "HTTP_HEAD_TIMEOUT" });
  });
}

function bodies(engine: EngineName): void {
  for (const [name, [answer, code]] of Object.entries(BAD_BODIES)) {
    it(`fails reading with ${code} at ${name}`, async (test) => {
      const server = await answering(test, answer);
      const agent = httpAgent(test, { engine, limits: { maxBodyBytes: 2_000 } });

      const asked = agent.request({ url: server.origin }).then((response) => response.bytes());

      await assert.rejects(asked, { code });
      await until(() => agent.stats.connectionCount === 0);
    });
  }

  it("refuses a length above maxBodyBytes before a byte of the body", async (test) => {
    const server = await answering(test, `${OK}Content-Length: 2001\r\n\r\n`);
    const agent = httpAgent(test, { engine, limits: { maxBodyBytes: 2_000 } });

    await assert.rejects(agent.request({ url: server.origin }), { code: "HTTP_BODY_TOO_LARGE" });
  });

  it("reads no more of a body than maxBytes", async (test) => {
    const server = await dripping(test, CHUNKED, `400\r\n${"x".repeat(1_024)}\r\n`);
    const agent = httpAgent(test, { engine });

    const response = await agent.request({ url: server.origin });

    await assert.rejects(response.text({ maxBytes: 5_000 }), { code: "HTTP_BODY_TOO_LARGE" });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("ends a body that trickles for ever at timeoutMs", async (test) => {
    const server = await dripping(test, CHUNKED, "1\r\nx\r\n");
    const agent = httpAgent(test, { engine, timeoutMs: 80 });

    // On a busy machine the time may be over before the head came.
    const asked = agent.request({ url: server.origin }).then((response) => response.bytes());

    await assert.rejects(asked, { code: "REQUEST_TIMEOUT" });
    await until(() => agent.stats.connectionCount === 0);
  });

  for (const [name, head] of [
    ["without length", OK],
    ["with length", `${OK}Content-Length: 100\r\n`],
    ["in chunks", `${CHUNKED.slice(0, -2)}`],
  ] as const) {
    it(`takes no body ${name} for complete whose connection is reset`, async (test) => {
      const part = head.includes("chunked") ? "4\r\nhalf\r\n" : "half";
      const server = await scriptedServer(test, async (peer) => {
        await peer.request();
        peer.send(`${head}\r\n${part}`);
        await until(() => isRead);
        peer.reset();
      });
      let isRead = false;
      const agent = httpAgent(test, { engine });

      const { body } = await agent.request({ url: server.origin });
      assert.equal(String(await body.read()), "half");
      isRead = true;

      await assert.rejects(body.read(), { code: "CONNECTION_RESET", fault: "remote" });
    });
  }
}

function cuts(engine: EngineName): void {
  it("does not take a response without length for complete when the reset is right behind its bytes", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send(`${OK}\r\n${"x".repeat(100)}`);
      await new Promise((resolve) => setImmediate(resolve));
      peer.send("y".repeat(50));
      peer.reset();
    });
    const agent = httpAgent(test, { engine });

    for (let count = 0; count < 30; count++) {
      const asked = agent.request({ url: server.origin }).then((response) => response.text());
      await assert.rejects(asked, { code: "CONNECTION_RESET" });
    }
  });

  it("keeps no more than its bound of each response that nobody reads", async (test) => {
    const whole = Buffer.alloc(8_000_000);
    const server = await nodeServer(test, (_request, response) => response.end(whole));
    const agent = httpAgent(test, { engine });
    await (await agent.request({ url: server.origin })).bytes();
    globalThis.gc?.();
    const before = process.memoryUsage().arrayBuffers;

    const asked = Array.from({ length: 20 }, () => agent.request({ url: server.origin }));
    const responses = await Promise.all(asked);
    let received = -1;
    await until(() => {
      const now = responses.reduce((sum, { body }) => sum + body.receivedBytes, 0);
      const isStill = now === received;
      received = now;
      return isStill;
    });
    globalThis.gc?.();
    const each = (process.memoryUsage().arrayBuffers - before) / 20;
    for (const response of responses) response.body.discard();

    assert.ok(each < 4 * 65_536, `${each} bytes are kept of each`);
  });
}

function surplus(engine: EngineName): void {
  for (const [name, [method, answer]] of Object.entries(SURPLUS)) {
    it(`asks the next on another connection: ${name}`, async (test) => {
      const server = await scriptedServer(test, async (peer) => {
        await peer.request();
        if (peer.index === 0) peer.send(answer);
        else peer.answer("good");
      });
      const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });

      const answers = await ask(agent, server, method);

      assert.deepEqual(answers, [method === "GET" && answer.includes("ok") ? "ok" : "", "good"]);
      assert.equal(server.peers.length, 2);
    });
  }
}

/** Two requests, the second of which waits for the first. */
async function ask(agent: HttpAgent, server: ScriptedServer, method: string): Promise<string[]> {
  const asked = [
    agent.request({ url: server.origin, method }),
    agent.request({ url: server.origin }),
  ];
  return await Promise.all(asked.map(async (one) => (await one).text()));
}
