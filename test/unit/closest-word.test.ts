import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { closestWord } from "#src/closest-word.js";

const KNOWN = ["serve", "echo", "cat", "load", "http", "doctor"];

describe("closestWord", () => {
  for (const [word, meant] of [
    ["sevre", "serve"],
    ["SERVE", "serve"],
    ["ecoh", "echo"],
    ["ehco", "echo"],
    ["eco", "echo"],
    ["htpp", "http"],
    ["docter", "doctor"],
    ["cot", "cat"],
    ["xyz", undefined],
    ["srv", undefined],
    ["", undefined],
    ["a".repeat(10_000), undefined],
  ] as const) {
    it(`takes ${JSON.stringify(word.slice(0, 20))} for ${meant}`, () => {
      assert.equal(closestWord(word, KNOWN), meant);
    });
  }

  it("takes the first of those that are as near", () => {
    assert.equal(closestWord("receive1", ["receive2", "receive3"]), "receive2");
  });
});
