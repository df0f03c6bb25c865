import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { type NetError, TcpAgent, TcpServer } from "hp-socket";
import { HttpServer } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { until } from "../support/until.js";

const closed = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) =>
    socket
      .on("error", () => {})
      .once("close", resolve)
      .resume(),
  );

for (const engine of availableEngines()) {
  describe(`access on real sockets (${engine})`, () => {
    it("refuses whom deny names before a handler hears of it, until it is changed", async () => {
      const codes: string[] = [];
      let accepted = 0;
      const server = new TcpServer({
        engine,
        access: { deny: ["127.0.0.0/8"] },
        onAccept: () => void accepted++,
        onReceive() {},
        onRefuse: ({ code }, from) => codes.push(`${code} ${from?.host}`),
      });
      const { port } = await server.listen({ host: "::", dualStack: true });
      await closed(connect(port, "127.0.0.1"));
      assert.equal(accepted, 0);
      assert.equal(server.stats.refusedCount, 1);
      assert.match(codes.join(), /^ACCESS_REFUSED (::ffff:)?127\.0\.0\.1$/);

      server.configure({ access: undefined });
      const socket = connect(port, "127.0.0.1");
      await until(() => accepted === 1);
      socket.destroy();
      await server.stop();
    });

    it("counts by address on an HTTP server too, and lets the next in when one has gone", async () => {
      const codes: string[] = [];
      const server = new HttpServer({
        engine,
        access: { maxConnectionsPerAddress: 1 },
        onRequest: (exchange) => void exchange.respond(200),
        onRefuse: ({ code }) => codes.push(code),
      });
      const { port } = await server.listen({ host: "127.0.0.1" });
      const first = connect(port, "127.0.0.1");
      await until(() => server.connectionCount === 1);
      await closed(connect(port, "127.0.0.1"));
      assert.deepEqual(codes, ["ADDRESS_LIMIT"]);
      first.destroy();
      await until(() => server.connectionCount === 0);
      const second = connect(port, "127.0.0.1");
      await until(() => server.connectionCount === 1);
      second.destroy();
      await server.stop();
    });
  });
}

describe("access", () => {
  it("counts the connections there are when it is switched on", async () => {
    const { engine } = memoryWorld();
    const refused: NetError[] = [];
    const server = new TcpServer({ engine, onReceive() {}, onRefuse: (e) => refused.push(e) });
    await server.listen({ port: 7_000 });
    const agent = new TcpAgent({ engine, onReceive() {} });
    const first = await agent.connect({ port: 7_000 });
    assert.throws(() => server.configure({ access: { deny: ["x"] } }), {
      code: "INVALID_ARGUMENT",
    });
    server.configure({ access: { maxConnectionsPerAddress: 1 } });
    await (await agent.connect({ port: 7_000 })).closed();
    assert.equal(refused[0]?.code, "ADDRESS_LIMIT");
    assert.match(refused[0]?.message ?? "", /maxConnectionsPerAddress \(1\)/);
    first.close();
    await first.closed();
    await until(() => server.connectionCount === 0);
    assert.equal((await agent.connect({ port: 7_000 })).isOpen, true);
    await Promise.all([agent.stop(), server.stop()]);
  });

  it("tells of 100 refusals a second and counts them all, with a thousand peers in one turn", async () => {
    const { engine, clock } = memoryWorld();
    let told = 0;
    const server = new TcpServer({
      engine,
      access: { newConnectionsPerSecond: 1 },
      onReceive() {},
      onRefuse: ({ code }) => {
        assert.equal(code, "ADDRESS_RATE_LIMIT");
        told++;
      },
    });
    await server.listen({ port: 7_000 });
    const agent = new TcpAgent({ engine, onReceive() {} });
    await Promise.allSettled(Array.from({ length: 1_001 }, () => agent.connect({ port: 7_000 })));
    await until(() => server.stats.refusedCount === 1_000);
    assert.equal(told, 100);
    assert.equal(server.connectionCount, 1);
    clock.advance(1_000);
    await agent.connect({ port: 7_000 });
    await until(() => server.connectionCount === 2);
    await Promise.all([agent.stop(), server.stop()]);
  });

  it("is no option of a component that does not listen", () => {
    const { engine } = memoryWorld();
    const options = { engine, onReceive() {}, access: {} };
    assert.throws(() => new TcpAgent(options as never), { code: "INVALID_ARGUMENT" });
  });
});
