import assert from "node:assert/strict";
import { Buffer, isUtf8 } from "node:buffer";
import { describe, it } from "node:test";
import {
  checkOctets,
  checkUtf8,
  UTF8_INVALID,
  UTF8_START,
} from "#src/protocol/websocket/utf8-check.js";
import { Random } from "../../support/random.js";
import { hex } from "../../support/websocket-frames.js";

/** Ends that make a whole text of any beginning that can be one. */
const ENDS = ["", "80", "8080", "808080", "a080", "908080"].map(hex);

function canBegin(bytes: Buffer): boolean {
  return ENDS.some((end) => isUtf8(Buffer.concat([bytes, end])));
}

describe("checkUtf8", () => {
  it("judges all beginnings of two octets as Node does, and tells the impossible at once", () => {
    for (let first = 0; first < 256; first += 1) {
      for (let second = 0; second < 256; second += 1) {
        const bytes = Buffer.of(first, second);

        const state = checkUtf8(UTF8_START, bytes, 0, 2);

        assert.equal(state === UTF8_START, isUtf8(bytes), bytes.toString("hex"));
        assert.equal(state !== UTF8_INVALID, canBegin(bytes), bytes.toString("hex"));
      }
    }
  });

  it("judges third and fourth octets as Node does", () => {
    for (const lead of ["e0a0", "e180", "ed9f", "ef80", "f090", "f180", "f48f"]) {
      for (let third = 0; third < 256; third += 1) {
        for (const fourth of [undefined, 0x00, 0x7f, 0x80, 0xbf, 0xc0]) {
          const bytes = Buffer.concat([
            hex(lead),
            Buffer.of(third, ...(fourth === undefined ? [] : [fourth])),
          ]);

          const state = checkUtf8(UTF8_START, bytes, 0, bytes.length);

          assert.equal(state === UTF8_START, isUtf8(bytes), bytes.toString("hex"));
          assert.equal(state !== UTF8_INVALID, canBegin(bytes), bytes.toString("hex"));
        }
      }
    }
  });

  it("comes to the same however a long text is cut, and to what the plain loop says", () => {
    const random = new Random(1);
    const characters = ["a", "é", "€", "😀", "\u07ff", "\u0800", "\uffff"];
    let invalid = 0;
    for (let run = 0; run < 3000; run += 1) {
      const text = Array.from({ length: random.integer(0, 200) }, () => random.pick(characters));
      const bytes = Buffer.from(text.join(""));
      if (bytes.length > 0 && random.next() < 0.4) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const cut = random.integer(0, bytes.length);

      const whole = checkUtf8(UTF8_START, bytes, 0, bytes.length);
      const before = checkUtf8(UTF8_START, bytes, 0, cut);
      const behind = before < 0 ? before : checkUtf8(before, bytes, cut, bytes.length);

      assert.equal(whole === UTF8_START, isUtf8(bytes));
      assert.equal(behind, whole);
      assert.equal(checkOctets(UTF8_START, bytes, 0, bytes.length), whole);
      if (whole < 0) invalid += 1;
    }
    assert.ok(invalid > 500);
  });

  it("looks at nothing outside the bounds", () => {
    const bytes = Buffer.concat([hex("ff"), Buffer.alloc(100, "a"), hex("ff")]);

    assert.equal(checkUtf8(UTF8_START, bytes, 1, 101), UTF8_START);
    assert.equal(checkUtf8(UTF8_START, bytes, 1, 102), UTF8_INVALID);
  });
});
