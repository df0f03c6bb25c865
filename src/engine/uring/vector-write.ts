/**
 * One large write straight from the caller's memory: the pieces are described to the kernel by
 * their addresses, and stay referenced from here until the write is complete.
 */
import type { ForeignFunctions } from "./foreign-functions.js";
import { MessageHeader } from "./message-header.js";

/** UIO_MAXIOV: pieces that one SENDMSG takes. */
const MAX_VECTORS = 1024;

/** See the head of the file. */
export class VectorWrite {
  private readonly calls: ForeignFunctions;
  private readonly pieces: readonly Uint8Array[];
  private readonly header: MessageHeader;
  /** The first piece that is not all sent, and how much of it is. */
  private index = 0;
  private offset = 0;

  /** `pieces` must not be changed afterwards. */
  constructor(calls: ForeignFunctions, pieces: readonly Uint8Array[]) {
    this.calls = calls;
    this.pieces = pieces;
    this.header = new MessageHeader(calls, Math.min(pieces.length, MAX_VECTORS), 0);
  }

  /** Where the description lies. */
  get address(): number {
    return this.header.address;
  }

  /** Describes what is still to be sent, as far as one SENDMSG takes it. */
  prepare(): void {
    const { header, pieces } = this;
    const count = Math.min(pieces.length - this.index, MAX_VECTORS);
    header.setVectorCount(count);
    let skip = this.offset;
    for (let vector = 0; vector < count; vector++) {
      const piece = pieces[this.index + vector]!;
      const address = piece.length === 0 ? 0 : this.calls.addressOf(piece) + skip;
      header.setVector(vector, address, piece.length - skip);
      skip = 0;
    }
  }

  /** `byteCount` more bytes are sent. */
  advance(byteCount: number): void {
    this.offset += byteCount;
    for (; this.index < this.pieces.length; this.index++) {
      const { length } = this.pieces[this.index]!;
      if (this.offset < length) return;
      this.offset -= length;
    }
  }
}
