/** Contract cases: what comes from one stream is carried to another by the engine. */
import assert from "node:assert/strict";
import { MAX_AHEAD_BYTES, MAX_CARRIED_BYTES } from "#src/engine/engine.js";
import { isPattern, patternView } from "../support/byte-pattern.js";
import type { StreamProbe } from "../support/engine-probe.js";
import { turns, untilQuiet } from "../support/engine-wait.js";
import type { EngineWorld } from "../support/engine-world.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const MIB = 1_048_576;

/** Two connections that are joined: origin ── source ═► target ── destination. */
interface Chain {
  readonly origin: StreamProbe;
  readonly source: StreamProbe;
  readonly target: StreamProbe;
  readonly destination: StreamProbe;
  readonly counts: { receivedBytes: number; sentBytes: number };
}

async function chain(world: EngineWorld): Promise<Chain> {
  const left = await world.pair();
  const right = await world.pair();
  const { client: origin, server: source } = left;
  const { client: target, server: destination } = right;
  return { origin, source, target, destination, counts: carry(source, target) };
}

/** Has `source` carried to `target`; answers the counts of what was carried so far. */
function carry(source: StreamProbe, target: StreamProbe): Chain["counts"] {
  const counts = { receivedBytes: 0, sentBytes: 0 };
  const isCarried = source.socket.carryTo?.(target.socket, {
    carried(receivedBytes, sentBytes) {
      counts.receivedBytes += receivedBytes;
      counts.sentBytes += sentBytes;
    },
  });
  assert.equal(isCarried, true);
  return counts;
}

/** Writes the pattern in pieces of these sizes, one when the last has been taken. */
function pour(stream: StreamProbe, sizes: readonly number[]): number {
  let at = 0;
  let index = 0;
  const next = (): void => {
    const size = sizes[index++];
    if (size === undefined) return;
    stream.socket.write(patternView(at, size));
    at += size;
  };
  stream.onWritten = next;
  next();
  return sizes.reduce((sum, size) => sum + size, 0);
}

const wayCases: readonly ContractCase[] = [
  {
    title: "carries small pieces and the end behind them, and counts",
    needs: "carry",
    async run(world) {
      const { origin, source, destination, target, counts } = await chain(world);
      const total = pour(origin, [1, 64, 5_000, 1, 16_000, 3]);
      await until(() => destination.receivedBytes === total);
      origin.socket.finish();
      await until(() => source.isEnded);
      target.socket.finish();
      await until(() => destination.isEnded);

      assert.ok(isPattern(destination.received(), 0));
      assert.deepEqual(counts, { receivedBytes: total, sentBytes: total });
      assert.deepEqual(source.events, ["ended"]);
      assert.deepEqual(target.events, ["opened"]);
    },
  },
  {
    title: "carries much both ways at once, and tells an end when all before it was taken",
    needs: "carry",
    async run(world) {
      const { origin, source, target, destination, counts } = await chain(world);
      const back = carry(target, source);
      const sizes: number[] = Array(12).fill(MIB);
      const total = pour(origin, sizes);
      pour(destination, sizes);
      await until(() => origin.writtenCount === 12 && destination.writtenCount === 12, 30_000);
      origin.socket.finish();
      destination.socket.finish();
      await until(() => source.isEnded && target.isEnded, 30_000);

      assert.deepEqual(counts, { receivedBytes: total, sentBytes: total });
      assert.deepEqual(back, { receivedBytes: total, sentBytes: total });
      await until(() => destination.receivedBytes + origin.receivedBytes === 2 * total);
      assert.ok(isPattern(destination.received(), 0) && isPattern(origin.received(), 0));
    },
  },
  {
    title: "carries pieces of all sizes, large ones and small ones in turns",
    needs: "carry",
    async run(world) {
      const random = new Random(16);
      const { origin, destination } = await chain(world);
      const sizes: number[] = [];
      for (let round = 0; round < 6; round++) {
        for (let count = 0; count < 12; count++) sizes.push(random.integer(32_768, 200_000));
        for (let count = 0; count < 12; count++) sizes.push(random.integer(1, 3_000));
      }
      const total = pour(origin, sizes);
      await until(() => destination.receivedBytes === total, 30_000);

      assert.ok(isPattern(destination.received(), 0));
    },
  },
  {
    title: "carries nothing in a pause, and goes on after it",
    needs: "carry",
    async run(world) {
      const random = new Random(17);
      const { origin, source, destination } = await chain(world);
      let isPaused = false;
      destination.onReceived = (): void => {
        if (isPaused || random.next() < 0.8) return;
        isPaused = true;
        source.socket.pause();
        void turns(random.integer(0, 6)).then(() => {
          isPaused = false;
          source.socket.resume();
        });
      };
      const total = pour(origin, Array(12).fill(MIB));
      await until(() => destination.receivedBytes === total, 30_000);

      assert.ok(isPattern(destination.received(), 0));
    },
  },
  {
    title: "lets a bounded number of bytes wait for a destination that takes none",
    needs: "carry",
    async run(world) {
      for (const size of [2_000, MIB]) {
        const { origin, destination, counts } = await chain(world);
        let mostBytes = 0;
        const measure = (): number => {
          mostBytes = Math.max(mostBytes, counts.receivedBytes - counts.sentBytes);
          return counts.receivedBytes;
        };
        destination.socket.pause();
        // Small pieces are fewer: where ownership is checked, each costs as much as a large one.
        const bytes = size === MIB ? 24 * MIB : 10 * MIB;
        const total = pour(origin, Array(Math.ceil(bytes / size)).fill(size));
        await untilQuiet(measure, 100);
        const heldBytes = counts.receivedBytes;
        destination.socket.resume();
        await until(() => measure() === total && destination.receivedBytes === total, 30_000);

        assert.ok(heldBytes < total, `${heldBytes}`);
        assert.ok(mostBytes <= MAX_CARRIED_BYTES + 2 * MAX_AHEAD_BYTES, `${mostBytes}`);
        assert.ok(isPattern(destination.received(), 0));
      }
    },
  },
];

const endCases: readonly ContractCase[] = [
  {
    title: "tells a reset of the one who is carried, while the other takes nothing as well",
    needs: "carry",
    async run(world) {
      for (const isHeld of [false, true]) {
        const { origin, source, target, destination, counts } = await chain(world);
        if (isHeld) destination.socket.pause();
        pour(origin, Array(24).fill(MIB));
        await untilQuiet(() => counts.receivedBytes, 50);
        origin.socket.reset();
        await until(() => source.isClosed);
        await turns(5);

        assert.equal(source.events.at(-1), "closed CONNECTION_RESET");
        assert.equal(target.isClosed, false);
      }
    },
  },
  {
    title: "tells a reset of the one to whom is carried, and then takes nothing more",
    needs: "carry",
    async run(world) {
      const { origin, source, target, destination, counts } = await chain(world);
      pour(origin, Array(24).fill(MIB));
      await until(() => counts.sentBytes > MIB);
      destination.socket.reset();
      await until(() => target.isClosed);
      const held = await untilQuiet(() => counts.receivedBytes, 50);
      await turns(20);

      assert.match(target.events.at(-1) ?? "", /^closed (CONNECTION_RESET|BROKEN_PIPE)/);
      assert.equal(source.isClosed, false);
      assert.equal(counts.receivedBytes, held);
    },
  },
  {
    title: "leaves nothing behind, whoever ends at whatever moment",
    needs: "carry",
    async run(world) {
      const random = new Random(18);
      const chains: Chain[] = [];
      for (let count = 0; count < fuzzRuns(200); count++) {
        const made = await chain(world);
        if (count % 2 === 0) carry(made.target, made.source);
        chains.push(made);
        pour(made.origin, Array(24).fill(random.next() < 0.5 ? 300_000 : 900));
        if (count % 2 === 0) pour(made.destination, Array(24).fill(100_000));
        const ends = [made.origin, made.source, made.target, made.destination];
        const atBytes = random.integer(0, 4 * MIB);
        const stream = ends[random.integer(0, 3)] as StreamProbe;
        const isReset = random.next() < 0.5;
        void untilQuiet(() => Math.min(made.counts.receivedBytes, atBytes), 2).then(() =>
          isReset ? stream.socket.reset() : stream.socket.close(),
        );
      }
      await untilQuiet(() => chains.reduce((sum, { counts }) => sum + counts.receivedBytes, 0), 50);
      // The world looks at what each was told.
    },
  },
  {
    title: "refuses writes to a stream that another is carried to, and a second carrying",
    needs: "carry",
    async run(world) {
      const { source, target, destination } = await chain(world);
      const sink = { carried(): void {} };

      assert.equal(source.socket.carryTo?.(target.socket, sink), false);
      assert.equal(destination.socket.carryTo?.(target.socket, sink), false);
      assert.throws(() => target.socket.write(Buffer.from("x")), { code: "INVALID_STATE" });
    },
  },
];

/** What comes from one stream is carried to another by the engine. */
export const carryCases: readonly ContractCase[] = [...wayCases, ...endCases];
