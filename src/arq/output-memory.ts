/**
 * Memory for datagrams that wait until they are sent: cut off blocks one behind the other. A block is garbage when
 * its last datagram is sent.
 */
const BLOCK_BYTES = 65_536;

/** Memory of datagrams that are not sent yet. One serves all sessions of a component. */
export class OutputMemory {
  private block: Buffer = Buffer.allocUnsafeSlow(0);
  private used = 0;

  /** A copy of `byteCount` bytes from `from` on. */
  copy(bytes: Buffer, from: number, byteCount: number): Buffer {
    if (this.used + byteCount > this.block.length) {
      this.block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, byteCount));
      this.used = 0;
    }
    const start = this.used;
    this.used += byteCount;
    bytes.copy(this.block, start, from, from + byteCount);
    return this.block.subarray(start, start + byteCount);
  }
}
