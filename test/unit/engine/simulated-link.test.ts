import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { type LinkOptions, SimulatedLink } from "hp-socket/testing";
import { peerKeyOf } from "#src/engine/peer-key.js";
import { memoryWorld } from "../../support/memory-world.js";

/** How long each of `count` packets took, one in a millisecond. */
function passAll(options: LinkOptions, count: number, byteCount = 100): readonly number[][] {
  const link = new SimulatedLink(options);
  return Array.from({ length: count }, (_, nowMs) => [...link.pass(byteCount, nowMs)]);
}

describe("a simulated link", () => {
  it("lets everything pass at once where nothing is asked for", () => {
    assert.deepEqual(passAll({}, 3), [[0], [0], [0]]);
  });

  it("does the same with the same seed, and something else with another", () => {
    const options = { lossRate: 0.3, jitterMs: 20, duplicateRate: 0.2, reorderRate: 0.2 };

    assert.deepEqual(passAll({ ...options, seed: 4 }, 500), passAll({ ...options, seed: 4 }, 500));
    assert.notDeepEqual(
      passAll({ ...options, seed: 4 }, 500),
      passAll({ ...options, seed: 5 }, 500),
    );
  });

  for (const lossBurst of [1, 5]) {
    it(`loses the share it is told, ${lossBurst} in a row`, () => {
      const arrivals = passAll({ lossRate: 0.2, lossBurst }, 50_000);
      const lost = arrivals.filter((copies) => copies.length === 0).length;
      const bursts = arrivals.filter(
        (copies, index) => copies.length === 0 && arrivals[index - 1]?.length !== 0,
      ).length;

      assert.ok(Math.abs(lost / 50_000 - 0.2) < 0.02, `${lost}`);
      // Losses that are each on their own meet by chance as well.
      const expected = lossBurst === 1 ? 1.25 : lossBurst;
      assert.ok(Math.abs(lost / bursts - expected) < expected / 10, `${lost / bursts}`);
    });
  }

  it("keeps the order with jitter, and lets late ones be overtaken", () => {
    const steady = passAll({ delayMs: 10, jitterMs: 50 }, 1_000).map(([ms], at) => at + ms!);
    assert.deepEqual(
      steady,
      [...steady].sort((a, b) => a - b),
    );
    const late = passAll({ delayMs: 10, reorderRate: 0.5, reorderDelayMs: 7 }, 100).flat();
    assert.deepEqual([...new Set(late)].sort(), [10, 17]);
  });

  it("carries so many bytes in a second, and drops what finds the queue full", () => {
    const link = new SimulatedLink({ bytesPerSecond: 100_000, queueBytes: 1_000 });
    const first = Array.from({ length: 15 }, () => link.pass(100, 0));

    assert.deepEqual(first.slice(0, 3), [[1], [2], [3]]);
    assert.equal(first.filter((copies) => copies.length === 0).length, 5);
    assert.equal(link.counts.droppedCount, 5);
    assert.deepEqual(link.pass(100, 100), [1], "the queue is empty again");
  });

  it("refuses what can't be", () => {
    for (const options of [{ lossRate: 2 }, { delayMs: -1 }, { seed: -1 }, { loss: 1 }]) {
      assert.throws(() => new SimulatedLink(options as LinkOptions), { code: "INVALID_ARGUMENT" });
      assert.throws(() => memoryWorld({ link: options as LinkOptions }), {
        code: "INVALID_ARGUMENT",
      });
    }
  });
});

describe("the network of a memory engine", () => {
  it("gives each direction a link of its own", async () => {
    const world = memoryWorld({ link: { bytesPerSecond: 1_000, delayMs: 5 } });
    const [left, right] = [world.world.startDatagram(), world.world.startDatagram()];
    await world.engine.settle();
    left.socket.send(0, Buffer.alloc(10), peerKeyOf(right.address!));
    left.socket.send(0, Buffer.alloc(10), peerKeyOf(right.address!));
    right.socket.send(0, Buffer.alloc(10), peerKeyOf(left.address!));
    await world.engine.advance(15);

    assert.deepEqual([left.received.length, right.received.length], [1, 1]);
    await world.engine.advance(10);
    assert.equal(right.received.length, 2);
    await world.world.end();
  });

  it("takes the link of each datagram from a function", async () => {
    const link = new SimulatedLink({ lossRate: 1 });
    const world = memoryWorld({ link: ({ to }) => (to.host === "127.0.0.1" ? link : undefined) });
    const [left, right] = [world.world.startDatagram(), world.world.startDatagram()];
    await world.engine.settle();
    left.socket.send(0, Buffer.alloc(10), peerKeyOf(right.address!));
    await world.engine.settle();

    assert.equal(right.received.length, 0);
    assert.equal(link.counts.lostCount, 1);
    await world.world.end();
  });
});
