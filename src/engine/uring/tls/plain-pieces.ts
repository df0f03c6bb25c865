/**
 * Hot. What is written on a secured stream and not ciphered yet: the caller's pieces, in order. A stream
 * has them while its write is under way; then they serve others.
 *
 * Pieces are let go of as they are ciphered. Small ones are put together, so that they fill a record.
 */
import { RECORD_BYTES } from "../../openssl/cipher-port.js";
import type { TlsLibrary } from "../../openssl/tls-library.js";
import type { SendArena } from "../memory/send-arena.js";
import { NONE, type SharedMemory } from "../memory/shared-memory.js";

/** Plain text that is ciphered into one region: whole records, which fit into a segment. */
const REGION_BYTES = 3 * RECORD_BYTES;

/** Pieces below this are gathered into one record with their neighbours. */
const GATHER_BYTES = 4_096;

/** What is written, and not ciphered yet. */
export class PlainPieces {
  /** Bytes that are not ciphered yet. */
  leftBytes = 0;
  /** Where those lie that {@link next} has found. */
  address = 0;
  private readonly memory: SharedMemory;
  private readonly arena: SendArena;
  private readonly library: TlsLibrary;
  /** From `index` on, the first from `at` on. */
  private readonly pieces: Uint8Array[] = [];
  private readonly lengths: number[] = [];
  private index = 0;
  private at = 0;

  constructor(memory: SharedMemory, arena: SendArena, library: TlsLibrary) {
    this.memory = memory;
    this.arena = arena;
    this.library = library;
  }

  /** Takes them, `byteCount` bytes in all. The array stays the caller's. */
  begin(pieces: readonly Uint8Array[], byteCount: number): void {
    this.leftBytes = byteCount;
    for (const piece of pieces) {
      this.pieces.push(piece);
      this.lengths.push(piece.length);
    }
  }

  /**
   * Finds the next ones that go into one region: they lie at {@link address}. Returns how many bytes; 0
   * when a piece was changed since it was given.
   */
  next(): number {
    const { arena, memory } = this;
    const { functions, port } = this.library;
    const piece = this.pieces[this.index]!;
    if (piece.length !== this.lengths[this.index]) return 0;
    const byteCount = Math.min(piece.length - this.at, REGION_BYTES);
    const isLast = this.index === this.pieces.length - 1;
    if (byteCount >= GATHER_BYTES || isLast) {
      const offset = arena.offsetOf(piece);
      if (offset !== NONE) this.address = memory.addressOf(offset + this.at);
      else if (byteCount >= GATHER_BYTES) this.address = functions.addressOf(piece) + this.at;
      if (offset !== NONE || byteCount >= GATHER_BYTES) return byteCount;
    }
    this.address = port.stagingAddress;
    return this.gather();
  }

  /** Copies pieces into one record; returns how many bytes. */
  private gather(): number {
    const { staging } = this.library.port;
    let [gathered, index, at] = [0, this.index, this.at];
    while (gathered < RECORD_BYTES && index < this.pieces.length) {
      const piece = this.pieces[index]!;
      if (piece.length !== this.lengths[index]) break;
      const byteCount = Math.min(piece.length - at, RECORD_BYTES - gathered);
      const isWhole = at === 0 && byteCount === piece.length;
      staging.set(isWhole ? piece : piece.subarray(at, at + byteCount), gathered);
      gathered += byteCount;
      at += byteCount;
      if (at === piece.length) {
        index++;
        at = 0;
      }
    }
    return gathered;
  }

  /** `byteCount` bytes are ciphered: lets go of the pieces they were. */
  consume(byteCount: number): void {
    this.leftBytes -= byteCount;
    let left = byteCount;
    while (this.index < this.pieces.length) {
      const piece = this.pieces[this.index]!;
      const rest = piece.length - this.at;
      if (left < rest) {
        this.at += left;
        return;
      }
      left -= rest;
      this.arena.release(piece);
      this.index++;
      this.at = 0;
      if (left === 0 && this.pieces[this.index]?.length !== 0) return;
    }
  }

  /** The call that gave them is over: bytes that are lent and were not kept are gone when it returns. */
  keep(): void {
    const { arena } = this;
    for (let index = this.index; index < this.pieces.length; index++) {
      const piece = this.pieces[index]!;
      if (arena.sendable(piece) === NONE && arena.offsetOf(piece) !== NONE) {
        this.pieces[index] = Buffer.from(piece);
      }
    }
  }

  /** Lets go of all that are left. */
  clear(): void {
    for (let index = this.index; index < this.pieces.length; index++) {
      this.arena.release(this.pieces[index]!);
    }
    this.pieces.length = 0;
    this.lengths.length = 0;
    this.index = 0;
    this.at = 0;
    this.leftBytes = 0;
  }
}
