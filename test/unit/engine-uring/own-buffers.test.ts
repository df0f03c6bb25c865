/** Buffers of their own for streams that bring much. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  MAX_OWN_BUFFERS,
  OWN_BUFFER_BYTES,
  type OwnBufferHolder,
  OwnBuffers,
} from "#src/engine/uring/memory/own-buffers.js";
import { isPattern, patternBytes, patternView } from "../../support/byte-pattern.js";
import {
  type EngineWorld,
  loopback,
  PLAIN_STREAM,
  type StreamPair,
} from "../../support/engine-world.js";
import { until } from "../../support/until.js";
import { uringTest, withEngine } from "./uring-case.js";

/** What comes first goes into a shared buffer; the rest ends with a piece that is large. */
const LARGE_BYTES = 300_000;

class Holder implements OwnBufferHolder {
  retractCount = 0;

  retractBuffer(): void {
    this.retractCount++;
  }
}

/** Pairs whose receiving ends keep what comes. */
async function keepingPairs(world: EngineWorld, count: number): Promise<StreamPair[]> {
  const stream = { ...PLAIN_STREAM, keepsBytes: true };
  const listener = await world.listen(loopback(), { stream });
  const pairs: StreamPair[] = [];
  for (let made = 0; made < count; made++) pairs.push(await world.pair(listener));
  return pairs;
}

/** Each pair carries a large write to its end. */
async function carry(pairs: readonly StreamPair[]): Promise<void> {
  const before = pairs.map(({ server }) => server.receivedBytes);
  for (const { client, server } of pairs) {
    client.socket.write(patternView(server.receivedBytes, LARGE_BYTES));
  }
  await until(() =>
    pairs.every(({ server }, index) => server.receivedBytes === before[index]! + LARGE_BYTES),
  );
  await until(() => pairs.every(({ client }) => client.writtenBytes % LARGE_BYTES === 0));
}

/** Carries until `isSo`: how the kernel cuts what comes is its choice. */
async function carryUntil(pairs: readonly StreamPair[], isSo: () => boolean): Promise<void> {
  for (let round = 0; round < 40 && !isSo(); round++) await carry(pairs);
  assert.ok(isSo());
}

describe("own buffers", () => {
  test("are fresh for each receive, and free when it is finished", () => {
    const buffers = new OwnBuffers();
    const holder = new Holder();

    const first = buffers.take(holder);
    const finished = buffers.finish(holder);
    const second = buffers.take(holder);

    assert.equal(first?.length, OWN_BUFFER_BYTES);
    assert.equal(finished, first);
    assert.notEqual(second?.buffer, first?.buffer);
    assert.equal(buffers.takenCount, 1);
  });

  test("are taken back from those that use them least, when there are as many as may be", () => {
    const buffers = new OwnBuffers();
    const holders = Array.from({ length: MAX_OWN_BUFFERS }, () => new Holder());
    for (const holder of holders) buffers.take(holder);
    const busy = holders[0]!;
    const late = new Holder();

    for (let round = 0; round < MAX_OWN_BUFFERS; round++)
      assert.equal(buffers.take(late), undefined);
    buffers.finish(busy);
    buffers.take(busy);
    for (let round = 0; round < 2; round++) assert.equal(buffers.take(late), undefined);

    assert.deepEqual(
      holders.map(({ retractCount }) => retractCount),
      holders.map((_, index) => (index === 1 ? 1 : 0)),
    );
    assert.equal(buffers.takenCount, MAX_OWN_BUFFERS);
  });

  uringTest("give large pieces away without a copy, and small ones with one", () =>
    withEngine({}, async (world, engine) => {
      const [pair] = (await keepingPairs(world, 1)) as [StreamPair];
      const { client, server } = pair;
      const memories: ArrayBufferLike[] = [];
      server.onReceived = (bytes): void => {
        if (!server.socket.lendsBytes) memories.push(bytes.buffer);
      };

      await carryUntil([pair], () => engine.loop.receives.ownBuffers.takenCount === 1);
      assert.ok(memories.length > 0);
      assert.equal(new Set(memories).size, memories.length);

      memories.length = 0;
      const { receivedBytes } = server;
      client.socket.write(patternBytes(receivedBytes, 10));
      await until(() => server.receivedBytes === receivedBytes + 10);
      // Node's pool of small pieces may be as large as a buffer.
      const pool = Buffer.from("a piece").buffer;
      assert.ok(memories.every((one) => one === pool || one.byteLength < OWN_BUFFER_BYTES));
      assert.equal(engine.loop.receives.ownBuffers.takenCount, 0);
      assert.ok(isPattern(server.received(), 0));
    }),
  );

  uringTest("are at most so many, and go round where more streams bring much", () =>
    withEngine({}, async (world, engine) => {
      const { ownBuffers } = engine.loop.receives;
      const pairs = await keepingPairs(world, MAX_OWN_BUFFERS);

      await carryUntil(pairs, () => ownBuffers.takenCount === MAX_OWN_BUFFERS);
      const late = await keepingPairs(world, 8);
      let givenCount = 0;
      for (const { server } of late) {
        server.onReceived = (): void => {
          if (!server.socket.lendsBytes) givenCount++;
        };
      }
      // The silent ones are passed over once, and then lose theirs.
      await carryUntil(late, () => givenCount > 0);
      assert.ok(ownBuffers.takenCount <= MAX_OWN_BUFFERS);
      for (const { server } of [...pairs, ...late]) server.socket.close();
      await until(() => [...pairs, ...late].every(({ server }) => server.isClosed));
      assert.equal(ownBuffers.takenCount, 0);
    }),
  );

  uringTest("are not for streams whose bytes are lent, nor for those that may turn to TLS", () =>
    withEngine({}, async (world, engine) => {
      const plain = await world.pair();
      const stream = { ...PLAIN_STREAM, keepsBytes: true, mayStartTls: true };
      const securable = await world.pair(await world.listen(loopback(), { stream }));

      await carry([plain, securable]);

      assert.equal(engine.loop.receives.ownBuffers.takenCount, 0);
    }),
  );

  uringTest("are none where receive buffers are smaller", () =>
    withEngine({ receiveBufferBytes: 32_768 }, async (world, engine) => {
      const pairs = await keepingPairs(world, 1);

      await carry(pairs);

      assert.equal(engine.loop.receives.ownBuffers.takenCount, 0);
    }),
  );
});
