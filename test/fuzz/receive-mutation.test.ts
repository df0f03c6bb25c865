import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { delimiter } from "#src/receive/delimiter.js";
import { fixedLength } from "#src/receive/fixed-length.js";
import { lengthPrefix } from "#src/receive/length-prefix.js";
import { pack } from "#src/receive/pack.js";
import type { PacketModel } from "#src/receive/packet-model.js";
import { startEnd } from "#src/receive/start-end.js";
import { untilClosed } from "#src/receive/until-closed.js";
import { randomChunks } from "../support/every-chunking.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { codeOf, framePacket, PacketRecorder } from "../support/packet-stream.js";
import { Random } from "../support/random.js";

const MUTATIONS_PER_MODEL = fuzzRuns(8_000);
const ROOM_BYTES = 4096;
const DATA = Buffer.from("ab09\r\n\u0002\u0003xyz");
const REMOTE_FAULTS = ["PACKET_MALFORMED", "PACKET_TOO_LONG", "PACKET_TRUNCATED", undefined];

const models: readonly (readonly [string, PacketModel])[] = [
  ["pack", pack({ maxPacketBytes: 60 })],
  ["pack with a flag", pack({ flag: 0x169, maxPacketBytes: 60 })],
  ["uint-be", lengthPrefix({ format: "uint-be", bytes: 2, maxPacketBytes: 60 })],
  ["uint-le", lengthPrefix({ format: "uint-le", bytes: 8, offset: 1, maxPacketBytes: 60 })],
  ["ascii", lengthPrefix({ format: "ascii", bytes: 2, includesHeader: true })],
  ["ebcdic", lengthPrefix({ format: "ebcdic", bytes: 2, adjustment: -1 })],
  ["bcd", lengthPrefix({ format: "bcd", bytes: 1, prefix: Buffer.of(1, 2) })],
  ["varint", lengthPrefix({ format: "varint", maxPacketBytes: 60 })],
  [
    "varint with its head",
    lengthPrefix({ format: "varint", maxPacketBytes: 3, stripHead: false, includesHeader: true }),
  ],
  ["line", delimiter({ maxPacketBytes: 12 })],
  ["delimiter", delimiter({ delimiter: "aba", maxPacketBytes: 12, lastPacket: "refuse" })],
  ["fixedLength", fixedLength({ bytes: 7 })],
  ["startEnd", startEnd({ start: "\u0002", end: "\u0003", maxPacketBytes: 12 })],
  ["startEnd, skip", startEnd({ start: "aab", end: "ba", maxPacketBytes: 12, between: "skip" })],
  ["untilClosed", untilClosed({ maxPacketBytes: 60 })],
];

describe("mutated streams", () => {
  for (const [index, [title, model]] of models.entries()) {
    it(`end in packets or a NetError, the same however they are cut: ${title}`, () => {
      const random = new Random(index + 1);
      const ends = new Set<string | undefined>();

      for (let run = 0; run < MUTATIONS_PER_MODEL; run += 1) {
        const wire = mutate(random, stream(random, model));
        const whole = decodeGuarded(model, [wire], false);
        const cut = decodeGuarded(model, randomChunks(wire, random), random.next() < 0.3);
        ends.add(whole.error);
        if (whole.shown !== cut.shown) assert.fail(`run ${run}: ${whole.shown} ≠ ${cut.shown}`);
      }

      assert.ok(ends.size > 1, "the mutations did some harm, and not always");
    });
  }
});

/** A few packets on their way; those that can't be sent are left out. */
function stream(random: Random, model: PacketModel): Buffer {
  const frames: Buffer[] = [];
  for (let count = random.integer(1, 4); count > 0; count -= 1) {
    const size = model.name === "fixedLength" ? 7 : random.integer(0, 11);
    const packet = random.bytes(size, DATA);
    codeOf(() => frames.push(framePacket(model, packet)));
  }
  return Buffer.concat(frames);
}

/** One to three of: a bit flipped, a byte replaced, bytes removed, repeated, put in, or cut off. */
function mutate(random: Random, original: Buffer): Buffer {
  let bytes = original;
  for (let count = random.integer(1, 3); count > 0; count -= 1) {
    const start = random.integer(0, bytes.length);
    const end = Math.min(bytes.length, start + random.integer(0, 6));
    const before = bytes.subarray(0, start);
    const part = bytes.subarray(start, end);
    const after = bytes.subarray(end);
    const put = random.pick([
      () => Buffer.from(part.map((byte) => byte ^ (1 << random.integer(0, 7)))),
      () => random.bytes(part.length),
      () => Buffer.alloc(0),
      () => Buffer.concat([part, part]),
      () => Buffer.concat([part, random.bytes(random.integer(1, 8), DATA)]),
      () => Buffer.concat([part, random.bytes(random.integer(1, 80))]),
    ]);
    bytes = Buffer.concat([before, put(), random.next() < 0.1 ? Buffer.alloc(0) : after]);
  }
  return bytes;
}

/** Decodes, and checks at each step what must hold for any input. */
function decodeGuarded(
  model: PacketModel,
  chunks: readonly Buffer[],
  stops: boolean,
): { shown: string; error: string | undefined } {
  const decoder = model.createDecoder();
  const recorder = new PacketRecorder(stops);
  let fedBytes = 0;
  const error = codeOf(() => {
    for (const chunk of chunks) {
      for (let taken = 0; taken < chunk.length; ) {
        const count = recorder.packets.length;
        const bytes = decoder.feed(chunk.subarray(taken), recorder);
        taken += bytes;
        fedBytes += bytes;
        assert.ok(taken <= chunk.length, "took more than was fed");
        assert.ok(bytes > 0 || recorder.packets.length > count, "took nothing for nothing");
        assert.ok(stops || taken === chunk.length, "stopped untold");
        const { heldBytes } = decoder;
        if (heldBytes > 2 * fedBytes + ROOM_BYTES) assert.fail(`held ${heldBytes}`);
      }
    }
    decoder.end(recorder);
  });
  assert.ok((REMOTE_FAULTS as readonly unknown[]).includes(error), `unexpected ${error}`);
  for (const { length } of recorder.packets) assert.ok(length <= model.maxPacketBytes);
  const packets = recorder.packets.map((packet) => packet.toString("hex"));
  return { shown: `${packets.join(" ")} ${error}`, error };
}
