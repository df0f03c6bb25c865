import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NetError, TcpAgent, TcpServer } from "hp-socket";
import { memoryWorld } from "../../support/memory-world.js";

describe("Listening: what handlers do while it begins", () => {
  it("neither listens nor hangs when onPrepareListen stops the server", async () => {
    const { engine } = memoryWorld();
    const stops: Promise<unknown>[] = [];
    const server: TcpServer = new TcpServer({
      engine,
      onReceive() {},
      onPrepareListen: () => {
        stops.push(server.stop());
      },
    });

    const listening = server.listen({ port: 7_000 }).catch((error: NetError) => error.code);

    assert.equal(await listening, "STOPPED");
    await Promise.all(stops);
    assert.equal(server.state, "stopped");
    assert.equal(server.address, undefined);
  });

  it("can listen again when onPrepareListen has stopped and begun anew", async () => {
    const { engine } = memoryWorld();
    let prepared = 0;
    const server: TcpServer = new TcpServer({
      engine,
      onReceive() {},
      onPrepareListen: () => {
        prepared++;
        return prepared > 1;
      },
    });
    const first = await server.listen({ port: 7_000 }).catch((error: NetError) => error.code);

    const address = await server.listen({ port: 7_000 });
    await server.stop();

    assert.equal(first, "REFUSED");
    assert.equal(address.port, 7_000);
  });

  it("refuses peers above maxConnections and tells so, and lets the next in when one has gone", async () => {
    const { engine } = memoryWorld();
    const codes: string[] = [];
    const server = new TcpServer({
      engine,
      maxConnections: 1,
      onReceive() {},
      onRefuse: ({ code }) => codes.push(code),
    });
    await server.listen({ port: 7_000 });
    const agent = new TcpAgent({ engine, onReceive() {} });
    const first = await agent.connect({ port: 7_000 });
    const second = await agent.connect({ port: 7_000 });

    await second.closed();
    first.close();
    await first.closed();
    const third = await agent.connect({ port: 7_000 });

    assert.deepEqual(codes, ["CONNECTION_LIMIT"]);
    assert.equal(third.isOpen, true);
    await Promise.all([agent.stop(), server.stop()]);
  });
});
