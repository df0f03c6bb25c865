/**
 * One write of a stream, from its start until the kernel has taken all of it. A stream has one while
 * a write is under way, and hands it back to the loop afterwards. Hot. It sends from
 *
 *     ours      a region of the arena, a receive buffer that was kept, or a copy that was made here
 *     piece     the caller's memory
 *     vector    several pieces
 */
import type { SendArena } from "../memory/send-arena.js";
import { NONE, type SharedMemory } from "../memory/shared-memory.js";
import { VectorWrite } from "../memory/vector-write.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import {
  ENTRY_LENGTH,
  ENTRY_OPERATION_FLAGS,
  OP_SEND,
  OP_SENDMSG,
} from "../ring/kernel-interface.js";
import type { Ring } from "../ring/ring.js";

/** Pieces up to here are copied: that costs less than asking for their address. */
export const COPY_MAX_BYTES = 16_384;

/**
 * Bytes that one operation is given at most: the kernel reports an operation when all of it is sent, and a close needs to
 * know whether the peer still takes bytes.
 */
const MAX_OPERATION_BYTES = 0x10_0000;

/** MSG_NOSIGNAL, and MSG_WAITALL: complete when all is sent. */
const SEND_FLAGS = 0x4000 | 0x100;

/** MSG_DONTWAIT in place of MSG_WAITALL: complete at once, whatever was sent. */
const SEND_NOW_FLAGS = 0x4000 | 0x40;

/** One write of a stream, from its start until the kernel has taken all of it. */
export class StreamWrite {
  /** Bytes of the write. */
  byteCount = 0;
  private sentBytes = 0;
  private address = 0;
  /** Where it lies in the shared memory, or NONE. */
  private ours: number = NONE;
  private piece: Uint8Array | undefined = undefined;
  private vector: VectorWrite | undefined = undefined;
  private isVector = false;
  private readonly calls: ForeignFunctions;
  private readonly memory: SharedMemory;
  private readonly arena: SendArena;

  constructor(calls: ForeignFunctions, memory: SharedMemory, arena: SendArena) {
    this.calls = calls;
    this.memory = memory;
    this.arena = arena;
  }

  /** Bytes that are not sent yet. */
  get leftBytes(): number {
    return this.byteCount - this.sentBytes;
  }

  /** Takes one piece. */
  begin(piece: Uint8Array): void {
    const { arena } = this;
    const { length } = piece;
    this.byteCount = length;
    this.sentBytes = 0;
    let offset = arena.sendable(piece);
    if (offset === NONE && length <= COPY_MAX_BYTES) offset = arena.copy(piece);
    this.ours = offset;
    if (offset !== NONE) {
      this.address = this.memory.addressOf(offset);
      return;
    }
    // Bytes that are lent and were not kept are gone when the call returns.
    this.piece = arena.offsetOf(piece) === NONE ? piece : Buffer.from(piece);
    this.address = length === 0 ? 0 : this.calls.addressOf(this.piece);
  }

  /** Takes a region of the arena; NONE for no bytes. */
  beginAt(offset: number, byteCount: number): void {
    this.byteCount = byteCount;
    this.sentBytes = 0;
    this.ours = offset;
    this.address = offset === NONE ? 0 : this.memory.addressOf(offset);
  }

  /** Takes several pieces, of `byteCount` bytes in all. */
  beginAll(pieces: readonly Uint8Array[], byteCount: number): void {
    const { arena } = this;
    this.byteCount = byteCount;
    this.sentBytes = 0;
    if (byteCount <= COPY_MAX_BYTES) {
      const offset = arena.copyAll(pieces, byteCount);
      if (offset !== NONE) {
        for (const piece of pieces) arena.release(piece);
        this.ours = offset;
        this.address = this.memory.addressOf(offset);
        return;
      }
    }
    this.vector ??= new VectorWrite(this.calls, this.memory, arena);
    this.isVector = true;
    for (const piece of pieces) this.vector.add(piece, COPY_MAX_BYTES);
  }

  /** The operation that sends it. */
  get operation(): number {
    return this.isVector ? OP_SENDMSG : OP_SEND;
  }

  /**
   * Makes ready to send what is left. False: the length of the caller's memory has changed, so that
   * nothing can be sent from it.
   */
  prepare(): boolean {
    if (this.isVector) return this.vector!.prepare(MAX_OPERATION_BYTES);
    return this.piece === undefined || this.piece.length === this.byteCount;
  }

  /** Fills in the entry at `at`; one of `isNow` waits for no room. */
  describe(ring: Ring, at: number, isNow = false): void {
    const { entries } = ring;
    entries[at + ENTRY_OPERATION_FLAGS] = isNow ? SEND_NOW_FLAGS : SEND_FLAGS;
    if (this.isVector) {
      ring.putAddress(at, this.vector!.address);
      entries[at + ENTRY_LENGTH] = 1;
    } else {
      ring.putAddress(at, this.address + this.sentBytes);
      entries[at + ENTRY_LENGTH] = Math.min(this.leftBytes, MAX_OPERATION_BYTES);
    }
  }

  /** `byteCount` more bytes are sent. */
  advance(byteCount: number): void {
    this.sentBytes += byteCount;
    if (this.isVector) this.vector!.advance(byteCount);
  }

  /** The kernel does not use the memory any more. */
  release(): void {
    if (this.ours !== NONE) this.arena.releaseAt(this.ours);
    this.ours = NONE;
    this.piece = undefined;
    if (this.isVector) this.vector!.release();
    this.isVector = false;
  }
}
