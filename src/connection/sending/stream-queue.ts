/**
 * What one connection has to send, in order. Hot.
 *
 * Large pieces wait by reference; small ones, heads of packets and text are written into the engine's
 * send memory, where those that follow each other make one piece, the open one:
 *
 *     pieces: [ large ][ region ][ large ]   open: memory.buffer[openStart … openEnd)
 *
 * Invariants: `queuedBytes` is the sum of the pieces and the open one, as long as they were when they
 * were put in; `writingBytes` is what the engine has and has not completed. Every region in `pieces`, and
 * the open one, is held; a write hands them to the engine, and `clear` releases them.
 */
import { lenderOf } from "../../bytes/lending.js";
import { SEGMENT_BYTES, type SendMemory } from "../../bytes/send-memory.js";
import type { StreamSocket } from "../../engine/engine.js";
import type { Encoder } from "../../receive/receive-model.js";
import type { PieceWriter } from "../receiver.js";

/** Pieces up to this many bytes are copied, larger ones wait by reference. */
const COPY_MAX_BYTES = 4_096;

/** Bytes that one connection has to send. */
export class StreamQueue {
  private readonly memory: SendMemory;
  private pieces: Uint8Array[] = [];
  private openBuffer: Buffer | undefined = undefined;
  private openStart = 0;
  private openEnd = 0;
  /** Bytes that wait here. */
  queuedBytes = 0;
  /** Bytes that the engine was given and has not completed. */
  writingBytes = 0;

  constructor(memory: SendMemory) {
    this.memory = memory;
  }

  /** Bytes not yet taken by the kernel. */
  get pendingBytes(): number {
    return this.queuedBytes + this.writingBytes;
  }

  /** Puts in bytes as they are. */
  append(piece: Uint8Array): void {
    // The first piece of a turn is kept as it is: where it stays the only one, nothing is copied here.
    if (this.queuedBytes === 0 && lenderOf(piece) === undefined) this.keep(piece);
    else this.appendBody(piece);
  }

  /** Puts in one packet: head, pieces, tail. */
  appendPacket(encoder: Encoder, pieces: readonly Uint8Array[], byteCount: number): void {
    this.appendHead(encoder, byteCount);
    for (const piece of pieces) this.appendBody(piece);
    if (encoder.tail !== undefined) this.appendBody(encoder.tail);
  }

  /** The same for a packet of one piece. */
  appendPacketOfOne(encoder: Encoder, piece: Uint8Array): void {
    this.appendHead(encoder, piece.length);
    this.appendBody(piece);
    if (encoder.tail !== undefined) this.appendBody(encoder.tail);
  }

  /**
   * Puts in text as UTF-8, with an encoder as one packet: encoded once, to where it is sent from. With
   * head and tail it must fit into a segment. Throws what the encoder says of it; then nothing was put in.
   */
  appendText(encoder: Encoder | undefined, text: string, byteCount: number): void {
    const headBytes = encoder?.headBytes(byteCount) ?? 0;
    const tail = encoder?.tail;
    const at = this.open(headBytes + byteCount + (tail?.length ?? 0));
    const buffer = this.openBuffer as Buffer;
    const start = at + headBytes;
    buffer.write(text, start);
    if (encoder === undefined) return;
    try {
      encoder.assertSendable([buffer.subarray(start, start + byteCount)], byteCount);
    } catch (error) {
      const reservedEnd = this.openEnd;
      this.queuedBytes -= reservedEnd - at;
      this.openEnd = at;
      this.giveBack(buffer, reservedEnd, at);
      throw error;
    }
    encoder.writeHead(buffer, at, byteCount);
    if (tail !== undefined) buffer.set(tail, start + byteCount);
  }

  /** Puts in what `writer` writes, at most `maxBytes`. Returns false when that did not suffice. */
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

  private appendBody(piece: Uint8Array): void {
    const byteCount = piece.length;
    if (byteCount <= COPY_MAX_BYTES) {
      this.copy(piece);
      return;
    }
    const lender = lenderOf(piece);
    // What another engine lends this one can't keep.
    if (lender === undefined || (lender === this.memory && lender.keep(piece))) this.keep(piece);
    else if (byteCount <= SEGMENT_BYTES) this.copy(piece);
    else this.keep(Buffer.from(piece));
  }

  private copy(piece: Uint8Array): void {
    const at = this.open(piece.length);
    (this.openBuffer as Buffer).set(piece, at);
  }

  /** Puts in a piece that other queues have too: by reference, unless it is small and follows others. */
  appendShared(piece: Uint8Array): void {
    if (this.queuedBytes > 0 && piece.length <= COPY_MAX_BYTES) {
      this.copy(piece);
      return;
    }
    this.memory.hold(piece);
    this.keep(piece);
  }

  /** Puts a piece in by reference. */
  private keep(piece: Uint8Array): void {
    this.seal();
    this.pieces.push(piece);
    this.queuedBytes += piece.length;
  }

  /**
   * Starts a write of what waits, at most `limitBytes`. Returns false, and writes nothing, when the
   * length of a piece has changed: its memory was transferred or resized.
   */
  write(stream: StreamSocket, limitBytes: number): boolean {
    this.seal();
    const { pieces, queuedBytes } = this;
    let byteCount = 0;
    for (const piece of pieces) byteCount += piece.length;
    if (byteCount !== queuedBytes) return false;
    if (byteCount > limitBytes) {
      this.writePart(stream, limitBytes);
      return true;
    }
    this.writingBytes = byteCount;
    this.queuedBytes = 0;
    if (pieces.length === 1) {
      stream.write(pieces.pop() as Uint8Array);
    } else {
      stream.writeAll(pieces, byteCount);
      pieces.length = 0;
    }
    return true;
  }

  /** Writes the first pieces as far as `limitBytes` go, the last of them cut. */
  private writePart(stream: StreamSocket, limitBytes: number): void {
    const part: Uint8Array[] = [];
    let left = limitBytes;
    let taken = 0;
    for (const piece of this.pieces) {
      if (left === 0) break;
      if (piece.length > left) {
        // Two pieces from now on, each released by itself.
        this.memory.hold(piece);
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
  }

  /** Forgets what waits. What the engine was given stays its own. */
  clear(): void {
    this.seal();
    for (const piece of this.pieces) this.memory.release(piece);
    this.pieces = [];
    this.queuedBytes = 0;
  }

  /** Gives the end of the open piece back, if nobody else has taken room since. */
  private giveBack(buffer: Buffer, reservedEnd: number, usedEnd: number): void {
    const { memory } = this;
    if (memory.buffer === buffer && memory.used === reservedEnd) memory.used = usedEnd;
    if (this.openStart !== this.openEnd) return;
    this.openBuffer = undefined;
    memory.release(buffer);
  }

  /** Makes room for `byteCount` bytes at the end of the open piece; returns where. */
  private open(byteCount: number): number {
    const { memory } = this;
    memory.reserve(byteCount);
    const { buffer, used } = memory;
    if (this.openBuffer !== buffer || this.openEnd !== used) {
      this.seal();
      this.openBuffer = buffer;
      this.openStart = used;
      memory.hold(buffer);
    }
    this.openEnd = used + byteCount;
    memory.used = this.openEnd;
    this.queuedBytes += byteCount;
    return used;
  }

  /** Closes the open piece, so that what is put in next is a piece of its own. */
  private seal(): void {
    const { openBuffer } = this;
    if (openBuffer === undefined) return;
    this.pieces.push(openBuffer.subarray(this.openStart, this.openEnd));
    this.openBuffer = undefined;
  }
}
