import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Connection,
  delimiter,
  type EngineChoice,
  pack,
  TcpAgent,
  TcpServer,
} from "hp-socket";
import { MemoryEngine } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

const host = "127.0.0.1";

function broadcasts(engineFor: () => EngineChoice): void {
  it("reaches everybody but those that are left out, as one packet each", async () => {
    const engine = engineFor();
    const server = new TcpServer({ engine, receive: pack({ flag: 7 }), onReceive() {} });
    const { port } = await server.listen({ host });
    const received = new Map<number, string[]>();
    const agent = new TcpAgent({
      engine,
      receive: pack({ flag: 7 }),
      onReceive({ id }, packet) {
        received.set(id, [...(received.get(id) ?? []), `${packet}`]);
      },
    });
    const peers: Connection[] = [];
    for (let count = 0; count < 4; count++) peers.push(await agent.connect({ host, port }));
    await until(() => server.connectionCount === 4);
    const [first, second] = server.connectionIds() as [number, number];

    const toThree = server.broadcast("to all but one", { except: first });
    const toTwo = server.broadcast(Buffer.from("even fewer"), {
      except: server.connection(first),
      filter: ({ id }) => id !== second,
    });
    const toAll = server.broadcast("x".repeat(200_000));
    await until(() => [...received.values()].flat().length === 9);

    assert.deepEqual(toThree, { taken: 3, slow: 0, refused: 0 });
    assert.deepEqual(toTwo, { taken: 2, slow: 0, refused: 0 });
    assert.deepEqual(toAll, { taken: 4, slow: 0, refused: 0 });
    const got = peers.map(({ id }) => (received.get(id) ?? []).map((text) => text.slice(0, 14)));
    const long = "x".repeat(14);
    const whole = ["to all but one", "even fewer", long];
    assert.deepEqual(got, [[long], ["to all but one", long], whole, whole]);
    await agent.stop();
    await server.stop();
  });

  it("keeps its place among other sends, and gives each what its own model frames", async () => {
    const engine = engineFor();
    const server = new TcpServer({ engine, receive: delimiter(), onReceive() {} });
    const { port } = await server.listen({ host });
    const texts = new Map<number, string>();
    const agent = new TcpAgent({
      engine,
      onReceive({ id }, bytes) {
        texts.set(id, `${texts.get(id) ?? ""}${bytes}`);
      },
    });
    const one = await agent.connect({ host, port });
    const other = await agent.connect({ host, port });
    await until(() => server.connectionCount === 2);
    const [first, second] = server.connectionIds().map((id) => server.connection(id));
    if (second !== undefined) second.receive = delimiter({ delimiter: "|" });

    first?.send("a");
    server.broadcast("b");
    second?.send("c");
    server.broadcast("d");
    await until(() => texts.get(one.id)?.length === 6 && texts.get(other.id)?.length === 6);

    assert.equal(texts.get(one.id), "a\nb\nd\n");
    assert.equal(texts.get(other.id), "b|c|d|");
    await agent.stop();
    await server.stop();
  });

  it("tells who is slow and who lost it, and holds nobody up", async () => {
    const engine = engineFor();
    const block = Buffer.alloc(8_000_000, 1);
    let receivedBytes = 0;
    const server = new TcpServer({
      engine,
      slowConsumer: "drop",
      highWaterMarkBytes: 100_000,
      maxPendingBytes: 200_000,
    });
    const { port } = await server.listen({ host });
    const agent = new TcpAgent({
      engine,
      onReceive(_, bytes) {
        receivedBytes += bytes.length;
      },
    });
    const sleeper = await agent.connect({ host, port });
    await agent.connect({ host, port });
    await until(() => server.connectionCount === 2);
    sleeper.pause();
    const [slow, swift] = server.connectionIds().map((id) => server.connection(id));
    slow?.send(block);

    const first = server.broadcast(Buffer.alloc(50_000, 2));
    await until(() => receivedBytes === 50_000);
    const second = server.broadcast(Buffer.alloc(150_000, 3));
    await until(() => receivedBytes === 200_000);

    assert.deepEqual(first, { taken: 1, slow: 0, refused: 1 });
    assert.deepEqual(second, { taken: 0, slow: 1, refused: 1 });
    assert.equal(slow?.stats.droppedCount, 2);
    assert.equal(swift?.stats.droppedCount, 0);
    await agent.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  });

  it("throws before anything is sent when it can't be a packet", async () => {
    const engine = engineFor();
    const server = new TcpServer({ engine, receive: pack({ maxPacketBytes: 4 }), onReceive() {} });
    const { port } = await server.listen({ host });
    const agent = new TcpAgent({ engine });
    await agent.connect({ host, port });
    await until(() => server.connectionCount === 1);

    assert.throws(() => server.broadcast("too long"), { code: "PACKET_INVALID" });
    assert.equal(server.stats.sentBytes, 0);
    await agent.stop();
    await server.stop();
  });
}

for (const engine of availableEngines()) {
  describe(`broadcast on the engine ${engine}`, () => broadcasts(() => engine));
}
describe("broadcast on the engine memory", () => {
  broadcasts(() => new MemoryEngine());
});
