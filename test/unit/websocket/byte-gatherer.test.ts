/** Gathering bytes of a message, small and large: what is taken out, what it costs, joining in steps. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteGatherer } from "#src/protocol/websocket/byte-gatherer.js";

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
