/**
 * Chunks of bytes in the order in which they came. Chunks are kept as they are and only joined where
 * what is taken spans several; the border between two chunks is kept until bytes across it are taken.
 */

const EMPTY = Buffer.alloc(0);

/** Bytes of fewer than this are small. */
const SMALL_BYTES = 1_024;
const FIRST_BLOCK_BYTES = 1_024;
const MAX_BLOCK_BYTES = 16_384;

/** A queue of bytes that remembers its chunks. */
export class ByteQueue {
  private chunks: Buffer[] = [];
  /** Index of the first chunk; those before it are gone and swept out now and then. */
  private first = 0;
  /** Bytes in the queue. */
  byteCount = 0;
  /** The last chunk, where small ones were joined into it, and the memory that it ends in. */
  private joined: Buffer | undefined = undefined;
  private block: Buffer = EMPTY;
  private blockEnd = 0;

  /** Number of chunks, empty ones included. */
  get chunkCount(): number {
    return this.chunks.length - this.first;
  }

  /** Puts a chunk at the end; an empty one counts as a chunk too. */
  append(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.byteCount += chunk.length;
  }

  /**
   * Puts bytes at the end whose borders mean nothing: small ones are copied behind each other, so that
   * a peer that sends single bytes takes no more memory than one that does not. `isLent`: they are
   * valid during the call only.
   */
  join(bytes: Buffer, isLent: boolean): void {
    const { length } = bytes;
    if (length >= SMALL_BYTES) {
      this.append(isLent ? Buffer.from(bytes) : bytes);
      return;
    }
    const hasRoom = this.blockEnd + length <= this.block.length;
    if (!hasRoom) this.takeBlock();
    const start = this.blockEnd;
    this.blockEnd += bytes.copy(this.block, start);
    const last = this.chunks.length - 1;
    const { joined } = this;
    if (hasRoom && joined !== undefined && last >= this.first && this.chunks[last] === joined) {
      this.joined = this.block.subarray(start - joined.length, this.blockEnd);
      this.chunks[last] = this.joined;
      this.byteCount += length;
      return;
    }
    // What was joined before is taken, or in another block: this one is a chunk of its own.
    this.joined = this.block.subarray(start, this.blockEnd);
    this.append(this.joined);
  }

  /** Blocks become larger the more small ones come. */
  private takeBlock(): void {
    const blockBytes = Math.max(2 * this.block.length, FIRST_BLOCK_BYTES);
    this.block = Buffer.allocUnsafeSlow(Math.min(blockBytes, MAX_BLOCK_BYTES));
    this.blockEnd = 0;
  }

  /** Puts a chunk back at the front. */
  prepend(chunk: Buffer): void {
    if (this.first > 0) this.chunks[--this.first] = chunk;
    else this.chunks.unshift(chunk);
    this.byteCount += chunk.length;
  }

  /** Takes the first chunk; undefined when there is none. */
  takeChunk(): Buffer | undefined {
    const chunk = this.chunks[this.first];
    if (chunk === undefined) return undefined;
    this.byteCount -= chunk.length;
    this.dropFirst();
    return chunk;
  }

  /** Takes `byteCount` bytes; undefined when fewer are there. */
  take(byteCount: number): Buffer | undefined {
    if (byteCount > this.byteCount) return undefined;
    if (byteCount === 0) return EMPTY;
    this.skipEmpty();
    const chunk = this.chunks[this.first] as Buffer;
    if (chunk.length > byteCount) {
      this.chunks[this.first] = chunk.subarray(byteCount);
      this.byteCount -= byteCount;
      return chunk.subarray(0, byteCount);
    }
    if (chunk.length === byteCount) return this.takeChunk();
    const joined = Buffer.allocUnsafe(byteCount);
    let filled = 0;
    while (filled < byteCount) {
      const next = this.chunks[this.first] as Buffer;
      const copied = next.copy(joined, filled);
      filled += copied;
      if (copied === next.length) this.dropFirst();
      else this.chunks[this.first] = next.subarray(copied);
    }
    this.byteCount -= byteCount;
    return joined;
  }

  /** The first `byteCount` bytes, left where they are; undefined when fewer are there. */
  peek(byteCount: number): Buffer | undefined {
    if (byteCount > this.byteCount) return undefined;
    if (byteCount === 0) return EMPTY;
    this.skipEmpty();
    const chunk = this.chunks[this.first] as Buffer;
    return chunk.length >= byteCount ? chunk.subarray(0, byteCount) : this.copyOf(0, byteCount);
  }

  /** Takes all there is. */
  takeAll(): Buffer {
    return this.take(this.byteCount) ?? EMPTY;
  }

  /** Where `mark` begins, at `from` or later; -1 when it is not there. */
  find(mark: Uint8Array, from: number): number {
    let chunkStart = 0;
    for (let index = this.first; index < this.chunks.length; index++) {
      const chunk = this.chunks[index] as Buffer;
      const chunkEnd = chunkStart + chunk.length;
      if (chunkEnd > from) {
        const inside = chunk.indexOf(mark, Math.max(0, from - chunkStart));
        if (inside >= 0) return chunkStart + inside;
        const across = this.findAcross(mark, Math.max(from, chunkEnd - mark.length + 1), chunkEnd);
        if (across >= 0) return across;
      }
      chunkStart = chunkEnd;
    }
    return -1;
  }

  /** The same for marks that begin in `start … border` and end behind `border`. */
  private findAcross(mark: Uint8Array, start: number, border: number): number {
    if (mark.length < 2 || start >= border) return -1;
    const end = Math.min(this.byteCount, border + mark.length - 1);
    if (end === border) return -1;
    const inside = this.copyOf(start, end).indexOf(mark);
    return inside < 0 ? -1 : start + inside;
  }

  private copyOf(start: number, end: number): Buffer {
    const copy = Buffer.allocUnsafe(end - start);
    let filled = 0;
    let chunkStart = 0;
    for (let index = this.first; filled < copy.length; index++) {
      const chunk = this.chunks[index] as Buffer;
      const from = Math.max(0, start - chunkStart);
      if (from < chunk.length) filled += chunk.copy(copy, filled, from);
      chunkStart += chunk.length;
    }
    return copy;
  }

  private skipEmpty(): void {
    while ((this.chunks[this.first] as Buffer).length === 0) this.dropFirst();
  }

  private dropFirst(): void {
    this.chunks[this.first++] = EMPTY;
    if (this.first === this.chunks.length) {
      this.chunks.length = 0;
      this.first = 0;
    } else if (this.first >= 64 && this.first * 2 >= this.chunks.length) {
      this.chunks = this.chunks.slice(this.first);
      this.first = 0;
    }
  }
}
