/** Turns of the loop: fairness to the rest of the process, sleeping, spinning. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import process from "node:process";
import { describe } from "node:test";
import type { IpAddress } from "#src/engine/engine.js";
import { turns, untilQuiet } from "../../support/engine-wait.js";
import type { EngineWorld, StreamPair } from "../../support/engine-world.js";
import { until } from "../../support/until.js";
import { uringTest, withEngine } from "./uring-case.js";

const PAIR_COUNT = 50;
const CROWD = 600;
const LOAD_MS = 500;
const MESSAGE = Buffer.alloc(64, "to and fro");

/** Pairs that send a message to and fro without end. */
async function loadedPairs(world: EngineWorld): Promise<StreamPair[]> {
  const listener = await world.listen();
  const pairs: StreamPair[] = [];
  for (let count = 0; count < PAIR_COUNT; count++) pairs.push(await world.pair(listener));
  for (const { client, server } of pairs) {
    client.onReceived = (): void => client.socket.write(MESSAGE);
    server.onReceived = (): void => server.socket.write(MESSAGE);
    client.socket.write(MESSAGE);
  }
  return pairs;
}

/** Processor time of this process, in milliseconds. */
function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Uses the processor for a while, as a slow handler does. */
function work(ms: number): void {
  const endMs = processMs() + ms;
  while (processMs() < endMs) {
    // Nothing but working.
  }
}

const carriedBytes = (pairs: readonly StreamPair[]): number =>
  pairs.reduce((sum, { client }) => sum + client.receivedBytes, 0);

describe("uring loop", () => {
  uringTest("lets a timer of 1 ms keep its pace under full load", () =>
    withEngine({}, async (world) => {
      const pairs = await loadedPairs(world);
      const gaps: number[] = [];
      // Of the process's own time: what others do on the machine does not count.
      let lastMs = processMs();
      const timer = setInterval(() => {
        const nowMs = processMs();
        gaps.push(nowMs - lastMs);
        lastMs = nowMs;
      }, 1);
      const endMs = lastMs + LOAD_MS;

      await until(() => processMs() > endMs);
      clearInterval(timer);
      const carried = carriedBytes(pairs);

      const median = gaps.toSorted((a, b) => a - b)[gaps.length >> 1]!;
      assert.ok(carried > PAIR_COUNT * MESSAGE.length * 10, `${carried} bytes were carried`);
      assert.ok(median < 5, `half of the gaps are above ${median} ms`);
    }),
  );

  uringTest("lets timers have their turn between slow handlers", () =>
    withEngine({}, async (world) => {
      const pairs = await loadedPairs(world);
      let handled = 0;
      let mostBetween = 0;
      let lastHandled = 0;
      const timer = setInterval(() => {
        mostBetween = Math.max(mostBetween, handled - lastHandled);
        lastHandled = handled;
      }, 0);
      for (const { server } of pairs) {
        server.onReceived = (): void => {
          handled++;
          work(2);
          server.socket.write(MESSAGE);
        };
      }

      await until(() => handled > 120, 30_000);
      clearInterval(timer);
      for (const { server } of pairs) server.onReceived = () => {};

      // A timer of 1 ms is due at each turn; by completions alone a turn would have 50 of them and more.
      assert.ok(mostBetween < 30, `${mostBetween} handlers of 2 ms without a turn for timers`);
    }),
  );

  uringTest("accepts at most 16 connections a step, however many wait", () =>
    withEngine({}, async (world, engine) => {
      const listener = await world.listen();
      const { port } = listener.address as IpAddress;
      const accepted = new Map<number, number>();
      listener.onAccepted = (): boolean => {
        const step = engine.loop.ring.enterCount;
        accepted.set(step, (accepted.get(step) ?? 0) + 1);
        return true;
      };
      const peers = Array.from({ length: 100 }, () => connect({ port, host: "127.0.0.1" }));
      // They complete in the kernel while nothing here runs.
      await until(() => peers.every((peer) => !peer.connecting));
      await until(() => listener.accepted.length === 100);
      for (const peer of peers) peer.destroy();

      const most = Math.max(...accepted.values());

      assert.ok(most <= 16, `${most} were accepted in one step`);
    }),
  );

  uringTest(
    "calls back after a poll when all has been received that lay in the kernel, whatever turns that takes",
    () =>
      withEngine({ turnCompletions: 4, receiveBufferCount: 8 }, async (world, engine) => {
        const listener = await world.listen();
        const { port } = listener.address as IpAddress;
        const peers = Array.from({ length: 100 }, () => connect({ port, host: "127.0.0.1" }));
        await until(() => listener.accepted.length === peers.length);
        await turns(5);

        // Node writes at once, without a turn of its loop.
        for (const peer of peers) peer.write(MESSAGE);
        const heard = await new Promise<number>((resolve) => {
          engine.clock.afterPoll(() =>
            resolve(listener.accepted.filter(({ receivedBytes }) => receivedBytes > 0).length),
          );
        });
        for (const peer of peers) peer.destroy();

        assert.equal(heard, peers.length);
      }),
  );

  uringTest("lets no more sockets try than there are buffers, when many find none", () =>
    withEngine({ receiveBufferCount: 8 }, async (world, engine) => {
      const pairs: StreamPair[] = [];
      const listener = await world.listen();
      for (let count = 0; count < CROWD; count++) pairs.push(await world.pair(listener));
      const { slots } = engine.loop;
      const complete = slots.complete.bind(slots);
      let completionCount = 0;
      slots.complete = (...words): void => {
        completionCount++;
        complete(...words);
      };

      for (let round = 1; round <= 3; round++) {
        for (const { client } of pairs) client.socket.write(MESSAGE);
        const byteCount = round * MESSAGE.length;
        await until(() => pairs.every(({ server }) => server.receivedBytes === byteCount));
      }

      // A send, a receive that finds no buffer, and one that does, for each; some try in vain once more.
      const most = 3 * CROWD * 5;
      assert.ok(completionCount < most, `${completionCount} completions for ${3 * CROWD} messages`);
      assert.equal(engine.loop.bufferLine.size, 0);
    }),
  );

  uringTest("asks the kernel nothing while nothing happens", () =>
    withEngine({}, async (world, engine) => {
      const { client, server } = await world.pair();
      client.socket.write(MESSAGE);
      await until(() => server.receivedBytes === MESSAGE.length);
      await turns(5);
      const before = engine.loop.ring.enterCount;

      const after = await untilQuiet(() => engine.loop.ring.enterCount, 50);

      assert.equal(after, before);
    }),
  );

  uringTest(
    "carries bytes with a turn of one completion, and when it looks before it sleeps",
    async () => {
      for (const options of [{ turnCompletions: 1 }, { spinMicroseconds: 50 }]) {
        await withEngine(options, async (world) => {
          const pairs = await loadedPairs(world);

          await until(() => carriedBytes(pairs) > 2_000 * MESSAGE.length);

          assert.ok(pairs.every(({ client }) => client.receivedBytes > 0));
        });
      }
    },
  );

  uringTest("refuses to be taken apart while it has sockets", () =>
    withEngine({}, async (world, engine) => {
      await world.pair();

      assert.throws(() => engine[Symbol.dispose](), {
        code: "INVALID_STATE",
        message: "the engine still has 3 sockets",
      });
    }),
  );
});
