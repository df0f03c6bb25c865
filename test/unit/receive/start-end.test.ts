import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { PacketModel } from "#src/receive/packet-model.js";
import { type StartEndOptions, startEnd } from "#src/receive/start-end.js";
import { everyChunking } from "../../support/every-chunking.js";
import {
  type Decoded,
  decode,
  feedLent,
  framePacket,
  netError,
  PacketRecorder,
} from "../../support/packet-stream.js";
import { Random } from "../../support/random.js";

function assertDecodes(model: PacketModel, text: string, expected: Decoded): void {
  for (const { title, chunks } of everyChunking(Buffer.from(text), 1)) {
    assert.deepEqual(decode(model, chunks), expected, title);
  }
}

function texts(...packets: readonly string[]): Decoded {
  return { packets: packets.map((text) => Buffer.from(text).toString("hex")), error: undefined };
}

describe("startEnd", () => {
  const model = startEnd({ start: "<<", end: ">>" });
  const skipping = startEnd({ start: "<<", end: ">>", between: "skip" });

  it("delivers what is between the marks", () => {
    assertDecodes(model, "<<one>><<>><<<t>wo>>", texts("one", "", "<t>wo"));
  });

  it("takes no byte of the start mark for the end mark", () => {
    assertDecodes(startEnd({ start: "aba", end: "ab" }), "abaab", texts(""));
    assertDecodes(startEnd({ start: "ab", end: "ba" }), "abaxba", texts("ax"));
  });

  it("gives a start mark inside a packet no meaning", () => {
    assertDecodes(model, "<<a<<b>>", texts("a<<b"));
  });

  it("refuses bytes between packets", () => {
    const expected: Decoded = { packets: ["61"], error: "PACKET_MALFORMED" };

    assertDecodes(model, "<<a>>\n<<b>>", expected);
    assertDecodes(model, "<<a>><x", expected);
  });

  it("shows what it took for no packet", () => {
    const decoder = model.createDecoder();

    assert.throws(
      () => decoder.feed(Buffer.from("GET / HTTP/1.1\r\n\r\n"), { packet: () => true }),
      netError("PACKET_MALFORMED", /start mark; it begins with 47 45 54 20 .* …$/),
    );
  });

  it("skips bytes between packets when told to", () => {
    assertDecodes(skipping, "x<<a>>\r\n< <<b>>\n<", texts("a", "b"));
    assertDecodes(skipping, "<<<a>>>>", texts("<a"));
    assertDecodes(startEnd({ start: "aab", end: ";", between: "skip" }), "aaab1;", texts("1"));
  });

  it("holds no more than the beginning of a start mark of what it skips", () => {
    const decoder = skipping.createDecoder();
    const recorder = new PacketRecorder();
    const random = new Random(7);

    for (let run = 0; run < 2000; run += 1) {
      feedLent(decoder, [random.bytes(50, Buffer.from("x>"))], recorder);
      assert.equal(decoder.heldBytes, 0);
    }
    feedLent(decoder, [Buffer.from("x<")], recorder);

    assert.equal(decoder.takeRest()?.toString(), "<");
  });

  it("is linear in skipped bytes that keep beginning a start mark", () => {
    const start = `${"a".repeat(63)}b`;
    const decoder = startEnd({ start, end: ";", between: "skip" }).createDecoder();
    const recorder = new PacketRecorder();
    const lent = Buffer.from("a");

    for (let index = 0; index < 200_000; index += 1) decoder.feed(lent, recorder);
    feedLent(decoder, [Buffer.from("bpacket;")], recorder);

    assert.deepEqual(recorder.packets.map(String), ["packet"]);
  });

  it("finds a packet cut by the peer's end, and no fault in skipped bytes there", () => {
    const truncated: Decoded = { packets: [], error: "PACKET_TRUNCATED" };

    assertDecodes(model, "<", truncated);
    assertDecodes(model, "<<a>", truncated);
    assertDecodes(skipping, "x<<", truncated);
    assertDecodes(skipping, "x<", texts());
  });

  it("takes a packet of exactly maxPacketBytes and refuses one byte more", () => {
    for (const between of ["refuse", "skip"] as const) {
      const limited = startEnd({ start: "<<", end: ">>", maxPacketBytes: 4, between });
      assertDecodes(limited, "<<1234>>", texts("1234"));
      assertDecodes(limited, "<<12345>>", { packets: [], error: "PACKET_TOO_LONG" });
      assertDecodes(limited, "<<12345678", { packets: [], error: "PACKET_TOO_LONG" });
    }
  });

  it("names the limit when a packet is too long", () => {
    const decoder = startEnd({ start: "<", end: ">", maxPacketBytes: 2 }).createDecoder();

    assert.throws(
      () => decoder.feed(Buffer.from("<123"), { packet: () => true }),
      netError("PACKET_TOO_LONG", /more than 2 bytes, maxPacketBytes is 2; .* 3c 31 32 33$/),
    );
  });

  it("puts the marks around what it sends", () => {
    assert.equal(framePacket(model, Buffer.from("a")).toString(), "<<a>>");
  });

  it("refuses to send its end mark, whole or completed by the end mark that is sent", () => {
    const invalid = netError("PACKET_INVALID", /end mark/);
    const pieces = [Buffer.from("a>"), Buffer.from(">b")];

    assert.throws(() => model.encoder?.assertSendable(pieces, 4), invalid);
    assert.throws(() => model.encoder?.assertSendable([Buffer.from("a>")], 2), invalid);
    model.encoder?.assertSendable([Buffer.from(">a<<")], 4);
  });

  it("refuses to send more than maxPacketBytes", () => {
    const { encoder } = startEnd({ start: "<", end: ">", maxPacketBytes: 2 });

    encoder?.assertSendable([Buffer.from("ab")], 2);
    assert.throws(
      () => encoder?.assertSendable([Buffer.from("abc")], 3),
      netError("PACKET_INVALID"),
    );
  });

  const refused: readonly (readonly [RegExp, object])[] = [
    [/^start must be .* not undefined/, { end: ">" }],
    [/^end must be .* not undefined/, { start: "<" }],
    [/^start must be .* not 0 bytes/, { start: "", end: ">" }],
    [/^end must be .* not 65 bytes/, { start: "<", end: Buffer.alloc(65) }],
    [/^maxPacketBytes must be/, { start: "<", end: ">", maxPacketBytes: -1 }],
    [/^between must be one of refuse, skip/, { start: "<", end: ">", between: "drop" }],
    [/no option "begin"/, { begin: "<", end: ">" }],
  ];
  for (const [message, options] of refused) {
    it(`refuses the options ${JSON.stringify(options).slice(0, 60)}`, () => {
      const make = (): unknown => startEnd(options as StartEndOptions);

      assert.throws(make, netError("INVALID_ARGUMENT", message));
    });
  }
});
