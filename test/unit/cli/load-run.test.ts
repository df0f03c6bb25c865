import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { BytePattern } from "#src/cli/load/byte-pattern.js";
import type { ConnectionLoad } from "#src/cli/load/connection-load.js";
import { EchoLoad } from "#src/cli/load/echo-load.js";
import { EchoTally } from "#src/cli/load/echo-tally.js";
import type { LoadAgent, LoadEvents, LoadedConnection } from "#src/cli/load/load-agent.js";
import { type LoadOutcome, LoadRun } from "#src/cli/load/load-run.js";
import { ManualClock } from "#src/time/clock.js";
import { rounds } from "../../support/until.js";

const MESSAGE_BYTES = 10;
const ALPHABET = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** A load of an echo server that takes messages, and sends them back when it is asked to. */
class Load {
  readonly clock: ManualClock = new ManualClock();
  readonly tally: EchoTally = new EchoTally(new BytePattern(MESSAGE_BYTES, ALPHABET), 2, false);
  readonly outcome: Promise<LoadOutcome>;
  /** What has not been sent back, by connection. */
  readonly held: Map<LoadedConnection, Buffer[]> = new Map();
  #events: LoadEvents | undefined;

  constructor(messages: number, connectionCount: number) {
    this.tally.unsentCount = messages;
    let index = 0;
    const plan = {
      createAgent: (events: LoadEvents, createLoad: () => ConnectionLoad) => {
        this.#events = events;
        return this.#agent(createLoad);
      },
      connectionCount,
      warmupMs: 0,
      measuredMs: 86_400_000,
      createLoad: () => new EchoLoad(this.tally, index++),
    };
    this.outcome = new LoadRun(plan, this.tally, this.clock).run();
  }

  #agent(createLoad: () => ConnectionLoad): LoadAgent {
    return {
      engineName: "none",
      stop: async () => {},
      connect: async () => {
        const pieces: Buffer[] = [];
        const connection = {
          context: createLoad(),
          send: (piece: Buffer) => pieces.push(Buffer.from(piece)) > 0,
        } as Partial<LoadedConnection> as LoadedConnection;
        this.held.set(connection, pieces);
        this.#events?.opened(connection);
        return connection;
      },
    };
  }

  /** Sends back what was held until now. */
  answer(): void {
    const all = [...this.held].map(([connection, pieces]) => ({
      connection,
      now: pieces.splice(0),
    }));
    for (const { connection, now } of all) {
      if (now.length > 0) this.#events?.received(connection, Buffer.concat(now));
    }
  }
}

describe("a load of so many messages", () => {
  it("sends as many as it was told, shared among the connections, and ends when all are back", async () => {
    const load = new Load(7, 3);
    await rounds();
    assert.deepEqual([load.tally.inFlightCount, load.tally.unsentCount], [6, 1]);
    load.answer();
    load.answer();
    const { openedCount } = await load.outcome;
    const { messageCount, latencies, verifiedBytes, failureCount } = load.tally;
    assert.deepEqual([messageCount, latencies.count, verifiedBytes], [7, 7, 70]);
    assert.deepEqual([openedCount, failureCount], [3, 0]);
  });

  it("ends when more connections were asked for than messages", async () => {
    const load = new Load(1, 3);
    await rounds();
    load.answer();
    await load.outcome;
    assert.equal(load.tally.messageCount, 1);
  });

  it("ends 10 s after the last answer, and tells what is missing 2 s later", async () => {
    const load = new Load(100, 1);
    let isOver = false;
    void load.outcome.then(() => {
      isOver = true;
    });
    await rounds();
    load.clock.advance(9_000);
    load.answer();
    load.clock.advance(9_900);
    await rounds();
    assert.equal(load.tally.stopAtMs, 86_400_000);
    load.clock.advance(500);
    assert.ok(load.tally.stopAtMs <= load.clock.now());
    await rounds();
    assert.equal(isOver, false);
    load.clock.advance(2_000);
    await load.outcome;
    assert.deepEqual([...load.tally.failures.keys()], ["MISSING_ANSWER"]);
    assert.equal(load.tally.messageCount, 2);
  });
});
