/**
 * One direction of carrying: what comes from one stream is sent to another, without the layers above. Hot.
 *
 *     copying ⇄ splicing
 *
 * Copying: the ring receives into its buffers, and sends from them. It is what costs least for small pieces.
 *
 * Splicing, once much has come in large pieces: the ring tells when the source can be read, and the bytes are moved
 * within the kernel (`splicer.ts`), never more than the target has room for, so that nothing waits here. Small
 * pieces, and all that goes wrong, lead back to copying.
 *
 * Invariants: while bytes wait here, or a send is under way, nothing is spliced; the source's end is told when the
 * kernel has taken all that came before it.
 */
import { takeShared } from "../../../bytes/send-memory.js";
import { type CarrySink, MAX_CARRIED_BYTES } from "../../engine.js";
import type { SendArena } from "../memory/send-arena.js";
import { ENTRY_OPERATION_FLAGS, OP_POLL_ADD } from "../ring/kernel-interface.js";
import { ROOM_KIND } from "../ring/operation-slots.js";
import type { Ring } from "../ring/ring.js";
import { callError, EAGAIN, EINTR } from "../ring/system-call-error.js";
import type { CarryEnd, CarryEndParts, IncomingCarry, OutgoingCarry } from "./carry-end.js";
import { sendRoom } from "./splice-options.js";
import type { Splicing } from "./splicer.js";
import type { StreamEnds } from "./stream-ends.js";
import type { StreamReceives } from "./stream-receives.js";
import { failChanged, type StreamSends } from "./stream-sends.js";
import { BULK, CARRIED, GIVING, HELD, KEEPS, SPLICING, WAITING } from "./stream-state.js";

/** Pieces up to this many bytes are copied where they have to wait, larger ones are kept in their buffer. */
const COPY_MAX_BYTES = 4_096;

/** Pieces of this size and above count for splicing. */
const LARGE_BYTES = 16_384;

/** Pieces below this size count against it. */
const SMALL_BYTES = 8_192;

/** Small pieces in a row after which a direction copies again. */
const SMALL_RUN = 4;

/**
 * Bytes that have to come in large pieces in a row before a direction splices. The number doubles each time that
 * splicing did not pay.
 */
const SPLICE_AFTER_BYTES = 262_144;
const MAX_SPLICE_AFTER_BYTES = 268_435_456;

/** Bytes that are moved at a time, so that other streams get their turn. */
const MAX_MOVE_BYTES = 262_144;

/** With less room than this, the direction waits for the target. */
const MIN_ROOM_BYTES = 16_384;

const POLL_OUT = 4;

/** What carrying needs of its loop. */
export interface CarryParts extends CarryEndParts {
  readonly ring: Ring;
  readonly arena: SendArena;
  readonly receives: StreamReceives;
  readonly sends: StreamSends;
  readonly ends: StreamEnds;
}

/** One direction of carrying. */
export class Carry implements OutgoingCarry, IncomingCarry, Splicing {
  /** See {@link Splicing}. */
  movedMs = 0;
  private readonly parts: CarryParts;
  private readonly source: CarryEnd;
  private readonly target: CarryEnd;
  private readonly sink: CarrySink;
  /** What waits behind the send under way. */
  private readonly pieces: Uint8Array[] = [];
  private queuedBytes = 0;
  /** The source has finished, and is to be told of it when nothing waits. */
  private hasEnded = false;
  /** Bytes that came in large pieces, in a row. */
  private largeBytes = 0;
  private spliceAfterBytes: number = SPLICE_AFTER_BYTES;
  private smallCount = 0;
  /** The target was waited for, and nothing was moved since. */
  private hasWaited = false;

  /** Begins. Neither stream may have anything under way that others have sent or wait for. */
  constructor(parts: CarryParts, source: CarryEnd, target: CarryEnd, sink: CarrySink) {
    this.parts = parts;
    this.source = source;
    this.target = target;
    this.sink = sink;
    source.outgoing = this;
    target.incoming = this;
    target.stream.state |= CARRIED;
    // What is passed on at once need not be the receiver's own.
    source.stream.state &= ~(KEEPS | BULK);
  }

  private get isIdle(): boolean {
    return this.target.stream.writing === undefined && this.queuedBytes === 0;
  }

  private get isSplicing(): boolean {
    return (this.source.stream.state & SPLICING) !== 0;
  }

  // — copying —

  received(bytes: Buffer): void {
    const byteCount = bytes.length;
    this.sink.carried(byteCount, 0);
    if (this.target.isClosing) {
      this.hold();
      return;
    }
    if (this.target.stream.writing === undefined) this.start(bytes);
    else this.queue(bytes);
    if (this.waitingBytes > MAX_CARRIED_BYTES) {
      this.hold();
      this.parts.ends.watch(this.source.stream);
    }
    this.largeBytes = byteCount < LARGE_BYTES ? 0 : this.largeBytes + byteCount;
    if (this.largeBytes >= this.spliceAfterBytes && !this.isSplicing) this.beginSplicing();
  }

  private get waitingBytes(): number {
    return this.queuedBytes + (this.target.stream.writing?.leftBytes ?? 0);
  }

  /** Whether the bytes, which the source has just brought, stay where they are. */
  private keep(bytes: Uint8Array): boolean {
    if ((this.source.stream.state & GIVING) !== 0) return true;
    return bytes.length > COPY_MAX_BYTES && this.parts.arena.keep(bytes);
  }

  /** Starts a send of bytes that have just come: those that can't be kept are copied by it. */
  private start(bytes: Uint8Array): void {
    this.keep(bytes);
    this.parts.sends.start(this.target.stream, bytes);
  }

  private queue(bytes: Uint8Array): void {
    let piece = bytes;
    if (!this.keep(bytes)) {
      piece = takeShared(this.parts.arena, bytes.length);
      piece.set(bytes);
    }
    this.pieces.push(piece);
    this.queuedBytes += piece.length;
  }

  written(byteCount: number): void {
    this.sink.carried(0, byteCount);
    const { pieces, queuedBytes } = this;
    const { sends } = this.parts;
    this.queuedBytes = 0;
    if (pieces.length === 1) {
      sends.start(this.target.stream, pieces.pop() as Uint8Array);
    } else if (pieces.length > 1) {
      sends.startAll(this.target.stream, pieces, queuedBytes);
      pieces.length = 0;
    } else if (this.hasEnded) {
      this.hasEnded = false;
      this.source.sink.streamEnded();
      return;
    }
    // Where it is to splice nothing may be on its way before.
    const mostBytes = this.isSplicing ? 0 : MAX_CARRIED_BYTES / 2;
    if (this.waitingBytes <= mostBytes) this.release();
  }

  ended(): void {
    if (this.isIdle) this.source.sink.streamEnded();
    else this.hasEnded = true;
  }

  /** The source is left alone. */
  private hold(): void {
    const { stream } = this.source;
    if ((stream.state & HELD) !== 0) return;
    stream.state |= HELD;
    this.parts.receives.stop(stream);
  }

  private release(): void {
    const { stream } = this.source;
    if ((stream.state & HELD) === 0) return;
    stream.state &= ~HELD;
    this.parts.receives.arm(stream);
  }

  /** The source is gone: what waits is thrown away. */
  sourceGone(): void {
    this.drop();
  }

  targetGone(): void {
    this.drop();
  }

  private drop(): void {
    this.stopSplicing();
    for (const piece of this.pieces) this.parts.arena.release(piece);
    this.pieces.length = 0;
    this.queuedBytes = 0;
    this.hasEnded = false;
  }

  // — splicing —

  private beginSplicing(): void {
    const { source, target } = this;
    if (!source.takeDescriptor()) {
      this.retryLater();
      return;
    }
    if (!target.takeDescriptor()) {
      source.giveDescriptorBack();
      this.retryLater();
      return;
    }
    this.smallCount = 0;
    this.hasWaited = false;
    const { splicer } = this.parts;
    this.movedMs = splicer.clock.now();
    splicer.begin(this);
    // The receive that is armed ends first; what it still brings is copied.
    this.hold();
    source.stream.state |= SPLICING;
    if (this.isIdle) this.release();
  }

  /** Copies from here on: its descriptors are given back. */
  stopSplicing(): void {
    if (!this.isSplicing) return;
    this.parts.splicer.end(this);
    this.source.stream.state &= ~SPLICING;
    this.largeBytes = 0;
    this.source.giveDescriptorBack();
    this.target.giveDescriptorBack();
  }

  /** Splicing did not pay: it is tried again after more bytes. */
  private retryLater(): void {
    this.stopSplicing();
    this.largeBytes = 0;
    this.spliceAfterBytes = Math.min(2 * this.spliceAfterBytes, MAX_SPLICE_AFTER_BYTES);
  }

  readable(): void {
    const { source, target, parts } = this;
    if (target.isClosing || !this.isIdle) {
      this.hold();
      return;
    }
    const roomBytes = Math.min(sendRoom(parts.calls, target.descriptor), MAX_MOVE_BYTES);
    if (roomBytes < MIN_ROOM_BYTES) this.awaitRoom();
    else this.move(roomBytes);
    parts.receives.arm(source.stream);
  }

  /** Waits until the target has room. Nothing is read meanwhile. */
  private awaitRoom(): void {
    const { source, target, parts } = this;
    if (this.hasWaited) {
      // Its buffer is too small for this.
      this.retryLater();
      return;
    }
    this.hasWaited = true;
    this.hold();
    parts.ends.watch(source.stream);
    if ((target.stream.state & WAITING) !== 0) return;
    target.stream.state |= WAITING;
    const at = target.stream.start(OP_POLL_ADD, ROOM_KIND);
    parts.ring.entries[at + ENTRY_OPERATION_FLAGS] = POLL_OUT;
  }

  writable(): void {
    this.release();
  }

  private move(roomBytes: number): void {
    const { source, target } = this;
    const { splicer } = this.parts;
    this.hasWaited = false;
    const byteCount = splicer.move(source.descriptor, target.descriptor, roomBytes);
    // The end, or urgent bytes, at which splicing stops: a receive tells which.
    if (byteCount === 0 || byteCount === EAGAIN) this.retryLater();
    else if (byteCount < 0 && byteCount !== EINTR) {
      source.stream.fail(callError(byteCount, "receive"));
    }
    if (byteCount <= 0) return;
    this.movedMs = splicer.clock.now();
    const { sentBytes, sendError } = splicer;
    this.sink.carried(byteCount, sentBytes);
    if (sentBytes < byteCount) this.copyLeft(byteCount - sentBytes, sendError);
    else if (byteCount >= SMALL_BYTES) this.smallCount = 0;
    else if (byteCount < roomBytes && ++this.smallCount >= SMALL_RUN) this.stopSplicing();
  }

  /** The target has not taken all, against expectation. */
  private copyLeft(byteCount: number, error: number): void {
    const left = this.parts.splicer.takeLeft(byteCount);
    this.retryLater();
    if (left === undefined) failChanged(this.target.stream);
    else if (error === EAGAIN || error === 0) {
      this.parts.sends.start(this.target.stream, left);
    } else this.target.stream.fail(callError(error, "send"));
  }
}
