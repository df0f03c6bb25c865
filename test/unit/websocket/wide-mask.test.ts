import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { createWideMask, maskWide, WIDE_BYTES } from "#src/protocol/websocket/wide-mask.js";
import { Random } from "../../support/random.js";
import { maskPlainly } from "../../support/websocket-frames.js";

const KEY_BYTES = Buffer.of(0x37, 0xfa, 0x21, 0xbd);
const KEY = KEY_BYTES.readInt32LE();

/** The OR of all words. */
function orOfWords(bytes: Buffer): number {
  let seen = 0;
  for (let at = 0; at < bytes.length; at += 4) seen |= bytes.readInt32LE(at);
  return seen >>> 0;
}

describe("maskWide", () => {
  it("can be had here", () => {
    assert.ok(maskWide(Buffer.alloc(WIDE_BYTES), 0, WIDE_BYTES, KEY) >= 0);
  });

  it("does what the plain loop does, and touches nothing else, at any place, in one part and in several", () => {
    const random = new Random(1);
    for (const place of [0, 1, 2, 3, 7]) {
      for (const count of [64, 128, 1_024, 65_472, 65_536, 65_600, 200_000]) {
        const length = count - (count % WIDE_BYTES);
        const memory = random.bytes(place + length + 5);
        const expected = Buffer.from(memory);
        expected.set(maskPlainly(memory.subarray(place, place + length), KEY_BYTES), place);

        const seen = maskWide(memory, place, place + length, KEY);

        assert.ok(memory.equals(expected), `${length} bytes at ${place}`);
        assert.equal(seen, orOfWords(expected.subarray(place, place + length)));
      }
    }
  });

  it("is not there where the platform has no WebAssembly, or refuses the module", () => {
    assert.equal(createWideMask(undefined), undefined);
    const Module = class {
      constructor() {
        throw new TypeError("no vectors");
      }
    };
    const Instance = class {
      readonly exports = {};
    };
    assert.equal(createWideMask({ Module, Instance }), undefined);
  });

  it("sees a bit in each octet", () => {
    for (let at = 0; at < WIDE_BYTES; at += 1) {
      const bytes = Buffer.alloc(WIDE_BYTES);
      bytes[at] = 0x80;
      assert.equal(maskWide(bytes, 0, WIDE_BYTES, 0), (0x80 << ((at & 3) * 8)) >>> 0);
    }
  });

  it("takes memory of another realm", () => {
    const bytes: Uint8Array = runInNewContext("new Uint8Array(64)");
    assert.equal(maskWide(bytes, 0, 64, KEY), KEY >>> 0);
    assert.deepEqual(Buffer.from(bytes.buffer).subarray(0, 4), KEY_BYTES);
  });
});
