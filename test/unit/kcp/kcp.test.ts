/** KCP on the wire and in time: segments byte by byte, windows, probes, dead links, stale messages. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { type Congestion, NoCongestion } from "#src/protocol/kcp/congestion.js";
import { PacedCongestion } from "#src/protocol/kcp/pacing.js";
import { HEAD_BYTES } from "#src/protocol/kcp/segment.js";
import { fuzzRuns } from "../../support/fuzz-runs.js";
import { kcpPair } from "../../support/kcp-pair.js";
import { Random } from "../../support/random.js";

/** A segment as hexadecimal: conv, cmd, frg, wnd, ts, sn, una, len. */
function segment(fields: {
  command: number;
  fragment?: number;
  window?: number;
  time?: number;
  number?: number;
  una?: number;
  data?: Buffer;
  length?: number;
}): Buffer {
  const data = fields.data ?? Buffer.alloc(0);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(1, 0);
  head[4] = fields.command;
  head[5] = fields.fragment ?? 0;
  head.writeUInt16LE(fields.window ?? 128, 6);
  head.writeInt32LE(fields.time ?? 0, 8);
  head.writeInt32LE(fields.number ?? 0, 12);
  head.writeInt32LE(fields.una ?? 0, 16);
  head.writeInt32LE(fields.length ?? data.length, 20);
  return Buffer.concat([head, data]);
}

const CONV = 0x11223344;

describe("KCP", () => {
  it("writes the segments of HP §3.4, and acknowledges them", () => {
    const { events, left, right } = kcpPair(
      { delayMs: 7 },
      { localConversation: CONV, remoteConversation: CONV },
    );
    const sent: string[] = [];
    left.tap = (datagram) => {
      sent.push(datagram.toString("hex"));
      return datagram;
    };
    right.tap = left.tap;

    left.send(Buffer.from("hi"));
    events.run(1_000);

    assert.deepEqual(sent, [
      "44332211" +
        "51" +
        "00" +
        "8000" +
        "00000000" +
        "00000000" +
        "00000000" +
        "02000000" +
        "6869",
      "44332211" + "52" + "00" + "8000" + "00000000" + "00000000" + "01000000" + "00000000",
    ]);
    assert.equal(left.kcp.roundTrip.smoothedMs, 14);
  });

  it("cuts a message into fragments that count down, and fills datagrams with several segments", () => {
    const { events, left, right } = kcpPair({}, { mtuBytes: 200 });
    const fragments: number[] = [];
    left.tap = (datagram) => {
      fragments.push(datagram[5] as number);
      return datagram;
    };
    const random = new Random(1);
    const message = random.bytes(500);

    left.kcp.send(message);
    left.kcp.send(Buffer.from("a"));
    left.kcp.send(Buffer.from("b"));
    left.turn();
    events.run(100);

    assert.deepEqual(fragments, [2, 1, 0, 0], "the last fragment has a datagram to itself");
    assert.deepEqual(right.messages, [message, Buffer.from("a"), Buffer.from("b")]);
    assert.equal(right.outputCount, 4);
  });

  it("joins what waits in stream mode", () => {
    const { events, left, right } = kcpPair({}, { isStream: true, mtuBytes: 124 });
    for (let count = 0; count < 250; count++) left.kcp.send(Buffer.from([count]));
    assert.equal(left.kcp.pendingSegments, 3);
    left.turn();
    events.run(100);

    assert.equal(right.messages.length, 3);
    assert.equal(Buffer.concat(right.messages).length, 250);
  });

  it("has nothing due while nothing waits, however long", () => {
    const { events, left, right } = kcpPair({ delayMs: 20 });
    left.send(Buffer.from("x"));
    events.run(10_000);
    const timers = left.timerCount + right.timerCount;

    events.run(10_000_000);

    assert.equal(left.timerCount + right.timerCount, timers);
    assert.equal(left.kcp.dueMs, Number.POSITIVE_INFINITY);
    assert.equal(right.kcp.dueMs, Number.POSITIVE_INFINITY);
    assert.equal(events.count, 0);
  });

  it("holds the peer back while held: its window closes, it asks, and goes on", () => {
    const { events, left, right } = kcpPair({ delayMs: 10 });
    right.kcp.hold();
    for (let count = 0; count < 500; count++) left.kcp.send(Buffer.alloc(1_000, count));
    left.turn();
    events.run(9_000);
    assert.equal(right.messages.length, 0);
    assert.equal(left.kcp.window, 0);
    assert.ok(right.kcp.keptSegments <= 128);
    assert.equal(left.kcp.isDead, false);

    right.kcp.resume();
    // The word of it is lost; the question finds out.
    right.tap = () => undefined;
    right.turn();
    right.tap = (datagram) => datagram;
    events.run(30_000);

    assert.equal(right.messages.length, 500);
    assert.equal(left.kcp.pendingBytes, 0);
  });

  it("finds a dead link after deadLinkMs, and sends no more than a few segments meanwhile", () => {
    const { events, left } = kcpPair({ lossRate: 1 }, { deadLinkMs: 10_000 });
    left.send(Buffer.alloc(5_000));
    events.run(9_990);
    assert.equal(left.kcp.isDead, false);
    events.run(10_700);

    assert.equal(left.kcp.isDead, true);
    assert.ok(left.outputCount < 200, `${left.outputCount} datagrams`);
  });

  it("judges by time when it is due alone: at the end of a turn there may be acknowledgements to read", () => {
    const { left } = kcpPair({ lossRate: 1 }, { deadLinkMs: 10_000 });
    left.send(Buffer.from("x"));
    left.kcp.send(Buffer.from("y"));
    left.kcp.flush(60_000);
    assert.equal(left.kcp.counts.timedOutSegments, 0);
    assert.equal(left.kcp.isDead, false);
    assert.ok(left.kcp.dueMs <= 60_000);

    left.kcp.due(60_000);
    assert.equal(left.kcp.counts.timedOutSegments, 1);
    assert.equal(left.kcp.isDead, true);
  });

  it("finds a dead link by the number of times that a segment was sent", () => {
    const { events, left } = kcpPair({ lossRate: 1 }, { deadLinkCount: 5 });
    left.send(Buffer.from("x"));
    events.run(60_000, () => left.kcp.isDead);

    assert.equal(left.kcp.counts.timedOutSegments, 4);
  });

  it("keeps within its windows when the peer vanishes, for 1,000 s", () => {
    const { events, left, right } = kcpPair({}, { deadLinkMs: Number.POSITIVE_INFINITY });
    left.send(Buffer.from("x"));
    events.run(100);
    left.tap = () => undefined;
    for (let count = 0; count < 1_000; count++) left.kcp.send(Buffer.alloc(100));
    left.turn();
    events.run(1_000_000);

    assert.ok(left.kcp.inFlight <= 128);
    assert.equal(left.kcp.pendingBytes, 100_000);
    assert.equal(right.kcp.keptSegments, 0);
  });

  it("sends again what is not acknowledged in repeatAfterMs, so often, and then waits as ever", () => {
    const settings = { repeatAfterMs: 15, repeatCount: 2 };
    const { events, left, right } = kcpPair({ lossRate: 1 }, settings);
    const times: number[] = [];
    left.tap = (datagram) => {
      times.push(events.nowMs);
      return datagram;
    };
    left.send(Buffer.from("x"));
    events.run(600);
    assert.deepEqual(times, [0, 15, 30, 230, 530]);
    assert.equal(left.kcp.counts.repeatedSegments, 2);
    assert.equal(left.kcp.counts.timedOutSegments, 2);

    const good = kcpPair({ delayMs: 20 }, settings);
    good.left.send(Buffer.from("x"));
    good.events.run(1_000);
    assert.equal(good.right.kcp.counts.duplicateSegments, 2);
    assert.equal(good.left.kcp.counts.timedOutSegments, 0);
    assert.equal(right.messages.length, 0);
  });

  it("drops messages that grow stale before they have a number, and those alone", () => {
    const { events, left, right } = kcpPair({ delayMs: 50 }, { sendWindow: 2 });
    left.kcp.send(Buffer.from("0"));
    for (let count = 1; count <= 9; count++) {
      left.kcp.send(Buffer.from(`${count}`), count % 2 === 0 ? 40 : undefined);
    }
    left.turn();
    events.run(10_000);

    assert.deepEqual(right.messages.map(String), ["0", "1", "3", "5", "7", "9"]);
    assert.equal(left.kcp.counts.staleMessages, 4);
    assert.equal(left.kcp.pendingBytes, 0);
    assert.equal(left.kcp.pendingSegments, 0);
  });

  it("never drops a part of a message that has begun to leave", () => {
    const { events, left, right } = kcpPair({ delayMs: 50 }, { sendWindow: 2 });
    const message = new Random(3).bytes(10_000);
    left.send(message, 10);
    events.run(10_000);

    assert.deepEqual(right.messages, [message]);
  });

  it("refuses what acknowledges segments that were never sent, and loses nothing by it", () => {
    const { events, left, right } = kcpPair({ delayMs: 5 });
    left.send(Buffer.from("a"));
    left.receive(segment({ command: 82, number: 5, una: 6 }));
    left.receive(segment({ command: 83, una: 2 }));
    assert.equal(left.lastResult, "malformed");
    assert.equal(left.kcp.pendingBytes, 1);
    events.run(1_000);

    assert.deepEqual(right.messages.map(String), ["a"]);
    assert.equal(left.kcp.counts.malformedDatagrams, 2);
  });

  it("does not take the window of a datagram that was overtaken for the present one", () => {
    const { left } = kcpPair({});
    left.send(Buffer.from("a"));
    left.send(Buffer.from("b"));
    left.receive(segment({ command: 82, number: 1, una: 2, window: 100 }));
    left.receive(segment({ command: 84, una: 1, window: 0 }));

    assert.equal(left.kcp.window, 100);
  });

  it("ends for a message above maxMessageBytes, by one fragment or by many", () => {
    const one = kcpPair({}, { maxMessageBytes: 10 }).right;
    one.receive(segment({ command: 81, data: Buffer.alloc(11) }));
    assert.equal(one.lastResult, "tooLong");

    const many = kcpPair({}, { maxMessageBytes: 10 }).right;
    for (const [number, fragment] of [2, 1, 0].entries()) {
      many.receive(segment({ command: 81, number, fragment, data: Buffer.alloc(4) }));
    }
    assert.equal(many.lastResult, "tooLong");
    assert.equal(many.kcp.keptSegments, 0);
  });

  it("ends for a message that never ends: fragments fill the window", () => {
    const { right } = kcpPair({});
    for (let number = 0; number < 128; number++) {
      right.receive(segment({ command: 81, number, fragment: 1 }));
    }
    assert.equal(right.lastResult, "tooLong");
  });

  it("answers many acknowledgements within its datagrams", () => {
    const { right } = kcpPair({});
    const flood = Buffer.concat(
      Array.from({ length: 500 }, (_, index) => segment({ command: 81, number: index % 100 })),
    );
    let longest = 0;
    right.tap = (datagram) => {
      longest = Math.max(longest, datagram.length);
      return undefined;
    };
    right.receive(flood);

    assert.ok(longest <= 1_400);
    assert.equal(right.outputCount, Math.ceil((500 * 24) / 1_392));
    assert.equal(right.kcp.counts.duplicateSegments, 400);
  });

  it("uses the memory again of messages that came out of order", () => {
    const { events, left, right } = kcpPair({ lossRate: 0.05, delayMs: 5, seed: 3 });
    const lent = new Set<Buffer>();
    right.lentMemory = lent;

    for (let number = 0; number < 4_000; number++) {
      left.send(Buffer.alloc(1_000, number));
      if (number % 50 === 0) events.run(events.nowMs + 20);
    }
    events.run(60_000, () => right.messages.length === 4_000);

    assert.equal(right.messages.length, 4_000);
    // Blocks of 16 KiB: what both windows hold, and not what went through them.
    assert.ok(lent.size > 0 && lent.size <= 32, `${lent.size} blocks`);
  });

  for (const heldUpMs of [5, 15, 40]) {
    it(`paces by elapsed time: carries what it can in processes that are held up for ${heldUpMs} ms`, () => {
      const receivedBytes = (createCongestion: () => Congestion, seed: number) => {
        const random = new Random(seed);
        const link = { delayMs: 25, bytesPerSecond: 2_500_000, queueBytes: 250_000, seed };
        const { events, left, right } = kcpPair(link, () => ({
          congestion: createCongestion(),
          sendWindow: 512,
          receiveWindow: 512,
        }));
        for (const side of [left, right]) {
          side.heldUpMs = () => (random.next() < 0.5 ? 0 : random.next() * 2 * heldUpMs);
        }
        left.beforeFlush = () => {
          while (left.kcp.pendingSegments < 1_000) left.kcp.send(Buffer.alloc(1_300));
        };
        left.receive(Buffer.alloc(0));
        events.run(12_000);
        return right.messages.length * 1_300;
      };

      for (const seed of [1, 2, 3].slice(0, fuzzRuns(3))) {
        const paced = receivedBytes(() => new PacedCongestion(1_376), seed);
        const most = receivedBytes(() => new NoCongestion(), seed);
        assert.ok(paced > most * 0.75, `${paced} of ${most} bytes`);
      }
    });
  }

  it("paces: fills most of a link with a short queue, and drops little there", () => {
    const bytesPerSecond = 1_250_000;
    const { events, left, right, links } = kcpPair(
      { bytesPerSecond, queueBytes: 60_000, delayMs: 25 },
      () => ({
        congestion: new PacedCongestion(1_376),
        sendWindow: 1_024,
        receiveWindow: 1_024,
      }),
    );
    for (let count = 0; count < 9_000; count++) left.kcp.send(Buffer.alloc(1_376));
    left.turn();
    events.run(60_000, () => right.messages.length === 9_000);

    const rate = (9_000 * 1_400) / (events.nowMs / 1_000);
    const { droppedCount, sentCount } = links[0]!.counts;
    assert.ok(rate > 0.7 * bytesPerSecond, `${Math.round(rate)} bytes in a second`);
    assert.ok(droppedCount < sentCount / 20, `${droppedCount} of ${sentCount} dropped`);
  });
});
