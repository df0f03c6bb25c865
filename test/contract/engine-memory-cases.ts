/** Contract cases: the memory that is sent from, lent bytes, and memory that changes under way. */
import assert from "node:assert/strict";
import { SEGMENT_BYTES, type SendMemory } from "#src/bytes/send-memory.js";
import { isPattern, patternBytes, patternView } from "../support/byte-pattern.js";
import type { StreamProbe } from "../support/engine-probe.js";
import { turns } from "../support/engine-wait.js";
import { loopback, PLAIN_STREAM } from "../support/engine-world.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const MIB = 1_048_576;

/** Writes bytes of the pattern from `from` on into the memory: the region, with its holder. */
function regionOf(memory: SendMemory, from: number, byteCount: number): Buffer {
  memory.reserve(byteCount);
  const { buffer, used } = memory;
  buffer.set(patternView(from, byteCount), used);
  memory.used = used + byteCount;
  const region = buffer.subarray(used, used + byteCount);
  memory.hold(region);
  return region;
}

/** Takes the memory of a piece away, as a transfer to another thread does. */
function transfer(piece: Uint8Array<ArrayBuffer>): void {
  structuredClone(piece.buffer, { transfer: [piece.buffer] });
  assert.equal(piece.length, 0);
}

/** Sends back what came, one write after the other, from where it was lent as far as that goes. */
function echoKept(stream: StreamProbe, memory: SendMemory): { copiedCount: number } {
  const result = { copiedCount: 0 };
  const waiting: Uint8Array[] = [];
  let isWriting = false;
  const next = async (): Promise<void> => {
    isWriting = true;
    // Long enough for the memory to be used again, if it is not kept.
    await turns(3);
    stream.socket.write(waiting.shift()!);
  };
  stream.onReceived = (bytes): void => {
    const isKept = memory.keep(bytes);
    if (!isKept) result.copiedCount++;
    waiting.push(isKept ? bytes : Buffer.from(bytes));
    if (!isWriting) void next();
  };
  stream.onWritten = (): void => {
    isWriting = false;
    if (waiting.length > 0) void next();
  };
  return result;
}

const regionCases: readonly ContractCase[] = [
  {
    title: "sends regions of its memory, as one piece and among others",
    async run(world) {
      const { memory } = world.engine;
      const { client, server } = await world.pair();

      client.socket.write(regionOf(memory, 0, 1_000));
      await until(() => client.writtenCount === 1);
      const head = regionOf(memory, 1_000, 20);
      const body = patternBytes(1_020, 100_000);
      const tail = regionOf(memory, 101_020, 30_000);
      client.socket.writeAll([head, body, tail], 130_020);
      await until(() => client.writtenCount === 2 && server.receivedBytes === 131_020);

      assert.ok(isPattern(server.received(), 0));
      assert.equal(client.writtenBytes, 131_020);
    },
  },
  {
    title: "keeps a region as it is until it is written, however much is written meanwhile",
    async run(world) {
      const { memory } = world.engine;
      const { client, server, listener } = await world.pair();
      const other = await world.pair(listener);
      server.socket.pause();
      const total = 4 * MIB;
      const regions: Buffer[] = [];
      for (let at = 0; at < total; at += 10_000) {
        regions.push(regionOf(memory, at, Math.min(10_000, total - at)));
      }
      client.socket.writeAll(regions, total);

      for (let count = 0; count < 200; count++) {
        other.client.socket.write(regionOf(memory, count * 5_000, 5_000));
        await until(() => other.client.writtenCount === count + 1);
      }
      server.socket.resume();
      await until(
        () => server.receivedBytes === total && other.server.receivedBytes === MIB - 48_576,
      );

      assert.ok(isPattern(server.received(), 0));
      assert.ok(isPattern(other.server.received(), 0));
    },
  },
  {
    title: "releases the regions of a write that its stream did not complete",
    async run(world) {
      const { memory } = world.engine;
      const listener = await world.listen();
      // More than the ring's memory for sends, if none were released.
      for (let round = 0; round < 40; round++) {
        const { client, server } = await world.pair(listener);
        server.socket.pause();
        const regions = Array.from({ length: 8 }, () => regionOf(memory, 0, SEGMENT_BYTES));
        client.socket.writeAll(regions, 8 * SEGMENT_BYTES);
        client.socket.reset();
        await until(() => client.isClosed);
        client.socket.write(regionOf(memory, 0, 100));
        server.socket.reset();
      }
      const { client, server } = await world.pair(listener);
      client.socket.write(regionOf(memory, 0, 30_000));
      await until(() => server.receivedBytes === 30_000);

      assert.ok(isPattern(server.received(), 0));
    },
  },
  {
    title: "sends lent bytes later, where it can keep them, without their being changed",
    async run(world) {
      const { memory } = world.engine;
      const { client, server } = await world.pair();
      const echo = echoKept(server, memory);
      const total = 8 * MIB;

      client.socket.write(patternView(0, total));
      await until(() => client.receivedBytes === total, 30_000);

      assert.ok(isPattern(client.received(), 0));
      if (!server.socket.lendsBytes) assert.ok(echo.copiedCount > 0, "nothing was lent");
    },
  },
  {
    title:
      "leaves bytes that it gave away as they are, whatever comes behind and however it pauses",
    async run(world) {
      const stream = { ...PLAIN_STREAM, keepsBytes: true };
      const listener = await world.listen(loopback(), { stream });
      const { client, server } = await world.pair(listener, { stream });
      const total = 6 * MIB;
      const given: Buffer[] = [];
      server.onReceived = (bytes): void => {
        given.push(server.socket.lendsBytes ? Buffer.from(bytes) : bytes);
        if (given.length % 8 !== 0) return;
        server.socket.pause();
        void turns(2).then(() => server.socket.resume());
      };

      client.socket.write(patternView(0, total));
      await until(() => server.receivedBytes === total, 30_000);
      client.socket.write(patternBytes(total, 7));
      await until(() => server.receivedBytes === total + 7);

      assert.ok(isPattern(Buffer.concat(given), 0));
    },
  },
];

const changeCases: readonly ContractCase[] = [
  {
    title: "closes a stream whose piece was transferred, and no other, and throws nothing",
    async run(world) {
      const first = await world.pair();
      const second = await world.pair(first.listener);
      const third = await world.pair(first.listener);
      const moved = new Uint8Array(6_000);
      const pieces = [patternBytes(0, 10), moved, patternBytes(10, 10)];
      transfer(moved);

      first.client.socket.write(patternBytes(0, 5));
      second.client.socket.writeAll(pieces, 6_020);
      third.client.socket.write(patternBytes(0, 5));
      await until(() => second.client.isClosed);
      await until(() => first.server.receivedBytes + third.server.receivedBytes === 10);

      assert.equal(second.client.events.at(-1), "closed INVALID_ARGUMENT");
      assert.equal(second.client.writtenCount, 0);
      assert.equal(second.server.receivedBytes, 0);
    },
  },
  {
    title: "closes a stream whose only piece was transferred",
    async run(world) {
      const { client } = await world.pair();
      const piece = new Uint8Array(100_000);
      transfer(piece);

      client.socket.write(piece);
      await until(() => client.isClosed);

      assert.deepEqual(client.events, ["opened", "closed INVALID_ARGUMENT"]);
    },
  },
  {
    title: "closes a stream whose only piece was shrunk to nothing",
    async run(world) {
      const { client } = await world.pair();
      // Node's types of today don't know it yet.
      const memory = Reflect.construct(ArrayBuffer, [100_000, { maxByteLength: 100_000 }]);
      const piece = new Uint8Array(memory as ArrayBuffer);
      Reflect.apply(Reflect.get(memory, "resize") as (bytes: number) => void, memory, [0]);

      client.socket.write(piece);
      await until(() => client.isClosed);

      assert.deepEqual(client.events, ["opened", "closed INVALID_ARGUMENT"]);
    },
  },
];

/** The memory that is sent from, lent bytes, and memory that changes under way. */
export const memoryCases: readonly ContractCase[] = [...regionCases, ...changeCases];
