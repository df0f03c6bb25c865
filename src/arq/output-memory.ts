/**
 * Memory for datagrams that wait until they are sent: cut off blocks one behind the other. A block is garbage when
 * its last datagram is sent.
 */
const BLOCK_BYTES = 65_536;

/** Memory of datagrams that are not sent yet. One serves all sessions of a component. */
export class OutputMemory {
  private block: Buffer = Buffer.allocUnsafeSlow(0);
  private used = 0;

  /** A copy of the first `byteCount` bytes. */
  copy(bytes: Buffer, byteCount: number): Buffer {
    if (this.used + byteCount > this.block.length) {
      this.block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, byteCount));
      this.used = 0;
    }
    const start = this.used;
    this.used += byteCount;
    bytes.copy(this.block, start, 0, byteCount);
    return this.block.subarray(start, start + byteCount);
  }
}
