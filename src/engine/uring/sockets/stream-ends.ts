/**
 * How streams of a loop end: our FIN, and the connection that breaks.
 *
 * A stream that receives notices when the connection breaks. One that is paused, or whose peer has
 * finished, has a poll of its own for that: armed the first time, and left armed.
 */
import type { NetError } from "../../../errors.js";
import { tcpInfo, timeoutError } from "../../tcp-options.js";
import type { DescriptorTable } from "../ring/descriptor-table.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import {
  COMPLETION_MORE,
  ENTRY_LENGTH,
  ENTRY_OPERATION_FLAGS,
  OP_FIXED_FD_INSTALL,
  OP_POLL_ADD,
  OP_SHUTDOWN,
  POLL_MULTISHOT,
} from "../ring/kernel-interface.js";
import { BREAK_KIND, DESCRIPTOR_KIND, SHUTDOWN_KIND } from "../ring/operation-slots.js";
import type { Ring } from "../ring/ring.js";
import { callError } from "../ring/system-call-error.js";
import { pendingError } from "./socket-options.js";
import { CLOSING } from "./socket-state.js";
import type { StreamCore } from "./stream-core.js";
import {
  ASKING,
  BROKEN,
  CARRIED,
  ENDED,
  HELD,
  OPEN,
  PAUSED,
  POLLING,
  RECEIVING,
  STOPPING,
  WATCHING,
} from "./stream-state.js";

/** POLLERR and POLLHUP. */
const POLL_BROKEN = 0x8 | 0x10;

const SHUT_SENDING = 1;

/** What ending needs of its loop. */
export interface EndParts {
  readonly calls: ForeignFunctions;
  readonly ring: Ring;
  readonly descriptors: DescriptorTable;
  /** Closes a descriptor that was borrowed, with the next call into the kernel. */
  closeLater(descriptor: number): void;
}

/** How streams of a loop end. */
export class StreamEnds {
  private readonly parts: EndParts;
  /** Why sending has failed, of streams that still receive. */
  private readonly breaks: WeakMap<StreamCore, NetError> = new WeakMap();

  constructor(parts: EndParts) {
    this.parts = parts;
  }

  /**
   * Sends FIN. The ring's own operation for that costs the kernel a thread, so a descriptor is asked
   * for, with which the call is made; its way there and back goes with what the ring does anyway.
   */
  shutDown(stream: StreamCore): void {
    const { calls, descriptors } = this.parts;
    if (descriptors.entryFlag === 0) {
      if (stream.writing === undefined) {
        stream.withDescriptor((descriptor) => calls.shutdown(descriptor, SHUT_SENDING));
      }
    } else if ((stream.state & ASKING) === 0) {
      stream.state |= ASKING;
      stream.start(OP_FIXED_FD_INSTALL, DESCRIPTOR_KIND);
    }
  }

  /** The descriptor is there, or is not to be had. */
  shutDownBy(stream: StreamCore, descriptor: number): void {
    stream.state &= ~ASKING;
    const isSent = stream.writing === undefined;
    if (descriptor < 0) {
      if (isSent) this.shutDownByRing(stream);
      return;
    }
    // A connection that broke has nothing to finish: reading tells what happened to it.
    if (isSent) this.parts.calls.shutdown(descriptor, SHUT_SENDING);
    this.parts.closeLater(descriptor);
  }

  /** The same of a stream that closes. */
  abandoned(descriptor: number): void {
    if (descriptor >= 0) this.parts.closeLater(descriptor);
  }

  private shutDownByRing(stream: StreamCore): void {
    const at = stream.start(OP_SHUTDOWN, SHUTDOWN_KIND);
    this.parts.ring.entries[at + ENTRY_LENGTH] = SHUT_SENDING;
  }

  /**
   * Arms the poll that tells of a reset while nothing is received. It hears of every change of the
   * connection's state (the peer's end is one), and is left armed: once for each stream that needs it.
   */
  watch(stream: StreamCore): void {
    if ((stream.state & (OPEN | WATCHING | CLOSING)) !== OPEN) return;
    stream.state |= WATCHING;
    const at = stream.start(OP_POLL_ADD, BREAK_KIND);
    const { entries } = this.parts.ring;
    entries[at + ENTRY_LENGTH] = POLL_MULTISHOT;
    entries[at + ENTRY_OPERATION_FLAGS] = POLL_BROKEN;
  }

  /**
   * A send has failed, as the peer has reset the connection. What it sent before that (a response, and then it
   * closed) may lie in the kernel yet: the receive that is armed brings it, then ends, and so does the stream.
   */
  breakSending(stream: StreamCore, error: NetError): void {
    const receiving = stream.state & (RECEIVING | STOPPING | POLLING | CARRIED | BROKEN);
    if (receiving !== RECEIVING || !stream.isTcp()) {
      stream.fail(error);
      return;
    }
    stream.state |= BROKEN;
    this.breaks.set(stream, error);
  }

  /** Whether a TCP connection is over: one that is still being sent on was reset then. */
  isOver(stream: StreamCore): boolean {
    if (!stream.isTcp()) return false;
    let state: string | undefined;
    stream.withDescriptor((descriptor) => {
      state = tcpInfo(this.parts.calls, descriptor)?.state;
      return 0;
    });
    return state === "CLOSED";
  }

  /** All that came before a send failed has been received, or is not needed. */
  failBroken(stream: StreamCore): void {
    stream.fail(this.breaks.get(stream)!);
  }

  /** The poll has told something, or ended. */
  watched(stream: StreamCore, events: number, flags: number): void {
    if ((flags & COMPLETION_MORE) === 0) stream.state &= ~WATCHING;
    if ((stream.state & BROKEN) !== 0) {
      // The receive tells, unless there is none.
      if ((stream.state & PAUSED) !== 0) this.failBroken(stream);
    } else if (events > 0 && (events & POLL_BROKEN) !== 0) {
      const { calls } = this.parts;
      const error = stream.withDescriptor((descriptor) => pendingError(calls, descriptor));
      // Both sides have finished, or whoever sends or receives was told already: no error is left.
      if (error > 0) stream.fail(callError(-error, "receive"));
    } else if ((stream.state & (PAUSED | ENDED | HELD)) !== 0 && events > 0) {
      this.watch(stream);
    }
  }

  /** What is to be known of why the kernel has given the peer up. */
  timeoutError(stream: StreamCore, error: NetError): NetError {
    if ((stream.state & OPEN) === 0) return error;
    let known = error;
    stream.withDescriptor((descriptor) => {
      known = timeoutError(this.parts.calls, descriptor, error);
      return 0;
    });
    return known;
  }
}
