/**
 * Receiving, for all streams of a loop. Hot.
 *
 * A RECV is armed unless the stream is paused or the peer has finished. A multishot one brings piece
 * after piece, until it has brought as much as may still come after a pause, and is then armed again;
 * kernels that can't limit it (before 6.17) bring one piece for each.
 *
 * Of a stream that has brought much, and whose bytes are the receiver's to keep, each RECV fills a buffer that
 * the receiver is given (`own-buffers.ts`).
 */
import { MAX_AHEAD_BYTES } from "../../engine.js";
import type { BufferLine } from "../memory/buffer-line.js";
import { LARGE_BYTES, OWN_BUFFER_BYTES, OwnBuffers } from "../memory/own-buffers.js";
import { BUFFER_GROUP, type ProvidedBuffers, SPARE_BYTES } from "../memory/provided-buffers.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import {
  COMPLETION_BUFFER_SHIFT,
  COMPLETION_MORE,
  ENTRY_BUFFER_GROUP,
  ENTRY_LENGTH,
  ENTRY_OPERATION_FLAGS,
  ENTRY_TOTAL_LENGTH,
  FLAG_BUFFER_SELECT,
  OP_POLL_ADD,
  OP_RECV,
  RECEIVE_MULTISHOT,
} from "../ring/kernel-interface.js";
import { RECEIVE_KIND } from "../ring/operation-slots.js";
import type { Ring } from "../ring/ring.js";
import {
  callError,
  EAGAIN,
  ECANCELED,
  EINTR,
  EINVAL,
  ENOBUFS,
  EPIPE,
} from "../ring/system-call-error.js";
import { CLOSING } from "./socket-state.js";
import type { StreamCore } from "./stream-core.js";
import type { StreamEnds } from "./stream-ends.js";
import {
  AHEAD,
  BROKEN,
  BULK,
  ENDED,
  FINISHING,
  GIVING,
  HELD,
  KEEPS,
  OPEN,
  OWN,
  PAUSED,
  POLLING,
  RECEIVING,
  SENDING,
  SPLICING,
  STOPPING,
} from "./stream-state.js";

/** What one multishot receive brings, before a last piece of at most a buffer. */
const AHEAD_BYTES: number = MAX_AHEAD_BYTES - SPARE_BYTES;

const POLL_IN = 1;

/** Errors of a receive after which the next one may succeed. */
const isPassing = (result: number): boolean =>
  result === ECANCELED || result === EINTR || result === EAGAIN;

/** What receiving needs of its loop. */
export interface ReceiveParts {
  readonly calls: ForeignFunctions;
  readonly ring: Ring;
  readonly buffers: ProvidedBuffers;
  /** Streams that wait for a buffer. */
  readonly bufferLine: BufferLine;
  readonly ends: StreamEnds;
}

/** Receiving, for all streams of a loop. */
export class StreamReceives {
  /** Whether the kernel can limit what a receive brings (6.17); found out by the first receive. */
  isLimited = true;
  /** Buffers of streams that bring much. */
  readonly ownBuffers: OwnBuffers = new OwnBuffers();
  private readonly calls: ForeignFunctions;
  private readonly ring: Ring;
  private readonly buffers: ProvidedBuffers;
  private readonly bufferLine: BufferLine;
  private readonly ends: StreamEnds;

  constructor(parts: ReceiveParts) {
    this.calls = parts.calls;
    this.ring = parts.ring;
    this.buffers = parts.buffers;
    this.bufferLine = parts.bufferLine;
    this.ends = parts.ends;
  }

  /** Arms the receive, where it should be and isn't. */
  arm(stream: StreamCore): void {
    if ((stream.state & (OPEN | RECEIVING | PAUSED | ENDED | CLOSING | HELD)) !== OPEN) {
      // Nobody waits for the rest of what came.
      if ((stream.state & (BROKEN | RECEIVING)) === BROKEN) this.ends.failBroken(stream);
      return;
    }
    if ((stream.state & SPLICING) !== 0) {
      this.poll(stream);
      return;
    }
    if ((stream.state & BULK) !== 0 && this.armOwn(stream)) return;
    const { entries } = this.ring;
    if (this.isLimited) {
      stream.state |= RECEIVING | AHEAD;
      const at = stream.start(OP_RECV | FLAG_BUFFER_SELECT | RECEIVE_MULTISHOT, RECEIVE_KIND);
      entries[at + ENTRY_BUFFER_GROUP] = BUFFER_GROUP;
      entries[at + ENTRY_TOTAL_LENGTH] = AHEAD_BYTES;
    } else {
      stream.state = (stream.state & ~AHEAD) | RECEIVING;
      const at = stream.start(OP_RECV | FLAG_BUFFER_SELECT, RECEIVE_KIND);
      entries[at + ENTRY_BUFFER_GROUP] = BUFFER_GROUP;
    }
  }

  /** Arms a receive into a buffer of the stream's own, if it can have one. */
  private armOwn(stream: StreamCore): boolean {
    const buffer = this.ownBuffers.take(stream);
    if (buffer === undefined) return false;
    stream.state = (stream.state & ~AHEAD) | RECEIVING | OWN;
    const at = stream.start(OP_RECV, RECEIVE_KIND);
    this.ring.putAddress(at, this.calls.addressOf(buffer));
    this.ring.entries[at + ENTRY_LENGTH] = OWN_BUFFER_BYTES;
    return true;
  }

  /** Arms a poll in place of the receive. */
  private poll(stream: StreamCore): void {
    stream.state = (stream.state & ~AHEAD) | RECEIVING | POLLING;
    const at = stream.start(OP_POLL_ADD, RECEIVE_KIND);
    this.ring.entries[at + ENTRY_OPERATION_FLAGS] = POLL_IN;
  }

  private polled(stream: StreamCore, result: number): void {
    stream.state &= ~POLLING;
    if (result > 0 && (stream.state & (SPLICING | PAUSED | HELD)) === SPLICING) stream.readable();
    else this.arm(stream);
  }

  /** Cancels the receive, which ends later. */
  stop(stream: StreamCore): void {
    if ((stream.state & (RECEIVING | STOPPING)) !== RECEIVING) return;
    stream.state |= STOPPING;
    stream.cancel(RECEIVE_KIND);
  }

  /** Others need the buffer that the stream has for itself. */
  retract(stream: StreamCore): void {
    stream.state &= ~BULK;
    this.stop(stream);
  }

  /** A receive has brought something, or ended. */
  received(stream: StreamCore, result: number, flags: number): void {
    if ((flags & COMPLETION_MORE) === 0) stream.state &= ~(RECEIVING | STOPPING);
    if ((stream.state & POLLING) !== 0) {
      this.polled(stream, result);
      return;
    }
    if ((stream.state & OWN) !== 0) {
      const buffer = this.finishOwn(stream);
      if (result > 0) {
        this.give(stream, buffer, result);
        return;
      }
    }
    const { buffers } = this;
    if (result > 0) {
      if (result >= LARGE_BYTES && (stream.state & KEEPS) !== 0) stream.state |= BULK;
      const id = flags >>> COMPLETION_BUFFER_SHIFT;
      if (stream.security !== undefined) {
        stream.security.received(id, result);
        this.arm(stream);
        return;
      }
      const bytes = buffers.view(id, result);
      // The kernel sees it when the loop publishes, which is after the call below.
      buffers.giveBack(id);
      if ((stream.state & RECEIVING) === 0) this.receivedLast(stream, bytes);
      else stream.sink.streamReceived(bytes);
      return;
    }
    buffers.drop(result, flags);
    if (result === ENOBUFS) this.bufferLine.join(stream);
    // A pause that was taken back ends here as well.
    else if (isPassing(result)) this.arm(stream);
    else if (result === EINVAL && (stream.state & AHEAD) !== 0) this.armOneByOne(stream);
    // The failed send has taken the error: what the receive tells now looks like an end.
    else if ((stream.state & BROKEN) !== 0) this.ends.failBroken(stream);
    else if (result === 0) this.end(stream);
    else stream.fail(callError(result, "receive"));
  }

  /** The same of a stream that closes, without telling the sink. */
  abandoned(stream: StreamCore, result: number, flags: number): void {
    if ((stream.state & OWN) !== 0) this.finishOwn(stream);
    stream.state &= ~POLLING;
    this.buffers.drop(result, flags);
    if ((flags & COMPLETION_MORE) === 0) stream.state &= ~RECEIVING;
  }

  private finishOwn(stream: StreamCore): Buffer {
    stream.state &= ~OWN;
    return this.ownBuffers.finish(stream);
  }

  /** Hands out what lies in the stream's own buffer. */
  private give(stream: StreamCore, buffer: Buffer, byteCount: number): void {
    if (byteCount < LARGE_BYTES) stream.state &= ~BULK;
    const bytes = buffer.subarray(0, byteCount);
    stream.state |= GIVING;
    try {
      // What is small does not keep the memory of a large piece.
      stream.sink.streamReceived(byteCount < LARGE_BYTES ? Buffer.from(bytes) : bytes);
    } finally {
      stream.state &= ~GIVING;
      this.arm(stream);
    }
  }

  /** The receive that brought these bytes is over; the next depends on what the sink does. */
  private receivedLast(stream: StreamCore, bytes: Buffer): void {
    try {
      stream.sink.streamReceived(bytes);
    } finally {
      this.arm(stream);
    }
  }

  /** The kernel does not know how to limit what a receive brings. */
  private armOneByOne(stream: StreamCore): void {
    this.isLimited = false;
    this.arm(stream);
  }

  /** The peer has finished; or it has reset the connection, and a send that is not over yet was told so. */
  private end(stream: StreamCore): void {
    if ((stream.state & SENDING) !== 0 && this.ends.isOver(stream)) {
      stream.fail(callError(EPIPE, "send"));
      return;
    }
    stream.state |= ENDED;
    if (stream.security !== undefined) {
      stream.security.ended();
      return;
    }
    try {
      stream.sink.streamEnded();
    } finally {
      // Where the other direction stays open, nothing else would tell of a reset.
      if ((stream.state & FINISHING) === 0) this.ends.watch(stream);
    }
  }
}
