/** The connections of an HTTP agent: kept, bounded, found dead, let go. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { nodeServer, type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

type Death = (peer: ScriptedPeer) => void;

const DEATHS: readonly (readonly [string, Death])[] = [
  ["finishes", (peer) => peer.finish()],
  ["resets", (peer) => peer.reset()],
];

for (const engine of availableEngines()) {
  describe(`connections of an agent on ${engine}`, () => keeping(engine));
  describe(`connections of an agent that turn out to be dead on ${engine}`, () => dying(engine));
  describe(`limits of an agent on ${engine}`, () => limits(engine));
  describe(`connections that were handed over on ${engine}`, () => handedOver(engine));
  describe(`the end of an agent on ${engine}`, () => stopping(engine));
}

/** Answers every request. */
async function answerAll(peer: ScriptedPeer): Promise<void> {
  while (!peer.hasEnded && !peer.isClosed) {
    const text = await peer.request().catch(() => undefined);
    if (text !== undefined) peer.answer(String(peer.index));
  }
  peer.finish();
}

function keeping(engine: EngineName): void {
  it("uses one connection for one request after the other", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine });

    for (let count = 0; count < 5; count++) {
      const response = await agent.request({ url: server.origin });
      await response.text();
    }

    assert.equal(server.peers.length, 1);
    assert.deepEqual(agent.stats, {
      originCount: 1,
      connectionCount: 1,
      idleCount: 1,
      queuedCount: 0,
      requestCount: 5,
      repeatedCount: 0,
    });
  });

  it("takes the connection that was used last", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine });
    const ask = async () => (await agent.request({ url: server.origin })).text();

    await Promise.all([ask(), ask(), ask()]);
    const last = await ask();
    const again = await ask();

    assert.equal(server.peers.length, 3);
    assert.equal(again, last);
  });

  it("closes a connection after Connection: close, and after a body without length", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      if (peer.index === 0) peer.answer("a", "Connection: close\r\n");
      else peer.send("HTTP/1.1 200 OK\r\n\r\na");
      if (peer.index === 1) peer.finish();
      await peer.ended();
      peer.finish();
    });
    const agent = httpAgent(test, { engine });

    for (let count = 0; count < 2; count++) {
      const response = await agent.request({ url: server.origin });
      assert.equal(await response.text(), "a");
      await until(() => agent.stats.connectionCount === 0);
    }

    assert.equal(agent.stats.originCount, 0);
  });

  it("closes the connection when the request says so", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine });

    const headers = { Connection: "close" };
    const response = await agent.request({ url: server.origin, headers });
    await response.text();

    await until(() => agent.stats.connectionCount === 0);
  });

  it("closes a connection that is not used for idleTimeoutMs", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine, idleTimeoutMs: 30 });

    await (await agent.request({ url: server.origin })).text();
    assert.equal(agent.stats.idleCount, 1);
    await until(() => agent.stats.connectionCount === 0);

    await until(() => server.peers[0]?.hasEnded === true);
  });

  it("gives a connection up before the server does, by what the server says", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer("", `Keep-Alive: timeout=${peer.index === 0 ? 5 : 1}, max=100\r\n`);
      await peer.ended();
      peer.finish();
    });
    const agent = httpAgent(test, { engine, idleTimeoutMs: 1, idleMarginMs: 1_000 });

    await (await agent.request({ url: server.origin })).text();
    const kept = agent.stats.idleCount;
    agent.closeIdle();
    await until(() => agent.stats.connectionCount === 0);
    await (await agent.request({ url: server.origin })).text();

    assert.equal(kept, 1);
    assert.equal(agent.stats.idleCount, 0, "a margin of a second leaves nothing of one second");
    await until(() => agent.stats.connectionCount === 0);
  });

  it("keeps no connection with idleTimeoutMs 0", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine, idleTimeoutMs: 0 });

    await (await agent.request({ url: server.origin })).text();

    await until(() => agent.stats.connectionCount === 0);
  });

  it("takes no bytes that came before a request for its answer", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer("first");
      if (peer.index > 0) return;
      peer.answer("smuggled");
      await peer.ended();
    });
    const agent = httpAgent(test, { engine });

    const first = await agent.request({ url: server.origin });
    assert.equal(await first.text(), "first");
    const second = await agent.request({ url: server.origin });

    assert.equal(await second.text(), "first");
    assert.equal(server.peers.length, 2);
  });

  it("takes no bytes behind an answer for that of a request that waits", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
      peer.send(peer.index === 0 ? `${answer}a0${answer}XX` : `${answer}a1`);
    });
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });

    const asked = [1, 2].map(() => agent.request({ url: server.origin }));
    const [first, second] = await Promise.all(asked);

    assert.equal(await first?.text(), "a0");
    assert.equal(await second?.text(), "a1");
  });

  it("keeps connections to different origins apart", async (test) => {
    const one = await scriptedServer(test, answerAll);
    const other = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine });

    await (await agent.request({ url: one.origin })).text();
    await (await agent.request({ url: other.origin })).text();
    await (await agent.request({ url: one.origin.toUpperCase() })).text();

    assert.equal(one.peers.length, 1);
    assert.equal(other.peers.length, 1);
    assert.equal(agent.stats.originCount, 2);
  });
}

function dying(engine: EngineName): void {
  for (const [name, die] of DEATHS) {
    /** Answers once on the first two connections; what comes there afterwards kills them. */
    const script = async (peer: ScriptedPeer): Promise<void> => {
      await peer.request();
      peer.answer(String(peer.index));
      if (peer.index > 1) {
        await answerAll(peer);
        return;
      }
      await peer.request().catch(() => undefined);
      die(peer);
    };

    it(`sends a request again when its kept connection ${name} instead of answering`, async (test) => {
      const server = await scriptedServer(test, script);
      const agent = httpAgent(test, { engine });
      const ask = async (method: string, body?: string) => {
        const options = { url: server.origin, method, ...(body !== undefined && { body }) };
        return await (await agent.request(options)).text();
      };

      await Promise.all([ask("GET"), ask("GET")]);
      const answers = [await ask("PUT", "body"), await ask("DELETE"), await ask("GET")];

      assert.equal(answers[0], "2", "by a new connection, not by the other that was kept");
      assert.equal(server.peers.length, 3);
      assert.match(server.peers[2]?.received ?? "", /^PUT [\s\S]*body/);
      assert.equal(agent.stats.repeatedCount, 1);
    });

    it(`does not send a POST again when its kept connection ${name}`, async (test) => {
      const server = await scriptedServer(test, script);
      const agent = httpAgent(test, { engine });

      await (await agent.request({ url: server.origin })).text();
      const asked = agent.request({ url: server.origin, method: "POST", body: "order" });

      await assert.rejects(asked, { code: /CONNECTION_CLOSED|CONNECTION_RESET/ });
      assert.equal(agent.stats.repeatedCount, 0);
    });

    it(`sends a POST again when it is called idempotent and its connection ${name}`, async (test) => {
      const server = await scriptedServer(test, script);
      const agent = httpAgent(test, { engine });
      const post = { url: server.origin, method: "POST", body: "order" };

      await Promise.all([1, 2].map(async () => (await agent.request({ ...post })).text()));
      const response = await agent.request({ ...post, idempotent: true });

      assert.equal(response.status, 200);
      assert.equal(agent.stats.repeatedCount, 1);
    });
  }

  it("does not send again what can be read only once, or what was answered in part", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer();
      await peer.request();
      if (peer.index === 1) peer.send("HTTP/1.1 ");
      peer.finish();
    });
    const agent = httpAgent(test, { engine });
    const first = { url: server.origin };

    await (await agent.request(first)).text();
    const stream = agent.request({ ...first, method: "PUT", body: new Blob(["a"]).stream() });
    await assert.rejects(stream, { code: "CONNECTION_CLOSED" });
    await (await agent.request(first)).text();
    await assert.rejects(agent.request(first), { code: "HTTP_TRUNCATED" });

    assert.equal(agent.stats.repeatedCount, 0);
  });

  it("does not send a request again whose new connection breaks", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.reset();
    });
    const agent = httpAgent(test, { engine });

    await assert.rejects(agent.request({ url: server.origin }), { code: "CONNECTION_RESET" });

    assert.equal(server.peers.length, 1);
  });

  it("fails when no new connection can be made, though another one serves", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer();
      await peer.request();
      if (peer.index === 1) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nendless");
      else if (await server.close()) peer.reset();
    });
    const agent = httpAgent(test, { engine });
    const request = { url: server.origin };
    await Promise.all([agent.request(request), agent.request(request)]);
    await agent.request(request);

    await assert.rejects(agent.request(request), { code: "CONNECTION_REFUSED" });

    assert.equal(agent.stats.repeatedCount, 1);
    assert.equal(agent.stats.connectionCount, 1);
  });

  it("repeats within the limit of connections", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer();
      await peer.request();
      if (peer.index < 2) peer.reset();
      else peer.answer("alive");
    });
    const agent = httpAgent(test, { engine, maxConnections: 1 });

    await (await agent.request({ url: server.origin })).text();
    const asked = agent.request({ url: server.origin });
    await (await asked).text();
    await until(() => server.peers.length === 2);

    assert.equal((await asked).status, 200);
    assert.equal(agent.stats.connectionCount, 1);
  });

  it("shows no error of a server that closes idle connections as requests go out", async (test) => {
    const requestCounts = new Map<object, number>();
    const server = await nodeServer(test, ({ socket }, response) => {
      const count = (requestCounts.get(socket) ?? 0) + 1;
      requestCounts.set(socket, count);
      // With a Connection of its own Node does not announce its time.
      response.setHeader("Connection", "keep-alive");
      if (count === 3) socket.destroy();
      else response.end("alive");
    });
    server.server.keepAliveTimeout = 1;
    const agent = httpAgent(test, { engine, idleMarginMs: 0, idleTimeoutMs: 10_000 });
    for (let count = 0; count < 200; count++) {
      const response = await agent.request({ url: server.origin });
      assert.equal(await response.text(), "alive");
      for (let turn = 0; turn < count % 7; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }

    assert.ok(agent.stats.repeatedCount > 0, "the race was met");
  });
}

function limits(engine: EngineName): void {
  it("has no more connections to an origin than allowed, and answers in order", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 3 });

    const asked = Array.from({ length: 50 }, async (_, index) => {
      const response = await agent.request({ url: `${server.origin}/${index}` });
      await response.text();
      return index;
    });
    const answered = await Promise.all(asked);

    assert.equal(answered.length, 50);
    assert.equal(server.peers.length, 3);
  });

  it("rejects with HTTP_QUEUE_FULL when maxQueued requests wait", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1, maxQueued: 2 });

    const asked = [1, 2, 3].map(() => agent.request({ url: server.origin }));
    const results = await Promise.allSettled(asked);

    const codes = results.map((one) => (one.status === "rejected" ? one.reason.code : "fine"));
    assert.deepEqual(codes, ["fine", "fine", "HTTP_QUEUE_FULL"]);
    assert.equal(agent.stats.queuedCount, 0);
  });

  it("gives up idle connections to other origins at maxConnections", async (test) => {
    const servers = await Promise.all([1, 2, 3, 4].map(() => scriptedServer(test, answerAll)));
    const agent = httpAgent(test, { engine, maxConnections: 2 });

    for (const { origin } of [...servers, ...servers]) {
      await (await agent.request({ url: origin })).text();
      assert.ok(agent.stats.connectionCount <= 2);
    }
    const asked = servers.map(async ({ origin }) => (await agent.request({ url: origin })).text());

    await Promise.all(asked);
    assert.ok(agent.stats.connectionCount <= 2);
  });

  it("fails all that wait when no connection can be made, and only then", async (test) => {
    const server = await scriptedServer(test, answerAll);
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 2 });
    const url = "http://127.0.0.1:1/";

    const refused = await Promise.allSettled([1, 2, 3, 4, 5].map(() => agent.request({ url })));
    const response = await agent.request({ url: server.origin });

    assert.ok(
      refused.every((one) => one.status === "rejected" && one.reason.code === "CONNECTION_REFUSED"),
    );
    assert.equal(response.status, 200);
    assert.equal(agent.stats.originCount, 1);
  });
}

function handedOver(engine: EngineName): void {
  it("serve nobody: what waits fails when no other can be made", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    });
    const agent = httpAgent(test, { engine });
    const { upgraded } = await agent.request({ url: server.origin, upgrade: "x" });
    await server.close();

    const asked = agent.request({ url: server.origin });

    await assert.rejects(asked, { code: "CONNECTION_REFUSED" });
    assert.equal(upgraded?.connection.isOpen, true);
  });
}

function stopping(engine: EngineName): void {
  it("lets requests under way end, and rejects new ones with STOPPED", async (test) => {
    let answer: (() => void) | undefined;
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      answer = () => peer.answer("late");
      await peer.ended();
      peer.finish();
    });
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
    const asked = agent.request({ url: server.origin });
    const waiting = agent.request({ url: server.origin });
    await until(() => answer !== undefined);

    const stopped = agent.stop();
    await assert.rejects(waiting, { code: "STOPPED" });
    await assert.rejects(agent.request({ url: server.origin }), { code: "STOPPED" });
    answer?.();

    assert.equal(await (await asked).text(), "late");
    await stopped;
    assert.equal(agent.stats.connectionCount, 0);
  });

  it("cuts what is left after drainMs", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      await peer.ended();
    });
    const agent = httpAgent(test, { engine });
    const asked = agent.request({ url: server.origin });
    await until(() => server.peers[0]?.received.includes("\r\n\r\n") === true);

    const [result] = await Promise.allSettled([asked, agent.stop({ drainMs: 20 })]);

    assert.equal(result?.status === "rejected" && result.reason.code, "STOPPED");
    assert.equal(agent.stats.connectionCount, 0);
  });

  it("calls attempts to connect off", async (test) => {
    const agent = httpAgent(test, { engine });
    const asked = agent.request({ url: "http://127.0.0.1:1/" });

    const [result] = await Promise.allSettled([asked, agent.stop()]);

    assert.equal(result?.status, "rejected");
    assert.equal(agent.stats.connectionCount, 0);
  });
}
