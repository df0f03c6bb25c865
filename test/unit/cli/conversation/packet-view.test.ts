import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { PacketView } from "#src/cli/conversation/packet-view.js";
import { everyChunking } from "../../../support/every-chunking.js";

describe("PacketView", () => {
  it("shows a packet of printable text on its line", () => {
    const view = new PacketView();

    assert.equal(view.packet(Buffer.from("grüße\t😀")), "grüße\t😀\n");
    assert.equal(view.packet(Buffer.from("two\r\nlines\n")), "two\r\nlines\n");
    assert.equal(view.packet(Buffer.alloc(0)), "\n");
  });

  for (const [title, bytes] of [
    ["control characters", "\u001b[2J"],
    ["a carriage return that would overwrite its line", "secret\rshown"],
    ["C1 control characters", "\u009b2J"],
    ["delete", "\u007f"],
    ["what is not UTF-8", Buffer.of(0xc3, 0x28)],
  ] as const) {
    it(`shows ${title} in hexadecimal`, () => {
      const shown = new PacketView().packet(Buffer.from(bytes));

      assert.match(shown, /^00000000 {2}[0-9a-f ]{48} {2}\|[ -~]+\|\n$/);
    });
  }

  it("joins the pieces of a byte stream, wherever they are cut", () => {
    const text = "grüße\n😀 and more";

    for (const { title, chunks } of everyChunking(Buffer.from(text), 1)) {
      const view = new PacketView();
      const shown = chunks.map((chunk) => view.piece(chunk)).join("") + view.end();
      assert.equal(shown, `${text}\n`, title);
    }
  });

  it("begins a hex view on a new line", () => {
    const view = new PacketView();

    const shown = view.piece(Buffer.from("text")) + view.piece(Buffer.of(0)) + view.end();

    assert.match(shown, /^text\n00000000 {2}00 .*\n$/);
  });

  it("shows at the end the beginning of a character that never came whole", () => {
    const view = new PacketView();

    const shown = view.piece(Buffer.of(0x61, 0xf0, 0x9f)) + view.end();

    assert.match(shown, /^a\n00000000 {2}f0 9f .*\n$/);
  });
});
