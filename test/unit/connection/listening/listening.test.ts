import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NetError, TcpServer } from "hp-socket";
import { memoryWorld } from "../../../support/memory-world.js";

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
});
