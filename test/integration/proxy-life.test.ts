import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ComponentStats, IpAddress, NetError, StopResult, WaitOptions } from "hp-socket";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { ProxyServer, Relay, UdpRelay } from "hp-socket/proxy";
import type { Engine } from "#src/engine/engine.js";
import { memoryWorld } from "../support/memory-world.js";

/** What all of them have. */
interface Service {
  readonly stats: Pick<ComponentStats, "engine" | "state" | "openedCount" | "refusedCount">;
  readonly address: unknown;
  readonly port: number;
  listen(): Promise<IpAddress>;
  stop(): Promise<StopResult>;
  stopped(options?: WaitOptions): Promise<void>;
}

const KINDS: Readonly<Record<string, (engine: Engine) => Service>> = {
  ProxyServer: (engine) => new ProxyServer({ engine }),
  Relay: (engine) => new Relay({ engine, to: ["127.0.0.1:1"] }),
  UdpRelay: (engine) => new UdpRelay({ engine, to: ["127.0.0.1:1"] }),
};

function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: NetError) => error.code,
  );
}

describe("the life of proxies and relays", () => {
  for (const [name, make] of Object.entries(KINDS)) {
    it(`is the same for all: ${name}`, async () => {
      const { engine } = memoryWorld();
      const one = make(engine);
      assert.deepEqual([one.stats.state, one.port, one.address], ["stopped", 0, undefined]);
      await one.stopped();
      for (let round = 0; round < 2; round++) {
        const listening = one.listen();
        assert.equal(one.stats.state, "starting");
        assert.equal((await listening).port, one.port);
        assert.equal(one.stats.state, "started");
        assert.equal(await codeOf(one.listen()), "INVALID_STATE");
        const stopped = one.stopped();
        const stopping = one.stop();
        assert.equal(one.stats.state, "stopping");
        assert.equal(await codeOf(one.listen()), "INVALID_STATE");
        assert.deepEqual(await stopping, { drainedCount: 0, cutCount: 0 });
        await stopped;
        assert.equal(one.stats.state, "stopped");
      }
      const given = new AbortController();
      await one.listen();
      const waiting = codeOf(one.stopped({ signal: given.signal }));
      given.abort();
      assert.equal(await waiting, "ABORTED");
      await one.stop();
    });
  }
});

describe("a proxy that was stopped", () => {
  it("listens again, with upstream connections of its own", async (test) => {
    const { engine } = memoryWorld();
    const origin = new HttpServer({
      engine,
      onRequest: (exchange) => exchange.respondText(200, "hi"),
    });
    const { port } = await origin.listen({ host: "127.0.0.1" });
    const proxy = new ProxyServer({ engine, destinations: { allow: ["127.0.0.1"] } });
    test.after(() => Promise.all([proxy.stop({ drainMs: 0 }), origin.stop({ drainMs: 0 })]));
    for (let round = 0; round < 2; round++) {
      const at = await proxy.listen();
      const agent = new HttpAgent({ engine, proxy: `http://127.0.0.1:${at.port}` });
      const response = await agent.request({ url: `http://127.0.0.1:${port}/` });
      assert.equal(await response.text(), "hi");
      await agent.stop();
      assert.equal(proxy.stats.upstream.connectionCount, 1);
      await proxy.stop();
      await engine.settle();
      assert.deepEqual([proxy.stats.upstream.connectionCount, origin.connectionCount], [0, 0]);
    }
    assert.deepEqual([proxy.stats.requestCount, proxy.stats.state], [2, "stopped"]);
  });
});
