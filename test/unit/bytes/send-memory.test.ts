import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeapSendMemory, SEGMENT_BYTES } from "#src/bytes/send-memory.js";

/** Writes `text` as whoever sends does; returns the region. */
function written(memory: HeapSendMemory, text: string): Buffer {
  memory.reserve(text.length);
  const { buffer, used } = memory;
  buffer.write(text, used, "latin1");
  memory.used = used + text.length;
  return buffer.subarray(used, memory.used);
}

describe("HeapSendMemory", () => {
  it("takes no memory before something is written", () => {
    assert.equal(new HeapSendMemory().buffer.length, 0);
  });

  it("puts pieces behind each other in one segment", () => {
    const memory = new HeapSendMemory();

    const one = written(memory, "one");
    const two = written(memory, "two");

    assert.equal(one.buffer, two.buffer);
    assert.equal(two.byteOffset, one.byteOffset + 3);
    assert.equal(`${one}${two}`, "onetwo");
  });

  it("begins another segment where the free bytes do not suffice, and leaves what was written", () => {
    const memory = new HeapSendMemory();
    const first = written(memory, "x".repeat(SEGMENT_BYTES - 1));
    const whole = memory.buffer;

    memory.reserve(1);
    const still = memory.buffer;
    const second = written(memory, "yy");

    assert.equal(still, whole);
    assert.notEqual(second.buffer, first.buffer);
    assert.equal(memory.used, 2);
    assert.equal(String(first), "x".repeat(SEGMENT_BYTES - 1));
  });

  it("has a segment of its own for each, so that no pool of Node's is kept", () => {
    const memory = new HeapSendMemory();

    memory.reserve(1);

    assert.equal(memory.buffer.length, SEGMENT_BYTES);
    assert.equal(memory.buffer.buffer.byteLength, SEGMENT_BYTES);
  });

  it("keeps no lent bytes: they have to be copied", () => {
    assert.equal(new HeapSendMemory().keep(), false);
  });
});
