import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { type LengthPrefixOptions, lengthPrefix } from "#src/receive/length-prefix.js";
import { everyChunking } from "../../support/every-chunking.js";
import { decode, framePacket, netError } from "../../support/packet-stream.js";

const frames: readonly (readonly [string, LengthPrefixOptions, frame: string])[] = [
  ["uint-be", { format: "uint-be", bytes: 4 }, "00000003"],
  ["uint-le", { format: "uint-le", bytes: 2 }, "0300"],
  ["ascii", { format: "ascii", bytes: 4 }, "30303033"],
  ["ebcdic", { format: "ebcdic", bytes: 4 }, "f0f0f0f3"],
  ["bcd", { format: "bcd", bytes: 2 }, "0003"],
  ["varint", { format: "varint" }, "03"],
  ["a length that counts the head", { format: "uint-be", bytes: 2, includesHeader: true }, "0005"],
  ["an adjustment", { format: "uint-be", bytes: 2, adjustment: 2 }, "0001"],
  ["a negative adjustment", { format: "uint-be", bytes: 2, adjustment: -2 }, "0005"],
  ["an offset", { format: "uint-be", bytes: 1, offset: 2 }, "000003"],
  ["a prefix", { format: "uint-be", bytes: 1, prefix: Buffer.from([0xca, 0xfe]) }, "cafe03"],
  [
    "all of it",
    {
      format: "uint-le",
      bytes: 2,
      prefix: Buffer.of(1),
      includesHeader: true,
      adjustment: -1,
    },
    "010700",
  ],
];

describe("lengthPrefix", () => {
  for (const [title, options, head] of frames) {
    it(`frames a packet with ${title}`, () => {
      const model = lengthPrefix(options);

      const frame = framePacket(model, Buffer.from("abc"));

      assert.equal(frame.toString("hex"), `${head}616263`);
      assert.deepEqual(decode(model, [frame]), { packets: ["616263"], error: undefined });
    });
  }

  it("delivers empty packets", () => {
    const model = lengthPrefix({ format: "ascii", bytes: 2 });

    for (const { title, chunks } of everyChunking(Buffer.from("000001x00"), 1)) {
      assert.deepEqual(decode(model, chunks).packets, ["", "", "78", ""], title);
    }
  });

  it("takes anything in the offset when there is no prefix", () => {
    const model = lengthPrefix({ format: "uint-be", bytes: 1, offset: 2 });

    assert.deepEqual(decode(model, [Buffer.from("beef0161", "hex")]).packets, ["61"]);
  });

  it("demands its prefix", () => {
    const model = lengthPrefix({ format: "uint-be", bytes: 1, prefix: Buffer.of(0xca, 0xfe) });
    const decoder = model.createDecoder();

    assert.throws(
      () => decoder.feed(Buffer.from("caff0161", "hex"), { packet: () => true }),
      netError("PACKET_MALFORMED", /not begin with the prefix; it begins with ca ff 01/),
    );
  });

  it("keeps its own copy of the prefix", () => {
    const prefix = Buffer.of(1);
    const model = lengthPrefix({ format: "uint-be", bytes: 1, prefix });

    prefix[0] = 2;

    assert.equal(framePacket(model, Buffer.alloc(0)).toString("hex"), "0100");
  });

  it("refuses a length that is negative after adjustment", () => {
    const inclusive = lengthPrefix({ format: "uint-be", bytes: 2, includesHeader: true });
    const adjusted = lengthPrefix({ format: "uint-be", bytes: 2, adjustment: -3 });

    assert.equal(decode(inclusive, [Buffer.of(0, 1)]).error, "PACKET_MALFORMED");
    assert.equal(decode(adjusted, [Buffer.of(0, 2)]).error, "PACKET_MALFORMED");
    assert.deepEqual(decode(adjusted, [Buffer.of(0, 3)]), { packets: [""], error: undefined });
  });

  it("refuses a length field that is none", () => {
    const model = lengthPrefix({ format: "ascii", bytes: 4 });

    for (const { title, chunks } of everyChunking(Buffer.from("GET /"), 1)) {
      assert.equal(decode(model, chunks).error, "PACKET_MALFORMED", title);
    }
  });

  it("takes exactly maxPacketBytes, and refuses one byte more from the head alone", () => {
    const model = lengthPrefix({ format: "ascii", bytes: 2, maxPacketBytes: 3 });
    const decoder = model.createDecoder();

    assert.deepEqual(decode(model, [Buffer.from("03abc")]).packets, ["616263"]);
    assert.throws(
      () => decoder.feed(Buffer.from("04"), { packet: () => true }),
      netError("PACKET_TOO_LONG", /has 4 bytes, maxPacketBytes is 3; it begins with 30 34/),
    );
    assert.equal(decoder.heldBytes, 0);
  });

  it("finds integers above 2^53 too long, whatever is added to them", () => {
    const heads = ["0020000000000000", "0020000000000001", "ffffffffffffffff"];

    for (const adjustment of [0, -(2 ** 31 - 1), 1000]) {
      const maxPacketBytes = 1024 ** 3;
      const model = lengthPrefix({ format: "uint-be", bytes: 8, adjustment, maxPacketBytes });
      for (const head of heads) {
        assert.equal(decode(model, [Buffer.from(head, "hex")]).error, "PACKET_TOO_LONG");
      }
    }
  });

  it("says 2^53 or more where the digits would not be exact", () => {
    const decoder = lengthPrefix({ format: "uint-be", bytes: 8 }).createDecoder();

    assert.throws(
      () => decoder.feed(Buffer.alloc(8, 0xff), { packet: () => true }),
      netError("PACKET_TOO_LONG", /2\^53 or more bytes.*ff ff ff ff ff ff ff ff$/),
    );
  });

  it("refuses to send more than maxPacketBytes, and less than the adjustment allows", () => {
    const { encoder } = lengthPrefix({
      format: "ascii",
      bytes: 2,
      adjustment: 2,
      maxPacketBytes: 5,
    });

    encoder?.assertSendable([Buffer.alloc(5)], 5);
    encoder?.assertSendable([Buffer.alloc(2)], 2);
    const invalid = netError("PACKET_INVALID", /maxPacketBytes is 5|the least possible is 2/);
    assert.throws(() => encoder?.assertSendable([Buffer.alloc(6)], 6), invalid);
    assert.throws(() => encoder?.assertSendable([Buffer.alloc(1)], 1), invalid);
  });

  it("counts the bytes of a varint that counts itself", () => {
    const model = lengthPrefix({ format: "varint", includesHeader: true });

    assert.equal(framePacket(model, Buffer.alloc(126)).subarray(0, 2).toString("hex"), "7f00");
    assert.equal(framePacket(model, Buffer.alloc(127)).subarray(0, 2).toString("hex"), "8101");
  });
});

describe("lengthPrefix with stripHead: false", () => {
  const model = lengthPrefix({
    format: "uint-be",
    bytes: 1,
    offset: 1,
    maxPacketBytes: 6,
    stripHead: false,
  });

  it("delivers the head, and sends packets that have theirs", () => {
    const packet = Buffer.from("09026162", "hex");

    assert.equal(framePacket(model, packet).toString("hex"), "09026162");
    assert.deepEqual(decode(model, [packet]).packets, ["09026162"]);
  });

  it("counts the head in maxPacketBytes", () => {
    assert.equal(decode(model, [Buffer.from("0904aaaaaaaa", "hex")]).error, undefined);
    assert.equal(decode(model, [Buffer.from("0905", "hex")]).error, "PACKET_TOO_LONG");
  });

  it("refuses to send a packet whose head tells another length, or none", () => {
    const { encoder } = model;

    assert.throws(
      () => encoder?.assertSendable([Buffer.of(9), Buffer.of(2, 0x61)], 3),
      netError("PACKET_INVALID", /has 3 bytes, its head tells 4/),
    );
    assert.throws(
      () => encoder?.assertSendable([Buffer.of(9, 200)], 2),
      netError("PACKET_INVALID", /maxPacketBytes is 6/),
    );
    assert.throws(
      () => encoder?.assertSendable([Buffer.of(9)], 1),
      netError("PACKET_INVALID", /1 bytes, the least possible is 2/),
    );
  });
});

describe("the options of lengthPrefix", () => {
  it("cap the default limit at what the field can tell", () => {
    assert.equal(lengthPrefix({ format: "uint-be", bytes: 4 }).maxPacketBytes, 1024 * 1024);
    assert.equal(lengthPrefix({ format: "uint-be", bytes: 1 }).maxPacketBytes, 255);
    assert.equal(lengthPrefix({ format: "bcd", bytes: 1 }).maxPacketBytes, 99);
    const inclusive = { format: "ascii", bytes: 2, includesHeader: true } as const;
    assert.equal(lengthPrefix(inclusive).maxPacketBytes, 97);
    assert.equal(lengthPrefix({ ...inclusive, stripHead: false }).maxPacketBytes, 99);
    assert.equal(lengthPrefix({ ...inclusive, adjustment: 5 }).maxPacketBytes, 102);
  });

  it("refuse a limit of one's own that the field can't tell", () => {
    const options = { format: "ascii", bytes: 2 } as const;

    assert.equal(lengthPrefix({ ...options, maxPacketBytes: 99 }).maxPacketBytes, 99);
    assert.throws(
      () => lengthPrefix({ ...options, maxPacketBytes: 100 }),
      netError("INVALID_ARGUMENT", /maxPacketBytes is 100, .* no more than 99/),
    );
  });

  const refused: readonly (readonly [RegExp, object])[] = [
    [/no option "length"/, { format: "ascii", bytes: 2, length: 4 }],
    [/^format must be/, {}],
    [/^bytes must be/, { format: "uint-be" }],
    [/^bytes must be .* 1 to 8/, { format: "uint-be", bytes: 9 }],
    [/bytes is no option of the format varint/, { format: "varint", bytes: 2 }],
    [/^offset must be/, { format: "varint", offset: 1025 }],
    [/^prefix must be a Uint8Array, not/, { format: "varint", prefix: "HP" }],
    [
      /prefix has 2 bytes, but offset is 3/,
      { format: "varint", prefix: Buffer.of(1, 2), offset: 3 },
    ],
    [/^adjustment must be/, { format: "varint", adjustment: 2 ** 31 }],
    [/^includesHeader must be/, { format: "varint", includesHeader: 1 }],
    [/^stripHead must be/, { format: "varint", stripHead: "no" }],
    [/^maxPacketBytes must be/, { format: "varint", maxPacketBytes: 0 }],
    [/^maxPacketBytes must be/, { format: "varint", maxPacketBytes: 2 ** 30 + 1 }],
    [/no packet is possible/, { format: "uint-be", bytes: 1, offset: 300, includesHeader: true }],
    [/no packet is possible/, { format: "varint", adjustment: 10, maxPacketBytes: 9 }],
    [/no packet is possible/, { format: "varint", stripHead: false, offset: 5, maxPacketBytes: 5 }],
  ];
  for (const [message, options] of refused) {
    it(`are refused: ${JSON.stringify(options)}`, () => {
      const make = (): unknown => lengthPrefix(options as LengthPrefixOptions);

      assert.throws(make, netError("INVALID_ARGUMENT", message));
    });
  }
});
