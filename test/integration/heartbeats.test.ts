import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CloseReason,
  type Connection,
  delimiter,
  type HeartbeatOptions,
  lengthPrefix,
  pull,
  push,
  TcpClient,
  TcpServer,
} from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { memoryWorld } from "../support/memory-world.js";
import { until } from "../support/until.js";

const PING: HeartbeatOptions = {
  everyMs: 1_000,
  timeoutMs: 300,
  maxMisses: 1,
  message: "PING",
  isAnswer: (packet) => packet.equals(Buffer.from("PONG")),
};
const PONG: HeartbeatOptions = {
  isProbe: (packet) => packet.equals(Buffer.from("PING")),
  answer: "PONG",
};

interface Pair {
  readonly client: TcpClient;
  readonly server: TcpServer;
  readonly clientGot: string[];
  readonly serverGot: string[];
  readonly clientReasons: CloseReason[];
  readonly peer: () => Connection;
  /** Time passes in steps, with turns of the engine between them. */
  readonly wait: (ms: number) => Promise<void>;
}

async function pair(
  clientBeat: HeartbeatOptions | undefined,
  serverBeat?: HeartbeatOptions,
  halfOpen = false,
): Promise<Pair> {
  const { engine, clock } = memoryWorld();
  const clientGot: string[] = [];
  const serverGot: string[] = [];
  const clientReasons: CloseReason[] = [];
  const receive = delimiter({ delimiter: "\n" });
  const server = new TcpServer({
    engine,
    receive,
    halfOpen,
    ...(serverBeat !== undefined && { heartbeat: serverBeat }),
    onReceive: (_, packet) => void serverGot.push(packet.toString()),
  });
  await server.listen({ port: 7_000 });
  const client = new TcpClient({
    engine,
    receive,
    halfOpen,
    ...(clientBeat !== undefined && { heartbeat: clientBeat }),
    onReceive: (_, packet) => void clientGot.push(packet.toString()),
    onClose: (_, reason) => void clientReasons.push(reason),
  });
  await client.connect({ port: 7_000 });
  const wait = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 25) {
      clock.advance(25);
      await new Promise(setImmediate);
    }
  };
  const peer = (): Connection => server.connection(server.connectionIds()[0] ?? 0) as Connection;
  return { client, server, clientGot, serverGot, clientReasons, peer, wait };
}

describe("heartbeats", () => {
  it("keep a silent connection, and nobody else sees them", async () => {
    const { client, server, clientGot, serverGot, wait } = await pair(PING, PONG);

    await wait(10_000);
    client.send("data");
    await wait(100);

    assert.equal(client.isOpen, true);
    assert.deepEqual(serverGot, ["data"]);
    assert.deepEqual(clientGot, []);
    const probes = (client.stats.sentBytes - 5) / 5;
    assert.ok(probes >= 9 && probes <= 13, `${probes} probes in 10 s`);
    await Promise.all([client.stop(), server.stop()]);
  });

  it("end a connection whose peer answers none, with their own reason", async () => {
    const { client, server, clientReasons, wait } = await pair(PING);

    await wait(1_500);

    assert.equal(client.isOpen, false);
    assert.equal(clientReasons[0]?.code, "HEARTBEAT_TIMEOUT");
    assert.equal(clientReasons[0]?.cause?.fault, "limit");
    await server.stop();
  });

  it("take other packets for no answer where answers are told apart, and for one where not", async () => {
    const strict = await pair(PING);
    const loose = await pair({ everyMs: 1_000, timeoutMs: 300, maxMisses: 1, message: "PING" });
    for (const { peer, wait } of [strict, loose]) {
      for (let turn = 0; turn < 60; turn++) {
        await wait(50);
        if (turn % 4 === 0) peer()?.send("news");
      }
    }
    assert.equal(strict.clientReasons[0]?.code, undefined, "a peer that is heard is not probed");
    assert.equal(loose.client.isOpen, true);
    assert.ok(loose.clientGot.length >= 14);
    for (const { client, server } of [strict, loose])
      await Promise.all([client.stop(), server.stop()]);
  });

  it("make messages and answers anew each time", async () => {
    let count = 0;
    const { client, server, wait } = await pair(
      {
        ...PING,
        message: (connection) => `PING ${connection.id > 0} ${++count}`,
        isAnswer: (packet) => packet.toString().startsWith("PONG"),
      },
      {
        isProbe: (packet) => packet.toString().startsWith("PING"),
        answer: (packet) => `PONG${packet.subarray(4)}`,
      },
    );
    await wait(5_000);
    assert.ok(count >= 4 && client.isOpen);
    await Promise.all([client.stop(), server.stop()]);
  });

  for (const name of ["message", "isAnswer", "isProbe", "answer"] as const) {
    it(`end the connection with HANDLER_FAILED when ${name} throws`, async () => {
      const fail = (): never => assert.fail("no");
      const onClient = name === "message" || name === "isAnswer";
      const { client, server, clientReasons, wait } = await pair(
        onClient ? { ...PING, [name]: fail } : PING,
        onClient ? PONG : { ...PONG, [name]: fail },
      );
      await wait(1_200);
      assert.equal(client.isOpen, false);
      if (onClient) assert.equal(clientReasons[0]?.code, "HANDLER_FAILED");
      assert.equal(server.connectionCount, 0);
      await server.stop();
    });
  }

  it("judge nobody who can't answer, or can't be asked, any more: the connection is half closed", async () => {
    for (const isOurs of [true, false]) {
      const { client, server, clientReasons, peer, wait } = await pair(PING, PONG, true);
      if (isOurs) client.finish();
      else peer().finish();
      await wait(10_000);
      assert.deepEqual(clientReasons, []);
      assert.equal(server.connectionCount, 1);
      if (isOurs) peer().finish();
      else client.finish();
      await wait(100);
      assert.deepEqual(
        clientReasons.map(({ code }) => code),
        ["CLOSED"],
      );
      await server.stop();
    }
  });

  it("are bounded where the peer asks without end and reads no answer", async () => {
    const { client, server, wait } = await pair(undefined, PONG);
    server.configure({ maxPendingBytes: 1_000, highWaterMarkBytes: 1_000, lowWaterMarkBytes: 500 });
    client.pause();
    let sent = 0;
    for (; client.isOpen && sent < 2_000_000; sent += 100) {
      for (let count = 0; count < 100; count++) client.send("PING");
      await wait(25);
    }
    assert.equal(server.connectionCount, 0, `${sent} heartbeats`);
    await Promise.all([client.stop(), server.stop()]);
  });

  it("may be closed, changed or stopped by the message that is to be sent", async () => {
    const acts: readonly ((client: TcpClient) => void)[] = [
      (client) => void client.close(),
      (client) => void client.abort(),
      (client) => void client.stop(),
      (client) => client.configure({ heartbeat: undefined }),
      (client) => client.configure({ heartbeat: { ...PING, everyMs: 500 } }),
    ];
    for (const act of acts) {
      let own: TcpClient | undefined;
      const message = (): string => {
        if (own !== undefined) act(own);
        return "PING";
      };
      const { client, server, clientReasons, wait } = await pair({ ...PING, message }, PONG);
      own = client;
      await wait(4_000);
      assert.ok(clientReasons.every(({ code }) => code === "CLOSED" || code === "ABORTED"));
      assert.ok(clientReasons.length <= 1);
      await Promise.all([client.stop(), server.stop()]);
    }
  });

  it("are changed while running", async () => {
    const { client, server, clientReasons, wait } = await pair(undefined);
    await wait(5_000);
    assert.equal(client.stats.sentBytes, 0);
    client.configure({ heartbeat: PING });
    await wait(1_500);
    assert.equal(clientReasons[0]?.code, "HEARTBEAT_TIMEOUT");
    await server.stop();
  });

  it("stop when the connection closes", async () => {
    const { client, server, clientReasons, wait } = await pair(PING);
    client.close();
    await wait(100);
    assert.equal(clientReasons[0]?.code, "CLOSED");
    await wait(5_000);
    assert.equal(clientReasons.length, 1);
    await server.stop();
  });

  it("are refused where they can't be", () => {
    const bad = { code: "INVALID_ARGUMENT" };
    const receive = lengthPrefix({ format: "uint-be", bytes: 2 });
    const make = (heartbeat: HeartbeatOptions): TcpServer => new TcpServer({ receive, heartbeat });
    assert.throws(() => make({}), bad);
    assert.throws(() => make({ message: "x", everyMs: 9 }), bad);
    assert.throws(() => make({ message: "x", timeoutMs: 0 }), bad);
    assert.throws(() => make({ message: "x", maxMisses: 101 }), bad);
    assert.throws(() => make({ message: 7 as never }), bad);
    assert.throws(() => make({ isProbe: () => true }), bad);
    assert.throws(() => make({ answer: "x" }), bad);
    assert.throws(() => make({ ...PONG, isAnswer: () => true }), bad);
    assert.throws(() => make({ message: "x", every: 1 } as never), bad);
    assert.throws(() => new TcpServer({ receive: push(), heartbeat: PONG }), bad);
    assert.throws(() => new TcpServer({ receive: pull(), heartbeat: PING }), bad);
    assert.ok(new TcpServer({ receive: push(), heartbeat: { message: "x" } }));
  });
});

for (const engine of availableEngines()) {
  describe(`heartbeats on ${engine}`, () => {
    it("find a peer that has stopped answering", async (test) => {
      const reasons: CloseReason[] = [];
      const server = new TcpServer({ engine, onReceive() {} });
      test.after(() => server.stop({ drainMs: 0 }));
      const { port } = await server.listen({ host: "127.0.0.1" });
      const client = new TcpClient({
        engine,
        heartbeat: { everyMs: 20, timeoutMs: 20, message: "?" },
        onClose: (_, reason) => void reasons.push(reason),
      });
      await client.connect({ port: port as number });
      await until(() => reasons.length === 1);
      assert.equal(reasons[0]?.code, "HEARTBEAT_TIMEOUT");
    });
  });
}
