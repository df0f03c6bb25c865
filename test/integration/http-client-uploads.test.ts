/** Bodies that are sent: how they end early, on either side, and by whom they are called off. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { EngineName } from "hp-socket";
import type { RequestBody } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import {
  bodyOf,
  nodeServer,
  type ScriptedPeer,
  scriptedServer,
} from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

const BLOCK = Buffer.alloc(65_536, "x");

for (const engine of availableEngines()) {
  describe(`an upload that ends early on ${engine}`, () => endings(engine));
  describe(`an answer on ${engine}`, () => answersBeforeReset(engine));
  describe(`the pace of an upload on ${engine}`, () => pace(engine));
  describe(`calling off on ${engine}`, () => aborts(engine));
}

/** Blocks without end; notes when it is told that no more are wanted. */
class Source {
  takenCount = 0;
  isEnded = false;

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        this.takenCount++;
        yield BLOCK;
      }
    } finally {
      this.isEnded = true;
    }
  }
}

function endings(engine: EngineName): void {
  it("never looks complete to the server when its source fails half-way", async (test) => {
    let verdict = "";
    let hasArrived = false;
    const server = await nodeServer(test, (request) => {
      request.once("data", () => {
        hasArrived = true;
      });
      bodyOf(request).then(
        () => {
          verdict = "complete";
        },
        ({ code }: NodeJS.ErrnoException) => {
          verdict = String(code);
        },
      );
    });
    const agent = httpAgent(test, { engine });
    const cause = new Error("the disk is gone");
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(BLOCK),
      pull: async (controller) => {
        await until(() => hasArrived);
        controller.error(cause);
      },
    });

    const asked = agent.follow(server.origin, { method: "POST", body });

    await assert.rejects(asked, { code: "HANDLER_FAILED", cause });
    await until(() => verdict !== "");
    assert.equal(verdict, "ECONNRESET");
    assert.equal(agent.stats.connectionCount, 0);
  });

  for (const [name, bodyLength, code] of [
    ["shorter", 100_000, "INVALID_STATE"],
    ["longer", 10, "INVALID_ARGUMENT"],
  ] as const) {
    it(`fails when its source is ${name} than bodyLength says`, async (test) => {
      const server = await scriptedServer(test, (peer) => peer.ended());
      const agent = httpAgent(test, { engine });

      const body = [BLOCK.subarray(0, 5_000)];
      const asked = agent.request({ url: server.origin, method: "PUT", body, bodyLength });

      await assert.rejects(asked, { code, fault: "usage" });
      await server.peers[0]?.ended();
    });
  }

  it("fails at a chunk that is neither text nor bytes", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });

    const body = ["fine", 42 as unknown as string];
    const asked = agent.request({ url: server.origin, method: "PUT", body });

    await assert.rejects(asked, { code: "INVALID_ARGUMENT", message: /42/ });
    await server.peers[0]?.ended();
  });

  it("fails when its source can't be opened, and nobody asks over its connection", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("fine"));
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
    const cause = new Error("there is no such file");
    const body = (): Iterable<string> => {
      throw cause;
    };

    const asked = agent.request({ url: server.origin, method: "PUT", body });
    await assert.rejects(asked, { code: "HANDLER_FAILED", cause });
    const response = await agent.request({ url: server.origin });

    assert.equal(await response.text(), "fine");
    assert.equal(response.timing.isReused, false);
  });

  it("fails with what its source throws, whatever that is", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const odd = {
      get message(): string {
        throw new Error("no");
      },
    };

    for (const cause of [undefined, null, 5, "text", Object.create(null), odd, proxy]) {
      const body = (): Iterable<string> => {
        throw cause;
      };
      await assert.rejects(
        agent.request({ url: server.origin, method: "PUT", body }),
        ({ code, cause: told }: { code?: string; cause?: unknown }) =>
          code === "HANDLER_FAILED" && told === cause,
      );
    }
  });

  for (const length of [10, 100_000]) {
    it(`fails when its ${length} bytes were handed to another thread before`, async (test) => {
      const server = await nodeServer(test, (_request, response) => response.end("fine"));
      const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
      const body = new Uint8Array(length);

      const asked = agent.request({ url: server.origin, method: "PUT", body });
      structuredClone(body, { transfer: [body.buffer] });

      await assert.rejects(asked, { code: "INVALID_ARGUMENT", fault: "usage" });
      assert.equal(await (await agent.request({ url: server.origin })).text(), "fine");
    });
  }

  it("tells its source when it is longer than bodyLength, and when the server is too slow", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      peer.socket.pause();
    });
    const agent = httpAgent(test, { engine, bodyTimeoutMs: 50 });

    for (const [bodyLength, code] of [
      [10, "INVALID_ARGUMENT"],
      [undefined, "HTTP_BODY_TIMEOUT"],
    ] as const) {
      const source = new Source();
      const length = bodyLength === undefined ? {} : { bodyLength };
      const asked = agent.request({ url: server.origin, method: "PUT", body: source, ...length });

      await assert.rejects(asked, { code });
      await until(() => source.isEnded);
    }
  });

  it("tells its source when the server resets the connection", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await until(() => peer.received.length > 200_000);
      peer.reset();
    });
    const agent = httpAgent(test, { engine });
    const source = new Source();

    const asked = agent.request({ url: server.origin, method: "PUT", body: source });

    await assert.rejects(asked, { code: /CONNECTION_RESET|CONNECTION_CLOSED/ });
    await until(() => source.isEnded);
    assert.equal(agent.stats.repeatedCount, 0);
  });

  it("gives way to an answer that comes early, and its connection is not used again", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await until(() => peer.received.length > 200_000);
      peer.socket.pause();
      peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    });
    const agent = httpAgent(test, { engine });
    const source = new Source();

    const response = await agent.request({ url: server.origin, method: "PUT", body: source });

    assert.deepEqual([response.status, await response.text()], [413, "no"]);
    await until(() => source.isEnded && agent.stats.connectionCount === 0);
  });
}

/** Numbers that name the peers of one test. */
const MANY = Array.from({ length: 8 }, (_, index) => index);

/** Answers in the middle of an upload, and closes at once: bytes lie unread, so that is a reset. */
function resetBehind(answer: string): (peer: ScriptedPeer) => Promise<void> {
  return async ({ socket }) => {
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    socket.end(answer, "latin1");
    socket.destroy();
  };
}

function answersBeforeReset(engine: EngineName): void {
  const bodies: Readonly<Record<string, () => RequestBody>> = {
    bytes: () => Buffer.alloc(8 * 1_048_576),
    "a source": () => new Source(),
  };
  for (const [name, make] of Object.entries(bodies)) {
    it(`comes though the connection of an upload is reset right behind: ${name}`, async (test) => {
      const head = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n";
      const server = await scriptedServer(test, resetBehind(`${head}no`));
      const agent = httpAgent(test, { engine });

      for (const _ of MANY) {
        const response = await agent.request({ url: server.origin, method: "POST", body: make() });
        assert.deepEqual([response.status, await response.text()], [413, "no"]);
      }
    });

    it(`is not taken for complete without length where a reset ends it: ${name}`, async (test) => {
      const server = await scriptedServer(test, async (peer) => {
        await until(() => peer.received.length > 0);
        peer.socket.pause();
        peer.send("HTTP/1.1 200 OK\r\n\r\npart");
      });
      const agent = httpAgent(test, { engine });

      for (const index of MANY) {
        const response = await agent.request({ url: server.origin, method: "POST", body: make() });
        assert.equal(String(await response.body.read()), "part");
        const reading = response.body.read();
        server.peers[index]?.reset();

        await assert.rejects(reading, { code: "CONNECTION_RESET" });
      }
    });
  }
}

function pace(engine: EngineName): void {
  it("is the server's, whatever the size", async (test) => {
    let receivedBytes = 0;
    let mostAhead = 0;
    const source = new Source();
    const server = await nodeServer(test, async (request, response) => {
      for await (const bytes of request) {
        receivedBytes += (bytes as Buffer).length;
        mostAhead = Math.max(mostAhead, source.takenCount * BLOCK.length - receivedBytes);
        if (receivedBytes % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    const agent = httpAgent(test, { engine });
    const total = 32 * 1_048_576;
    async function* limited(): AsyncGenerator<Uint8Array> {
      for await (const block of source) {
        if (source.takenCount * block.length > total) return;
        yield block;
      }
    }

    const response = await agent.follow(server.origin, { method: "POST", body: limited() });

    assert.equal(response.status, 200);
    assert.equal(receivedBytes, total);
    assert.ok(mostAhead < total / 2, `${mostAhead} bytes were taken ahead`);
  });
}

function aborts(engine: EngineName): void {
  it("ends an upload, and tells its source", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.ended();
    });
    const agent = httpAgent(test, { engine });
    const controller = new AbortController();
    const source = new Source();

    const options = { method: "PUT", body: source, signal: controller.signal };
    const asked = agent.follow(server.origin, options);
    asked.catch(() => {});
    await until(() => (server.peers[0]?.received.length ?? 0) > 200_000);
    controller.abort();

    await assert.rejects(asked, { code: "ABORTED" });
    await until(() => source.isEnded);
    await server.peers[0]?.ended();
  });

  it("can be done by the source itself, while it is asked for a chunk", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });
    const controller = new AbortController();
    let isEnded = false;
    function* source(): Generator<Uint8Array> {
      try {
        yield BLOCK;
        controller.abort();
        yield BLOCK;
      } finally {
        isEnded = true;
      }
    }

    const options = { method: "PUT", body: source(), signal: controller.signal };

    await assert.rejects(agent.follow(server.origin, options), { code: "ABORTED" });
    await until(() => isEnded && agent.stats.connectionCount === 0);
  });

  it("ends a request that waits for 100 Continue before its body", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine, continueTimeoutMs: 60_000 });
    const controller = new AbortController();

    const { signal } = controller;
    const options = { method: "PUT", body: "secret", expectContinue: true, signal };
    const asked = agent.follow(server.origin, options);
    asked.catch(() => {});
    await until(() => server.peers[0]?.received.includes("\r\n\r\n") === true);
    controller.abort();

    await assert.rejects(asked, { code: "ABORTED" });
    await server.peers[0]?.ended();
    assert.doesNotMatch(server.peers[0]?.received ?? "", /secret/);
  });

  it("ends a body that is being decoded", async (test) => {
    const encoded = gzipSync(BLOCK);
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      const head = `Content-Encoding: gzip\r\nContent-Length: ${encoded.length}`;
      peer.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
      peer.send(encoded.subarray(0, encoded.length - 10));
      await peer.ended();
    });
    const agent = httpAgent(test, { engine });
    const controller = new AbortController();

    const response = await agent.follow(server.origin, { signal: controller.signal });
    const reading = response.bytes();
    reading.catch(() => {});
    controller.abort();

    await assert.rejects(reading, { code: "ABORTED" });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("says why: the signal's reason is the cause", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });

    const asked = agent.follow(server.origin, { signal: AbortSignal.timeout(20) });

    await assert.rejects(asked, ({ code, cause }: { code?: string; cause?: Error }) => {
      assert.deepEqual([code, cause?.name], ["ABORTED", "TimeoutError"]);
      return true;
    });
  });
}
