import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PAGE_BYTES, SharedMemory } from "#src/engine/uring/memory/shared-memory.js";
import { withoutKernel } from "./fake-calls.js";

const LINE = 0x1_0000_0000;

/** Tries to take a buffer from this thread. */
function sendAway(buffer: ArrayBuffer): void {
  try {
    structuredClone(buffer, { transfer: [buffer] });
  } catch {
    // Node 20 sends a copy; later ones refuse.
  }
}

describe("shared memory", () => {
  it("hands out whole pages one behind the other, with their addresses", () => {
    const memory = new SharedMemory(withoutKernel({ addressOf: () => 5 * LINE + 65_536 }), 20_000);

    const offsets = [memory.takePages(1), memory.takePages(PAGE_BYTES + 1), memory.takePages(8)];

    assert.deepEqual(offsets, [0, PAGE_BYTES, 3 * PAGE_BYTES]);
    assert.equal(memory.baseHigh, 5);
    assert.equal(memory.addressLow(PAGE_BYTES), 65_536 + PAGE_BYTES);
  });

  it("has the low words of addresses as signed numbers of 32 bits", () => {
    const memory = new SharedMemory(withoutKernel({ addressOf: () => LINE - 131_072 }), 65_536);

    assert.equal(memory.addressLow(4), -131_072 + 4);
    assert.equal(memory.baseHigh, 0);
  });

  for (const [where, first, offset, high] of [
    ["before", 7 * LINE - 196_608, 0, 6],
    ["behind", 7 * LINE - 65_536, 65_536, 7],
  ] as const) {
    it(`takes the part of another block ${where} the 4 GiB line that both lie across`, () => {
      const addresses = [3 * LINE - 65_536, first];
      const addressOf = (): number => addresses.shift()!;

      const memory = new SharedMemory(withoutKernel({ addressOf }), 131_072);
      const at = memory.takePages(131_072);

      assert.equal(memory.baseHigh, high);
      assert.equal(at, offset);
      assert.equal(memory.addressOf(at), first + offset);
      assert.equal(memory.bytes(at, 131_072).length, 131_072);
      assert.throws(() => memory.takePages(1), { code: "NO_BUFFERS" });
    });
  }

  it("gives views of the same bytes", () => {
    const memory = new SharedMemory(withoutKernel(), 65_536);
    const at = memory.takePages(16);

    memory.words(at, 16)[1] = 0x0403_0201;

    assert.deepEqual([...memory.bytes(at + 4, 4)], [1, 2, 3, 4]);
    assert.equal(memory.halfWords(at, 16)[2], 0x0201);
  });

  it("stays where it is when somebody sends it to another thread", () => {
    const memory = new SharedMemory(withoutKernel(), 65_536);

    sendAway(memory.buffer);

    assert.equal(memory.buffer.byteLength, 65_536);
  });

  it("throws when more is taken than was asked for", () => {
    const memory = new SharedMemory(withoutKernel(), 65_536);
    memory.takePages(65_536);

    assert.throws(() => memory.takePages(1), { code: "NO_BUFFERS" });
  });
});
