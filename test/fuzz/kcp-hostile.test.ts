/** What a peer can write into segments: nothing throws, all is bounded, and nobody else's messages change. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { it } from "node:test";
import { NoCongestion } from "#src/protocol/kcp/congestion.js";
import { Kcp } from "#src/protocol/kcp/kcp.js";
import type { KcpSink } from "#src/protocol/kcp/kcp-settings.js";
import { KcpShare } from "#src/protocol/kcp/kcp-share.js";
import type { MemoryBlock } from "#src/protocol/kcp/memory-block.js";
import { PacedCongestion } from "#src/protocol/kcp/pacing.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { kcpSettings } from "../support/kcp-pair.js";
import { Random } from "../support/random.js";

const WINDOW = 128;
const DATAGRAMS = 2_000;
const SEEDS = fuzzRuns(60);

/** A datagram of one to four segments with numbers near those that count, and anything else in them. */
function hostile(random: Random, near: { sent: number; received: number; nowMs: number }): Buffer {
  const segments: Buffer[] = [];
  for (let count = random.integer(1, 4); count > 0; count--) {
    const data = random.bytes(random.pick([0, 1, 64, 1_376]));
    const head = Buffer.alloc(24);
    const around = (value: number): number =>
      random.pick([
        value,
        value + random.integer(-200, 200),
        random.integer(-(2 ** 31), 2 ** 31 - 1),
      ]) | 0;
    head.writeInt32LE(random.next() < 0.02 ? 2 : 1, 0);
    head[4] = random.pick([81, 81, 82, 82, 83, 84, random.integer(0, 255)]);
    head[5] = random.pick([0, 0, 1, 126, 127, 255]);
    head.writeUInt16LE(random.pick([0, 1, WINDOW, 65_535]), 6);
    head.writeInt32LE(around(near.nowMs | 0), 8);
    head.writeInt32LE(around(head[4] === 81 ? near.received : near.sent), 12);
    head.writeInt32LE(
      random.pick([near.sent, near.sent - 1, near.sent + 1, 0, around(near.sent)]) | 0,
      16,
    );
    head.writeInt32LE(random.next() < 0.02 ? around(data.length) : data.length, 20);
    segments.push(head, data);
  }
  const datagram = Buffer.concat(segments);
  return random.next() < 0.05 ? datagram.subarray(0, random.integer(0, datagram.length)) : datagram;
}

it("a peer that lies in every field harms itself alone", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const blocks = new Set<MemoryBlock>();
    const settings = kcpSettings({
      sendWindow: WINDOW,
      receiveWindow: WINDOW,
      maxMessageBytes: 1e9,
    });
    const share = new KcpShare(settings);
    let nowMs = random.pick([0, 2 ** 31 - 2_000, 2 ** 32 - 2_000]);
    const firstNumber = random.pick([0, -5, 2 ** 31 - 5]);
    const make = (sink: KcpSink): Kcp => {
      const congestion = seed % 2 === 0 ? new NoCongestion() : new PacedCongestion(1_376);
      return new Kcp({ ...settings, firstNumber, congestion }, sink, share);
    };
    // The one that is attacked shares all memory with a pair that is not.
    let written = 0;
    const attacked = make({
      output: (memory, _start, byteCount) => {
        blocks.add(memory);
        written += byteCount;
      },
      message: () => {
        if (random.next() < 0.1) attacked.hold();
      },
    });
    const wires: Buffer[][] = [[], []];
    const received: Buffer[] = [];
    const pair = [0, 1].map((index) =>
      make({
        output: (memory, start, byteCount) => {
          blocks.add(memory);
          if (random.next() < 0.1) return;
          wires[1 - index]!.push(Buffer.from(memory.bytes.subarray(start, start + byteCount)));
        },
        message: (bytes, start, length) =>
          void received.push(Buffer.from(bytes.subarray(start, start + length))),
      }),
    );
    const sent: Buffer[] = [];

    for (let step = 0; step < DATAGRAMS; step++) {
      nowMs += random.integer(0, 12);
      const near = {
        sent: firstNumber + attacked.counts.sentSegments,
        received: firstNumber + random.integer(0, 400),
        nowMs,
      };
      attacked.input(hostile(random, near), nowMs);
      if (random.next() < 0.2) attacked.resume();
      if (attacked.pendingBytes < 100_000 && random.next() < 0.3) {
        attacked.send(random.bytes(random.pick([0, 10, 3_000])), nowMs + random.pick([1, 50]));
      }
      attacked.flush(nowMs);
      assert.ok(attacked.keptSegments <= WINDOW && attacked.inFlight <= WINDOW);
      assert.ok(attacked.pendingBytes >= 0 && attacked.pendingSegments >= 0);
      if (sent.length < 400 && random.next() < 0.4) {
        const message = random.bytes(random.pick([1, 64, 1_000, 5_000]));
        sent.push(message);
        pair[0]!.send(message);
      }
      for (const [index, side] of pair.entries()) {
        for (const datagram of wires[index]!.splice(0)) side.input(datagram, nowMs);
        if (side.dueMs <= nowMs) side.due(nowMs);
        else if (side.needsFlush) side.flush(nowMs);
      }
    }
    for (let step = 0; received.length < sent.length && step < 20_000; step++) {
      nowMs += 10;
      for (const [index, side] of pair.entries()) {
        for (const datagram of wires[index]!.splice(0)) side.input(datagram, nowMs);
        if (side.dueMs <= nowMs) side.due(nowMs);
        else if (side.needsFlush) side.flush(nowMs);
      }
    }

    assert.equal(received.length, sent.length, `seed ${seed}`);
    assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)), `seed ${seed}`);
    assert.ok(written < DATAGRAMS * 10 * 1_400, `seed ${seed}: ${written} bytes written`);
    for (const block of blocks) assert.ok(block.keptCount >= 0, `seed ${seed}`);
  }
});
