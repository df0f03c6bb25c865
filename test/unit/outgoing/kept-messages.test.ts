import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeptMessages } from "#src/outgoing/kept-messages.js";

const handedOut = (kept: KeptMessages, most = Number.POSITIVE_INFINITY): string[] => {
  const all: string[] = [];
  kept.pass((data) => all.length < most && all.push(String(data)) > 0);
  return all;
};

describe("messages that are kept while there is no connection", () => {
  it("are handed out in their order; the one that is not taken stays", () => {
    const kept = new KeptMessages(10);
    for (const text of ["one", "two", "!!!!"]) assert.equal(kept.keep(text, undefined), true);
    assert.equal(kept.keep("x", undefined), false);
    assert.deepEqual(handedOut(kept, 1), ["one"]);
    assert.equal(kept.byteCount, 7);
    assert.deepEqual(handedOut(kept), ["two", "!!!!"]);
    assert.equal(kept.forget(), 0);
  });

  it("are bounded, empty ones too", () => {
    const kept = new KeptMessages(3);
    const taken = Array.from({ length: 5 }, () => kept.keep("", undefined));
    assert.deepEqual(taken, [true, true, true, false, false]);
    assert.equal(kept.byteCount, 0);
    assert.equal(handedOut(kept).length, 3);
    assert.equal(kept.keep("abc", undefined), true);
    assert.equal(new KeptMessages(0).keep("", undefined), false);
  });
});
