/** Gathering bytes of a message, small and large: what is taken out, what it costs, joining in steps. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteGatherer, giveBack } from "#src/protocol/websocket/byte-gatherer.js";

const MIB = 1_048_576;

function pattern(byteCount: number): Buffer {
  const bytes = Buffer.allocUnsafe(byteCount);
  for (let at = 0; at < byteCount; at++) bytes[at] = (at * 31) ^ (at >>> 8);
  return bytes;
}

describe("ByteGatherer", () => {
  for (const pieceBytes of [1_000, 65_536, 300_007, MIB, 3 * MIB]) {
    for (const known of [true, false]) {
      const how = known ? "where it is known what follows" : "where nobody knows what follows";
      it(`gives back what came in pieces of ${pieceBytes}, ${how}, in at most twice the memory`, () => {
        const bytes = pattern(5 * MIB + 17);
        const gatherer = new ByteGatherer();

        for (let at = 0; at < bytes.length; at += pieceBytes) {
          const end = Math.min(bytes.length, at + pieceBytes);
          const moreBytes = known ? bytes.length - end : Number.POSITIVE_INFINITY;
          gatherer.append(bytes, at, end, moreBytes);
          assert.equal(gatherer.byteCount, end);
          assert.ok(gatherer.heldBytes <= 2 * end, `${gatherer.heldBytes} for ${end}`);
        }

        assert.ok(gatherer.take().equals(bytes));
        assert.deepEqual([gatherer.byteCount, gatherer.heldBytes], [0, 0]);
      });
    }
  }

  it("joins in steps, and needs no more than twice the memory for it", () => {
    const bytes = pattern(7 * MIB + 1);
    const gatherer = new ByteGatherer();
    for (let at = 0; at < bytes.length; at += 50_000) {
      const end = Math.min(bytes.length, at + 50_000);
      gatherer.append(bytes, at, end, Number.POSITIVE_INFINITY);
    }

    let steps = 1;
    while (!gatherer.join(MIB)) {
      steps++;
      assert.equal(gatherer.byteCount, bytes.length);
      assert.ok(gatherer.heldBytes <= 2 * bytes.length);
    }
    const isJoined = gatherer.join(1);

    assert.equal(steps, 8);
    assert.equal(isJoined, true);
    assert.ok(gatherer.take().equals(bytes));
  });

  it("has a small message at once, without a step", () => {
    const gatherer = new ByteGatherer();
    gatherer.append(Buffer.from("a b c"), 0, 2, 3);
    gatherer.append(Buffer.from("a b c"), 2, 5, 0);

    assert.equal(gatherer.join(0), true);
    assert.equal(gatherer.take().toString(), "a b c");
  });
});

describe("memory that was given back", () => {
  function gathered(byteCount: number): Buffer {
    const gatherer = new ByteGatherer();
    gatherer.append(Buffer.alloc(byteCount, "g"), 0, byteCount, 0);
    return gatherer.take();
  }

  /** How many of `count` messages lie in memory that is among `known`. */
  function usedAgain(
    count: number,
    byteCount: number,
    known: ReadonlySet<ArrayBufferLike>,
  ): number {
    const messages = Array.from({ length: count }, () => gathered(byteCount));
    return messages.filter(({ buffer }) => known.has(buffer)).length;
  }

  it("is used again, once each, up to 4 MiB together", () => {
    const given = Array.from({ length: 8 }, () => Buffer.allocUnsafeSlow(MIB));
    for (const one of given) giveBack(one);

    assert.equal(usedAgain(8, MIB / 2, new Set(given.map(({ buffer }) => buffer))), 4);
  });

  it("is used again in 128 pieces at most, and none above 1 MiB", () => {
    const given = Array.from({ length: 140 }, () => Buffer.allocUnsafeSlow(2_048));
    for (const one of given) giveBack(one);
    const large = Buffer.allocUnsafeSlow(MIB + 1);
    giveBack(large);

    assert.equal(usedAgain(140, 1_024, new Set(given.map(({ buffer }) => buffer))), 128);
    assert.equal(usedAgain(1, MIB, new Set([large.buffer])), 0);
  });

  it("is what large messages grow out of, and what they were joined from", () => {
    const bytes = Buffer.alloc(3 * MIB, "m");
    const whole = (): Buffer => {
      const gatherer = new ByteGatherer();
      for (let at = 0; at < bytes.length; at += 65_536) {
        gatherer.append(bytes, at, at + 65_536, bytes.length - at - 65_536);
      }
      return gatherer.take();
    };
    const first = whole();
    const second = whole();

    assert.ok(first.equals(bytes) && second.equals(bytes));
    assert.notEqual(first.buffer, second.buffer);
    second.fill(0);
    assert.ok(first.equals(bytes));
  });
});
