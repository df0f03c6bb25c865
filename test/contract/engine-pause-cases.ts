/** Contract cases: what still comes after a pause, and resets that come meanwhile. */
import assert from "node:assert/strict";
import { MAX_AHEAD_BYTES } from "#src/engine/engine.js";
import { isPattern, patternView } from "../support/byte-pattern.js";
import type { StreamProbe } from "../support/engine-probe.js";
import { turns, untilQuiet } from "../support/engine-wait.js";
import { Random } from "../support/random.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const MIB = 1_048_576;

/** What may come after a pause: the bound, and one receive buffer of as many. */
const MOST_AHEAD: number = 2 * MAX_AHEAD_BYTES;

/** Counts what comes between a pause and the resume behind it. */
class PauseMeter {
  isPaused = false;
  mostAhead = 0;
  #aheadBytes = 0;
  readonly #stream: StreamProbe;

  constructor(stream: StreamProbe) {
    this.#stream = stream;
  }

  pause(): void {
    this.isPaused = true;
    this.#aheadBytes = 0;
    this.#stream.socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.#stream.socket.resume();
  }

  received(byteCount: number): void {
    if (!this.isPaused) return;
    this.#aheadBytes += byteCount;
    this.mostAhead = Math.max(this.mostAhead, this.#aheadBytes);
  }
}

/** How far a write is that the peer takes in steps. */
const progressCases: readonly ContractCase[] = [
  {
    title: "tells how far a write under way is while the peer takes it",
    async run(world) {
      const { client, server } = await world.pair();
      // What is left after `taken` is more than the kernel keeps of one connection: 32 + 4 MiB.
      const total = world.engine.name === "memory" ? MIB : 64 * MIB;
      const taken = total / 3;
      server.socket.pause();
      const before = client.socket.sendProgress();
      client.socket.write(patternView(0, total));
      await untilQuiet(() => client.socket.sendProgress(), 50);
      const whileHeld = client.socket.sendProgress();
      server.onReceived = (): void => {
        if (server.receivedBytes > taken) server.socket.pause();
      };

      server.socket.resume();
      await until(() => server.receivedBytes > taken);
      await untilQuiet(() => client.socket.sendProgress(), 50);
      const inTheMiddle = client.socket.sendProgress();
      server.onReceived = (): void => {};
      server.socket.resume();
      await until(() => client.writtenCount === 1);

      assert.equal(before, 0);
      assert.ok(whileHeld < inTheMiddle && inTheMiddle < total, `${whileHeld} ${inTheMiddle}`);
      assert.ok(inTheMiddle > total / 3, `${inTheMiddle}`);
      assert.equal(client.socket.sendProgress(), 0);
    },
  },
];

const aheadCases: readonly ContractCase[] = [
  {
    title: "brings at most the named bound after a pause in the first call",
    async run(world) {
      const { client, server } = await world.pair();
      const meter = new PauseMeter(server);
      server.onReceived = (bytes): void => {
        meter.received(bytes.length);
        if (!meter.isPaused) meter.pause();
      };

      client.socket.write(patternView(0, 4 * MIB));
      await untilQuiet(() => server.receivedBytes, 50);

      assert.ok(server.receivedBytes > 0);
      assert.ok(meter.mostAhead <= MOST_AHEAD, `${meter.mostAhead} bytes came after the pause`);
    },
  },
  {
    title: "brings at most the named bound after each of many pauses",
    async run(world) {
      const { client, server } = await world.pair();
      const random = new Random(3);
      const meter = new PauseMeter(server);
      const total = 8 * MIB;
      server.onReceived = (bytes): void => {
        meter.received(bytes.length);
        if (meter.isPaused || random.next() < 0.5) return;
        meter.pause();
        void turns(random.integer(0, 6)).then(() => meter.resume());
      };

      // Small ones first, so that an engine may think that it can read ahead.
      for (let count = 0; count < 20; count++) {
        client.socket.write(patternView(count * 100, 100));
        await until(() => client.writtenCount === count + 1);
      }
      client.socket.write(patternView(2_000, total - 2_000));
      await until(() => server.receivedBytes === total, 30_000);

      assert.ok(isPattern(server.received(), 0));
      assert.ok(meter.mostAhead <= MOST_AHEAD, `${meter.mostAhead} bytes came after a pause`);
    },
  },
];

const resetCases: readonly ContractCase[] = [
  {
    title: "tells a reset while it is paused",
    needs: "resetWhilePaused",
    async run(world) {
      const { client, server } = await world.pair();
      server.socket.pause();
      await turns(5);

      client.socket.reset();
      await until(() => server.isClosed);

      assert.deepEqual(server.events, ["closed CONNECTION_RESET"]);
    },
  },
  {
    title: "tells a reset while it is paused with bytes unread, after pauses before",
    needs: "resetWhilePaused",
    async run(world) {
      const { client, server } = await world.pair();
      for (let count = 0; count < 3; count++) {
        server.socket.pause();
        await turns(2);
        server.socket.resume();
        await turns(2);
      }
      server.onReceived = () => server.socket.pause();
      client.socket.write(patternView(0, 4 * MIB));
      await untilQuiet(() => server.receivedBytes, 50);

      client.socket.reset();
      await until(() => server.isClosed);

      assert.equal(server.events.at(-1), "closed CONNECTION_RESET");
      assert.equal(server.isEnded, false);
    },
  },
  {
    title: "tells a reset after the peer's end",
    needs: "resetWhilePaused",
    async run(world) {
      const { client, server } = await world.pair();
      client.socket.finish();
      await until(() => server.isEnded);
      await turns(5);

      client.socket.reset();
      await until(() => server.isClosed);

      assert.deepEqual(server.events, ["ended", "closed CONNECTION_RESET"]);
    },
  },
  {
    title: "takes the peer's end in a pause for no reset",
    async run(world) {
      const { client, server } = await world.pair();
      server.socket.pause();
      client.socket.finish();
      await turns(30);
      const wasClosed = server.isClosed;

      server.socket.resume();
      await until(() => server.isEnded);
      server.socket.write(Buffer.from("still here"));
      await until(() => client.receivedBytes === 10);

      assert.equal(wasClosed, false);
      assert.equal(server.events[0], "ended");
    },
  },
  {
    title: "never tells a reset behind data as an end",
    async run(world) {
      const listener = await world.listen();
      for (let round = 0; round < 20; round++) {
        const { client, server } = await world.pair(listener);
        client.onWritten = () => client.socket.reset();
        client.socket.write(patternView(0, 50_000));
        await until(() => server.isClosed || server.isEnded);

        assert.equal(server.events.at(-1), "closed CONNECTION_RESET");
      }
    },
  },
];

/** What still comes after a pause, and resets that come meanwhile. */
export const pauseCases: readonly ContractCase[] = [...aheadCases, ...progressCases, ...resetCases];
