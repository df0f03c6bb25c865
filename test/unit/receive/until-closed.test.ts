import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { untilClosed } from "#src/receive/until-closed.js";
import { everyChunking } from "../../support/every-chunking.js";
import { decode, feedLent, netError, PacketRecorder } from "../../support/packet-stream.js";

const MIB = 1024 * 1024;

describe("untilClosed", () => {
  it("delivers everything as one packet when the peer has finished", () => {
    for (const { title, chunks } of everyChunking(Buffer.from("all of it"), 1)) {
      const expected = { packets: [Buffer.from("all of it").toString("hex")], error: undefined };
      assert.deepEqual(decode(untilClosed(), chunks), expected, title);
    }
  });

  it("delivers nothing before the peer has finished", () => {
    const decoder = untilClosed().createDecoder();
    const recorder = new PacketRecorder();

    feedLent(decoder, [Buffer.from("a"), Buffer.from("b")], recorder);

    assert.equal(recorder.packets.length, 0);
    assert.equal(decoder.takeRest()?.toString(), "ab");
  });

  it("gives no packet for an empty stream", () => {
    const expected = { packets: [], error: undefined };

    assert.deepEqual(decode(untilClosed(), []), expected);
    assert.deepEqual(decode(untilClosed(), [Buffer.alloc(0)]), expected);
  });

  it("takes exactly maxPacketBytes and refuses one byte more", () => {
    const model = untilClosed({ maxPacketBytes: 4 });

    for (const { title, chunks } of everyChunking(Buffer.from("1234"), 1)) {
      assert.deepEqual(decode(model, chunks), { packets: ["31323334"], error: undefined }, title);
    }
    for (const { title, chunks } of everyChunking(Buffer.from("12345"), 1)) {
      assert.deepEqual(decode(model, chunks), { packets: [], error: "PACKET_TOO_LONG" }, title);
    }
  });

  it("names the limit when too much comes", () => {
    const decoder = untilClosed({ maxPacketBytes: 2 }).createDecoder();

    assert.throws(
      () => decoder.feed(Buffer.from("abc"), new PacketRecorder()),
      netError(
        "PACKET_TOO_LONG",
        /more than 2 bytes, maxPacketBytes is 2; it begins with 61 62 63/,
      ),
    );
  });

  it("gathers some MiB byte by byte, holding at most twice what came", () => {
    const decoder = untilClosed().createDecoder();
    const recorder = new PacketRecorder();
    const lent = Buffer.from("x");
    let worst = 0;

    for (let count = 1; count <= 2 * MIB; count += 1) {
      decoder.feed(lent, recorder);
      worst = Math.max(worst, decoder.heldBytes - 2 * count);
    }
    decoder.end(recorder);

    assert.ok(worst <= 4096, `held ${worst} bytes more than twice what came`);
    assert.ok(recorder.packets[0]?.equals(Buffer.alloc(2 * MIB, "x")));
    assert.equal(decoder.heldBytes, 0);
  });

  it("sends bytes as they are, has a limit of 16 MiB, and no other option", () => {
    const model = untilClosed();
    const misspelt: object = { maxBytes: 1 };

    assert.ok(Object.isFrozen(model));
    assert.equal(model.encoder, undefined);
    assert.equal(model.maxPacketBytes, 16 * MIB);
    assert.throws(() => untilClosed(misspelt), netError("INVALID_ARGUMENT", /maxBytes/));
    assert.throws(() => untilClosed({ maxPacketBytes: 0 }), netError("INVALID_ARGUMENT"));
  });
});
