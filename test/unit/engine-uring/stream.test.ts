/** Streams where it matters how the ring does it: large sends, shared buffers, slots, pauses. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { SendMemory } from "#src/bytes/send-memory.js";
import type { StreamSink, StreamSocket } from "#src/engine/engine.js";
import { noStreamSink } from "#src/engine/no-sink.js";
import {
  type ForeignFunctions,
  loadForeignFunctions,
} from "#src/engine/uring/ring/foreign-functions.js";
import {
  ENTRY_ADDRESS_HIGH,
  ENTRY_OFFSET,
  ENTRY_OPERATION_FLAGS,
  ENTRY_TOTAL_LENGTH,
  OP_ASYNC_CANCEL,
  OP_FIXED_FD_INSTALL,
  OP_RECV,
} from "#src/engine/uring/ring/kernel-interface.js";
import { isPattern, patternView } from "../../support/byte-pattern.js";
import type { StreamProbe } from "../../support/engine-probe.js";
import { turns, untilQuiet } from "../../support/engine-wait.js";
import type { EngineWorld, StreamPair } from "../../support/engine-world.js";
import { Random } from "../../support/random.js";
import { until } from "../../support/until.js";
import { uringTest, withEngine } from "./uring-case.js";

const MIB = 1_048_576;

/** Cuts `bytes` into at most `maxCount` pieces of any length. */
function pieces(random: Random, bytes: Buffer, maxCount: number): Buffer[] {
  const cuts = Array.from({ length: random.integer(0, maxCount - 1) }, () =>
    random.integer(0, bytes.length),
  );
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** Writes `total` bytes of the pattern in writes of random size and form, one after the other. */
function pour(random: Random, probe: StreamProbe, total: number): void {
  let poured = 0;
  const next = (): void => {
    if (poured === total) return;
    const size = random.pick([1, 100, 5_000, 16_384, 16_385, 70_000, MIB]);
    const bytes = patternView(poured, Math.min(random.integer(1, size), total - poured));
    poured += bytes.length;
    if (random.next() < 0.5) probe.socket.write(bytes);
    else probe.socket.writeAll(pieces(random, bytes, 1_500), bytes.length);
  };
  probe.onWritten = next;
  next();
}

async function pourBothWays(world: EngineWorld, total: number): Promise<StreamPair> {
  const random = new Random(11);
  const pair = await world.pair();
  pour(random, pair.client, total);
  pour(random, pair.server, total);
  const { client, server } = pair;
  await until(() => client.writtenBytes === total && server.writtenBytes === total, 30_000);
  await until(() => client.receivedBytes === total && server.receivedBytes === total);
  return pair;
}

/** Writes back what comes, straight from the memory it was lent in. */
class LentEcho implements StreamSink {
  readonly streamOpened = noStreamSink.streamOpened;
  readonly streamSecured = noStreamSink.streamSecured;
  readonly streamEnded = noStreamSink.streamEnded;
  readonly streamClosed = noStreamSink.streamClosed;
  readonly #stream: StreamSocket;
  readonly #memory: SendMemory;
  readonly #waiting: Buffer[] = [];
  #isWriting = false;

  constructor(stream: StreamSocket, memory: SendMemory) {
    this.#stream = stream;
    this.#memory = memory;
  }

  streamReceived(bytes: Buffer): void {
    const piece = this.#memory.keep(bytes) ? bytes : Buffer.from(bytes);
    if (this.#isWriting) {
      this.#waiting.push(piece);
      return;
    }
    this.#isWriting = true;
    this.#stream.write(piece);
  }

  streamWritten(): void {
    const next = this.#waiting.shift();
    this.#isWriting = next !== undefined;
    if (next !== undefined) this.#stream.write(next);
  }
}

describe("uring stream", () => {
  uringTest("carries random writes of up to 1 MiB both ways intact, in debug mode", () =>
    withEngine({ debug: true }, async (world) => {
      const { client, server } = await pourBothWays(world, 24 * MIB);

      assert.ok(isPattern(client.received(), 0));
      assert.ok(isPattern(server.received(), 0));
    }),
  );

  uringTest("finishes sends of which the kernel has taken a part", () => {
    const MSG_WAITALL = 0x100;
    const calls = loadForeignFunctions();
    const words: { entries: Int32Array | undefined } = { entries: undefined };
    // Without that flag the kernel answers as soon as its buffer is full.
    const enter: ForeignFunctions["enter"] = (...args) => {
      const entries = words.entries ?? new Int32Array(0);
      for (let at = ENTRY_OPERATION_FLAGS; at < entries.length; at += 16) {
        entries[at]! &= ~MSG_WAITALL;
      }
      return calls.enter(...args);
    };
    return withEngine(
      {},
      async (world, engine) => {
        words.entries = engine.loop.ring.entries;
        const { client, server } = await pourBothWays(world, 24 * MIB);

        assert.ok(isPattern(client.received(), 0));
        assert.ok(isPattern(server.received(), 0));
      },
      { ...calls, enter },
    );
  });

  uringTest("sends back what it was lent, of any size, while buffers are checked", () =>
    withEngine({ debug: true, receiveBufferCount: 8 }, async (world, engine) => {
      const listener = await world.listen();
      listener.onAccepted = (stream): boolean => {
        const echo = new LentEcho(stream.socket, world.engine.memory);
        stream.onReceived = (bytes): void => echo.streamReceived(bytes);
        stream.onWritten = (): void => echo.streamWritten();
        return true;
      };
      const pairs = [await world.pair(listener), await world.pair(listener)];
      const total = 8 * MIB;

      for (const { client } of pairs) pour(new Random(5), client, total);
      await until(() => pairs.every(({ client }) => client.receivedBytes === total), 30_000);

      assert.ok(pairs.every(({ client }) => isPattern(client.received(), 0)));
      assert.equal(engine.loop.buffers.keptCount, 0);
    }),
  );

  uringTest("lives with a single receive buffer for many streams", () =>
    withEngine({ receiveBufferCount: 1, receiveBufferBytes: 1_024, debug: true }, async (world) => {
      const listener = await world.listen();
      const pairs: StreamPair[] = [];
      for (let count = 0; count < 20; count++) pairs.push(await world.pair(listener));
      const total = 100_000;

      for (const { client, server } of pairs) {
        client.socket.write(patternView(0, total));
        server.socket.write(patternView(0, total));
      }
      const ends = pairs.flatMap(({ client, server }) => [client, server]);
      await until(() => ends.every((end) => end.receivedBytes === total), 30_000);

      assert.ok(ends.every((end) => isPattern(end.received(), 0)));
    }),
  );

  uringTest("sends from the caller's memory when the arena is full of writes that wait", () =>
    withEngine({ sendArenaBytes: 65_536, debug: true }, async (world, engine) => {
      const options = {
        stream: { noDelay: true, keepAlive: false as const, sendBufferBytes: 4_096 },
      };
      const listener = await world.listen();
      const pairs: StreamPair[] = [];
      for (let count = 0; count < 40; count++) pairs.push(await world.pair(listener, options));
      for (const { server } of pairs) server.socket.pause();
      await turns(5);

      // More than the kernel keeps for a peer that does not read.
      for (const { client } of pairs) pour(new Random(2), client, MIB);
      await untilQuiet(() => pairs.reduce((sum, { client }) => sum + client.writtenBytes, 0), 100);
      const waiting = pairs.filter(({ client }) => client.writtenBytes < MIB).length;
      for (const { server } of pairs) server.socket.resume();
      await until(() => pairs.every(({ server }) => server.receivedBytes === MIB), 30_000);

      assert.ok(waiting > 0, "writes waited");
      assert.ok(pairs.every(({ server }) => isPattern(server.received(), 0)));
      assert.equal(engine.loop.arena.liveCount, 0);
    }),
  );

  uringTest("receives one piece at a time where the kernel can't limit more", () => {
    const calls = loadForeignFunctions();
    const words: { entries: Int32Array | undefined } = { entries: undefined };
    // A field that a receive must not have: EINVAL, as kernels before 6.17 answer to a limit.
    const enter: ForeignFunctions["enter"] = (...args) => {
      const entries = words.entries ?? new Int32Array(0);
      for (let at = 0; at < entries.length; at += 16) {
        const isLimited =
          (entries[at]! & 0xff) === OP_RECV && entries[at + ENTRY_TOTAL_LENGTH] !== 0;
        if (isLimited) entries[at + ENTRY_OFFSET] = 1;
      }
      return calls.enter(...args);
    };
    return withEngine(
      {},
      async (world, engine) => {
        words.entries = engine.loop.ring.entries;
        const { client, server } = await world.pair();
        server.onReceived = (): void => server.socket.pause();
        client.socket.write(patternView(0, 8 * MIB));

        const first = await untilQuiet(() => server.receivedBytes, 50);
        server.socket.resume();
        const second = await untilQuiet(() => server.receivedBytes, 50);

        assert.equal(engine.loop.receives.isLimited, false);
        assert.ok(first > 0 && first <= 65_664, `${first} bytes came`);
        assert.ok(second > first && second <= 2 * 65_664, `${second} bytes came`);
      },
      { ...calls, enter },
    );
  });

  uringTest("finishes by the ring's own operation where no descriptor is to be had", () => {
    const calls = loadForeignFunctions();
    const words: { entries: Int32Array | undefined } = { entries: undefined };
    let refused = 0;
    // A field that this operation must not have: it fails, as without a free descriptor.
    const enter: ForeignFunctions["enter"] = (...args) => {
      const entries = words.entries ?? new Int32Array(0);
      for (let at = 0; at < entries.length; at += 16) {
        if ((entries[at]! & 0xff) !== OP_FIXED_FD_INSTALL || entries[at + ENTRY_OFFSET] !== 0)
          continue;
        entries[at + ENTRY_OFFSET] = 1;
        refused++;
      }
      return calls.enter(...args);
    };
    return withEngine(
      {},
      async (world, engine) => {
        const { client, server } = await world.pair();
        words.entries = engine.loop.ring.entries;

        client.socket.write(patternView(0, 1_000));
        client.socket.finish();
        await until(() => server.isEnded);
        server.socket.finish();
        await until(() => client.isEnded);
        words.entries = undefined;

        assert.equal(server.receivedBytes, 1_000);
        assert.ok(refused >= 2, `${refused} refused`);
      },
      { ...calls, enter },
    );
  });

  uringTest("cancels again what it has cancelled too early", () => {
    const calls = loadForeignFunctions();
    const words: { entries: Int32Array | undefined } = { entries: undefined };
    let missed = 0;
    // As when an operation is about to be tried again: the cancel finds nothing.
    const enter: ForeignFunctions["enter"] = (...args) => {
      const entries = words.entries ?? new Int32Array(0);
      for (let at = 0; at < entries.length; at += 16) {
        if ((entries[at]! & 0xff) !== OP_ASYNC_CANCEL || missed >= 20) continue;
        missed++;
        entries[at + ENTRY_ADDRESS_HIGH]! ^= 0x4000_0000;
      }
      return calls.enter(...args);
    };
    return withEngine(
      {},
      async (world, engine) => {
        const { client, server } = await world.pair();
        server.socket.pause();
        client.socket.write(patternView(0, 32 * MIB));
        await untilQuiet(() => server.receivedBytes, 50);
        words.entries = engine.loop.ring.entries;

        client.socket.reset();
        await until(() => client.isClosed);

        assert.deepEqual(client.events, ["opened", "closed"]);
        assert.equal(missed, 20);
      },
      { ...calls, enter },
    );
  });

  uringTest("frees its slot, which the next stream uses at once", () =>
    withEngine({}, async (world, engine) => {
      const { slots } = engine.loop;
      const listener = await world.listen();
      const held = slots.heldCount;

      for (let round = 0; round < 100; round++) {
        const { client, server } = await world.pair(listener);
        client.socket.write(Buffer.from("last words"));
        if (round % 2 === 0) client.socket.close();
        else server.socket.reset();
        server.socket.close();
        client.socket.close();
        await until(() => client.isClosed && server.isClosed);
      }

      assert.equal(slots.heldCount, held);
      assert.equal(slots.droppedCount, 0);
      assert.equal(engine.loop.arena.liveCount, 0);
    }),
  );

  uringTest("sends what is written outside of a turn with one call", () =>
    withEngine({}, async (world, engine) => {
      const listener = await world.listen();
      const pairs: StreamPair[] = [];
      for (let count = 0; count < 50; count++) pairs.push(await world.pair(listener));
      await turns(5);
      const before = engine.loop.ring.enterCount;

      for (const { client } of pairs) client.socket.write(Buffer.from("together"));
      const meanwhile = engine.loop.ring.enterCount;
      await Promise.resolve();
      const after = engine.loop.ring.enterCount;
      await until(() => pairs.every(({ server }) => server.receivedBytes === 8));

      assert.equal(meanwhile, before);
      assert.equal(after, before + 1);
    }),
  );
});
