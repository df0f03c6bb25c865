import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pull } from "#src/receive/pull.js";
import { push } from "#src/receive/push.js";
import { netError } from "../../support/packet-stream.js";

describe("push and pull", () => {
  it("pass bytes as they are, in both directions", () => {
    for (const model of [push(), pull()]) {
      assert.ok(Object.isFrozen(model));
      assert.equal(model.createDecoder(), undefined);
      assert.equal(model.encoder, undefined);
      assert.equal(model.maxPacketBytes, undefined);
    }
  });

  it("deliver bytes and a count", () => {
    assert.deepEqual([push().name, push().delivers], ["push", "bytes"]);
    assert.deepEqual([pull().name, pull().delivers], ["pull", "count"]);
  });

  it("have no options", () => {
    const options: object = { maxPacketBytes: 1 };

    assert.throws(
      () => (push as (options: object) => unknown)(options),
      netError("INVALID_ARGUMENT", /push/),
    );
    assert.throws(
      () => (pull as (options: object) => unknown)(options),
      netError("INVALID_ARGUMENT", /pull/),
    );
  });
});
