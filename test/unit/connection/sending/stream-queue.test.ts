import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginLending, endLending } from "#src/bytes/lending.js";
import { SEGMENT_BYTES } from "#src/bytes/send-memory.js";
import { StreamQueue } from "#src/connection/sending/stream-queue.js";
import type { StreamSocket } from "#src/engine/engine.js";
import type { Encoder } from "#src/receive/receive-model.js";
import { CountedMemory } from "../../../support/counted-memory.js";

/** Pieces above this wait by reference. */
const COPY_MAX_BYTES = 4_096;

/** A head of one byte, the length, and a tail. */
const framed: Encoder = {
  assertSendable(pieces, byteCount) {
    if (byteCount > 9) throw new Error(`${pieces.length} pieces, ${byteCount} bytes`);
  },
  headBytes: () => 2,
  writeHead: (target, offset, byteCount) => target.write(`${byteCount}:`, offset),
  tail: Buffer.from(";"),
};

const bare: Encoder = { ...framed, headBytes: () => 0, writeHead() {}, tail: undefined };

/** A queue, and the writes of it: for each its pieces. */
class QueueRun {
  readonly memory: CountedMemory = new CountedMemory();
  readonly queue: StreamQueue = new StreamQueue(this.memory);
  readonly writes: Uint8Array[][] = [];
  readonly #stream = {
    write: (piece: Uint8Array) => this.writes.push([piece]),
    writeAll: (pieces: readonly Uint8Array[]) => this.writes.push([...pieces]),
  } as unknown as StreamSocket;

  write(limitBytes: number = Number.POSITIVE_INFINITY): boolean {
    return this.queue.write(this.#stream, limitBytes);
  }

  /** What was written, each write as one text. */
  get texts(): string[] {
    return this.writes.map((pieces) => Buffer.concat(pieces).toString("latin1"));
  }
}

const large = (fill: string): Buffer => Buffer.alloc(COPY_MAX_BYTES + 1, fill);

describe("StreamQueue: what is copied, and what waits by reference", () => {
  it("keeps the first piece of a turn as it is, where it stays the only one", () => {
    const run = new QueueRun();
    const piece = Buffer.from("alone");

    run.queue.append(piece);
    run.write();

    assert.equal(run.writes[0]?.[0], piece);
    assert.equal(run.memory.used, 0);
  });

  it("joins small pieces that follow each other into one", () => {
    const run = new QueueRun();

    for (const text of ["first", "a", "b", "c"]) run.queue.append(Buffer.from(text));
    run.write();

    assert.deepEqual(run.texts, ["firstabc"]);
    assert.equal(run.writes[0]?.length, 2);
  });

  it("puts large pieces between the small ones, in their order, uncopied", () => {
    const run = new QueueRun();
    const [x, y] = [large("x"), large("y")];

    run.queue.append(Buffer.from("a"));
    run.queue.append(Buffer.from("b"));
    run.queue.append(x);
    run.queue.append(Buffer.from("c"));
    run.queue.append(y);
    run.write();

    const pieces = run.writes[0] ?? [];
    assert.equal(run.texts[0], `ab${x.toString()}c${y.toString()}`);
    assert.ok(pieces.includes(x) && pieces.includes(y));
  });

  it("copies COPY_MAX_BYTES, and keeps one byte more", () => {
    for (const [byteCount, isKept] of [
      [COPY_MAX_BYTES, false],
      [COPY_MAX_BYTES + 1, true],
    ] as const) {
      const run = new QueueRun();
      const piece = Buffer.alloc(byteCount);

      run.queue.append(Buffer.from("first"));
      run.queue.append(piece);
      run.write();

      assert.equal(run.writes[0]?.includes(piece), isKept, `${byteCount} bytes`);
    }
  });

  it("copies what is lent, however it comes, so that it may change afterwards", () => {
    for (const byteCount of [3, COPY_MAX_BYTES + 1, SEGMENT_BYTES + 1]) {
      const run = new QueueRun();
      const lent = Buffer.alloc(byteCount, "x");
      const other = { keep: () => assert.fail("not the lender's to keep") } as never;

      beginLending(lent, other);
      run.queue.append(lent);
      endLending();
      lent.fill("?");
      run.write();

      assert.equal(run.texts[0], "x".repeat(byteCount), `${byteCount} bytes`);
    }
  });

  it("keeps what its own memory lends and can keep, with a holder", () => {
    const run = new QueueRun();
    const lent = large("x");
    let keptCount = 0;
    run.memory.keep = () => {
      keptCount++;
      return true;
    };

    beginLending(lent, run.memory);
    run.queue.append(lent);
    endLending();
    run.write();

    assert.equal(keptCount, 1);
    assert.equal(run.writes[0]?.[0], lent);
  });

  it("shares a piece by reference, with a holder for each queue, unless it is small and follows others", () => {
    const memory = new CountedMemory();
    const shared = Buffer.from("shared");
    const first = new StreamQueue(memory);
    const second = new StreamQueue(memory);
    second.append(Buffer.from("before"));

    first.appendShared(shared);
    second.appendShared(shared);
    const heldCount = memory.holders;

    assert.equal(first.queuedBytes, 6);
    assert.equal(second.queuedBytes, 12);
    // Of the first the piece itself, of the second the region it was copied to.
    assert.equal(heldCount, 2);
  });
});

describe("StreamQueue: packets and text", () => {
  it("writes head, pieces and tail of each packet", () => {
    const run = new QueueRun();

    run.queue.appendPacket(framed, [Buffer.from("ab"), Buffer.from("c")], 3);
    run.queue.appendPacketOfOne(framed, Buffer.from("d"));
    run.queue.appendText(framed, "é", 2);
    run.write();

    assert.equal(Buffer.concat(run.writes[0] ?? []).toString(), "3:abc;1:d;2:é;");
  });

  it("encodes text straight into the memory that is sent from", () => {
    const run = new QueueRun();

    run.queue.appendText(undefined, "one", 3);
    run.queue.appendText(undefined, "two", 3);
    run.write();

    assert.equal(run.writes[0]?.length, 1);
    assert.equal(run.writes[0]?.[0]?.buffer, run.memory.buffer.buffer);
    assert.deepEqual(run.texts, ["onetwo"]);
  });

  it("takes text back that can't be a packet, and its room, and leaves what was there", () => {
    const run = new QueueRun();
    run.queue.appendText(framed, "good", 4);
    const { used } = run.memory;
    const { holders } = run.memory;

    assert.throws(() => run.queue.appendText(framed, "much too long", 13), /1 pieces, 13 bytes/);
    const after = [run.memory.used, run.memory.holders, run.queue.queuedBytes];
    run.queue.appendText(framed, "next", 4);
    run.write();

    assert.deepEqual(after, [used, holders, 7]);
    assert.deepEqual(run.texts, ["4:good;4:next;"]);
  });

  it("holds nothing when the first text of all is refused", () => {
    const run = new QueueRun();

    assert.throws(() => run.queue.appendText(framed, "much too long", 13));

    assert.deepEqual([run.memory.holders, run.queue.pendingBytes], [0, 0]);
  });

  it("makes no piece of a head that has no bytes", () => {
    const run = new QueueRun();

    run.queue.appendPacketOfOne(bare, large("x"));
    run.write();

    assert.equal(run.writes[0]?.length, 1);
    assert.equal(run.memory.holders, 0);
  });

  it("takes what a writer has written, and gives the rest of the room back", () => {
    const run = new QueueRun();
    const writer = { writePiece: (target: Buffer, at: number) => at + target.write("abc", at) };

    const isTaken = run.queue.appendWritten(writer, 1_000);
    const { used } = run.memory;
    run.queue.appendText(undefined, "d", 1);
    run.write();

    assert.deepEqual([isTaken, used], [true, 3]);
    assert.deepEqual(run.texts, ["abcd"]);
    assert.equal(run.writes[0]?.length, 1);
  });
});

describe("StreamQueue: writes", () => {
  it("counts what waits and what is being written", () => {
    const run = new QueueRun();
    run.queue.append(Buffer.from("abc"));
    run.queue.append(Buffer.from("de"));
    const before = [run.queue.queuedBytes, run.queue.writingBytes, run.queue.pendingBytes];

    run.write();
    run.queue.append(Buffer.from("f"));

    const after = [run.queue.queuedBytes, run.queue.writingBytes, run.queue.pendingBytes];
    assert.deepEqual(
      [before, after],
      [
        [5, 0, 5],
        [1, 5, 6],
      ],
    );
  });

  it("cuts pieces where the limit is, and goes on behind the cut", () => {
    const run = new QueueRun();
    const pieces = [Buffer.from("abcd"), Buffer.from("efgh"), large("x")];
    for (const piece of pieces) run.queue.append(piece);
    const all = Buffer.concat(pieces).toString();

    const answers = [];
    for (const limit of [2, 2, 3, 1, 4_000, Number.POSITIVE_INFINITY]) {
      run.queue.writingBytes = 0;
      answers.push(run.write(limit));
    }

    assert.deepEqual(answers, [true, true, true, true, true, true]);
    assert.deepEqual(run.texts.slice(0, 4), ["ab", "cd", "efg", "h"]);
    assert.equal(run.texts.join(""), all);
    assert.equal(run.queue.queuedBytes, 0);
  });

  it("gives each part of a cut piece a holder", () => {
    const run = new QueueRun();
    run.queue.appendText(undefined, "abcdef", 6);

    run.write(2);
    run.queue.writingBytes = 0;
    run.write(2);
    run.queue.writingBytes = 0;
    run.write();
    for (const [piece] of run.writes) run.memory.release(piece as Uint8Array);

    assert.equal(run.memory.holders, 0);
  });

  it("writes nothing, and says so, when a piece was transferred meanwhile", () => {
    const run = new QueueRun();
    const piece = new Uint8Array(COPY_MAX_BYTES + 1);
    run.queue.append(piece);
    structuredClone(piece.buffer, { transfer: [piece.buffer] });

    assert.equal(run.write(), false);
    assert.deepEqual(run.writes, []);
  });

  it("lets go of all regions when it is cleared, the open one too", () => {
    const run = new QueueRun();
    run.queue.appendText(undefined, "one", 3);
    run.queue.appendShared(large("x"));
    run.queue.appendText(undefined, "two", 3);
    const held = run.memory.holders;

    run.queue.clear();

    assert.deepEqual([held, run.memory.holders, run.queue.queuedBytes], [3, 0, 0]);
  });

  it("does not write into a region that another queue has gone on from", () => {
    const memory = new CountedMemory();
    const [one, other] = [new StreamQueue(memory), new StreamQueue(memory)];
    const texts: string[] = [];
    const stream = {
      write: (piece: Uint8Array) => texts.push(String(piece)),
      writeAll: (pieces: readonly Uint8Array[]) => texts.push(Buffer.concat(pieces).toString()),
    } as unknown as StreamSocket;

    one.appendText(undefined, "a", 1);
    other.appendText(undefined, "x", 1);
    one.appendText(undefined, "b", 1);
    other.appendText(undefined, "y", 1);
    one.write(stream, Number.POSITIVE_INFINITY);
    other.write(stream, Number.POSITIVE_INFINITY);

    assert.deepEqual(texts, ["ab", "xy"]);
  });
});
