import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PacketModel } from "#src/receive/packet-model.js";
import { everyChunking, randomChunks } from "../support/every-chunking.js";
import {
  codeOf,
  decode,
  feedLent,
  framePacket,
  framePackets,
  PacketRecorder,
} from "../support/packet-stream.js";
import { Random } from "../support/random.js";

/** A packet model under test. */
export interface ReceiveContractSubject {
  readonly title: string;
  readonly model: PacketModel;
  /** Packets, most of which the model can send. */
  readonly packet: fc.Arbitrary<Buffer>;
  /** A packet of a quarter of a MiB or more that `largeModel` can send. */
  readonly large: Buffer;
  /** Where `model` can't send it: one of the same kind that can. */
  readonly largeModel?: PacketModel;
  /** What the end of the stream inside a frame is: an error, or a packet, or nothing of note. */
  readonly cutFrame: "truncated" | "delivered";
}

const SEED = 20_240_501;
const ROOM_BYTES = 4096;

/** Many times what it takes; to look at all the bytes again at each feed takes far longer. */
const LINEAR_MS = 3000;

/** What every model with packets must do, whatever its frames look like. */
export function receiveContract(subject: ReceiveContractSubject): void {
  describe(`receive contract: ${subject.title}`, () => {
    itRoundTrips(subject);
    itJudgesPieces(subject);
    itStopsAndContinues(subject);
    itHandsOver(subject);
    itStartsAnew(subject);
    itEndsInTheMiddle(subject);
    itStaysLinear(subject);
    itIsImmutable(subject);
  });
}

function itRoundTrips({ model, packet }: ReceiveContractSubject): void {
  it("gives the packets that were sent, however the stream is cut", () => {
    const sendable = packet.filter((bytes) => isSendable(model, [bytes]));
    const property = fc.property(
      fc.array(sendable, { maxLength: 7 }),
      fc.nat(),
      (packets, seed) => {
        const wire = framePackets(model, packets);
        const expected = packets.map((bytes) => bytes.toString("hex"));

        for (const { title, chunks } of everyChunking(wire, seed)) {
          assert.deepEqual(decode(model, chunks), { packets: expected, error: undefined }, title);
        }
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 60 });
  });
}

function itJudgesPieces({ model, packet }: ReceiveContractSubject): void {
  it("judges a packet in pieces as it judges it whole", () => {
    const property = fc.property(packet, fc.nat(), (bytes, seed) => {
      const pieces = randomChunks(bytes, new Random(seed));

      assert.equal(isSendable(model, pieces), isSendable(model, [bytes]));
    });
    fc.assert(property, { seed: SEED, numRuns: 400 });
  });
}

function itStopsAndContinues({ model, packet }: ReceiveContractSubject): void {
  it("stops after any packet and goes on from there", () => {
    const sendable = packet.filter((bytes) => isSendable(model, [bytes]));
    const property = fc.property(
      fc.array(sendable, { maxLength: 7 }),
      fc.nat(),
      (packets, seed) => {
        const wire = framePackets(model, packets);
        for (const { title, chunks } of everyChunking(wire, seed)) {
          const recorder = new PacketRecorder(true);
          const decoder = model.createDecoder();
          let fedBytes = 0;
          let wholeBytes = 0;
          for (const chunk of chunks) {
            for (let taken = 0; taken < chunk.length; ) {
              const count = recorder.packets.length;
              const bytes = decoder.feed(chunk.subarray(taken), recorder);
              taken += bytes;
              fedBytes += bytes;
              const last = recorder.packets.at(-1);
              assert.ok(recorder.packets.length <= count + 1, `${title}: one packet, then stop`);
              if (recorder.packets.length === count || last === undefined) continue;
              wholeBytes += framePacket(model, last).length;
              assert.equal(fedBytes, wholeBytes, `${title}: took the bytes of whole packets`);
            }
          }
          assert.deepEqual(recorder.packets, packets, title);
        }
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 40 });
  });
}

function itHandsOver({ model, packet }: ReceiveContractSubject): void {
  it("hands the bytes of the packet under way to another decoder, at any place", () => {
    const sendable = packet.filter((bytes) => isSendable(model, [bytes]));
    const packets = fc.array(sendable, { minLength: 1, maxLength: 3 });
    const property = fc.property(packets, fc.nat(), fc.nat(), (sent, place, seed) => {
      const wire = framePackets(model, sent);
      const cut = place % (wire.length + 1);
      const recorder = new PacketRecorder();
      const first = model.createDecoder();
      const second = model.createDecoder();

      feedLent(first, randomChunks(wire.subarray(0, cut), new Random(seed)), recorder);
      const rest = first.takeRest();
      assert.equal(first.heldBytes, 0);
      assert.equal(first.takeRest(), undefined);
      if (rest !== undefined) second.feed(rest, recorder);
      feedLent(second, [wire.subarray(cut)], recorder);

      assert.deepEqual(recorder.packets, sent);
      first.end(recorder);
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
  });
}

/** A decoder that holds nothing serves another connection: what came before must not show. */
function itStartsAnew({ model, packet }: ReceiveContractSubject): void {
  it("is as it was made whenever it holds nothing", () => {
    const sendable = packet.filter((bytes) => isSendable(model, [bytes]));
    const packets = fc.array(sendable, { minLength: 1, maxLength: 5 });
    const property = fc.property(packets, fc.nat(), (sent, seed) => {
      const wire = framePackets(model, sent);
      const recorder = new PacketRecorder();
      let decoder = model.createDecoder();
      for (const chunk of randomChunks(wire, new Random(seed))) {
        if (decoder.heldBytes === 0) decoder = model.createDecoder();
        feedLent(decoder, [chunk], recorder);
      }

      assert.deepEqual(recorder.packets, sent);
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
  });
}

function itEndsInTheMiddle({
  model: small,
  largeModel: model = small,
  large,
  cutFrame,
}: ReceiveContractSubject): void {
  it(`${cutFrame === "truncated" ? "refuses" : "delivers"} a packet cut by the peer's end`, () => {
    const frame = framePacket(model, large);
    const cut = frame.subarray(0, frame.length - 1);

    const { packets, error } = decode(model, [cut]);

    assert.equal(error, cutFrame === "truncated" ? "PACKET_TRUNCATED" : undefined);
    assert.equal(packets.length, cutFrame === "truncated" ? 0 : 1);
  });

  it("ends without a word when nothing is under way", () => {
    assert.deepEqual(decode(model, []), { packets: [], error: undefined });
  });
}

function itStaysLinear({
  model: small,
  largeModel: model = small,
  large,
}: ReceiveContractSubject): void {
  it("takes a large packet byte by byte: linear time, memory for little more than came", () => {
    const frame = framePacket(model, large);
    const decoder = model.createDecoder();
    const recorder = new PacketRecorder();
    const lent = Buffer.alloc(1);
    let capacity = 0;
    let allocations = 0;
    let worst = 0;
    const before = process.cpuUsage();

    for (let index = 0; index < frame.length; index += 1) {
      lent[0] = frame[index]!;
      decoder.feed(lent, recorder);
      worst = Math.max(worst, decoder.heldBytes - 2 * (index + 1));
      if (decoder.heldBytes === capacity) continue;
      capacity = decoder.heldBytes;
      allocations += 1;
    }

    const spentMs = process.cpuUsage(before).user / 1000;
    assert.equal(recorder.packets.length, 1);
    assert.ok(recorder.packets[0]?.equals(large));
    assert.ok(spentMs < LINEAR_MS, `${spentMs} ms: does it look at bytes again and again?`);
    assert.ok(worst <= ROOM_BYTES, `held ${worst} bytes more than twice what came`);
    assert.ok(allocations < 40, `${allocations} allocations are more than doubling needs`);
    assert.equal(decoder.heldBytes, 0);
  });
}

function itIsImmutable({ model }: ReceiveContractSubject): void {
  it("is frozen and gives each connection a decoder of its own", () => {
    assert.ok(Object.isFrozen(model));
    assert.equal(model.delivers, "packets");
    assert.notEqual(model.createDecoder(), model.createDecoder());
  });
}

function isSendable(model: PacketModel, pieces: readonly Buffer[]): boolean {
  const byteCount = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const code = codeOf(() => model.encoder?.assertSendable(pieces, byteCount));
  assert.ok(code === undefined || code === "PACKET_INVALID", `unexpected ${code}`);
  return code === undefined;
}
