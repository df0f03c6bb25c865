import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Mark } from "#src/receive/mark.js";
import { randomChunks } from "../../support/every-chunking.js";
import { Random } from "../../support/random.js";

const marks = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 9 });

/** A mark with text made of beginnings of it: full of false starts. */
const marksInText = fc
  .tuple(marks, fc.array(fc.nat(9), { maxLength: 5 }))
  .map(
    ([mark, lengths]) => [mark, lengths.map((length) => mark.slice(0, length)).join("")] as const,
  );

describe("Mark", () => {
  it("is found where it first is, and only before the end", () => {
    const property = fc.property(marksInText, fc.nat(), ([mark, text], place) => {
      const end = place % (text.length + 1);
      const found = new Mark(mark).indexIn(Buffer.from(text), 0, end);

      assert.equal(found, text.slice(0, end).indexOf(mark));
    });
    fc.assert(property, { seed: 2, numRuns: 2000 });
  });

  it("knows the longest beginning of itself that bytes end with", () => {
    const withoutMark = marksInText.filter(([mark, text]) => !text.includes(mark));
    const property = fc.property(withoutMark, ([mark, text]) => {
      const begun = new Mark(mark).begunBytes(Buffer.from(text), 0, text.length);

      assert.equal(begun, longestBeginning(mark, text));
    });
    fc.assert(property, { seed: 3, numRuns: 2000 });
  });

  it("knows whether it would be found too early, however the pieces are cut", () => {
    const property = fc.property(marksInText, fc.nat(), ([mark, text], seed) => {
      const pieces = randomChunks(Buffer.from(text), new Random(seed));
      const isEarly = new Mark(mark).isFoundEarly(pieces);

      assert.equal(isEarly, (text + mark).indexOf(mark) < text.length);
    });
    fc.assert(property, { seed: 4, numRuns: 5000, examples: [[["aabaaaa", "aabaaabaaaa"], 1]] });
  });

  it("keeps its own copy of the bytes", () => {
    const bytes = Buffer.from("ab");
    const mark = new Mark(bytes);

    bytes.fill("x");

    assert.equal(mark.indexIn(Buffer.from("ab"), 0, 2), 0);
  });
});

/** The plain way, as the oracle. */
function longestBeginning(mark: string, text: string): number {
  for (let length = mark.length - 1; length > 0; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
