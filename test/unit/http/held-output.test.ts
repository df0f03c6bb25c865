/** What an exchange holds until it is its turn: order, bound, cost of small pieces, and the end. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "hp-socket/testing";
import { HeldOutput } from "#src/http/server/held-output.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const wheel = (): TimingWheel => new TimingWheel(new ManualClock());

/** All pieces that are held. */
function released(held: HeldOutput): Buffer[] {
  const pieces: Buffer[] = [];
  held.release((piece) => pieces.push(Buffer.from(piece)));
  return pieces;
}

describe("held output", () => {
  it("leaves in its order, what was written as what was given", () => {
    const held = new HeldOutput(1_000_000);
    const large = Buffer.alloc(2_000, "l");

    held.sendBytes(Buffer.from("one "));
    held.write({ writePiece: (target, at) => at + target.write("two ", at) }, 100);
    held.sendBytes(large);
    held.sendBytes(new Uint8Array([0x21]));

    assert.equal(held.byteCount, 2_009);
    assert.equal(Buffer.concat(released(held)).toString(), `one two ${large}!`);
    assert.equal(held.byteCount, 0);
  });

  it("says when a writer had not enough room, and holds nothing then", () => {
    const held = new HeldOutput(1_000_000);

    assert.equal(held.write({ writePiece: () => -1 }, 10), undefined);
    assert.deepEqual(released(held), []);
  });

  it("is full at 65,536 bytes, or at the connection's own mark", () => {
    for (const markBytes of [1_000_000, 1_000]) {
      const held = new HeldOutput(markBytes);
      const bound = Math.min(65_536, markBytes);

      assert.equal(held.sendBytes(Buffer.alloc(bound - 1)), true);
      assert.equal(held.isFull, false);
      assert.equal(held.sendBytes(Buffer.alloc(1)), "slow");
      assert.equal(held.isFull, true);
    }
  });

  it("joins small pieces, so that a peer that has its bytes echoed one by one takes no more", () => {
    const held = new HeldOutput(1_000_000);
    for (let count = 0; count < 65_536; count++) held.sendBytes(Buffer.from("x"));

    const pieces = released(held);

    assert.equal(Buffer.concat(pieces).length, 65_536);
    assert.ok(pieces.length <= 11, `${pieces.length}`);
  });

  it("tells who waits for the turn that it has come, or never will", async () => {
    const [first, second] = [new HeldOutput(1), new HeldOutput(1)];
    const turn = first.turn(wheel(), {});
    const lost = second.turn(wheel(), {});

    first.release(() => {});
    second.fail(new Error("gone") as never);

    await turn;
    await assert.rejects(lost, { message: "gone" });
  });

  it("lets a wait for the turn end by its own time", async () => {
    const clock = new ManualClock();
    const held = new HeldOutput(1);
    const turn = held.turn(new TimingWheel(clock), { timeoutMs: 100 });

    clock.advance(110);

    await assert.rejects(turn, { code: "DRAIN_TIMEOUT" });
  });
});
