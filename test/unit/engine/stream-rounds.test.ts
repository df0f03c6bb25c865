/** Streams that are looked at in turn, on the node engine. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ROUND_STREAMS, StreamRounds, type WatchedStream } from "#src/engine/node/stream-rounds.js";

class Watched implements WatchedStream {
  lookCount = 0;
  stays = true;

  look(): boolean {
    this.lookCount++;
    return this.stays;
  }
}

describe("rounds over streams", () => {
  test("looks at a bounded number in a round, and at each in turn", () => {
    const rounds = new StreamRounds();
    const streams = Array.from({ length: ROUND_STREAMS + 10 }, () => new Watched());
    for (const stream of streams) rounds.add(stream);

    rounds.round();
    const first = streams.filter(({ lookCount }) => lookCount === 1).length;
    rounds.round();
    const counts = streams.map(({ lookCount }) => lookCount);

    assert.equal(first, ROUND_STREAMS);
    assert.ok(counts.every((count) => count >= 1));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      2 * ROUND_STREAMS,
    );
    for (const stream of streams) stream.stays = false;
    rounds.round();
    rounds.round();
    assert.equal(rounds.streamCount, 0);
  });

  test("lets a stream go that need not be looked at any more, and goes on with the others", () => {
    const rounds = new StreamRounds();
    const [gone, stays] = [new Watched(), new Watched()];
    gone.stays = false;
    rounds.add(gone);
    rounds.add(stays);

    rounds.round();
    rounds.round();

    assert.deepEqual([gone.lookCount, stays.lookCount], [1, 2]);
    stays.stays = false;
    rounds.round();
    assert.equal(rounds.streamCount, 0);
  });
});
