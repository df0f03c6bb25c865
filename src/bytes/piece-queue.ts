/**
 * Pieces of a stream in the order in which they came, where the borders between them mean nothing. How a
 * stream is cut is the sender's choice, down to single bytes, each of which would take a hundred times
 * its size as a piece of its own: so small ones are copied one behind the other into blocks. What is
 * held is about as much as what came.
 *
 * Invariants: `block[blockStart … blockEnd)` is what came last, and is in no piece of the queue yet.
 */
import { Buffer } from "node:buffer";
import { ByteQueue } from "./byte-queue.js";

/** Pieces of fewer bytes are small. */
const SMALL_BYTES = 1024;
/** Blocks become larger the more small pieces come. */
const FIRST_BLOCK_BYTES = 256;
const MAX_BLOCK_BYTES = 16_384;

export class PieceQueue {
  private readonly queue = new ByteQueue();
  private block: Buffer | undefined = undefined;
  private blockStart = 0;
  private blockEnd = 0;

  /** Bytes of all pieces. */
  get byteCount(): number {
    return this.queue.byteCount + this.blockEnd - this.blockStart;
  }

  /** Puts a piece at the end. `lent`: it is valid during the call only. */
  append(piece: Buffer, lent: boolean): void {
    if (piece.length < SMALL_BYTES) {
      const block = this.blockFor(piece.length);
      this.blockEnd += piece.copy(block, this.blockEnd);
    } else {
      this.closeBlock();
      this.queue.append(lent ? Buffer.from(piece) : piece);
    }
  }

  /** Puts a piece back at the front. It must be the caller's own. */
  prepend(piece: Buffer): void {
    this.queue.prepend(piece);
  }

  /** Takes the first piece; undefined when there is none. */
  take(): Buffer | undefined {
    if (this.queue.byteCount === 0) this.closeBlock();
    return this.queue.takeChunk();
  }

  /** Takes all of them as one. */
  takeAll(): Buffer {
    this.closeBlock();
    return this.queue.takeAll();
  }

  private blockFor(byteCount: number): Buffer {
    const { block } = this;
    if (block !== undefined && this.blockEnd + byteCount <= block.length) return block;
    this.closeBlock();
    const blockBytes = Math.min(2 * (block?.length ?? FIRST_BLOCK_BYTES / 2), MAX_BLOCK_BYTES);
    this.block = Buffer.allocUnsafe(Math.max(blockBytes, byteCount));
    this.blockStart = 0;
    this.blockEnd = 0;
    return this.block;
  }

  /** Makes what came last a piece of the queue. What follows goes behind it, into the same block. */
  private closeBlock(): void {
    const { block, blockStart, blockEnd } = this;
    if (block === undefined || blockStart === blockEnd) return;
    this.queue.append(block.subarray(blockStart, blockEnd));
    this.blockStart = blockEnd;
  }
}
