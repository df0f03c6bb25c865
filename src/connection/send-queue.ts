/**
 * What one connection has to send, in order. Hot.
 *
 * Large pieces wait by reference; small ones and heads of packets are copied into the slab of the
 * thread, where those that follow each other make one piece, the open one:
 *
 *     pieces: [ large ][ slab region ][ large ]   open: slab[openStart … openEnd)
 *
 * Invariants: `queuedBytes` is the sum of the pieces and the open one; `writingBytes` is what the
 * engine has and has not completed.
 */
import { SEGMENT_BYTES, type SendMemory } from "../bytes/send-memory.js";
import type { StreamSocket } from "../engine/engine.js";
import type { Encoder } from "../receive/receive-model.js";

/** Pieces up to this many bytes are copied, larger ones wait by reference. */
export const COPY_MAX_BYTES: number = 4_096;

/** Writes bytes straight into the memory that is sent from. */
export interface PieceWriter {
  /**
   * Writes at `offset` and answers the offset behind, or a negative number when the room, which ends
   * with `target` or at the number of bytes that was asked for, does not suffice.
   */
  writePiece(target: Buffer, offset: number): number;
}

/** The bytes that one connection has to send. */
export class SendQueue {
  private readonly slab: SendMemory;
  private pieces: Uint8Array[] = [];
  private openBuffer: Buffer | undefined = undefined;
  private openStart = 0;
  private openEnd = 0;
  /** Bytes that wait here. */
  queuedBytes = 0;
  /** Bytes that the engine was given and has not completed. */
  writingBytes = 0;

  constructor(slab: SendMemory) {
    this.slab = slab;
  }

  /** Bytes not yet taken by the kernel. */
  get pendingBytes(): number {
    return this.queuedBytes + this.writingBytes;
  }

  /** Puts in bytes as they are. `lent`: they are gone when the handler returns. */
  append(piece: Uint8Array, lent: boolean): void {
    // The first piece of a turn is kept as it is: where it stays the only one, nothing is copied.
    if (this.queuedBytes === 0 && !lent) this.keep(piece);
    else this.appendBody(piece, lent);
  }

  /** Puts in one packet: head, pieces, tail. */
  appendPacket(encoder: Encoder, pieces: readonly Uint8Array[], byteCount: number): void {
    this.appendHead(encoder, byteCount);
    for (const piece of pieces) this.appendBody(piece, false);
    if (encoder.tail !== undefined) this.appendBody(encoder.tail, false);
  }

  /** The same for a packet of one piece. */
  appendPacketOfOne(encoder: Encoder, piece: Uint8Array, lent: boolean): void {
    this.appendHead(encoder, piece.length);
    this.appendBody(piece, lent);
    if (encoder.tail !== undefined) this.appendBody(encoder.tail, false);
  }

  /** Puts in what `writer` writes, at most `maxBytes`. Answers false when that did not suffice. */
  appendWritten(writer: PieceWriter, maxBytes: number): boolean {
    const at = this.open(maxBytes);
    const buffer = this.openBuffer as Buffer;
    let end = -1;
    try {
      end = writer.writePiece(buffer, at);
    } finally {
      // What was not used, all of it after a failure, is given back.
      const used = end < 0 ? 0 : end - at;
      this.queuedBytes -= maxBytes - used;
      this.openEnd = at + used;
      this.giveBack(buffer, at + maxBytes, at + used);
    }
    return end >= 0;
  }

  private appendHead(encoder: Encoder, byteCount: number): void {
    const headBytes = encoder.headBytes(byteCount);
    if (headBytes === 0) return;
    const at = this.open(headBytes);
    encoder.writeHead(this.openBuffer as Buffer, at, byteCount);
  }

  private appendBody(piece: Uint8Array, lent: boolean): void {
    const byteCount = piece.length;
    if (byteCount > (lent ? SEGMENT_BYTES : COPY_MAX_BYTES)) {
      this.keep(lent ? Buffer.from(piece) : piece);
      return;
    }
    const at = this.open(byteCount);
    (this.openBuffer as Buffer).set(piece, at);
  }

  /** Puts a piece in by reference. */
  private keep(piece: Uint8Array): void {
    this.seal();
    this.pieces.push(piece);
    this.queuedBytes += piece.length;
  }

  /** Starts a write of what waits, at most `limitBytes`. Answers how many bytes that were. */
  write(stream: StreamSocket, limitBytes: number): number {
    this.seal();
    const pieces = this.pieces;
    let byteCount = this.queuedBytes;
    if (byteCount > limitBytes) {
      byteCount = this.writePart(stream, limitBytes);
    } else if (pieces.length === 1) {
      this.writingBytes = byteCount;
      this.queuedBytes = 0;
      stream.write(pieces.pop() as Uint8Array);
    } else {
      this.writingBytes = byteCount;
      this.queuedBytes = 0;
      stream.writeAll(pieces, byteCount);
      pieces.length = 0;
    }
    return byteCount;
  }

  /** Writes the first pieces as far as `limitBytes` go, the last of them cut. */
  private writePart(stream: StreamSocket, limitBytes: number): number {
    const part: Uint8Array[] = [];
    let left = limitBytes;
    let taken = 0;
    for (const piece of this.pieces) {
      if (left === 0) break;
      if (piece.length > left) {
        this.slab.hold(piece);
        part.push(piece.subarray(0, left));
        this.pieces[taken] = piece.subarray(left);
        left = 0;
        break;
      }
      part.push(piece);
      left -= piece.length;
      taken++;
    }
    this.pieces = this.pieces.slice(taken);
    const byteCount = limitBytes - left;
    this.queuedBytes -= byteCount;
    this.writingBytes = byteCount;
    if (part.length === 1) stream.write(part[0] as Uint8Array);
    else stream.writeAll(part, byteCount);
    return byteCount;
  }

  /** Forgets what waits. What the engine was given stays its own. */
  clear(): void {
    this.seal();
    for (const piece of this.pieces) this.slab.release(piece);
    this.pieces.length = 0;
    this.queuedBytes = 0;
  }

  /** Gives the end of the open piece back, if nobody else has taken room since. */
  private giveBack(buffer: Buffer, reservedEnd: number, usedEnd: number): void {
    if (this.slab.buffer !== buffer || this.slab.used !== reservedEnd) return;
    this.slab.used = usedEnd;
    if (this.openStart !== usedEnd) return;
    this.openBuffer = undefined;
    this.slab.release(buffer);
  }

  /** Makes room for `byteCount` bytes at the end of the open piece; answers where. */
  private open(byteCount: number): number {
    const slab = this.slab;
    slab.reserve(byteCount);
    if (this.openBuffer !== slab.buffer || this.openEnd !== slab.used) {
      this.seal();
      this.openBuffer = slab.buffer;
      this.openStart = slab.used;
      slab.hold(slab.buffer);
    }
    const at = slab.used;
    slab.used = at + byteCount;
    this.openEnd = slab.used;
    this.queuedBytes += byteCount;
    return at;
  }

  /** Closes the open piece, so that what is put in next is a piece of its own. */
  private seal(): void {
    if (this.openBuffer === undefined) return;
    this.pieces.push(this.openBuffer.subarray(this.openStart, this.openEnd));
    this.openBuffer = undefined;
  }
}
