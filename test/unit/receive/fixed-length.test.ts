import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { type FixedLengthOptions, fixedLength } from "#src/receive/fixed-length.js";
import { everyChunking } from "../../support/every-chunking.js";
import { decode, netError } from "../../support/packet-stream.js";

describe("fixedLength", () => {
  it("cuts the stream into packets of its length", () => {
    for (const { title, chunks } of everyChunking(Buffer.from("abcdef"), 1)) {
      const expected = { packets: ["616263", "646566"], error: undefined };
      assert.deepEqual(decode(fixedLength({ bytes: 3 }), chunks), expected, title);
    }
  });

  it("finds a stream truncated that ends inside a packet", () => {
    for (const { title, chunks } of everyChunking(Buffer.from("abcde"), 1)) {
      const expected = { packets: ["616263"], error: "PACKET_TRUNCATED" };
      assert.deepEqual(decode(fixedLength({ bytes: 3 }), chunks), expected, title);
    }
  });

  it("refuses to send a packet of another length", () => {
    const { encoder } = fixedLength({ bytes: 3 });

    encoder?.assertSendable([Buffer.from("a"), Buffer.from("bc")], 3);
    for (const byteCount of [0, 2, 4]) {
      const send = (): void => encoder?.assertSendable([Buffer.alloc(byteCount)], byteCount);
      assert.throws(send, netError("PACKET_INVALID", /each must have 3/));
    }
  });

  it("tells its length as the limit", () => {
    assert.equal(fixedLength({ bytes: 64 * 1024 * 1024 }).maxPacketBytes, 67_108_864);
  });

  it("refuses lengths out of range, and options it doesn't have", () => {
    for (const options of [{}, { bytes: 0 }, { bytes: 67_108_865 }, { bytes: 1.5 }]) {
      const make = (): unknown => fixedLength(options as FixedLengthOptions);
      assert.throws(make, netError("INVALID_ARGUMENT", /^bytes must be .* 1 to 67108864/));
    }
    const misspelt: object = { bytes: 1, length: 1 };
    assert.throws(
      () => fixedLength(misspelt as FixedLengthOptions),
      netError("INVALID_ARGUMENT", /no option "length"/),
    );
  });
});
