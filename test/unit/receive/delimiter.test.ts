import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { type DelimiterOptions, delimiter } from "#src/receive/delimiter.js";
import type { PacketModel } from "#src/receive/packet-model.js";
import { everyChunking } from "../../support/every-chunking.js";
import { type Decoded, decode, framePacket, netError } from "../../support/packet-stream.js";

function assertDecodes(model: PacketModel, text: string, expected: Decoded): void {
  for (const { title, chunks } of everyChunking(Buffer.from(text), 1)) {
    assert.deepEqual(decode(model, chunks), expected, title);
  }
}

function texts(...packets: readonly string[]): Decoded {
  return { packets: packets.map((text) => Buffer.from(text).toString("hex")), error: undefined };
}

describe("delimiter", () => {
  it("splits lines that end with LF or CR LF by default", () => {
    assertDecodes(
      delimiter(),
      "one\ntwo\r\n\nfo\rur\r\n\r\n",
      texts("one", "two", "", "fo\rur", ""),
    );
  });

  it("takes off one carriage return, not more", () => {
    assertDecodes(delimiter(), "one\r\r\n", texts("one\r"));
  });

  it("keeps carriage returns when told to, and with other delimiters", () => {
    assertDecodes(delimiter({ trimCarriageReturn: false }), "one\r\n", texts("one\r"));
    assertDecodes(delimiter({ delimiter: ";" }), "one\r;", texts("one\r"));
  });

  it("takes carriage returns off before other delimiters when told to", () => {
    assertDecodes(
      delimiter({ delimiter: ";", trimCarriageReturn: true }),
      "one\r;;",
      texts("one", ""),
    );
  });

  it("takes no carriage return of the delimiter before for its own", () => {
    const model = delimiter({ delimiter: "x\r", trimCarriageReturn: true });

    assertDecodes(model, "ax\rx\rb\rx\r", texts("a", "", "b"));
  });

  it("finds delimiters that begin inside a false start", () => {
    assertDecodes(delimiter({ delimiter: "aab" }), "aaabxaabaab", texts("a", "x", ""));
    assertDecodes(delimiter({ delimiter: "abac" }), "ababacabac", texts("ab", ""));
  });

  it("takes bytes and text in UTF-8 for a delimiter", () => {
    assertDecodes(delimiter({ delimiter: "→" }), "a→b→", texts("a", "b"));
    assertDecodes(delimiter({ delimiter: Uint8Array.of(0x3b, 0x3b) }), "a;b;;", texts("a;b"));
  });

  it("delivers what is after the last delimiter when the peer has finished", () => {
    assertDecodes(delimiter(), "one\ntw\r", texts("one", "tw\r"));
    assertDecodes(delimiter({ delimiter: "abc" }), "1abc2ab", texts("1", "2ab"));
  });

  it("refuses what is after the last delimiter when told to", () => {
    const expected: Decoded = { packets: ["6f6e65"], error: "PACKET_TRUNCATED" };

    assertDecodes(delimiter({ lastPacket: "refuse" }), "one\ntw", expected);
  });

  it("takes a packet of exactly maxPacketBytes and refuses one byte more", () => {
    const tooLong: Decoded = { packets: [], error: "PACKET_TOO_LONG" };

    for (const [end, options] of [
      ["\n", {}],
      ["\r\n", {}],
      ["\n", { trimCarriageReturn: false }],
      ["abc", { delimiter: "abc" }],
    ] satisfies readonly (readonly [string, DelimiterOptions])[]) {
      const model = delimiter({ ...options, maxPacketBytes: 4 });
      assertDecodes(model, `1234${end}`, texts("1234"));
      assertDecodes(model, `12345${end}`, tooLong);
    }
  });

  it("refuses a last packet above maxPacketBytes", () => {
    const model = delimiter({ delimiter: "abc", maxPacketBytes: 4 });

    assertDecodes(model, "1234", texts("1234"));
    assertDecodes(model, "12345", { packets: [], error: "PACKET_TOO_LONG" });
  });

  it("does not wait for a delimiter when more came than a packet may have", () => {
    const decoder = delimiter({ maxPacketBytes: 4 }).createDecoder();
    const sink = { packet: (): boolean => true };

    decoder.feed(Buffer.from("12345"), sink);

    assert.throws(
      () => decoder.feed(Buffer.from("6"), sink),
      netError("PACKET_TOO_LONG", /more than 4 bytes, maxPacketBytes is 4; .* 31 32 33 34 35 36$/),
    );
  });

  it("puts the delimiter behind what it sends", () => {
    assert.equal(framePacket(delimiter(), Buffer.from("a")).toString(), "a\n");
    assert.equal(framePacket(delimiter({ delimiter: "--" }), Buffer.from("a")).toString(), "a--");
  });

  it("refuses to send its delimiter, in one piece or across pieces", () => {
    const { encoder } = delimiter({ delimiter: "aab" });
    const refused = [["xaab"], ["a", "ab"], ["a", "a", "", "b"], ["aa", "ab"], ["aab"]];

    for (const parts of refused) {
      const pieces = parts.map((part) => Buffer.from(part));
      const byteCount = Buffer.concat(pieces).length;
      const send = (): void => encoder?.assertSendable(pieces, byteCount);
      assert.throws(send, netError("PACKET_INVALID", /delimiter/));
    }
    encoder?.assertSendable([Buffer.from("aa"), Buffer.from("xb")], 4);
  });

  it("refuses to send what the delimiter would complete too early", () => {
    const { encoder } = delimiter({ delimiter: "aba" });

    encoder?.assertSendable([Buffer.from("xa")], 2);
    assert.throws(
      () => encoder?.assertSendable([Buffer.from("xab")], 3),
      netError("PACKET_INVALID"),
    );
  });

  it("refuses to send a carriage return at the end where it would be taken off", () => {
    const pieces = [Buffer.from("a\r"), Buffer.alloc(0)];

    const send = (): void => delimiter().encoder?.assertSendable(pieces, 2);

    assert.throws(send, netError("PACKET_INVALID", /trimCarriageReturn/));
    delimiter({ trimCarriageReturn: false }).encoder?.assertSendable(pieces, 2);
  });

  it("refuses to send more than maxPacketBytes", () => {
    const { encoder } = delimiter({ maxPacketBytes: 2 });

    encoder?.assertSendable([Buffer.from("ab")], 2);
    assert.throws(
      () => encoder?.assertSendable([Buffer.from("abc")], 3),
      netError("PACKET_INVALID"),
    );
  });

  const refused: readonly (readonly [RegExp, object])[] = [
    [/^delimiter must be .* 1 to 64 bytes, not 0 bytes/, { delimiter: "" }],
    [/^delimiter must be .* not 65 bytes/, { delimiter: new Uint8Array(65) }],
    [/^delimiter must be .* not 10/, { delimiter: 10 }],
    [/^delimiter must be .* not null/, { delimiter: null }],
    [/^maxPacketBytes must be/, { maxPacketBytes: 0 }],
    [/^trimCarriageReturn must be/, { trimCarriageReturn: "yes" }],
    [/^lastPacket must be one of deliver, refuse/, { lastPacket: "drop" }],
    [/no option "end"/, { end: "\n" }],
  ];
  for (const [message, options] of refused) {
    it(`refuses the options ${JSON.stringify(options).slice(0, 40)}`, () => {
      assert.throws(() => delimiter(options), netError("INVALID_ARGUMENT", message));
    });
  }
});
