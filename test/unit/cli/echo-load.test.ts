import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { Connection } from "hp-socket";
import { BytePattern } from "#src/cli/load/byte-pattern.js";
import type { ConnectionLoad } from "#src/cli/load/connection-load.js";
import { EchoLoad } from "#src/cli/load/echo-load.js";
import { EchoTally } from "#src/cli/load/echo-tally.js";
import { randomChunks } from "../../support/every-chunking.js";
import { Random } from "../../support/random.js";

const MESSAGE_BYTES = 10;
const ALPHABET = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** A load connection whose sends are kept. */
class Sent {
  readonly tally: EchoTally;
  readonly load: EchoLoad;
  readonly connection: Connection<ConnectionLoad>;
  pieces: Buffer[] = [];

  constructor(depth: number, isPacked = false) {
    this.tally = new EchoTally(new BytePattern(MESSAGE_BYTES, ALPHABET), depth, isPacked);
    this.tally.countFromMs = 0;
    this.load = new EchoLoad(this.tally, 3);
    const send = (piece: Buffer): boolean => this.pieces.push(Buffer.from(piece)) > 0;
    this.connection = { send } as Partial<Connection> as Connection<ConnectionLoad>;
  }

  /** Takes out all that was sent. */
  take(): Buffer {
    const bytes = Buffer.concat(this.pieces);
    this.pieces = [];
    return bytes;
  }

  receive(bytes: Buffer, nowMs: number): string | undefined {
    return this.load.received(this.connection, bytes, nowMs);
  }
}

describe("EchoLoad", () => {
  it("keeps its depth in flight and verifies a stream, wherever it is cut", () => {
    const sent = new Sent(5);
    const random = new Random(1);
    sent.load.start(sent.connection, 0);

    for (let round = 0; round < 3_000; round += 1) {
      for (const chunk of randomChunks(sent.take(), random)) {
        assert.equal(sent.receive(chunk, round), undefined);
      }
      assert.equal(sent.load.inFlightCount, 5);
      assert.equal(sent.tally.inFlightCount, 5);
    }

    assert.equal(sent.tally.messageCount, 15_000);
    assert.equal(sent.tally.verifiedBytes, 15_000 * MESSAGE_BYTES);
  });

  it("times each message from its send to its last byte", () => {
    const sent = new Sent(2);
    sent.load.start(sent.connection, 100);
    const bytes = sent.take();

    sent.receive(bytes.subarray(0, 15), 101);
    sent.receive(bytes.subarray(15), 104);
    sent.tally.stopAtMs = 105;
    sent.receive(sent.take(), 106);

    assert.equal(sent.tally.latencies.count, 2);
    assert.equal(sent.tally.latencies.percentileMs(50) < 1.02, true);
    assert.equal(sent.tally.latencies.maxMs, 4);
    assert.equal(sent.tally.inFlightCount, 0);
    assert.equal(sent.pieces.length, 0);
  });

  it("says which byte is wrong", () => {
    const sent = new Sent(1);
    sent.load.start(sent.connection, 0);
    const bytes = sent.take();
    const right = bytes[7]!;
    bytes[7] = right ^ 0xff;

    const problem = sent.receive(bytes, 1);

    const [wrongHex, rightHex] = [right ^ 0xff, right].map((byte) =>
      byte.toString(16).padStart(2, "0"),
    );
    assert.equal(problem, `byte 0x${wrongHex} came back, 0x${rightHex} was sent`);
    assert.equal(sent.tally.verifiedBytes, 0);
  });

  it("refuses more than was sent", () => {
    const sent = new Sent(1);
    sent.load.start(sent.connection, 0);
    const bytes = sent.take();

    const problem = sent.receive(Buffer.concat([bytes, Buffer.of(0)]), 1);

    assert.equal(problem, "more came back than was sent");
  });

  it("sends packets one by one and refuses one of another length", () => {
    const sent = new Sent(3, true);
    sent.load.start(sent.connection, 0);
    const [first, second] = sent.pieces;

    assert.equal(sent.pieces.length, 3);
    assert.equal(sent.receive(first!, 1), undefined);
    assert.equal(sent.receive(second!.subarray(1), 1), "a packet of 9 bytes came back");
  });

  it("sends more messages at a time than the pattern has", () => {
    const tally = new EchoTally(new BytePattern(4_000_000, ALPHABET), 5, false);
    const load = new EchoLoad(tally, 0);
    const lengths: number[] = [];
    const send = (piece: Buffer): boolean => lengths.push(piece.length) > 0;

    load.start({ send } as Partial<Connection> as Connection<ConnectionLoad>, 0);

    assert.deepEqual(lengths, [8_000_000, 8_000_000, 4_000_000]);
  });

  it("takes what was in flight back when it fails", () => {
    const sent = new Sent(4);
    sent.load.start(sent.connection, 0);

    sent.load.fail();

    assert.equal(sent.tally.inFlightCount, 0);
    assert.equal(sent.load.isOpen, false);
  });
});
