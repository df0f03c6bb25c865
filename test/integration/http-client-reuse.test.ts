/** When a kept connection is used again, and what becomes of a request when it turns out to be of no use. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent, httpClient } from "../support/http-client-world.js";
import { type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`a kept connection on ${engine}`, () => reuse(engine));
  describe(`a request that was repeated on ${engine}`, () => repeated(engine));
}

/** Says that it keeps the connection, and closes it at once. */
async function finishing(peer: ScriptedPeer): Promise<void> {
  await peer.request();
  peer.answer("ok");
  peer.finish();
}

function reuse(engine: EngineName): void {
  it("is not used for a POST when the server has finished behind its response", async (test) => {
    const server = await scriptedServer(test, finishing);
    const agent = httpAgent(test, { engine });
    const post = { url: server.origin, method: "POST", body: "order" };

    for (let count = 0; count < 20; count++) await (await agent.request(post)).text();

    const requestCounts = server.peers.map(({ received }) => received.split("POST").length - 1);
    assert.deepEqual(requestCounts, Array(20).fill(1));
    assert.equal(agent.stats.repeatedCount, 0);
  });

  it("is not used for POSTs that wait for it, either", async (test) => {
    const server = await scriptedServer(test, finishing);
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });

    const asked = Array.from({ length: 20 }, async (_, index) => {
      const body = String(index);
      const response = await agent.request({ url: server.origin, method: "POST", body });
      return await response.text();
    });

    assert.deepEqual(await Promise.all(asked), Array(20).fill("ok"));
    assert.deepEqual(
      server.peers.map(({ received }) => received.slice(received.indexOf("\r\n\r\n") + 4)),
      Array.from({ length: 20 }, (_, index) => String(index)),
    );
    assert.equal(agent.stats.repeatedCount, 0);
  });

  it("of a client is made anew for such a request", async (test) => {
    const server = await scriptedServer(test, finishing);
    const client = httpClient(test, { engine });
    await client.connect(server.origin);

    const asked = [
      client.post("/1", "order"),
      client.post("/2", "order"),
      client.post("/3", "order"),
    ];
    const responses = await Promise.all(asked.map(async (one) => (await one).text()));

    assert.deepEqual(responses, ["ok", "ok", "ok"]);
    assert.equal(server.peers.length, 3);
  });

  it("is free for others when a request that was about to be sent on it is called off", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      for (;;) peer.answer(await peer.request());
    });
    const agent = httpAgent(test, { engine, maxConnectionsPerOrigin: 1 });
    const post = { url: server.origin, method: "POST" };
    await (await agent.request(post)).text();

    const controller = new AbortController();
    const given = agent.request({ ...post, body: "never", signal: controller.signal });
    const next = agent.request({ ...post, body: "next" });
    controller.abort();

    await assert.rejects(given, { code: "ABORTED" });
    assert.match(await (await next).text(), /next$/);
    assert.doesNotMatch(server.peers[0]?.received ?? "", /never/);
    assert.equal(server.peers.length, 1);
  });

  it("that is about to be used is called off with the agent", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer();
      await peer.ended();
      peer.finish();
    });
    const agent = httpAgent(test, { engine });
    const post = { url: server.origin, method: "POST", body: "order" };
    await (await agent.request(post)).text();

    const asked = agent.request(post);
    const stopped = agent.stop();

    await assert.rejects(asked, { code: "STOPPED" });
    await stopped;
    assert.equal(agent.stats.connectionCount, 0);
  });
}

function repeated(engine: EngineName): void {
  it("leaves its connection where later requests, and stop, find it", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.answer("first");
      if (peer.index === 0) {
        await peer.request();
        peer.reset();
        return;
      }
      await peer.request();
      peer.answer("second");
      await peer.ended();
      peer.finish();
    });
    const agent = httpAgent(test, { engine });
    const ask = async (): Promise<string> => (await agent.request({ url: server.origin })).text();

    await ask();
    const again = await ask();
    const { originCount, idleCount } = agent.stats;
    const later = await ask();
    await agent.stop();

    assert.deepEqual([again, later], ["first", "second"]);
    assert.deepEqual([originCount, idleCount], [1, 1]);
    assert.equal(server.peers.length, 2);
    await until(() => server.peers[1]?.hasEnded === true);
  });
}
