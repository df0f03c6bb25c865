import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { pack } from "#src/receive/pack.js";
import { everyChunking } from "../../support/every-chunking.js";
import { decode, framePacket, netError } from "../../support/packet-stream.js";

const MAX = 4_194_303;

describe("pack", () => {
  const headers: readonly (readonly [flag: number, length: number, header: string])[] = [
    [0, 5, "05000000"],
    [0x169, 5, "0500405a"],
    [0x3ff, MAX, "ffffffff"],
    [1, 256, "00014000"],
  ];
  for (const [flag, length, header] of headers) {
    it(`writes and reads ${header} for flag ${flag} and ${length} bytes (HP §3.1)`, () => {
      const model = pack({ flag, maxPacketBytes: MAX });
      const body = Buffer.alloc(length, "body");
      const head = Buffer.alloc(4);

      model.encoder?.writeHead(head, 0, length);
      const { packets, error } = decode(model, [Buffer.from(header, "hex"), body]);

      assert.equal(head.toString("hex"), header);
      assert.equal(error, undefined);
      assert.deepEqual(packets, [body.toString("hex")]);
    });
  }

  it("has HP-Socket's defaults", () => {
    const model = pack();

    assert.equal(model.name, "pack");
    assert.equal(model.maxPacketBytes, 262_144);
    assert.equal(framePacket(model, Buffer.from("x")).toString("hex"), "0100000078");
    assert.equal(model.encoder?.tail, undefined);
  });

  it("takes exactly maxPacketBytes, and refuses one byte more from the head alone", () => {
    const model = pack({ maxPacketBytes: 6 });
    const exact = framePacket(model, Buffer.from("sixsix"));

    const taken = decode(model, [exact]);
    const refused = everyChunking(Buffer.from("07000000", "hex"), 1);

    assert.deepEqual(taken.packets, [Buffer.from("sixsix").toString("hex")]);
    for (const { title, chunks } of refused) {
      assert.equal(decode(model, chunks).error, "PACKET_TOO_LONG", title);
    }
  });

  it("names the limit, the size and the head when a packet is too long", () => {
    const decoder = pack({ maxPacketBytes: 6 }).createDecoder();

    assert.throws(
      () => decoder.feed(Buffer.from("07000000ff", "hex"), { packet: () => true }),
      netError("PACKET_TOO_LONG", /7 bytes, maxPacketBytes is 6; it begins with 07 00 00 00$/),
    );
  });

  it("refuses length 0", () => {
    assert.equal(decode(pack(), [Buffer.alloc(4)]).error, "PACKET_MALFORMED");
  });

  it("refuses another flag, and none", () => {
    const model = pack({ flag: 2 });

    assert.deepEqual(decode(model, [Buffer.from("0100800061", "hex")]).packets, ["61"]);
    for (const wire of ["0100400061", "0100000061", "0100c00061"]) {
      const expected = { packets: [], error: "PACKET_MALFORMED" };
      assert.deepEqual(decode(model, [Buffer.from(wire, "hex")]), expected, wire);
    }
  });

  it("blames the flag before the length", () => {
    const decoder = pack({ flag: 2, maxPacketBytes: 10 }).createDecoder();

    assert.throws(
      () => decoder.feed(Buffer.from("0f004000", "hex"), { packet: () => true }),
      netError("PACKET_MALFORMED", /flag 1, the flag here is 2; it begins with 0f 00 40 00/),
    );
  });

  it("takes any flag when its own is 0", () => {
    const wire = framePacket(pack({ flag: 1023 }), Buffer.from("a"));

    assert.deepEqual(decode(pack(), [wire]), { packets: ["61"], error: undefined });
  });

  it("delivers what came before a malformed packet", () => {
    const wire = Buffer.concat([framePacket(pack(), Buffer.from("a")), Buffer.alloc(4)]);

    for (const { title, chunks } of everyChunking(wire, 1)) {
      const expected = { packets: ["61"], error: "PACKET_MALFORMED" } as const;
      assert.deepEqual(decode(pack(), chunks), expected, title);
    }
  });

  it("refuses to send nothing, and more than maxPacketBytes", () => {
    const { encoder } = pack({ maxPacketBytes: 6 });

    encoder?.assertSendable([Buffer.alloc(6)], 6);
    assert.throws(() => encoder?.assertSendable([], 0), netError("PACKET_INVALID", /0 bytes/));
    assert.throws(
      () => encoder?.assertSendable([Buffer.alloc(7)], 7),
      netError("PACKET_INVALID", /7 bytes, maxPacketBytes is 6/),
    );
  });

  it("refuses settings out of range, and options it doesn't have", () => {
    for (const flag of [-1, 1024, 1.5, Number.NaN]) {
      assert.throws(() => pack({ flag }), netError("INVALID_ARGUMENT", /^flag .* 0 to 1023/));
    }
    for (const maxPacketBytes of [0, MAX + 1, 2.5]) {
      const expected = netError("INVALID_ARGUMENT", /^maxPacketBytes .* 1 to 4194303/);
      assert.throws(() => pack({ maxPacketBytes }), expected);
    }
    const misspelt: object = { maxPackSize: 1 };
    assert.throws(() => pack(misspelt), netError("INVALID_ARGUMENT", /maxPackSize/));
    const text: unknown = "flag";
    assert.throws(() => pack(text as object), netError("INVALID_ARGUMENT", /an object/));
  });
});
