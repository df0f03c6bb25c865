import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { applyMask } from "#src/protocol/websocket/mask.js";
import { orOf } from "#src/protocol/websocket/word-view.js";
import { Random } from "../../support/random.js";
import { maskPlainly } from "../../support/websocket-frames.js";

const KEY_BYTES = Buffer.of(0x37, 0xfa, 0x21, 0xbd);
const KEY = KEY_BYTES.readInt32LE();

/** Memory in which bytes lie at any place. */
function placed(bytes: Buffer, place: number): Buffer {
  const memory = Buffer.from(new ArrayBuffer(place + bytes.length + 9)).fill(0x55);
  bytes.copy(memory, place);
  return memory;
}

describe("applyMask", () => {
  it("does what the plain loop does, at any place and of any length", () => {
    const random = new Random(1);
    for (let place = 0; place < 8; place += 1) {
      for (const length of [
        ...Array(40).keys(),
        95,
        96,
        97,
        98,
        99,
        100,
        255,
        1000,
        1023,
        1024,
        1087,
        4099,
      ]) {
        const bytes = random.bytes(length);
        const memory = placed(bytes, place);

        applyMask(memory, place, place + length, KEY, 0);

        const expected = placed(maskPlainly(bytes, KEY_BYTES), place);
        assert.deepEqual(memory, expected, `${length} bytes at ${place}`);
      }
    }
  });

  it("goes on in the middle of a key, and of a view", () => {
    const bytes = new Random(2).bytes(500);
    const expected = maskPlainly(bytes, KEY_BYTES);
    for (const cut of [1, 2, 3, 5, 6, 7, 130, 201]) {
      const view = placed(bytes, 3).subarray(3);

      applyMask(view, 0, cut, KEY, 0);
      applyMask(view, cut, 500, KEY, cut);

      assert.deepEqual(view.subarray(0, 500), expected);
    }
  });

  it("masks many parts of one chunk, and of another, by turns", () => {
    const chunks = [1, 2].map((seed) => new Random(seed).bytes(2000));
    const expected = chunks.map((chunk) => maskPlainly(chunk, KEY_BYTES));

    for (let start = 0; start < 2000; start += 200) {
      for (const chunk of chunks) applyMask(chunk, start, start + 200, KEY, start);
    }

    assert.deepEqual(chunks, expected);
  });

  it("masks what it has masked to what it was", () => {
    const bytes = new Random(3).bytes(300);
    const copy = Buffer.from(bytes);

    applyMask(copy, 0, 300, KEY, 2);
    applyMask(copy, 0, 300, KEY, 2);

    assert.deepEqual(copy, bytes);
  });

  it("tells whether all bytes are ASCII then", () => {
    for (let place = 0; place < 4; place += 1) {
      for (const length of [1, 10, 24, 30, 100, 200, 1100]) {
        for (let bad = -1; bad < length; bad += 1) {
          const text = Buffer.alloc(length, "a");
          if (bad >= 0) text[bad] = 0xc3;
          const memory = placed(maskPlainly(text, KEY_BYTES), place);

          const seen = applyMask(memory, place, place + length, KEY, 0);

          assert.equal(seen >= 0x80, bad >= 0);
          assert.equal(orOf(memory, place, place + length) >= 0x80, bad >= 0);
        }
      }
    }
  });

  it("works in memory that is larger than what is kept at hand", () => {
    const bytes = Buffer.alloc(3_000_001, "abc");
    const expected = maskPlainly(bytes, KEY_BYTES);

    applyMask(bytes, 0, 1_000_003, KEY, 0);
    applyMask(bytes, 1_000_003, bytes.length, KEY, 1_000_003);

    assert.ok(bytes.equals(expected));
  });
});
