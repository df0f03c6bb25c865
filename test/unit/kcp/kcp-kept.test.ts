/** What a peer that sends in disorder makes a conversation keep. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NoCongestion } from "#src/protocol/kcp/congestion.js";
import { Kcp } from "#src/protocol/kcp/kcp.js";
import { KcpShare } from "#src/protocol/kcp/kcp-share.js";
import type { MemoryBlock } from "#src/protocol/kcp/memory-block.js";
import { PUSH } from "#src/protocol/kcp/segment.js";
import { kcpSettings } from "../../support/kcp-pair.js";

const WINDOW = 128;
const BLOCK_BYTES = 16_384;

function push(number: number, fragment: number, byteCount: number): Buffer {
  const bytes = Buffer.alloc(24 + byteCount);
  bytes.writeUInt32LE(1, 0);
  bytes[4] = PUSH;
  bytes[5] = fragment;
  bytes.writeUInt16LE(WINDOW, 6);
  bytes.writeInt32LE(number, 12);
  bytes.writeUInt32LE(byteCount, 20);
  return bytes;
}

test("a segment that is kept holds one block at most, whoever fills the others", () => {
  const settings = kcpSettings({ receiveWindow: WINDOW });
  const share = new KcpShare(settings);
  const sink = { output: () => undefined, message: () => undefined };
  const make = (): Kcp => new Kcp({ ...settings, congestion: new NoCongestion() }, sink, share);
  const hostile = make();
  const other = make();
  const blocks = new Set<MemoryBlock>();
  const heldBytes = (): number => {
    let sum = 0;
    for (const { keptCount, bytes } of blocks) if (keptCount > 0) sum += bytes.length;
    return sum;
  };
  let next = 0;

  // The first never comes. Between two of them another's traffic fills the block.
  for (let number = 1; number < 2 * WINDOW; number++) {
    hostile.input(push(number, 0, 1), 0);
    blocks.add(share.memory.block);
    for (let count = 0; count < 12; count++) {
      other.input(push(next, next % 2 === 0 ? 1 : 0, 1_400), 0);
      blocks.add(share.memory.block);
      next++;
    }
    hostile.flush(0);
    other.flush(0);
  }

  assert.equal(hostile.keptSegments, WINDOW - 1);
  assert.ok(heldBytes() <= WINDOW * BLOCK_BYTES, `${heldBytes()} bytes`);
  assert.ok(heldBytes() > (WINDOW / 2) * BLOCK_BYTES, "that is what such a peer can do");
});
