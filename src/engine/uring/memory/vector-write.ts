/**
 * Several pieces that are sent as one: they are described to the kernel by their addresses. The
 * object and the memory of its description are used again for the next write.
 */
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { MessageHeader } from "./message-header.js";
import type { SendArena } from "./send-arena.js";
import { NONE, type SharedMemory } from "./shared-memory.js";

/** UIO_MAXIOV: pieces that one SENDMSG takes. */
const MAX_VECTORS = 1024;

/** The first description has room for so many; one that is needed is made larger. */
const MIN_VECTORS = 8;

/** Several pieces that are sent as one: they are described to the kernel by their addresses. */
export class VectorWrite {
  private readonly calls: ForeignFunctions;
  private readonly memory: SharedMemory;
  private readonly arena: SendArena;
  private header: MessageHeader;
  private vectorCount: number = MIN_VECTORS;
  /** The pieces of the caller, referenced until the end; undefined where the memory is ours. */
  private readonly pieces: (Uint8Array | undefined)[] = [];
  /** Where the others lie in the shared memory; NONE for those of the caller. */
  private readonly offsets: number[] = [];
  private readonly addresses: number[] = [];
  private readonly lengths: number[] = [];
  /** Pieces of the present write. The arrays may be longer: to cut them would be to make them anew. */
  private count = 0;
  /** The first piece that is not all sent, and how much of it is. */
  private index = 0;
  private sentOfPiece = 0;

  constructor(calls: ForeignFunctions, memory: SharedMemory, arena: SendArena) {
    this.calls = calls;
    this.memory = memory;
    this.arena = arena;
    this.header = new MessageHeader(calls, MIN_VECTORS, 0);
  }

  /** Where the description lies. */
  get address(): number {
    return this.header.address;
  }

  /** Adds a piece; of one of the caller's at most `copyMaxBytes` are copied. */
  add(piece: Uint8Array, copyMaxBytes: number): void {
    const byteCount = piece.length;
    if (byteCount === 0) return;
    const { arena } = this;
    let offset = arena.sendable(piece);
    if (offset === NONE && byteCount <= copyMaxBytes) offset = arena.copy(piece);
    let own: Uint8Array | undefined;
    // Bytes that are lent and were not kept are gone when the call returns.
    if (offset === NONE) own = arena.offsetOf(piece) === NONE ? piece : Buffer.from(piece);
    const index = this.count++;
    this.pieces[index] = own;
    this.offsets[index] = offset;
    this.addresses[index] =
      own === undefined ? this.memory.addressOf(offset) : this.calls.addressOf(own);
    this.lengths[index] = byteCount;
  }

  /**
   * Describes what is still to be sent, as far as one SENDMSG takes it, at most `maxBytes`. False:
   * the length of one of the caller's pieces has changed.
   */
  prepare(maxBytes: number): boolean {
    const { addresses, lengths, pieces } = this;
    const count = Math.min(this.count - this.index, MAX_VECTORS);
    if (count > this.vectorCount) this.makeRoom(count);
    const { header } = this;
    let left = maxBytes;
    let vector = 0;
    for (let skip = this.sentOfPiece; vector < count && left > 0; vector++, skip = 0) {
      const index = this.index + vector;
      const piece = pieces[index];
      if (piece !== undefined && piece.length !== lengths[index]) return false;
      const byteCount = Math.min(left, lengths[index]! - skip);
      header.setVector(vector, addresses[index]! + skip, byteCount);
      left -= byteCount;
    }
    header.setVectorCount(vector);
    return true;
  }

  /** `byteCount` more bytes are sent. */
  advance(byteCount: number): void {
    const { lengths } = this;
    this.sentOfPiece += byteCount;
    while (this.index < this.count && this.sentOfPiece >= lengths[this.index]!) {
      this.sentOfPiece -= lengths[this.index]!;
      this.index++;
    }
  }

  /** The kernel does not use the pieces any more. */
  release(): void {
    const { count, offsets, pieces } = this;
    for (let index = 0; index < count; index++) {
      if (offsets[index] !== NONE) this.arena.releaseAt(offsets[index]!);
      pieces[index] = undefined;
    }
    this.count = 0;
    this.index = 0;
    this.sentOfPiece = 0;
  }

  private makeRoom(count: number): void {
    while (this.vectorCount < count) this.vectorCount *= 2;
    this.header = new MessageHeader(this.calls, this.vectorCount, 0);
  }
}
