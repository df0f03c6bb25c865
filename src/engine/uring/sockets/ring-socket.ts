/**
 * What streams, listeners and datagram sockets have in common: a socket of the ring, a slot for the
 * completions, a count of the operations under way, and the order in which all of it ends:
 *
 *     open ── beginClose ──► closing ── last operation completed ──► CLOSE ──► slot free, `gone`
 *
 * `beginClose` cancels what is under way. Nothing is freed or told before the last of it has
 * completed, because until then the kernel may still use its memory. While closing, completions
 * reach `abandoned` alone, which cleans up and calls no sink.
 *
 * A cancel can come too early: an operation that the kernel is about to try again is not found
 * (`ENOENT`), and then goes on. So failed cancels are reported, and repeated while the operation is
 * under way.
 */
import type { NetError, Operation } from "../../../errors.js";
import {
  COMPLETION_MORE,
  ENTRY_ADDRESS,
  ENTRY_ADDRESS_HIGH,
  ENTRY_OPERATION_FLAGS,
  FLAG_SKIP_SUCCESS,
  OP_ASYNC_CANCEL,
  OP_NOP,
} from "../ring/kernel-interface.js";
import { CANCEL_KIND, CLOSE_KIND, isCancel, type OperationOwner } from "../ring/operation-slots.js";
import { callError } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { CLOSING, GONE, UNREFERENCED } from "./socket-state.js";

/** There is no socket. */
export const NO_SOCKET = -1;

/**
 * What streams, listeners and datagram sockets have in common: a socket of the ring, a slot for the
 * completions, a count of the operations under way, and the order in which all of it ends.
 */
export abstract class RingSocket implements OperationOwner {
  protected readonly loop: UringLoop;
  /** Number in the descriptor table. */
  protected socket: number = NO_SOCKET;
  protected readonly slot: number;
  /** A set of bits: those of `socket-state.ts`, and the socket's own. */
  state = 0;
  /** Operations whose last completion has not come. */
  protected underWayCount = 0;

  constructor(loop: UringLoop) {
    this.loop = loop;
    this.slot = loop.slots.take(this);
    loop.hold();
  }

  ref(): void {
    if ((this.state & UNREFERENCED) === 0) return;
    this.state &= ~UNREFERENCED;
    if ((this.state & GONE) === 0) this.loop.hold();
  }

  unref(): void {
    if ((this.state & UNREFERENCED) !== 0) return;
    this.state |= UNREFERENCED;
    if ((this.state & GONE) === 0) this.loop.release();
  }

  completed(kind: number, result: number, flags: number): void {
    if (isCancel(kind)) {
      this.cancelEnded(kind - CANCEL_KIND);
      return;
    }
    if ((flags & COMPLETION_MORE) === 0) this.underWayCount--;
    if ((this.state & CLOSING) === 0) {
      this.progressed(kind, result, flags);
    } else if (kind === CLOSE_KIND) {
      this.end();
    } else {
      this.abandoned(kind, result, flags);
      if (this.underWayCount === 0) this.closeSocket();
    }
  }

  /** An operation of an open socket has completed or brought a result. May call the sink. */
  protected abstract progressed(kind: number, result: number, flags: number): void;

  /** The same while closing: gives back what the operation had. */
  protected abstract abandoned(kind: number, result: number, flags: number): void;

  /** Cancels what is under way. */
  protected abstract cancelAll(): void;

  /** Whether an operation of this kind that is under way has to be cancelled. */
  protected abstract isUnwanted(kind: number): boolean;

  /** The socket is gone; tells the sink. The slot is the next owner's. */
  protected abstract gone(error: NetError | undefined): void;

  /** Hands a new descriptor to the table; returns false after {@link fail}. */
  protected adopt(descriptor: number, operation: Operation): boolean {
    const socket = this.loop.descriptors.adopt(descriptor);
    if (socket < 0) this.fail(callError(socket, operation));
    else this.socket = socket;
    return socket >= 0;
  }

  /** Claims the entry of an operation on the socket. Its index is answered. */
  start(operation: number, kind: number): number {
    return this.startFor(operation, kind, this.slot);
  }

  /** The same for an operation whose completion goes to another slot. */
  protected startFor(operation: number, kind: number, slot: number): number {
    const { loop } = this;
    this.underWayCount++;
    loop.request();
    const entry = operation | loop.descriptors.entryFlag;
    return loop.ring.claim(entry, this.socket, kind | slot, loop.slots.generation(slot));
  }

  /** Completes in the next step: a way to tell the sink something later. */
  startNothing(kind: number): void {
    const { loop } = this;
    this.underWayCount++;
    loop.request();
    loop.ring.claim(OP_NOP, -1, kind | this.slot, loop.slots.generation(this.slot));
  }

  /** Claims the close of `socket`, which is this one's own or one that it brought. */
  protected startClose(socket: number, kind: number): void {
    const { loop, slot } = this;
    this.underWayCount++;
    loop.request();
    loop.descriptors.claimClose(socket, kind | slot, loop.slots.generation(slot));
  }

  /** Cancels the operation of this kind, which then completes with `ECANCELED`, if it still can. */
  cancel(kind: number): void {
    const { slot } = this;
    const { entries } = this.loop.ring;
    // A cancel that succeeds has no completion of its own: the operation's says enough.
    const at = this.claimCancel(OP_ASYNC_CANCEL | FLAG_SKIP_SUCCESS, -1, kind);
    entries[at + ENTRY_ADDRESS] = kind | slot;
    entries[at + ENTRY_ADDRESS_HIGH] = this.loop.slots.generation(slot);
  }

  /**
   * Cancels every operation on the socket, whosever slot it has. The kernel looks through all that it
   * has under way, so it is not for what there are many of.
   */
  protected cancelOnSocket(): void {
    const { descriptors, ring } = this.loop;
    // It never fails, even if it found no operation: so its completion is wanted in any case.
    const at = this.claimCancel(OP_ASYNC_CANCEL, this.socket, 0);
    ring.entries[at + ENTRY_OPERATION_FLAGS] = descriptors.cancelFlags;
  }

  private claimCancel(operation: number, socket: number, kind: number): number {
    const { loop, slot } = this;
    const userLow = (CANCEL_KIND + kind) | slot;
    loop.request();
    return loop.ring.claim(operation, socket, userLow, loop.slots.generation(slot));
  }

  /** A cancel of operations of this kind has failed; 0: of all, and may have missed some. */
  private cancelEnded(kind: number): void {
    if (kind !== 0) {
      if (this.isUnwanted(kind)) this.cancel(kind);
    } else if (this.underWayCount > 0 && this.socket !== NO_SOCKET) {
      this.cancelOnSocket();
    }
  }

  /** The socket can't go on. */
  fail(error: NetError): void {
    if ((this.state & CLOSING) !== 0) return;
    this.loop.closeErrors.set(this.slot, error);
    this.beginClose();
  }

  protected beginClose(): void {
    if ((this.state & CLOSING) !== 0) return;
    this.state |= CLOSING;
    if (this.underWayCount === 0) this.closeSocket();
    else this.cancelAll();
  }

  private closeSocket(): void {
    const { socket } = this;
    if (socket === NO_SOCKET) {
      this.startNothing(CLOSE_KIND);
      return;
    }
    this.socket = NO_SOCKET;
    this.startClose(socket, CLOSE_KIND);
  }

  private end(): void {
    const { loop, slot } = this;
    this.state |= GONE;
    const error = loop.closeErrors.get(slot);
    if (error !== undefined) loop.closeErrors.delete(slot);
    loop.slots.release(slot);
    if ((this.state & UNREFERENCED) === 0) loop.release();
    this.gone(error);
  }

  /** A descriptor of the socket, which the table wants back. */
  borrowDescriptor(): number {
    return this.loop.descriptors.borrow(this.socket);
  }

  /**
   * Runs `call` with a descriptor of the socket; returns the negative error number where there is
   * none.
   */
  withDescriptor(call: (descriptor: number) => number): number {
    const { descriptors } = this.loop;
    const descriptor = descriptors.borrow(this.socket);
    if (descriptor < 0) return descriptor;
    const result = call(descriptor);
    descriptors.giveBack(descriptor);
    return result;
  }
}
