import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SEGMENT_BYTES } from "#src/bytes/send-memory.js";
import { OwnershipCheck } from "#src/engine/uring/memory/ownership-check.js";
import {
  ProvidedBuffers,
  providedBuffersBytes,
} from "#src/engine/uring/memory/provided-buffers.js";
import { SendArena } from "#src/engine/uring/memory/send-arena.js";
import { NONE, SharedMemory, wholePages } from "#src/engine/uring/memory/shared-memory.js";
import { uringSettings } from "#src/engine/uring/setup/uring-options.js";
import { Random } from "../../support/random.js";
import { withoutKernel } from "./fake-calls.js";

const settings = uringSettings({ receiveBufferCount: 2, receiveBufferBytes: 1_024 });

interface ArenaBench {
  readonly arena: SendArena;
  readonly buffers: ProvidedBuffers;
  /** Where the arena begins. */
  readonly start: number;
}

function benchOf(segmentCount: number, check?: OwnershipCheck): ArenaBench {
  const bytes = segmentCount * SEGMENT_BYTES;
  const buffersBytes = providedBuffersBytes(settings).reduce(
    (sum, part) => sum + wholePages(part),
    0,
  );
  const memory = new SharedMemory(withoutKernel(), bytes + buffersBytes);
  const buffers = new ProvidedBuffers(memory, settings, undefined);
  const arena = new SendArena(memory, bytes, buffers, check);
  return { arena, buffers, start: arena.buffer.byteOffset };
}

/** Writes `text` as the layer above does: room, bytes, a holder. */
function written(arena: SendArena, byteCount: number, fill = 0): Buffer {
  arena.reserve(byteCount);
  const region = arena.buffer.subarray(arena.used, arena.used + byteCount).fill(fill);
  arena.used += byteCount;
  arena.hold(region);
  return region;
}

describe("send arena", () => {
  it("copies behind what others have written, aligned, and finds both", () => {
    const { arena, start } = benchOf(1);
    const region = written(arena, 64);

    const offsets = [64, 1, 17, 0, 8].map((size) => arena.copy(Buffer.alloc(size)));

    assert.deepEqual(
      offsets,
      [64, 128, 144, 176, 176].map((offset) => start + offset),
    );
    assert.equal(arena.sendable(region), start);
    assert.equal(arena.sendable(Buffer.alloc(64)), NONE);
    assert.equal(arena.liveCount, 6);
  });

  it("copies several pieces into one region", () => {
    const { arena, start } = benchOf(1);

    const at = arena.copyAll([Buffer.from("one"), Buffer.from(""), Buffer.from("two")], 6);

    assert.equal(at, start);
    assert.equal(arena.buffer.toString("latin1", 0, 6), "onetwo");
    assert.equal(arena.liveCount, 1);
  });

  it("starts a segment again when its last holder is done", () => {
    const { arena } = benchOf(1);
    const [one, two] = [written(arena, 1_000), written(arena, 1_000)];

    arena.release(one);
    const third = written(arena, 1_000);
    arena.hold(third);
    for (const region of [two, third]) arena.release(region);
    const usedThen = arena.used;
    arena.release(third);

    assert.equal(usedThen, 3_000);
    assert.equal(arena.used, 0);
  });

  it("takes the heap when every segment has a holder, and comes back when one has none", () => {
    const { arena } = benchOf(2);
    const regions = [written(arena, SEGMENT_BYTES), written(arena, 40_000)];

    const outside = written(arena, 40_000);
    const copied = arena.copy(Buffer.alloc(100));
    arena.release(outside);
    arena.release(regions[0]!);
    const back = arena.copy(Buffer.alloc(100));

    assert.equal(arena.sendable(outside), NONE);
    assert.equal(copied, NONE);
    assert.equal(back, regions[0]!.byteOffset);
    assert.equal(arena.liveCount, 2);
  });

  it("reserves more than a segment on the heap", () => {
    const { arena } = benchOf(2);

    const large = written(arena, 3 * SEGMENT_BYTES);

    assert.equal(large.length, 3 * SEGMENT_BYTES);
    assert.equal(arena.sendable(large), NONE);
  });

  it("leaves alone what is not its own", () => {
    const { arena } = benchOf(1);
    const stranger = Buffer.from(new ArrayBuffer(4 * SEGMENT_BYTES), SEGMENT_BYTES, 10);

    arena.hold(stranger);
    arena.release(stranger);

    assert.equal(arena.keep(stranger), false);
    assert.equal(arena.liveCount, 0);
  });

  it("keeps what the receive buffers lend, and sends it from there", () => {
    const { arena, buffers } = benchOf(1);
    const lent = buffers.view(0, 100).subarray(10, 50);

    const early = arena.sendable(lent);
    buffers.giveBack(0);
    const wasKept = arena.keep(lent);
    const later = arena.sendable(lent);
    arena.release(lent);

    assert.deepEqual([early, wasKept, later], [NONE, true, lent.byteOffset]);
    assert.equal(buffers.keptCount, 0);
  });

  it("never hands out bytes that are in use, whatever the order in which they come back", () => {
    const random = new Random(7);
    const { arena } = benchOf(8, new OwnershipCheck("send segment"));
    const live: { readonly region: Buffer; readonly bytes: Buffer }[] = [];
    let heapCount = 0;

    for (let round = 0; round < 5_000; round++) {
      if (live.length > 0 && random.next() < 0.48) {
        const [region] = live.splice(random.integer(0, live.length - 1), 1);
        assert.ok(region!.region.equals(region!.bytes));
        arena.release(region!.region);
        continue;
      }
      const bytes = Buffer.alloc(random.integer(1, 9_000), round & 0xff);
      const region = written(arena, bytes.length, round & 0xff);
      if (arena.sendable(region) === NONE) heapCount++;
      else live.push({ region, bytes });
    }

    assert.ok(heapCount > 0, "the arena was full at times");
    assert.equal(arena.liveCount, live.length);
  });

  it("finds a region that is released by nobody's holder", () => {
    const { arena } = benchOf(1);
    const region = written(arena, 100);
    arena.release(region);

    assert.throws(() => arena.release(region), {
      code: "INVALID_STATE",
      message: "a send region is held by nobody",
    });
  });

  it("finds a write to a segment that was given back, in debug mode", () => {
    const { arena } = benchOf(2, new OwnershipCheck("send segment"));
    const first = written(arena, SEGMENT_BYTES);
    written(arena, SEGMENT_BYTES);
    arena.release(first);
    first[50] = 1;

    assert.throws(() => arena.copy(Buffer.alloc(100)), {
      code: "INVALID_STATE",
      message: "send segment 0 was written to at byte 50 after it was given back",
    });
  });
});
