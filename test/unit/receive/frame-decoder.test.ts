import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { delimiter } from "#src/receive/delimiter.js";
import { lengthPrefix } from "#src/receive/length-prefix.js";
import { pack } from "#src/receive/pack.js";
import {
  framePacket,
  framePackets,
  netError,
  PacketRecorder,
} from "../../support/packet-stream.js";

describe("FrameDecoder", () => {
  it("gives views into the fed bytes for packets that came whole", () => {
    const model = pack();
    const wire = framePackets(model, [Buffer.from("one"), Buffer.from("two")]);
    const packets: Buffer[] = [];

    model.createDecoder().feed(wire, { packet: (bytes) => packets.push(bytes) > 0 });
    wire.fill("x");

    assert.deepEqual(packets.map(String), ["xxx", "xxx"]);
  });

  it("gives memory of their own to packets that came in parts", () => {
    const model = pack();
    const decoder = model.createDecoder();
    const packets: Buffer[] = [];
    const sink = { packet: (bytes: Buffer): boolean => packets.push(bytes) > 0 };
    const wire = framePackets(model, [Buffer.from("one"), Buffer.from("two")]);

    const lent = Buffer.alloc(1);
    for (const byte of wire) {
      lent[0] = byte;
      decoder.feed(lent, sink);
    }

    assert.deepEqual(packets.map(String), ["one", "two"]);
  });

  it("copies little more than the unfinished packet out of a large chunk", () => {
    const decoder = delimiter().createDecoder();
    const packets: Buffer[] = [];
    const sink = { packet: (bytes: Buffer): boolean => packets.push(bytes) > 0 };
    const long = "1".repeat(5000);
    const chunk = Buffer.from(`${long}\n${"line\n".repeat(10_000)}la`);

    decoder.feed(Buffer.from("1"), sink);
    const taken = decoder.feed(chunk, sink);

    assert.equal(taken, chunk.length);
    assert.equal(packets.length, 10_001);
    assert.equal(packets[0]?.toString(), `1${long}`);
    // Small memory may lie in Node's pool, which may be a little larger than it says.
    const most = Math.max(4 * long.length, 2 * Buffer.poolSize);
    assert.ok(packets[0].buffer.byteLength <= most, `${packets[0].buffer.byteLength} bytes`);
    assert.equal(decoder.takeRest()?.toString(), "la");
  });

  it("does not allocate what a liar announces", () => {
    const liars = [pack({ maxPacketBytes: 4_194_303 }), lengthPrefix({ format: "varint" })];
    const heads = [Buffer.from("ffff3f0001", "hex"), Buffer.from("ffff3f0102", "hex")];

    const held = liars.map((model, index) => {
      const decoder = model.createDecoder();
      decoder.feed(heads[index]!, new PacketRecorder());
      return decoder.heldBytes;
    });

    for (const bytes of held) assert.ok(bytes <= 2 * 5 + 4096, `held ${bytes}`);
  });

  it("gives the capacity back with the packet", () => {
    const model = pack();
    const decoder = model.createDecoder();
    const wire = framePacket(model, Buffer.alloc(1000));

    decoder.feed(wire.subarray(0, 500), new PacketRecorder());
    const during = decoder.heldBytes;
    decoder.feed(wire.subarray(500), new PacketRecorder());

    assert.equal(during, wire.length);
    assert.equal(decoder.heldBytes, 0);
  });

  it("takes nothing of an empty feed", () => {
    const decoder = pack().createDecoder();

    assert.equal(decoder.feed(Buffer.alloc(0), new PacketRecorder()), 0);
    assert.equal(decoder.takeRest(), undefined);
  });

  it("lets the sink exchange the decoder between two packets", () => {
    const first = pack().createDecoder();
    const second = delimiter().createDecoder();
    const recorder = new PacketRecorder(true);
    const wire = Buffer.concat([framePacket(pack(), Buffer.from("hello")), Buffer.from("a\nb\n")]);

    first.feed(wire.subarray(0, 3), recorder);
    const taken = 3 + first.feed(wire.subarray(3), recorder);
    const rest = first.takeRest();
    const next = second.feed(wire.subarray(taken), recorder);
    second.feed(wire.subarray(taken + next), recorder);

    assert.equal(rest, undefined);
    assert.deepEqual(recorder.packets.map(String), ["hello", "a", "b"]);
  });

  it("tells how much of a packet came before the peer finished", () => {
    const decoder = pack().createDecoder();
    decoder.feed(Buffer.from("050000006162", "hex"), new PacketRecorder());

    assert.throws(
      () => decoder.end(new PacketRecorder()),
      netError("PACKET_TRUNCATED", /after 6 of 9 bytes/),
    );
  });

  it("tells what came of a packet of unknown length before the peer finished", () => {
    const decoder = pack().createDecoder();
    decoder.feed(Buffer.from("050000", "hex"), new PacketRecorder());

    assert.throws(
      () => decoder.end(new PacketRecorder()),
      netError("PACKET_TRUNCATED", /after 3 bytes/),
    );
  });
});
