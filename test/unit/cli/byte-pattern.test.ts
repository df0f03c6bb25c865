import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { BytePattern } from "#src/cli/load/byte-pattern.js";

const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

function streamOf(pattern: BytePattern): Buffer {
  return Buffer.from(pattern.run(0, pattern.messageCount));
}

describe("BytePattern", () => {
  for (const [messageBytes, messageCount] of [
    [1, 4_096],
    [64, 4_096],
    [65_536, 16],
    [4_194_303, 2],
  ] as const) {
    it(`repeats itself after ${messageCount} messages of ${messageBytes} bytes`, () => {
      assert.equal(new BytePattern(messageBytes, BYTES).messageCount, messageCount);
    });
  }

  it("is the same each time, and one message is not the next", () => {
    const pattern = new BytePattern(64, BYTES);

    assert.deepEqual(streamOf(pattern), streamOf(new BytePattern(64, BYTES)));
    const distinct = new Set(
      Array.from({ length: pattern.messageCount }, (_, index) =>
        pattern.message(index).toString("hex"),
      ),
    );
    assert.equal(distinct.size, pattern.messageCount);
  });

  it("has bytes of the alphabet only, all of them", () => {
    const stream = streamOf(new BytePattern(64, Uint8Array.of(3, 5, 7)));

    assert.deepEqual([...new Set(stream)].sort(), [3, 5, 7]);
  });

  it("gives runs that go on over its end", () => {
    const pattern = new BytePattern(10, BYTES);
    const last = pattern.messageCount - 1;

    const run = pattern.run(last, 3);

    const messages = [pattern.message(last), pattern.message(0), pattern.message(1)];
    assert.deepEqual(run, Buffer.concat(messages));
  });

  it("finds the first byte that differs, however long the piece is", () => {
    const pattern = new BytePattern(1_000, BYTES);
    const stream = streamOf(pattern);
    const position = stream.length - 100;
    const piece = Buffer.concat([stream.subarray(position), stream, stream, stream]);
    assert.equal(pattern.indexOfDifference(position, piece), -1);

    for (const index of [0, 99, 100, stream.length + 50, piece.length - 1]) {
      const wrong = Buffer.from(piece);
      wrong[index]! ^= 0x80;
      assert.equal(pattern.indexOfDifference(position, wrong), index);
    }
  });

  it("wraps positions at its end", () => {
    const pattern = new BytePattern(10, BYTES);
    const periodBytes = 10 * pattern.messageCount;

    assert.equal(pattern.advance(periodBytes - 1, 3), 2);
    assert.equal(pattern.byteAt(periodBytes + 5), pattern.byteAt(5));
  });
});
