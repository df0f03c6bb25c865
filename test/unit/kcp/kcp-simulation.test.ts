import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { NoCongestion, StockCongestion } from "#src/protocol/kcp/congestion.js";
import { PacedCongestion } from "#src/protocol/kcp/pacing.js";
import { fuzzRuns } from "../../support/fuzz-runs.js";
import { kcpPair } from "../../support/kcp-pair.js";
import { Random } from "../../support/random.js";

const SEEDS = fuzzRuns(10_000);
const CONGESTIONS = [
  () => new NoCongestion(),
  () => new StockCongestion(1_376, 2),
  () => new PacedCongestion(1_376),
];

/** Sends messages both ways over a link that the seed decides, and looks at what arrives. */
function exchange(seed: number): void {
  const random = new Random(seed);
  const firstNumber = random.pick([0, -5, 2 ** 31 - 3]);
  const startMs = random.pick([0, 2 ** 32 - 700, 2 ** 31 - 700]);
  const isStream = random.next() < 0.2;
  const congestion = random.pick(CONGESTIONS);
  const { events, left, right } = kcpPair(
    {
      seed,
      lossRate: random.next() * 0.3,
      lossBurst: random.pick([1, 1, 3]),
      delayMs: random.integer(0, 60),
      jitterMs: random.integer(0, 30),
      duplicateRate: random.next() * 0.3,
      reorderRate: random.next() * 0.3,
      reorderDelayMs: random.integer(1, 80),
    },
    () => ({
      firstNumber,
      isStream,
      noDelay: random.pick([0, 1, 2] as const),
      intervalMs: random.pick([10, 20, 60]),
      fastResend: random.pick([0, 2]),
      fastLimit: random.pick([0, 5]),
      repeatAfterMs: random.pick([0, 0, 15]),
      repeatCount: random.pick([1, 3]),
      sendWindow: random.pick([8, 32, 128]),
      mtuBytes: random.pick([72, 500, 1_400]),
      congestion: congestion(),
    }),
    startMs,
  );
  const sent: [Buffer[], Buffer[]] = [[], []];
  for (const [index, side] of [left, right].entries()) {
    let atMs = startMs;
    const count = random.integer(1, 30);
    for (let number = 0; number < count; number++) {
      atMs += random.integer(0, 40);
      const most = random.pick([0, 10, 100, 3_000]);
      const message = random.bytes(random.integer(0, Math.min(most, side.kcp.maxSendBytes)));
      sent[index]!.push(message);
      events.at(atMs, () => side.send(message));
    }
  }
  const sides = [left, right];
  const isQuiet = (): boolean =>
    events.count === 0 && sides.every(({ kcp }) => kcp.pendingBytes === 0);

  events.run(startMs + 6_000_000, isQuiet);

  for (const [index, side] of [right, left].entries()) {
    const expected = sent[index]!;
    if (isStream) assert.deepEqual(Buffer.concat(side.messages), Buffer.concat(expected));
    else assert.deepEqual(side.messages, expected);
  }
  for (const { kcp } of sides) {
    assert.equal(kcp.pendingSegments, 0);
    assert.equal(kcp.keptSegments, 0);
    assert.equal(kcp.pendingBytes, 0);
    assert.equal(kcp.dueMs, Number.POSITIVE_INFINITY, "an idle conversation has nothing due");
    assert.equal(kcp.isDead, false);
  }
}

test(`delivers everything once and in order, for ${SEEDS} seeds of loss, duplicates and disorder`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      exchange(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }
});
