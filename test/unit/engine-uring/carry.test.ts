import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  type ForeignFunctions,
  loadForeignFunctions,
} from "#src/engine/uring/ring/foreign-functions.js";
import { MAX_SPLICED_STREAMS } from "#src/engine/uring/sockets/splicer.js";
import { isPattern, patternView } from "../../support/byte-pattern.js";
import type { StreamProbe } from "../../support/engine-probe.js";
import { untilQuiet } from "../../support/engine-wait.js";
import type { EngineWorld } from "../../support/engine-world.js";
import { openDescriptors } from "../../support/open-descriptors.js";
import { until } from "../../support/until.js";
import { skip, uringTest, withEngine } from "./uring-case.js";

const MIB = 1_048_576;
const EAGAIN = -11;
const EMFILE = -24;

/** The calls, with splices counted, and some of the others as `faults` has them. */
function countedCalls(faults: Partial<ForeignFunctions> = {}): {
  readonly calls: ForeignFunctions;
  spliceCount: number;
} {
  const real = { ...loadForeignFunctions(), ...faults };
  const counted = {
    spliceCount: 0,
    calls: {
      ...real,
      splice(source: number, target: number, byteCount: number): number {
        counted.spliceCount++;
        return real.splice(source, target, byteCount);
      },
    },
  };
  return counted;
}

/** A connection that is carried to another, and what it brings. */
interface Carried {
  readonly origin: StreamProbe;
  readonly source: StreamProbe;
  readonly target: StreamProbe;
  readonly destination: StreamProbe;
}

async function carried(world: EngineWorld): Promise<Carried> {
  const { client: origin, server: source } = await world.pair();
  const { client: target, server: destination } = await world.pair();
  assert.equal(source.socket.carryTo?.(target.socket, { carried() {} }), true);
  return { origin, source, target, destination };
}

/** Sends pieces of one size, each when the last has come. */
async function pour(
  { origin, destination }: Carried,
  byteCount: number,
  pieceBytes: number,
): Promise<void> {
  for (let sentBytes = 0; sentBytes < byteCount; sentBytes += pieceBytes) {
    const from = destination.receivedBytes;
    origin.socket.write(patternView(from, pieceBytes));
    await until(() => destination.receivedBytes === from + pieceBytes);
  }
  assert.ok(isPattern(destination.received(), 0));
}

describe("streams that are carried", { skip }, () => {
  uringTest("splices large pieces, copies small ones, and goes back and forth", async () => {
    const before = openDescriptors();
    const counted = countedCalls();
    await withEngine(
      {},
      async (world, { loop }) => {
        const way = await carried(world);
        await pour(way, 50_000, 1_000);
        assert.equal(counted.spliceCount, 0);

        await pour(way, 2 * MIB, 65_536);
        const largeCount = counted.spliceCount;
        assert.ok(largeCount > 0);
        assert.equal(loop.splicer.streamCount, 2);

        await pour(way, 50_000, 1_000);
        const smallCount = counted.spliceCount - largeCount;
        assert.ok(smallCount < 20, `${smallCount} splices of small pieces`);
        assert.equal(loop.splicer.streamCount, 0);

        await pour(way, 2 * MIB, 65_536);
        assert.ok(counted.spliceCount > largeCount + smallCount);
      },
      counted.calls,
    );
    assert.deepEqual(openDescriptors(), before);
  });

  uringTest("copies where no pipe is to be had, and asks less and less often", async () => {
    const real = loadForeignFunctions();
    let isFull = false;
    let askedCount = 0;
    const counted = countedCalls({
      pipe(ends) {
        if (!isFull) return real.pipe(ends);
        askedCount++;
        return EMFILE;
      },
    });
    await withEngine(
      {},
      async (world) => {
        isFull = true;
        await pour(await carried(world), 16 * MIB, 262_144);
      },
      counted.calls,
    );
    assert.equal(counted.spliceCount, 0);
    assert.ok(askedCount > 1 && askedCount <= 8, `${askedCount}`);
  });

  uringTest("copies where all descriptors for splicing are taken", async () => {
    const counted = countedCalls();
    await withEngine(
      {},
      async (world, { loop }) => {
        loop.splicer.streamCount = MAX_SPLICED_STREAMS;
        await pour(await carried(world), 4 * MIB, 262_144);
        loop.splicer.streamCount = 0;
      },
      counted.calls,
    );
    assert.equal(counted.spliceCount, 0);
  });

  uringTest("takes descriptors back of those that stall, and of nobody else", async () => {
    const counted = countedCalls();
    await withEngine(
      {},
      async (world, { loop }) => {
        const { splicer } = loop;
        splicer.streamCount = MAX_SPLICED_STREAMS - 2;
        const first = await carried(world);
        await pour(first, 2 * MIB, 65_536);
        assert.equal(splicer.streamCount, MAX_SPLICED_STREAMS);
        const firstCount = counted.spliceCount;

        const second = await carried(world);
        splicer.stallMs = 600_000;
        await pour(second, MIB, 262_144);
        assert.equal(counted.spliceCount, firstCount);
        splicer.stallMs = 0;
        await pour(second, 8 * MIB, 262_144);
        assert.ok(counted.spliceCount > firstCount);
        assert.equal(splicer.streamCount, MAX_SPLICED_STREAMS);

        // The first copies now, and what it was given back is not given back again.
        splicer.stallMs = 600_000;
        const bothCount = counted.spliceCount;
        await pour(first, MIB, 65_536);
        assert.equal(counted.spliceCount, bothCount);
        second.origin.socket.reset();
        await until(() => second.source.isClosed);
        second.target.socket.reset();
        await until(() => splicer.streamCount === MAX_SPLICED_STREAMS - 2);
        await pour(first, 8 * MIB, 65_536);
        assert.ok(counted.spliceCount > bothCount);
        splicer.streamCount -= MAX_SPLICED_STREAMS - 2;
      },
      counted.calls,
    );
  });

  uringTest("takes descriptors back of one whose destination takes nothing", async () => {
    const counted = countedCalls();
    await withEngine(
      {},
      async (world, { loop }) => {
        const { splicer } = loop;
        const stalled = await carried(world);
        await pour(stalled, 2 * MIB, 65_536);
        stalled.destination.socket.pause();
        const from = stalled.destination.receivedBytes;
        const write = (): void => stalled.origin.socket.write(patternView(from, 24 * MIB));
        write();
        await untilQuiet(() => counted.spliceCount, 50);
        splicer.streamCount += MAX_SPLICED_STREAMS - 2;
        splicer.stallMs = 0;

        const other = await carried(world);
        await pour(other, 4 * MIB, 262_144);
        assert.equal(splicer.streamCount, MAX_SPLICED_STREAMS);
        stalled.destination.socket.resume();
        await until(() => stalled.destination.receivedBytes === from + 24 * MIB, 30_000);
        assert.ok(isPattern(stalled.destination.received(), 0));
        splicer.streamCount -= MAX_SPLICED_STREAMS - 2;
      },
      counted.calls,
    );
  });

  uringTest("copies what the target has not taken of what lies in the pipe", async () => {
    const real = loadForeignFunctions();
    let count = 0;
    const counted = countedCalls({
      // Every fifth is cut short, every seventh refused: into the pipe and out of it.
      splice(source, target, byteCount) {
        count++;
        if (count % 7 === 0) return EAGAIN;
        return real.splice(source, target, count % 5 === 0 ? 1_000 : byteCount);
      },
    });
    await withEngine(
      { debug: true },
      async (world) => {
        for (let round = 0; round < 6; round++) await pour(await carried(world), 3 * MIB, 131_072);
      },
      counted.calls,
    );
    assert.ok(counted.spliceCount > 20, `${counted.spliceCount}`);
  });

  uringTest(
    "takes no splice that brings nothing, as before urgent bytes, for the end",
    async () => {
      const real = loadForeignFunctions();
      let isStopped = false;
      let count = 0;
      const counted = countedCalls({
        splice(source, target, byteCount) {
          if (isStopped && count++ % 3 === 0) return 0;
          return real.splice(source, target, byteCount);
        },
      });
      await withEngine(
        {},
        async (world) => {
          const way = await carried(world);
          await pour(way, 2 * MIB, 131_072);
          isStopped = true;
          await pour(way, 2 * MIB, 131_072);
          assert.equal(way.source.isEnded, false);
          assert.ok(count > 0);
          way.origin.socket.finish();
          await until(() => way.source.isEnded);
        },
        counted.calls,
      );
    },
  );

  uringTest("waits for a target whose buffer is small, and copies then", async () => {
    const counted = countedCalls();
    await withEngine(
      {},
      async (world) => {
        const { client: origin, server: source } = await world.pair();
        const { client: target, server: destination } = await world.pair(undefined, {
          stream: { noDelay: true, keepAlive: false, sendBufferBytes: 4_096 },
        });
        source.socket.carryTo?.(target.socket, { carried() {} });
        await pour({ origin, source, target, destination }, 4 * MIB, 131_072);
      },
      counted.calls,
    );
    assert.equal(counted.spliceCount, 0);
  });
});
