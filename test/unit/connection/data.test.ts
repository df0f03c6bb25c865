import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { bytesOf } from "#src/connection/data.js";

describe("bytes of what is sent", () => {
  test("takes a Uint8Array of another realm, and the part of its memory that it is", () => {
    const foreign: unknown = runInNewContext("new Uint8Array([1, 2, 3, 4]).subarray(1, 3)");

    assert.equal(foreign instanceof Uint8Array, false);
    assert.deepEqual(bytesOf(foreign as Uint8Array), Buffer.from([2, 3]));
  });

  for (const [what, value] of [
    ["a Uint16Array", new Uint16Array(2)],
    ["a DataView", new DataView(new ArrayBuffer(2))],
    ["an ArrayBuffer", new ArrayBuffer(2)],
    ["an array", [1, 2]],
    ["one that says it is", { [Symbol.toStringTag]: "Uint8Array", length: 2 }],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => bytesOf(value as never), { code: "INVALID_ARGUMENT" });
    });
  }
});
