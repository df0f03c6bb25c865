import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { hexView } from "#src/cli/conversation/hex-view.js";

describe("hexView", () => {
  it("shows offset, two columns of eight and ASCII", () => {
    const bytes = Buffer.from("hello\0\x01\x02\xff~ world, 17", "latin1");

    assert.equal(
      hexView(bytes),
      [
        "00000000  68 65 6c 6c 6f 00 01 02  ff 7e 20 77 6f 72 6c 64  |hello....~ world|",
        "00000010  2c 20 31 37                                       |, 17|",
      ].join("\n"),
    );
  });

  it("keeps its columns for a full half line", () => {
    assert.equal(
      hexView(Buffer.from("12345678")),
      "00000000  31 32 33 34 35 36 37 38                           |12345678|",
    );
  });

  it("goes on counting beyond 64 KiB", () => {
    const lines = hexView(Buffer.alloc(65_537)).split("\n");

    assert.equal(lines.length, 4_097);
    assert.match(lines.at(-1)!, /^00010000 {2}00 /);
  });

  it("is empty for no bytes", () => {
    assert.equal(hexView(Buffer.alloc(0)), "");
  });
});
