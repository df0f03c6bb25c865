/**
 * The sending half of a stream. Hot. At most one SEND is under way; it sends from
 *
 *     region ≥ 0        a copy in the send arena
 *     held              the caller's memory: one piece, or several
 *     held, and region = lentRegion(id)
 *                       one piece that lies in receive buffer `id`, which is kept until it is sent
 */
import { NetError } from "../../errors.js";
import type { StreamSink } from "../engine.js";
import { noStreamSink } from "../no-sink.js";
import { ConnectedSocket } from "./connected-socket.js";
import {
  ENTRY_ADDRESS,
  ENTRY_ADDRESS_HIGH,
  ENTRY_LENGTH,
  ENTRY_OPERATION_FLAGS,
  OP_SEND,
  OP_SENDMSG,
  OP_SHUTDOWN,
} from "./kernel-interface.js";
import { SEND_KIND, SHUTDOWN_KIND } from "./operation-slots.js";
import { CLOSING } from "./ring-socket.js";
import { NONE } from "./shared-memory.js";
import { FINISHING, OPEN, SENDING } from "./stream-state.js";
import { callError, EAGAIN, EINTR, ENOTCONN } from "./system-call-error.js";
import { SEGMENT_BYTES } from "./uring-options.js";
import { VectorWrite } from "./vector-write.js";

/** `pendingBytes` without a write under way. */
const IDLE = -1;

/** Pieces up to here are copied: that costs less than asking for their address. */
const COPY_MAX_BYTES = 16_384;

/** MSG_NOSIGNAL, and MSG_WAITALL: complete when all is sent. */
const SEND_FLAGS = 0x4000 | 0x100;

const SHUT_SENDING = 1;

/** `region` of a piece in a receive buffer; the way back is the same. Always below `NONE`. */
const lentRegion = (id: number): number => NONE - 1 - id;

/** See the head of the file. */
export abstract class SendingStream extends ConnectedSocket {
  sink: StreamSink = noStreamSink;
  private pendingBytes: number = IDLE;
  private sentBytes = 0;
  private region: number = NONE;
  /** Memory of others that the kernel uses meanwhile. */
  protected held: Uint8Array | VectorWrite | undefined = undefined;

  write(piece: Uint8Array): void {
    const byteCount = piece.length;
    if (!this.beginWrite(byteCount)) return;
    if (byteCount <= COPY_MAX_BYTES) {
      const { arena } = this.loop;
      const region = arena.take(byteCount);
      if (region !== NONE) {
        arena.bytes.set(piece, region);
        this.region = region;
        this.send();
        return;
      }
    }
    this.hold(piece);
    this.send();
  }

  writeAll(pieces: readonly Uint8Array[], byteCount: number): void {
    if (!this.beginWrite(byteCount)) return;
    const { arena, calls } = this.loop;
    const region = byteCount <= SEGMENT_BYTES ? arena.take(byteCount) : NONE;
    if (region === NONE) {
      const kept = pieces.map((piece) => (this.loop.isShared(piece) ? Buffer.from(piece) : piece));
      this.held = new VectorWrite(calls, kept);
    } else {
      let at = region;
      for (const piece of pieces) {
        arena.bytes.set(piece, at);
        at += piece.length;
      }
      this.region = region;
    }
    this.send();
  }

  finish(): void {
    if ((this.state & (FINISHING | CLOSING)) !== 0) return;
    this.state |= FINISHING;
    if ((this.state & OPEN) !== 0 && this.pendingBytes === IDLE) this.shutDown();
  }

  /** A SEND has completed. */
  protected sent(result: number): void {
    this.state &= ~SENDING;
    if (result === EINTR || result === EAGAIN) {
      this.send();
      return;
    }
    if (result < 0) {
      this.forgetWrite();
      this.fail(callError(result, "send"));
      return;
    }
    this.sentBytes += result;
    if (this.sentBytes < this.pendingBytes) {
      if (this.held instanceof VectorWrite) this.held.advance(result);
      this.send();
      return;
    }
    const byteCount = this.pendingBytes;
    this.forgetWrite();
    if ((this.state & FINISHING) !== 0) this.shutDown();
    this.sink.streamWritten(byteCount);
  }

  /** The kernel does not use the memory of the write any more. */
  protected forgetWrite(): void {
    const { region } = this;
    this.pendingBytes = IDLE;
    this.held = undefined;
    if (region === NONE) return;
    this.region = NONE;
    if (region > NONE) this.loop.arena.giveBack(region);
    else this.loop.buffers.release(lentRegion(region));
  }

  protected shutDown(): void {
    const { calls, ring } = this.loop;
    const result = this.withDescriptor((descriptor) => calls.shutdown(descriptor, SHUT_SENDING));
    // A connection that broke has nothing to finish: reading tells what happened to it.
    if (result >= 0 || result === ENOTCONN) return;
    const at = this.start(OP_SHUTDOWN, SHUTDOWN_KIND);
    ring.entries[at + ENTRY_LENGTH] = SHUT_SENDING;
  }

  private beginWrite(byteCount: number): boolean {
    const { state } = this;
    if ((state & CLOSING) !== 0) return false;
    if (this.pendingBytes !== IDLE || (state & (OPEN | FINISHING)) !== OPEN) {
      throw new NetError("INVALID_STATE", `a write was started ${this.whyNotWrite()}`, {
        operation: "send",
      });
    }
    this.pendingBytes = byteCount;
    this.sentBytes = 0;
    return true;
  }

  private whyNotWrite(): string {
    if ((this.state & OPEN) === 0) return "before the stream was open";
    if ((this.state & FINISHING) !== 0) return "after finish()";
    return `while one of ${this.pendingBytes} bytes is under way`;
  }

  /** Keeps the piece, or a copy where it lies in memory that goes back to the kernel. */
  private hold(piece: Uint8Array): void {
    if (!this.loop.isShared(piece)) {
      this.held = piece;
      return;
    }
    const id = this.loop.buffers.hold(piece);
    this.held = id === NONE ? Buffer.from(piece) : piece;
    if (id !== NONE) this.region = lentRegion(id);
  }

  /** Starts sending what is not sent of the write under way. */
  private send(): void {
    this.state |= SENDING;
    const { region, sentBytes } = this;
    if (region <= NONE) {
      this.sendHeld();
      return;
    }
    const { arena, ring } = this.loop;
    const at = this.start(OP_SEND, SEND_KIND);
    const { entries } = ring;
    entries[at + ENTRY_ADDRESS] = (arena.baseLow + region + sentBytes) | 0;
    entries[at + ENTRY_ADDRESS_HIGH] = arena.high;
    entries[at + ENTRY_LENGTH] = this.pendingBytes - sentBytes;
    entries[at + ENTRY_OPERATION_FLAGS] = SEND_FLAGS;
  }

  private sendHeld(): void {
    const { held, sentBytes } = this;
    const { calls, ring } = this.loop;
    if (held instanceof VectorWrite) {
      held.prepare();
      const at = this.start(OP_SENDMSG, SEND_KIND);
      ring.putAddress(at, held.address);
      ring.entries[at + ENTRY_LENGTH] = 1;
      ring.entries[at + ENTRY_OPERATION_FLAGS] = SEND_FLAGS;
    } else if (held === undefined || held.length === 0) {
      this.startNothing(SEND_KIND);
    } else {
      const at = this.start(OP_SEND, SEND_KIND);
      ring.putAddress(at, calls.addressOf(held) + sentBytes);
      ring.entries[at + ENTRY_LENGTH] = this.pendingBytes - sentBytes;
      ring.entries[at + ENTRY_OPERATION_FLAGS] = SEND_FLAGS;
    }
  }
}
