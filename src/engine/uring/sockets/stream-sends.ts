/**
 * Sending, for all streams of a loop. At most one SEND of a stream is under way; what it sends is a
 * `StreamWrite`, which the stream has for that time alone. Hot.
 */
import { isEmptied } from "../../../bytes/changed-pieces.js";
import { NetError } from "../../../errors.js";
import type { SendArena } from "../memory/send-arena.js";
import type { SharedMemory } from "../memory/shared-memory.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { SEND_KIND } from "../ring/operation-slots.js";
import type { Ring } from "../ring/ring.js";
import { callError, EAGAIN, ECONNRESET, EINTR, EPIPE } from "../ring/system-call-error.js";
import type { StreamCore } from "./stream-core.js";
import type { StreamEnds } from "./stream-ends.js";
import { CARRIED, FINISHING, OPEN, PARTING, SENDING } from "./stream-state.js";
import { StreamWrite } from "./stream-write.js";

/** Writes that are kept for the next. */
const MAX_SPARE_WRITES = 8_192;

/** What sending needs of its loop. */
export interface SendParts {
  readonly calls: ForeignFunctions;
  readonly ring: Ring;
  readonly memory: SharedMemory;
  readonly arena: SendArena;
  readonly ends: StreamEnds;
}

/** Sending, for all streams of a loop. */
export class StreamSends {
  private readonly spares: StreamWrite[] = [];
  private readonly calls: ForeignFunctions;
  private readonly ring: Ring;
  private readonly memory: SharedMemory;
  private readonly arena: SendArena;
  private readonly ends: StreamEnds;

  constructor(parts: SendParts) {
    this.calls = parts.calls;
    this.ring = parts.ring;
    this.memory = parts.memory;
    this.arena = parts.arena;
    this.ends = parts.ends;
  }

  /** A spare write. */
  take(): StreamWrite {
    return this.spares.pop() ?? new StreamWrite(this.calls, this.memory, this.arena);
  }

  /** The write is complete, or will never be. */
  giveBack(write: StreamWrite): void {
    write.release();
    if (this.spares.length < MAX_SPARE_WRITES) this.spares.push(write);
  }

  /** Starts a write of one piece. */
  write(stream: StreamCore, piece: Uint8Array): void {
    assertMayWrite(stream);
    if (isEmptied(piece)) {
      failChanged(stream);
      return;
    }
    this.start(stream, piece);
  }

  /** The same, whoever may write. */
  start(stream: StreamCore, piece: Uint8Array): void {
    const write = this.take();
    write.begin(piece);
    this.send(stream, write);
  }

  /** Starts a write of several pieces, of `byteCount` bytes in all. */
  writeAll(stream: StreamCore, pieces: readonly Uint8Array[], byteCount: number): void {
    assertMayWrite(stream);
    this.startAll(stream, pieces, byteCount);
  }

  /** The same, whoever may write. */
  startAll(stream: StreamCore, pieces: readonly Uint8Array[], byteCount: number): void {
    const write = this.take();
    write.beginAll(pieces, byteCount);
    this.send(stream, write);
  }

  /** Starts sending what is not sent of a write, which is the one under way from here on. */
  send(stream: StreamCore, write: StreamWrite): void {
    stream.writing = write;
    if (!write.prepare()) {
      this.forget(stream);
      failChanged(stream);
      return;
    }
    stream.state |= SENDING;
    if (write.byteCount === 0) stream.startNothing(SEND_KIND);
    else {
      const isParting = (stream.state & PARTING) !== 0;
      write.describe(this.ring, stream.start(write.operation, SEND_KIND), isParting);
    }
  }

  /** A SEND has completed. */
  sent(stream: StreamCore, result: number): void {
    stream.state &= ~SENDING;
    const write = stream.writing!;
    if (result === EINTR || result === EAGAIN) {
      this.send(stream, write);
      return;
    }
    if (result > 0) {
      write.advance(result);
      if (write.leftBytes > 0) {
        this.send(stream, write);
        return;
      }
    } else if (result < 0 || write.leftBytes > 0) {
      this.forget(stream);
      const error = result < 0 ? callError(result, "send") : noProgress(write);
      if (result === EPIPE || result === ECONNRESET) this.ends.breakSending(stream, error);
      else stream.fail(error);
      return;
    }
    const { byteCount } = write;
    this.forget(stream);
    if (stream.security !== undefined) {
      stream.security.output.sent();
      return;
    }
    if ((stream.state & FINISHING) !== 0) this.ends.shutDown(stream);
    stream.sink.streamWritten(byteCount);
  }

  /** The same of a stream that closes. */
  abandoned(stream: StreamCore): void {
    stream.state &= ~SENDING;
    this.forget(stream);
  }

  /** The kernel does not use the memory of the write any more. */
  private forget(stream: StreamCore): void {
    const { writing } = stream;
    if (writing === undefined) return;
    stream.writing = undefined;
    this.giveBack(writing);
  }
}

/** A piece is not as long any more as it was: ends the stream. */
export function failChanged(stream: Pick<StreamCore, "fail">): void {
  const text = "a piece was changed before it was sent: its memory was transferred or resized";
  stream.fail(new NetError("INVALID_ARGUMENT", text, { operation: "send" }));
}

function assertMayWrite({ state, writing }: StreamCore): void {
  if (writing === undefined && (state & (OPEN | FINISHING | CARRIED)) === OPEN) return;
  let why = `while one of ${writing?.byteCount} bytes is under way`;
  if ((state & OPEN) === 0) why = "before the stream was open";
  else if ((state & FINISHING) !== 0) why = "after finish()";
  else if ((state & CARRIED) !== 0) why = "while another stream is carried to it";
  throw new NetError("INVALID_STATE", `a write was started ${why}`, { operation: "send" });
}

function noProgress(write: StreamWrite): NetError {
  const text = `the system took none of the ${write.leftBytes} bytes that are left of a write`;
  return new NetError("SYSTEM_ERROR", text, { operation: "send" });
}
