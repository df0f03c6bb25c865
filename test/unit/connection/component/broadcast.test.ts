import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginLending, endLending } from "#src/bytes/lending.js";
import { SEGMENT_BYTES } from "#src/bytes/send-memory.js";
import { type BroadcastTarget, broadcastTo } from "#src/connection/component/broadcast.js";
import type { SendResult } from "#src/connection/connection.js";
import { delimiter } from "#src/receive/delimiter.js";
import { pack } from "#src/receive/pack.js";
import type { Encoder } from "#src/receive/receive-model.js";
import { CountedMemory } from "../../../support/counted-memory.js";

/** A connection that notes what it is given. */
class NotedTarget implements BroadcastTarget {
  readonly pieces: Uint8Array[] = [];
  readonly encoder: Encoder | undefined;
  readonly #result: SendResult;

  constructor(encoder?: Encoder, result: SendResult = true) {
    this.encoder = encoder;
    this.#result = result;
  }

  sendShared(piece: Uint8Array): SendResult {
    this.pieces.push(piece);
    return this.#result;
  }
}

const lines = (): Encoder | undefined => delimiter({ maxPacketBytes: 1_000_000 }).encoder;

describe("broadcastTo", () => {
  it("gives the same piece to all of one model, framed once, and lets go of it", () => {
    const memory = new CountedMemory();
    const encoder = lines();
    const targets = [0, 0, 0].map(() => new NotedTarget(encoder));

    broadcastTo(targets, Buffer.from("news"), memory);

    const pieces = targets.flatMap((target) => target.pieces);
    assert.equal(new Set(pieces).size, 1);
    assert.equal(String(pieces[0]), "news\n");
    assert.equal(pieces[0]?.buffer, memory.buffer.buffer);
    assert.equal(memory.holders, 0);
  });

  it("frames for each model by itself, and sends bytes as they are where there is none", () => {
    const memory = new CountedMemory();
    const targets = [
      new NotedTarget(lines()),
      new NotedTarget(pack({ flag: 1 }).encoder),
      new NotedTarget(),
    ];

    broadcastTo(targets, Buffer.from("x"), memory);

    assert.deepEqual(
      targets.map(({ pieces }) => Buffer.concat(pieces).toString("hex")),
      ["780a", "0100400078", "78"],
    );
    assert.equal(memory.holders, 0);
  });

  it("counts by what each send answers", () => {
    const results: SendResult[] = [true, "slow", false, "slow", true, true];
    const targets = results.map((result) => new NotedTarget(undefined, result));

    const found = broadcastTo(targets, Buffer.from("x"), new CountedMemory());

    assert.deepEqual(found, { taken: 3, slow: 2, refused: 1 });
  });

  it("throws before anybody is given anything where one model can't send it", () => {
    const plain = new NotedTarget();
    const framed = new NotedTarget(lines());
    const memory = new CountedMemory();

    assert.throws(() => broadcastTo([plain, framed], Buffer.from("a\nb"), memory), {
      code: "PACKET_INVALID",
    });
    assert.deepEqual([plain.pieces.length, framed.pieces.length, memory.holders], [0, 0, 0]);
  });

  it("sends a large piece from where it lies, unless something is put around it or it is lent", () => {
    const data = Buffer.alloc(SEGMENT_BYTES + 1, "x");
    const memory = new CountedMemory();
    const [plain, framed, ofLent] = [
      new NotedTarget(),
      new NotedTarget(lines()),
      new NotedTarget(),
    ];

    broadcastTo([plain, framed], data, memory);
    beginLending(data, memory);
    broadcastTo([ofLent], data, memory);
    endLending();
    data.fill("?");

    assert.equal(plain.pieces[0], data);
    assert.equal(framed.pieces[0]?.length, data.length + 1);
    assert.equal(framed.pieces[0]?.[0], 0x78);
    assert.equal(ofLent.pieces[0]?.[0], 0x78);
    assert.equal(memory.holders, 0);
  });

  it("has nothing to send to nobody, and of nothing", () => {
    const memory = new CountedMemory();
    const target = new NotedTarget();

    assert.deepEqual(broadcastTo([], Buffer.from("x"), memory), { taken: 0, slow: 0, refused: 0 });
    broadcastTo([target], Buffer.alloc(0), memory);

    assert.deepEqual([target.pieces[0]?.length, memory.used, memory.holders], [0, 0, 0]);
  });
});
