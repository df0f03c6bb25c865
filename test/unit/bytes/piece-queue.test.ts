/** Pieces of a stream: what small ones cost, and that none is lost. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PieceQueue } from "#src/bytes/piece-queue.js";

function takeEach(pieces: PieceQueue): Buffer[] {
  const taken: Buffer[] = [];
  for (let piece = pieces.take(); piece !== undefined; piece = pieces.take()) taken.push(piece);
  return taken;
}

describe("pieces of a stream", () => {
  it("come out as they went in, however they were cut and taken", () => {
    const cuts = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.boolean()));

    fc.assert(
      fc.property(cuts, fc.boolean(), (pieces, asOne) => {
        const held = new PieceQueue();
        const expected: Buffer[] = [];
        const taken: Buffer[] = [];
        pieces.forEach(([byteCount, takesOne], index) => {
          const piece = Buffer.alloc(byteCount, index);
          expected.push(Buffer.from(piece));
          held.append(piece, true);
          piece.fill(255);
          if (takesOne) taken.push(held.take() ?? Buffer.alloc(0));
        });
        const all = Buffer.concat(expected);
        const takenBytes = taken.reduce((sum, { length }) => sum + length, 0);

        assert.equal(held.byteCount, all.length - takenBytes);
        taken.push(...(asOne ? [held.takeAll()] : takeEach(held)));
        assert.equal(held.byteCount, 0);
        assert.ok(Buffer.concat(taken).equals(all));
      }),
    );
  });

  it("are few where a sender cuts the body into single bytes", () => {
    const held = new PieceQueue();
    for (let count = 0; count < 65_536; count++) held.append(Buffer.from("x"), true);

    const taken = takeEach(held);

    assert.equal(Buffer.concat(taken).toString(), "x".repeat(65_536));
    assert.ok(taken.length <= 11, `${taken.length} pieces`);
  });

  it("that are large and not lent are kept as they are", () => {
    const held = new PieceQueue();
    const large = Buffer.alloc(1024);

    held.append(Buffer.from("small"), false);
    held.append(large, false);

    assert.equal(String(held.take()), "small");
    assert.equal(held.take(), large);
  });
});
