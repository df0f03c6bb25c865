/** How late messages are over a bad link, where nothing but the link takes time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PacedCongestion } from "#src/protocol/kcp/pacing.js";
import { fuzzRuns } from "../../support/fuzz-runs.js";
import { kcpPair } from "../../support/kcp-pair.js";

const SEEDS = Math.max(8, fuzzRuns(20));
const SECONDS = 20;
const DATAGRAM_BYTES = 1_432;

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** How late 1 KiB messages come over 5 % loss and 50 ms each way. */
function latencies(seed: number, perSecond: number): number[] {
  const { events, left, right } = kcpPair(
    { seed: 2 * seed, lossRate: 0.05, delayMs: 50, bytesPerSecond: 2_500_000, queueBytes: 250_000 },
    () => ({
      sendWindow: 512,
      receiveWindow: 512,
      mtuBytes: DATAGRAM_BYTES,
      congestion: new PacedCongestion(DATAGRAM_BYTES - 24),
    }),
  );
  const count = perSecond * SECONDS;
  const sentMs = Array.from({ length: count }, (_, index) => (index * 1_000) / perSecond);
  for (const atMs of sentMs) events.at(atMs, () => left.send(Buffer.alloc(1_024)));
  events.run(60_000, () => right.messages.length === count);
  assert.equal(right.messages.length, count);
  return right.arrivedMs.map((atMs, index) => atMs - sentMs[index]!);
}

for (const perSecond of [50, 100]) {
  test(`over 5 % loss and 50 ms, ${perSecond} a second, one message in 100 is late by two lost sends`, () => {
    const all = Array.from({ length: SEEDS }, (_, seed) => latencies(seed + 1, perSecond));

    // Half a round trip, and one more with 3 further messages for each time that it was lost.
    const pooledMs = percentile(all.flat(), 0.99);
    assert.ok(pooledMs < 260, `${pooledMs} ms over all`);
    assert.ok(percentile(all.flat(), 0.5) < 52);
    for (const own of all) assert.ok(percentile(own, 0.99) < 360, `${percentile(own, 0.99)} ms`);
  });
}
