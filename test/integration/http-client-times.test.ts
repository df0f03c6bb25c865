/** Time-outs and aborts of requests, in each of their phases. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import type { HttpRequestOptions } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { nodeServer, type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

/** What a server does with a request, so that it stays in one phase. */
const PHASES: Readonly<Record<string, (peer: ScriptedPeer) => Promise<void>>> = {
  head: async (peer) => {
    await peer.request();
    await peer.ended();
  },
  "half a head": async (peer) => {
    await peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-");
    await peer.ended();
  },
  "after 1xx": async (peer) => {
    await peer.request();
    peer.send("HTTP/1.1 102 Processing\r\n\r\n");
    await peer.ended();
  },
};

for (const engine of availableEngines()) {
  describe(`time-outs of an agent on ${engine}`, () => timeouts(engine));
  describe(`aborts of an agent on ${engine}`, () => aborts(engine));
}

async function half(peer: ScriptedPeer): Promise<void> {
  await peer.request();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  await peer.ended();
}

function timeouts(engine: EngineName): void {
  for (const [phase, script] of Object.entries(PHASES)) {
    it(`ends with HTTP_HEAD_TIMEOUT where the head does not come: ${phase}`, async (test) => {
      const server = await scriptedServer(test, script);
      const agent = httpAgent(test, { engine, headTimeoutMs: 30 });

      await assert.rejects(agent.request({ url: server.origin }), {
        code: "HTTP_HEAD_TIMEOUT",
        fault: "limit",
      });

      await until(() => agent.stats.connectionCount === 0);
    });

    it(`ends with REQUEST_TIMEOUT where the whole takes too long: ${phase}`, async (test) => {
      const server = await scriptedServer(test, script);
      const agent = httpAgent(test, { engine });

      await assert.rejects(agent.request({ url: server.origin, timeoutMs: 30 }), {
        code: "REQUEST_TIMEOUT",
      });

      await until(() => agent.stats.connectionCount === 0);
    });
  }

  it("ends with HANDSHAKE_TIMEOUT where TLS is not established within connectTimeoutMs", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });
    // TLS with somebody who says nothing: the handshake never ends.
    const url = `https://127.0.0.1:${server.port}/`;

    const asked = agent.request({ url, connectTimeoutMs: 50 });

    const message =
      /^TLS was not established within the rest of connectTimeoutMs \((?:50|[1-4]?\d)\)$/;
    await assert.rejects(asked, { code: "HANDSHAKE_TIMEOUT", fault: "limit", message });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("ends the body with HTTP_BODY_TIMEOUT when nothing comes for bodyTimeoutMs", async (test) => {
    const server = await scriptedServer(test, half);
    const agent = httpAgent(test, { engine, bodyTimeoutMs: 30 });

    const { body } = await agent.request({ url: server.origin });
    const first = await body.read();

    assert.equal(String(first), "half");
    await assert.rejects(body.read(), { code: "HTTP_BODY_TIMEOUT" });
  });

  it("does not take our own slowness for silence", async (test) => {
    const server = await nodeServer(test, (_request, response) => {
      response.end(Buffer.alloc(5_000_000));
    });
    const agent = httpAgent(test, { engine, bodyTimeoutMs: 60 });

    const { body } = await agent.request({ url: server.origin });
    const endMs = performance.now() + 200;
    await until(() => performance.now() > endMs);
    const bytes = await body.bytes();

    assert.equal(bytes.length, 5_000_000);
  });

  it("reads what came while the program was busy before it calls the server silent", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
      await until(() => isRead);
      peer.send("more");
      const endMs = performance.now() + 100;
      while (performance.now() < endMs);
    });
    let isRead = false;
    const agent = httpAgent(test, { engine, bodyTimeoutMs: 30 });

    const { body } = await agent.request({ url: server.origin });
    await body.read();
    isRead = true;

    assert.equal(String(await body.read()), "more");
  });

  it("ends the body with REQUEST_TIMEOUT when the whole takes too long", async (test) => {
    const server = await scriptedServer(test, half);
    const agent = httpAgent(test, { engine });

    // On a machine that is held up the time may be over before the head is read.
    const whole = agent.request({ url: server.origin, timeoutMs: 40 }).then((head) => head.text());

    await assert.rejects(whole, { code: "REQUEST_TIMEOUT" });
  });

  it("ends a request that waits for a connection with REQUEST_TIMEOUT", async (test) => {
    const server = await scriptedServer(test, PHASES["head"]!);
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
    const first = agent.request({ url: server.origin });
    first.catch(() => {});

    const second = agent.request({ url: server.origin, timeoutMs: 30 });

    await assert.rejects(second, { code: "REQUEST_TIMEOUT" });
    assert.equal(agent.stats.queuedCount, 0);
    assert.equal(agent.stats.connectionCount, 1);
  });

  it("ends an upload that the server does not take with HTTP_BODY_TIMEOUT", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      peer.socket.pause();
    });
    const agent = httpAgent(test, { engine, bodyTimeoutMs: 50, headTimeoutMs: 60 });
    const post = { url: server.origin, method: "POST" };

    const asBytes = agent.request({ ...post, body: Buffer.alloc(50_000_000) });

    await assert.rejects(asBytes, { code: "HTTP_BODY_TIMEOUT" });
  });

  it("gives a slow upload its time while the server takes something", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      peer.socket.pause();
      const timer = setInterval(() => {
        peer.socket.resume();
        setImmediate(() => peer.socket.pause());
      }, 5);
      await until(() => peer.received.length > 12_000_000 || peer.isClosed);
      clearInterval(timer);
      peer.socket.resume();
      peer.answer("taken");
    });
    const agent = httpAgent(test, { engine, bodyTimeoutMs: 5_000, headTimeoutMs: 5_000 });

    const options = { url: server.origin, method: "PUT", body: Buffer.alloc(12_000_000) };
    const response = await agent.request(options);

    assert.equal(await response.text(), "taken");
  });
}

function aborts(engine: EngineName): void {
  async function assertAborts(
    ask: (options: Pick<HttpRequestOptions, "signal">) => Promise<unknown>,
    ready: () => boolean,
  ): Promise<void> {
    const controller = new AbortController();
    const cause = new Error("enough");
    const asked = ask({ signal: controller.signal });
    asked.catch(() => {});
    await until(ready);

    controller.abort(cause);

    await assert.rejects(asked, { code: "ABORTED", cause });
  }

  it("begins nothing when the signal was aborted before", async (test) => {
    const agent = httpAgent(test, { engine });

    const asked = agent.request({ url: "http://127.0.0.1:1/", signal: AbortSignal.abort() });

    await assert.rejects(asked, { code: "ABORTED" });
    assert.equal(agent.stats.requestCount, 0);
  });

  it("aborts while the connection is being made, and calls that off", async (test) => {
    const server = await scriptedServer(test, (peer) => peer.ended());
    const agent = httpAgent(test, { engine });

    await assertAborts(
      ({ signal }) => agent.request({ url: server.origin, signal }),
      () => true,
    );

    await until(() => agent.stats.connectionCount === 0);
  });

  it("aborts while it waits for a connection, and leaves the others alone", async (test) => {
    let answer: (() => void) | undefined;
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      answer = () => peer.answer("fine");
    });
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
    const first = agent.request({ url: server.origin });

    await assertAborts(
      ({ signal }) => agent.request({ url: server.origin, signal }),
      () => answer !== undefined,
    );
    answer?.();

    assert.equal(await (await first).text(), "fine");
  });

  for (const [phase, script] of Object.entries(PHASES)) {
    it(`aborts while the head is awaited: ${phase}`, async (test) => {
      const server = await scriptedServer(test, script);
      const agent = httpAgent(test, { engine });

      await assertAborts(
        ({ signal }) => agent.request({ url: server.origin, signal }),
        () => server.peers[0]?.received.includes("\r\n\r\n") === true,
      );

      await server.peers[0]?.ended();
      assert.equal(agent.stats.connectionCount, 0);
    });
  }

  it("aborts within the body", async (test) => {
    const server = await scriptedServer(test, half);
    const agent = httpAgent(test, { engine });
    let begun = false;

    await assertAborts(
      async ({ signal }) => {
        const { body } = await agent.request({ url: server.origin, signal });
        await body.read();
        begun = true;
        await body.read();
      },
      () => begun,
    );

    await server.peers[0]?.ended();
  });

  it("waits for one signal with any number of requests, without a warning, and leaves nothing there", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      for (;;) {
        await peer.request();
        if (peer.received.includes("/silent")) return;
        peer.answer("fine");
      }
    });
    const agent = httpAgent(test, { engine });
    const controller = new AbortController();
    const { signal } = controller;
    const warnings: Error[] = [];
    const warn = (warning: Error): number => warnings.push(warning);
    process.on("warning", warn);
    test.after(() => process.off("warning", warn));

    const asked = Array.from({ length: 50 }, () => agent.request({ url: server.origin, signal }));
    const responses = await Promise.all(asked);
    await Promise.all(responses.map((response) => response.text()));
    const leftCount = getEventListeners(signal, "abort").length;
    const silent = Array.from({ length: 50 }, () =>
      agent.request({ url: `${server.origin}/silent`, signal }).catch(({ code }) => code),
    );
    controller.abort();

    assert.deepEqual(await Promise.all(silent), Array(50).fill("ABORTED"));
    assert.equal(leftCount, 0);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    assert.deepEqual(warnings, []);
  });

  it("does nothing to a response that is complete", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("all"));
    const agent = httpAgent(test, { engine });
    const controller = new AbortController();

    const { signal } = controller;
    const response = await agent.request({ url: server.origin, signal });
    await until(() => response.body.isComplete);
    controller.abort();

    assert.equal(await response.text(), "all");
    assert.equal(agent.stats.idleCount, 1);
  });
}
