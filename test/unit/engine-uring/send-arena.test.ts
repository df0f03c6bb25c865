import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OwnershipCheck } from "#src/engine/uring/ownership-check.js";
import { SendArena } from "#src/engine/uring/send-arena.js";
import { NONE, SharedMemory } from "#src/engine/uring/shared-memory.js";
import { SEGMENT_BYTES } from "#src/engine/uring/uring-options.js";
import { Random } from "../../support/random.js";
import { FAKE_ADDRESS, withoutKernel } from "./fake-calls.js";

function arenaOf(segmentCount: number, check?: OwnershipCheck): SendArena {
  const bytes = segmentCount * SEGMENT_BYTES;
  return new SendArena(new SharedMemory(withoutKernel(), bytes), bytes, check);
}

describe("send arena", () => {
  it("takes regions one behind the other, aligned, and answers their addresses", () => {
    const arena = arenaOf(1);

    const offsets = [arena.take(64), arena.take(1), arena.take(17), arena.take(0), arena.take(8)];

    assert.deepEqual(offsets, [0, 64, 80, 112, 128]);
    assert.equal(arena.addressOf(80), FAKE_ADDRESS + 80);
    assert.equal(arena.baseLow | 0, FAKE_ADDRESS | 0);
  });

  it("starts a segment again when its last region is given back", () => {
    const arena = arenaOf(1);
    const [one, two] = [arena.take(1_000), arena.take(1_000)];

    arena.giveBack(one);
    const third = arena.take(1_000);
    arena.giveBack(two);
    arena.giveBack(third);

    assert.equal(arena.take(1_000), 0);
    assert.notEqual(third, 0);
  });

  it("answers NONE when every segment has a live region, and goes on when one has none", () => {
    const arena = arenaOf(3);
    const regions = [arena.take(SEGMENT_BYTES), arena.take(SEGMENT_BYTES), arena.take(40_000)];

    const full = arena.take(40_000);
    arena.giveBack(regions[1]!);
    const next = arena.take(40_000);

    assert.equal(full, NONE);
    assert.equal(next, SEGMENT_BYTES);
    assert.equal(arena.liveCount, 3);
  });

  it("never hands out bytes that are in use, whatever the order in which they come back", () => {
    const random = new Random(7);
    const arena = arenaOf(8, new OwnershipCheck("send region"));
    const live: { readonly offset: number; readonly bytes: Buffer }[] = [];
    let noneCount = 0;

    for (let round = 0; round < 5_000; round++) {
      if (live.length > 0 && random.next() < 0.48) {
        const [region] = live.splice(random.integer(0, live.length - 1), 1);
        const { offset, bytes } = region!;
        assert.ok(arena.bytes.subarray(offset, offset + bytes.length).equals(bytes));
        arena.giveBack(offset);
        continue;
      }
      const bytes = Buffer.alloc(random.integer(0, 9_000), round & 0xff);
      const offset = arena.take(bytes.length);
      if (offset === NONE) {
        noneCount++;
        continue;
      }
      bytes.copy(arena.bytes, offset);
      live.push({ offset, bytes });
    }

    assert.ok(noneCount > 0, "the arena was full at times");
    assert.equal(arena.liveCount, live.length);
  });

  it("finds a region that is given back twice, in debug mode", () => {
    const arena = arenaOf(1, new OwnershipCheck("send region"));
    const first = arena.take(100);
    arena.take(100);
    arena.giveBack(first);

    assert.throws(() => arena.giveBack(first), {
      code: "INVALID_STATE",
      message: "send region 0 was given back twice",
    });
  });

  it("finds a write to a region that was given back, in debug mode", () => {
    const arena = arenaOf(1, new OwnershipCheck("send region"));
    arena.giveBack(arena.take(100));
    arena.bytes[50] = 1;

    assert.throws(() => arena.take(100), {
      code: "INVALID_STATE",
      message: "send region 0 was written to at byte 50 after it was given back",
    });
  });
});
