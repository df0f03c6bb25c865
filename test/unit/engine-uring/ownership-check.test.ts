import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OwnershipCheck, POISON } from "#src/engine/uring/memory/ownership-check.js";

describe("ownership check", () => {
  it("poisons what is given back and lets it be handed out again", () => {
    const check = new OwnershipCheck("piece");
    const bytes = Buffer.alloc(16, POISON);

    check.handOut(1, bytes, 0);
    bytes.fill(7);
    check.giveBack(1, bytes);
    check.handOut(1, bytes, 0);

    assert.ok(bytes.every((byte) => byte === POISON));
    assert.equal(check.handedOutCount, 1);
  });

  it("throws for a piece that is handed out twice", () => {
    const check = new OwnershipCheck("piece");
    const bytes = Buffer.alloc(16, POISON);
    check.handOut(4, bytes, 0);

    assert.throws(() => check.handOut(4, bytes, 0), {
      code: "INVALID_STATE",
      message: "piece 4 was handed out twice",
    });
  });

  it("throws for a piece that nobody has", () => {
    const check = new OwnershipCheck("piece");

    assert.throws(() => check.giveBack(4, Buffer.alloc(1)), {
      message: "piece 4 was given back twice",
    });
  });

  it("takes what the kernel has written for no write of ours", () => {
    const check = new OwnershipCheck("piece");
    const bytes = Buffer.alloc(16, POISON);
    bytes.fill(1, 0, 10);

    check.handOut(2, bytes, 10);
    check.giveBack(2, bytes);
    bytes[12] = 0;

    assert.throws(() => check.handOut(2, bytes, 10), { message: /at byte 12/ });
  });
});
