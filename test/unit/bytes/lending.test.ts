import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginLending, endLending, isLent, lenderOf, owned } from "#src/bytes/lending.js";
import { HeapSendMemory } from "#src/bytes/send-memory.js";

describe("lending", () => {
  it("knows bytes of the memory that is lent from, parts and views included, during the call only", () => {
    const lender = new HeapSendMemory();
    const pool = Buffer.alloc(10);
    const other = Buffer.alloc(10);

    beginLending(pool.subarray(0, 4), lender);
    const during = [pool.subarray(2, 3), new Uint8Array(pool.buffer), other].map(lenderOf);
    endLending();

    assert.deepEqual(during, [lender, lender, undefined]);
    assert.equal(isLent(pool), false);
  });

  it("remembers the outer delivery when a nested one is over", () => {
    const first = new HeapSendMemory();
    const second = new HeapSendMemory();
    const outer = Buffer.allocUnsafeSlow(4);
    const inner = Buffer.allocUnsafeSlow(4);

    beginLending(outer, first);
    beginLending(inner, second);
    const nested = [lenderOf(outer), lenderOf(inner)];
    endLending();
    const after = [lenderOf(outer), lenderOf(inner)];
    endLending();

    assert.deepEqual(nested, [first, second]);
    assert.deepEqual(after, [first, undefined]);
    assert.equal(isLent(outer), false);
  });

  it("copies what is lent, and nothing else", () => {
    const pool = Buffer.from("lent");
    const own = Buffer.allocUnsafeSlow(4);
    beginLending(pool, new HeapSendMemory());

    const copy = owned(pool);
    const same = owned(own);
    endLending();
    pool.fill("x");

    assert.equal(String(copy), "lent");
    assert.equal(same, own);
  });
});
