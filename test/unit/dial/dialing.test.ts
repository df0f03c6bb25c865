import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NetError, TcpAgent, TcpClient, TcpServer } from "hp-socket";
import { memoryWorld } from "../../support/memory-world.js";

describe("Dialing", () => {
  it("ends the attempt with HANDLER_FAILED when onLookup throws", async () => {
    const { engine } = memoryWorld();
    const client = new TcpClient({ engine, onReceive() {} });
    const onLookup = (): void => assert.fail("no");

    const attempt = client.connect({ port: 7_000, onLookup });

    await assert.rejects(attempt, { code: "HANDLER_FAILED" });
    await client.stopped();
    assert.equal(client.connectionCount, 0);
  });

  it("begins nothing when onLookup ends the connection", async () => {
    const { engine } = memoryWorld();
    const client: TcpClient = new TcpClient({ engine, onReceive() {} });

    const attempt = client.connect({ port: 7_000, onLookup: () => void client.abort() });

    await assert.rejects(attempt, { code: "ABORTED" });
    await client.stopped();
    assert.equal(client.connectionCount, 0);
  });

  it("begins nothing for a signal that is none, and can connect afterwards", async () => {
    const { engine } = memoryWorld();
    const server = new TcpServer({ engine, onReceive() {} });
    await server.listen({ port: 7_000 });
    const client = new TcpClient({ engine, onReceive() {} });
    const signal = {} as AbortSignal;

    await assert.rejects(client.connect({ port: 7_000, signal }), { code: "INVALID_ARGUMENT" });
    await client.connect({ port: 7_000 });

    assert.equal(client.isOpen, true);
    await Promise.all([client.stop(), server.stop()]);
  });

  for (const how of ["abort", "stop", "signal", "close"] as const) {
    it(`rejects once and tells of the end once when it is given up by ${how}`, async () => {
      const { engine } = memoryWorld();
      const codes: string[] = [];
      const agent = new TcpAgent({ engine, onClose: (_, { code }) => codes.push(code) });
      const controller = new AbortController();
      const attempt = agent
        .connect({ host: "localhost", port: 7_000, signal: controller.signal })
        .catch((error: NetError) => error.code);
      const [id = 0] = agent.connectionIds();

      if (how === "abort") agent.abort(id);
      else if (how === "close") agent.close(id);
      else if (how === "signal") controller.abort();
      else void agent.stop();

      assert.equal(await attempt, how === "stop" ? "STOPPED" : "ABORTED");
      await agent.stop();
      assert.deepEqual(codes, [how === "stop" ? "STOPPED" : "ABORTED"]);
    });
  }

  it("gives up after timeoutMs, whatever it waits for", async () => {
    const { engine, clock } = memoryWorld();
    const agent = new TcpAgent({ engine });
    const attempt = agent.connect({ port: 7_000, timeoutMs: 100 });
    const code = attempt.catch((error: NetError) => error.code);

    clock.advance(110);

    assert.equal(await code, "CONNECT_TIMEOUT");
    assert.equal(agent.connectionCount, 0);
  });
});

describe("allowAddress", () => {
  it("is asked for what is dialled, whatever the name resolves to later", async (test) => {
    const answers = [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.2"]];
    const { engine } = memoryWorld();
    const server = new TcpServer({ engine });
    await server.listen({ host: "127.0.0.1", port: 7_000 });
    const asked: string[] = [];
    engine.resolve = () => {
      const hosts = answers.shift() ?? assert.fail("looked up again");
      return Promise.resolve(hosts.map((host) => ({ host, family: "IPv4" as const })));
    };
    const agent = new TcpAgent({ engine });
    test.after(() => Promise.all([agent.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    const connect = (): ReturnType<TcpAgent["connect"]> =>
      agent.connect({
        host: "a.example",
        port: 7_000,
        allowAddress: (address, host, port) => {
          asked.push(`${address} ${host} ${port}`);
          return address !== "127.0.0.2";
        },
      });

    assert.equal((await connect()).remoteAddress?.host, "127.0.0.1");
    assert.equal((await connect()).remoteAddress?.host, "127.0.0.1");
    await assert.rejects(connect(), { code: "ADDRESS_REFUSED" });
    assert.equal(asked.length, 4);
    assert.equal(asked[0], "127.0.0.1 a.example 7000");
  });
});
