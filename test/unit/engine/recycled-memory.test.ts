import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SEGMENT_BYTES } from "#src/bytes/send-memory.js";
import { RecycledMemory } from "#src/engine/node/recycled-memory.js";

/** Reserves, writes and holds a region, as who sends does. */
function region(memory: RecycledMemory, byteCount: number, fill: number): Buffer {
  memory.reserve(byteCount);
  const start = memory.used;
  memory.used += byteCount;
  const bytes = memory.buffer.subarray(start, memory.used).fill(fill);
  memory.hold(bytes);
  return bytes;
}

describe("recycled send memory", () => {
  test("puts regions one behind the other, and begins another segment when one is full", () => {
    const memory = new RecycledMemory();
    const first = region(memory, 40_000, 1);
    const second = region(memory, 20_000, 2);
    const third = region(memory, 20_000, 3);

    assert.equal(first.buffer, second.buffer);
    assert.equal(second.byteOffset - first.byteOffset, 40_000);
    assert.notEqual(third.buffer, first.buffer);
  });

  test("never writes where somebody still holds", () => {
    const memory = new RecycledMemory();
    const held: Buffer[] = [];
    for (let count = 1; count <= 20; count++) held.push(region(memory, 40_000, count));

    for (const [index, bytes] of held.entries()) {
      assert.ok(
        bytes.every((byte) => byte === index + 1),
        `region ${index}`,
      );
    }
  });

  test("uses a segment again when its last holder has released it, and not before", () => {
    const memory = new RecycledMemory();
    const [first, second] = [region(memory, 30_000, 1), region(memory, 30_000, 2)];
    region(memory, SEGMENT_BYTES, 3);

    memory.release(first);
    const other = region(memory, SEGMENT_BYTES, 4);
    assert.notEqual(other.buffer, first.buffer);
    memory.release(second);
    const again = region(memory, SEGMENT_BYTES, 5);

    assert.equal(again.buffer, first.buffer);
  });

  test("starts its segment anew when nobody holds anything of it", () => {
    const memory = new RecycledMemory();
    const first = region(memory, SEGMENT_BYTES, 1);
    memory.release(first);

    assert.equal(region(memory, SEGMENT_BYTES, 2).buffer, first.buffer);
    assert.equal(memory.freeCount, 0);
  });

  test("keeps 512 segments at most, and knows nothing of other memory", () => {
    const memory = new RecycledMemory();
    const held = Array.from({ length: 520 }, () => region(memory, SEGMENT_BYTES, 1));
    for (const bytes of held) memory.release(bytes);
    memory.release(Buffer.alloc(10));

    assert.equal(memory.freeCount, 512);
    assert.equal(memory.keep(Buffer.alloc(10)), false);
  });

  test("lends a segment to read into, which stays out of use while it is read into or kept", () => {
    const memory = new RecycledMemory();
    const taken = memory.take();
    const lent = taken.subarray(10, 20);

    assert.equal(memory.isHeld(taken), false);
    assert.equal(memory.keep(lent), true);
    assert.equal(memory.isHeld(taken), true);
    memory.release(lent);
    assert.equal(memory.freeCount, 0, "it is still read into");

    memory.keep(lent);
    memory.putBack(taken);
    assert.equal(memory.freeCount, 0, "it is still kept");
    memory.release(lent);
    assert.equal(memory.freeCount, 1);
    assert.equal(memory.take().buffer, taken.buffer);
  });
});
