/**
 * Memory for datagrams that wait until they are sent: cut off blocks one behind the other. A block is garbage when
 * its last datagram is sent.
 */
import { copyBetween, MemoryBlock } from "../protocol/kcp/memory-block.js";

const BLOCK_BYTES = 65_536;

/** Memory of datagrams that are not sent yet. One serves all sessions of a component. */
export class OutputMemory {
  private block: MemoryBlock = new MemoryBlock(0);
  private used = 0;

  /** A copy of `byteCount` bytes from `from` on. */
  copy(memory: MemoryBlock, from: number, byteCount: number): Buffer {
    if (this.used + byteCount > this.block.bytes.length) {
      this.block = new MemoryBlock(Math.max(BLOCK_BYTES, byteCount));
      this.used = 0;
    }
    const start = this.used;
    this.used += byteCount;
    copyBetween(memory, from, byteCount, this.block, start);
    return this.block.bytes.subarray(start, start + byteCount);
  }
}
