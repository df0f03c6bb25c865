import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Connection,
  type EngineName,
  NetError,
  pack,
  pull,
  push,
  type SendMode,
  TcpAgent,
  TcpClient,
  TcpServer,
} from "hp-socket";
import { chooseEngine } from "#src/engine/choose-engine.js";
import { availableEngines } from "../support/engine-list.js";
import { refusingPort } from "../support/refusing-port.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`components on ${engine}`, () => components(engine));
}

function codeIs(code: string): (error: unknown) => boolean {
  return (error) => error instanceof NetError && error.code === code;
}

function components(engine: EngineName): void {
  const host = "127.0.0.1";

  it("address every operation by id; an unknown id answers, it never throws", async () => {
    const server = new TcpServer({ engine, receive: pull(), onReceive() {} });
    const { port } = (await server.listen({ host })) as { port: number };
    const client = new TcpClient({ engine });
    await client.connect({ port });
    client.send("hello");
    await until(() => server.connectionCount === 1 && server.stats.receivedBytes === 5);
    const [id = 0] = server.connectionIds();

    assert.equal(server.connection(id)?.id, id);
    assert.equal(server.peek(id, 2)?.toString(), "he");
    assert.equal(server.fetch(id, 5)?.toString(), "hello");
    assert.equal(server.send(id, "a"), true);
    assert.equal(server.sendAll(id, ["b", Buffer.from("c")]), true);
    assert.equal(server.pause(id), true);
    assert.equal(server.resume(id), true);
    assert.equal((await client.read(3, { timeoutMs: 5_000 })).toString(), "abc");
    assert.equal(server.finish(id), true);
    assert.equal(server.send(id, "late"), false);
    assert.equal(server.close(id), true);

    const unknown = id + 1_000_000;
    assert.equal(server.connection(unknown), undefined);
    assert.equal(server.fetch(unknown, 1), undefined);
    assert.equal(server.peek(unknown, 1), undefined);
    for (const name of ["pause", "resume", "finish", "close", "abort"] as const) {
      assert.equal(server[name](unknown), false, name);
    }
    assert.equal(server.send(unknown, "x"), false);
    assert.equal(server.sendAll(unknown, ["x"]), false);
    assert.equal(await server.sendSmallFile(unknown, "x"), false);
    await assert.rejects(server.request(unknown, "x"), codeIs("CONNECTION_CLOSED"));
    await client.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("never give an id twice", async () => {
    const ids: number[] = [];
    const server = new TcpServer({ engine, onAccept: (connection) => ids.push(connection.id) > 0 });
    const { port } = (await server.listen({ host })) as { port: number };
    const agent = new TcpAgent({ engine });
    for (let round = 0; round < 20; round++) {
      const connection = await agent.connect({ port });
      ids.push(connection.id);
      connection.close();
      await connection.closed();
    }
    await until(() => ids.length === 40);

    assert.equal(new Set(ids).size, 40);
    await agent.stop();
    await server.stop();
  });

  for (const sendMode of ["pack", "safe", "direct"] as SendMode[]) {
    it(`send with the mode ${sendMode}`, async () => {
      const writes: number[] = [];
      let served: Connection | undefined;
      const server = new TcpServer({
        engine,
        sendMode,
        safeWindowBytes: 1_000,
        onAccept: (connection) => {
          served = connection;
        },
        onSend: (_, byteCount) => writes.push(byteCount),
      });
      const { port } = (await server.listen({ host })) as { port: number };
      const client = new TcpClient({ engine });
      await client.connect({ port });
      await until(() => served !== undefined);

      for (let index = 0; index < 100; index++) served?.send("x".repeat(50));
      const received = await client.read(5_000, { timeoutMs: 5_000 });
      await until(() => writes.reduce((sum, bytes) => sum + bytes, 0) === 5_000);

      assert.equal(received.length, 5_000);
      if (sendMode === "pack") assert.deepEqual(writes, [5_000]);
      if (sendMode === "safe") assert.deepEqual(writes, [1_000, 1_000, 1_000, 1_000, 1_000]);
      if (sendMode === "direct") assert.deepEqual(writes, [50, 4_950]);
      await client.stop({ drainMs: 0 });
      await server.stop({ drainMs: 0 });
    });
  }

  it("send a small file between head and tail, as one packet", async () => {
    const folder = mkdtempSync(join(tmpdir(), "small-file-"));
    const file = join(folder, "file");
    writeFileSync(file, "content");
    writeFileSync(join(folder, "empty"), "");
    writeFileSync(join(folder, "large"), Buffer.alloc(4_194_304));
    const server = new TcpServer({
      engine,
      receive: pack(),
      async onAccept(connection) {
        await connection.sendSmallFile(file, { head: "<", tail: Buffer.from(">") });
        for (const name of ["empty", "large", "missing"]) {
          await connection.sendSmallFile(join(folder, name)).catch((error: NetError) => {
            connection.send(`${name}: ${error.code}`);
          });
        }
      },
    });
    const { port } = (await server.listen({ host })) as { port: number };
    const client = new TcpClient({ engine, receive: pack() });
    await client.connect({ port });

    const packets = [];
    for (let index = 0; index < 4; index++) packets.push(String(await client.read()));

    assert.deepEqual(packets, [
      "<content>",
      "empty: FILE_INVALID",
      "large: FILE_INVALID",
      "missing: FILE_INVALID",
    ]);
    await client.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
    rmSync(folder, { recursive: true });
  });

  it("tell by send and onDrain when the queue is above and below its marks", async () => {
    let served: Connection | undefined;
    let drained = 0;
    const server = new TcpServer({
      engine,
      highWaterMarkBytes: 100_000,
      lowWaterMarkBytes: 10_000,
      onAccept: (connection) => {
        served = connection;
      },
      onDrain: () => drained++,
    });
    const { port } = (await server.listen({ host })) as { port: number };
    const client = new TcpClient({ engine });
    await client.connect({ port });
    await until(() => served !== undefined);
    client.pause();

    const below = served?.send(Buffer.alloc(99_999));
    const above = served?.send(Buffer.alloc(8_000_000));
    client.resume();
    await client.read(1_000_000, { timeoutMs: 5_000 });
    const reading = (async () => {
      for await (const _ of client);
    })();
    await until(() => drained === 1);

    assert.equal(below, true);
    assert.equal(above, "slow");
    served?.close();
    await reading;
    await client.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("lets a peer in whose handler answers with a large send", async () => {
    const verdicts: unknown[] = [];
    const greeting = Buffer.alloc(2_000_000, 1);
    const server = new TcpServer({
      engine,
      onAccept: (connection) => connection.send(greeting),
      onHandshake(connection) {
        const result = connection.send(greeting);
        verdicts.push(result);
        return result;
      },
    });
    const { port } = await server.listen({ host });
    const client = new TcpClient({ engine, maxUnreadBytes: 4_000_000 });
    await client.connect({ port });

    const whole = await client.read(4_000_000, { timeoutMs: 5_000 });

    assert.deepEqual(verdicts, ["slow"]);
    assert.equal(whole.length, 4_000_000);
    assert.equal(server.connectionCount, 1);
    await client.stop();
    await server.stop();
  });

  it("change settings while running, and refuse what can't be changed", async () => {
    const server = new TcpServer({ engine, maxConnections: 1 });
    const { port } = (await server.listen({ host })) as { port: number };
    const agent = new TcpAgent({ engine });
    await agent.connect({ port });
    await until(() => server.connectionCount === 1);

    server.configure({ maxConnections: 2, receive: push() });
    const second = await agent.connect({ port });
    await until(() => server.connectionCount === 2);

    assert.equal(second.isOpen, true);
    assert.throws(() => second.send(5 as unknown as string), codeIs("INVALID_ARGUMENT"));
    assert.equal(server.settings.maxConnections, 2);
    assert.throws(() => server.configure({ engine } as object), codeIs("SETTING_FIXED"));
    assert.throws(
      () => server.configure({ maxConnection: 3 } as object),
      codeIs("INVALID_ARGUMENT"),
    );
    assert.throws(() => server.configure({ maxConnections: 0 }), codeIs("INVALID_ARGUMENT"));
    assert.equal(server.settings.maxConnections, 2);
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("refuse options that are none, misspelt or out of range, at once", async () => {
    for (const options of [
      { onRecieve() {} },
      { maxPendingBytes: 0 },
      { sendMode: "fast" },
      { slowConsumer: "wait" },
      { keepAlive: { idleMs: 5 } },
      { highWaterMarkBytes: 10, lowWaterMarkBytes: 20 },
      { receive: "push" },
      { onReceive: "yes" },
    ]) {
      assert.throws(() => new TcpServer({ engine, ...options } as object), isUsage(options));
    }
    assert.throws(() => new TcpServer(null as unknown as object), codeIs("INVALID_ARGUMENT"));
    const server = new TcpServer({ engine });
    await assert.rejects(server.listen(5555 as unknown as object), codeIs("INVALID_ARGUMENT"));
    await assert.rejects(server.listen({ port: 70_000 }), codeIs("INVALID_ARGUMENT"));
    await assert.rejects(server.listen({ port: 1, path: "x" }), codeIs("INVALID_ARGUMENT"));
    const client = new TcpClient({ engine });
    await assert.rejects(client.connect({}), codeIs("INVALID_ARGUMENT"));
    await assert.rejects(
      client.connect({ port: 1, timeOut: 1 } as object),
      codeIs("INVALID_ARGUMENT"),
    );
    assert.equal(client.send("x"), false);
  });

  it("listen on and connect to a path", async () => {
    const folder = mkdtempSync(join(tmpdir(), "path-"));
    const path = join(folder, "socket");
    const server = new TcpServer({ engine, onReceive: (c, bytes) => c.send(bytes) });
    const address = await server.listen({ path });
    const client = new TcpClient({ engine });
    await client.connect({ path });

    client.send("over a path");

    assert.deepEqual(address, { path });
    assert.equal((await client.read(11, { timeoutMs: 5_000 })).toString(), "over a path");
    assert.deepEqual(client.remoteAddress, { path });
    await client.stop();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it("bind the local address that they are told", async () => {
    const server = new TcpServer({ engine });
    const { port } = (await server.listen({ host: "0.0.0.0" })) as { port: number };
    const agent = new TcpAgent({ engine });
    const first = await agent.connect({ port, localHost: "127.0.0.2" });

    assert.equal((first.localAddress as { host: string }).host, "127.0.0.2");
    await assert.rejects(
      agent.connect({ port, localHost: "192.0.2.1" }),
      codeIs("ADDRESS_NOT_AVAILABLE"),
    );
    await agent.stop();
    await server.stop();
  });

  it("serve IPv4 peers on an IPv6 listener, unless told not to", async (test) => {
    const both = new TcpServer({ engine });
    const only = new TcpServer({ engine });
    const { port } = (await both.listen({ host: "::" })) as { port: number };
    const onlyPort = await refusingPort(test);
    await only.listen({ host: "::", port: onlyPort, dualStack: false });
    const agent = new TcpAgent({ engine });

    const connection = await agent.connect({ host: "127.0.0.1", port });

    assert.equal(connection.isOpen, true);
    await assert.rejects(
      agent.connect({ host: "127.0.0.1", port: onlyPort }),
      codeIs("CONNECTION_REFUSED"),
    );
    await agent.stop();
    await both.stop();
    await only.stop();
  });

  it("share a port with reusePort, or say why they can't", async () => {
    const first = new TcpServer({ engine });
    const { capabilities } = chooseEngine(engine);
    if (capabilities.reusePort !== true) {
      await assert.rejects(first.listen({ host, reusePort: true }), codeIs("NOT_SUPPORTED"));
      return;
    }
    const second = new TcpServer({ engine });
    const { port } = (await first.listen({ host, reusePort: true })) as { port: number };
    await second.listen({ host, port, reusePort: true });
    const third = new TcpServer({ engine });

    await assert.rejects(third.listen({ host, port }), codeIs("ADDRESS_IN_USE"));
    await first.stop();
    await second.stop();
  });

  it("say which keep-alive is in force, and what the kernel knows of a connection", async () => {
    const server = new TcpServer({ engine });
    const { port } = (await server.listen({ host })) as { port: number };
    const client = new TcpClient({ engine });
    await client.connect({ port });
    const { capabilities } = chooseEngine(engine);

    const inForce = client.setKeepAlive({ idleMs: 15_000, intervalMs: 5_000, count: 3 });
    const off = client.setKeepAlive(false);
    const info = client.tcpInfo();

    const whole = { idleMs: 15_000, intervalMs: 5_000, count: 3 };
    const expected = capabilities.keepAliveInterval === true ? whole : { idleMs: 15_000 };
    assert.deepEqual(inForce, expected);
    assert.equal(off, false);
    assert.equal(info !== undefined, capabilities.tcpInfo === true);
    if (info !== undefined) assert.ok(info.roundTripMs >= 0 && info.sendSegmentBytes > 0);
    assert.throws(() => client.setKeepAlive({ idleMs: 1 }), codeIs("INVALID_ARGUMENT"));
    await client.stop();
    await server.stop();
  });

  it("listen again after a stop, and fail to listen twice or on a port in use", async () => {
    const server = new TcpServer({ engine });
    const { port } = (await server.listen({ host })) as { port: number };
    const other = new TcpServer({ engine });

    await assert.rejects(server.listen({ host }), codeIs("INVALID_STATE"));
    await assert.rejects(other.listen({ host, port }), codeIs("ADDRESS_IN_USE"));
    assert.equal(other.state, "stopped");
    await server.stop();
    assert.equal(server.port, 0);
    await server.listen({ host, port });

    assert.equal(server.port, port);
    await server.stop();
    assert.deepEqual(await server.stop(), { drainedCount: 0, cutCount: 0 });
  });

  it("are disposed of by await using, connections too", async () => {
    let closed = 0;
    const server = new TcpServer({ engine, onClose: () => closed++ });
    const { port } = (await server.listen({ host })) as { port: number };
    const agent = new TcpAgent({ engine });
    const connection = await agent.connect({ port });

    await connection[Symbol.asyncDispose]();
    await agent[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();

    assert.equal(connection.state, "closed");
    assert.equal(closed, 1);
    assert.equal(server.state, "stopped");
  });
}

function isUsage(options: object | null): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NetError, JSON.stringify(options));
    assert.equal(error.code, "INVALID_ARGUMENT");
    return true;
  };
}
