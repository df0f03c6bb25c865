import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MemoryEngineOptions } from "#src/engine/memory/memory-engine.js";
import type { DatagramFate } from "#src/engine/memory/memory-network.js";
import { loopback } from "../../support/engine-world.js";
import { memoryWorld } from "../../support/memory-world.js";

const COUNT = 1_000;

/** Sends numbered datagrams through a network, and answers the numbers that came, in their order. */
async function arrivals(options: MemoryEngineOptions, count = COUNT): Promise<number[]> {
  const { engine, world } = memoryWorld({ windowBytes: 1_000_000, ...options });
  const from = await world.datagram();
  const to = await world.datagram();
  for (let token = 0; token < count; token++) {
    from.send(token, Buffer.from(String(token)), to.address);
  }
  await engine.advance(100);
  assert.equal(from.sent.length, count);
  return to.received.map(({ bytes }) => Number(bytes));
}

const inOrder = (numbers: readonly number[]): boolean =>
  numbers.every((value, index) => index === 0 || numbers[index - 1]! < value);

describe("memory engine: datagrams", () => {
  test("carries every datagram in order by default", async () => {
    const numbers = await arrivals({});

    assert.deepEqual(numbers, [...Array(COUNT).keys()]);
  });

  test("loses datagrams at the rate that was asked for", async () => {
    const numbers = await arrivals({ datagrams: { lossRate: 0.2 } });

    assert.ok(numbers.length > 740 && numbers.length < 860, `${numbers.length} came`);
    assert.ok(inOrder(numbers));
  });

  test("doubles datagrams at the rate that was asked for", async () => {
    const numbers = await arrivals({ datagrams: { duplicateRate: 0.1 } });

    assert.ok(numbers.length > 1_060 && numbers.length < 1_140, `${numbers.length} came`);
    assert.equal(new Set(numbers).size, COUNT);
  });

  test("brings some datagrams late, and loses none of them", async () => {
    const numbers = await arrivals({ datagrams: { reorderRate: 0.1, reorderDelayMs: 30 } });

    assert.equal(inOrder(numbers), false);
    assert.deepEqual(
      [...numbers].sort((a, b) => a - b),
      [...Array(COUNT).keys()],
    );
  });

  test("does the same for the same seed, and something else for another", async () => {
    const datagrams = { lossRate: 0.1, duplicateRate: 0.1, reorderRate: 0.1 };

    const first = await arrivals({ seed: 5, datagrams });

    assert.deepEqual(await arrivals({ seed: 5, datagrams }), first);
    assert.notDeepEqual(await arrivals({ seed: 6, datagrams }), first);
  });

  test("follows a script, datagram by datagram", async () => {
    const fates: DatagramFate[] = [[40], [], [0, 0], [0]];

    const numbers = await arrivals({ datagrams: () => fates.shift()! }, 4);

    assert.deepEqual(numbers, [2, 2, 3, 0]);
  });

  test("drops what does not fit into the receive queue during a pause", async () => {
    const { engine, world } = memoryWorld({ windowBytes: 10 });
    const from = await world.datagram();
    const to = await world.datagram();
    to.socket.pause();

    for (let token = 0; token < 5; token++) from.send(token, Buffer.alloc(4), to.address);
    await engine.settle();
    to.socket.resume();
    await engine.settle();

    assert.equal(to.received.length, 2);
  });

  test("sends a broadcast to every socket on the port, when it may", async () => {
    const { engine, world } = memoryWorld({ names: { two: ["192.0.2.2"] } });
    const address = { host: "0.0.0.0", port: 9, family: "IPv4" } as const;
    const there = { host: "192.0.2.2", port: 9, family: "IPv4" } as const;
    const one = await world.datagram({ address, broadcast: true, reuseAddress: true });
    const two = await world.datagram({ address: there, reuseAddress: true });
    const all = { host: "255.255.255.255", port: 9, family: "IPv4" } as const;

    two.send(1, Buffer.from("not allowed"), all);
    one.send(2, Buffer.from("to all"), all);
    await engine.settle();

    assert.equal(two.sent[0]?.error?.code, "ACCESS_DENIED");
    assert.deepEqual(
      [one, two].map(({ received }) => received.map(({ bytes }) => bytes.toString())),
      [["to all"], ["to all"]],
    );
  });

  test("refuses a datagram with nowhere to go, and one that goes past the peer", async () => {
    const { world } = memoryWorld();
    const free = await world.datagram();
    const bound = await world.datagram({ peer: free.address! });

    assert.throws(() => free.send(1, Buffer.from("x")), { code: "INVALID_ARGUMENT" });
    assert.throws(() => bound.send(1, Buffer.from("x"), loopback(9)), {
      code: "INVALID_ARGUMENT",
    });
  });
});
