/** What is the node engine's own, beyond the contract. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { afterEach, beforeEach, describe, test } from "node:test";
import { nodeEngine } from "#src/engine/node/node-engine.js";
import { socketCalls } from "#src/engine/node/socket-calls.js";
import { turns } from "../../support/engine-wait.js";
import { EngineWorld, loopback } from "../../support/engine-world.js";
import { until } from "../../support/until.js";

describe("node engine", () => {
  let world: EngineWorld;

  beforeEach(() => {
    world = new EngineWorld(nodeEngine());
  });

  afterEach(() => world.end());

  test("leaves a plain file in the way of a path alone", async () => {
    const path = world.path("a-file");
    writeFileSync(path, "precious");

    const listener = world.startListen({ path });
    await until(() => listener.isClosed);

    assert.equal(listener.error?.code, "ADDRESS_IN_USE");
    assert.equal(readFileSync(path, "utf8"), "precious");
  });

  test("removes the path of a listener that closes", async () => {
    const path = world.path();
    const listener = await world.listen({ path });

    listener.listener!.close();
    await until(() => listener.isClosed && !existsSync(path));

    assert.deepEqual(listener.events, ["opened", "closed"]);
  });

  test("says no more than Node can do", () => {
    const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
    const { capabilities } = nodeEngine();

    const hasReusePort = major > 22 || (major === 22 && minor >= 12);
    if (process.platform === "linux") assert.equal(capabilities.reusePort === true, hasReusePort);
    // What Node lacks, foreign calls may do.
    const hasCalls = typeof socketCalls() !== "string";
    assert.equal(capabilities.keepAliveInterval === true, major >= 24 || hasCalls);
    assert.equal(capabilities.userTimeout === true, hasCalls);
    assert.equal(capabilities.tcpInfo === true, hasCalls);
  });

  test("rounds keep-alive times to whole seconds, one at least", async () => {
    const { client } = await world.pair();

    assert.deepEqual(client.socket.setKeepAlive({ idleMs: 2_900 }), { idleMs: 2_000 });
    assert.deepEqual(client.socket.setKeepAlive({ idleMs: 10 }), { idleMs: 1_000 });
  });

  test("refuses a second write under way, and a write after finish", async () => {
    const { client, server } = await world.pair();
    client.socket.write(Buffer.from("one"));
    server.socket.finish();

    assert.throws(() => client.socket.write(Buffer.from("two")), { code: "INVALID_STATE" });
    assert.throws(() => server.socket.write(Buffer.from("late")), { code: "INVALID_STATE" });
  });

  test("refuses addresses that are none", () => {
    assert.throws(() => world.startListen(loopback(70_000)), { code: "INVALID_ARGUMENT" });
    assert.throws(() => world.startConnect(loopback(70_000)), { code: "INVALID_ARGUMENT" });
    assert.throws(() => world.startConnect(loopback(1), { localHost: "localhost" }), {
      code: "INVALID_ARGUMENT",
    });
  });

  test("drops datagrams of a pause beyond the receive buffer", async () => {
    const from = await world.datagram();
    const to = await world.datagram({ receiveBufferBytes: 10_000 });
    to.socket.pause();

    for (let token = 0; token < 5; token++) {
      from.send(token, Buffer.alloc(4_000), to.address);
      await until(() => from.sent.length === token + 1);
      await turns(3);
    }
    to.socket.resume();
    await turns(5);

    assert.equal(to.received.length, 2);
  });

  test("refuses a datagram with nowhere to go, and one that goes past the peer", async () => {
    const free = await world.datagram();
    const bound = await world.datagram({ peer: free.address! });

    assert.throws(() => free.send(1, Buffer.from("x")), { code: "INVALID_ARGUMENT" });
    assert.throws(() => free.send(1, Buffer.from("x"), loopback(0)), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => bound.send(1, Buffer.from("x"), loopback(9)), {
      code: "INVALID_ARGUMENT",
    });
  });
});
