/**
 * What streams, listeners and datagram sockets have in common: a socket of the ring, a slot for the
 * completions, a count of the operations under way, and the order in which all of it ends:
 *
 *     open ── beginClose ──► closing ── last operation completed ──► CLOSE ──► slot free, `gone`
 *
 * `beginClose` cancels what is under way. Nothing is freed or told before the last of it has
 * completed, because until then the kernel may still use its memory. While closing, completions
 * reach `abandoned` alone, which cleans up and calls no sink.
 */
import type { NetError, Operation } from "../../errors.js";
import {
  COMPLETION_MORE,
  ENTRY_ADDRESS,
  ENTRY_ADDRESS_HIGH,
  ENTRY_OPERATION_FLAGS,
  FLAG_SKIP_SUCCESS,
  OP_ASYNC_CANCEL,
  OP_NOP,
} from "./kernel-interface.js";
import { CLOSE_KIND, IGNORED_KIND, type OperationOwner } from "./operation-slots.js";
import { callError } from "./system-call-error.js";
import type { UringLoop } from "./uring-loop.js";

/** There is no socket. */
const NO_SOCKET = -1;

/** Bits of {@link RingSocket.state}. Those of the subclasses start at `1 << FIRST_FREE_BIT`. */
export const CLOSING = 1;
const UNREFERENCED = 2;
const GONE = 4;
export const FIRST_FREE_BIT = 3;

/** See the head of the file. */
export abstract class RingSocket implements OperationOwner {
  protected readonly loop: UringLoop;
  /** Number in the descriptor table. */
  protected socket: number = NO_SOCKET;
  protected readonly slot: number;
  /** A set of bits. */
  protected state = 0;
  /** Why it is closing, when that was not our wish. */
  protected error: NetError | undefined = undefined;
  private underWayCount = 0;

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

  /** The last moment at which the socket can be asked something. */
  protected beforeClose(): void {
    // Nothing, unless a subclass wants to know.
  }

  /** The socket is gone; tells the sink. */
  protected abstract gone(error: NetError | undefined): void;

  /** Hands a new descriptor to the table; answers false after {@link fail}. */
  protected adopt(descriptor: number, operation: Operation): boolean {
    const socket = this.loop.descriptors.adopt(descriptor);
    if (socket < 0) this.fail(callError(socket, operation));
    else this.socket = socket;
    return socket >= 0;
  }

  /** Claims the entry of an operation on the socket. Its index is answered. */
  protected start(operation: number, kind: number): number {
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
  protected startNothing(kind: number): void {
    const { loop } = this;
    this.underWayCount++;
    loop.request();
    loop.ring.claim(OP_NOP, -1, kind | this.slot, loop.slots.generation(this.slot));
  }

  /** Cancels the operation of this kind, which then completes with `ECANCELED`, if it still can. */
  protected cancel(kind: number): void {
    const { ring, slots } = this.loop;
    this.loop.request();
    const at = ring.claim(OP_ASYNC_CANCEL | FLAG_SKIP_SUCCESS, -1, IGNORED_KIND, 0);
    ring.entries[at + ENTRY_ADDRESS] = kind | this.slot;
    ring.entries[at + ENTRY_ADDRESS_HIGH] = slots.generation(this.slot);
  }

  /** Cancels every operation on the socket, whosever slot it has. */
  protected cancelOnSocket(): void {
    const { descriptors, ring } = this.loop;
    this.loop.request();
    const at = ring.claim(OP_ASYNC_CANCEL | FLAG_SKIP_SUCCESS, this.socket, IGNORED_KIND, 0);
    ring.entries[at + ENTRY_OPERATION_FLAGS] = descriptors.cancelFlags;
  }

  /** The socket can't go on. */
  protected fail(error: NetError): void {
    if ((this.state & CLOSING) !== 0) return;
    this.error = error;
    this.beginClose();
  }

  protected beginClose(): void {
    if ((this.state & CLOSING) !== 0) return;
    this.state |= CLOSING;
    if (this.underWayCount === 0) this.closeSocket();
    else this.cancelAll();
  }

  private closeSocket(): void {
    const { loop, slot, socket } = this;
    if (socket === NO_SOCKET) {
      this.startNothing(CLOSE_KIND);
      return;
    }
    this.beforeClose();
    this.socket = NO_SOCKET;
    this.underWayCount++;
    loop.request();
    loop.descriptors.claimClose(socket, CLOSE_KIND | slot, loop.slots.generation(slot));
  }

  private end(): void {
    this.state |= GONE;
    this.loop.slots.release(this.slot);
    if ((this.state & UNREFERENCED) === 0) this.loop.release();
    this.gone(this.error);
  }

  /**
   * Runs `call` with a descriptor of the socket; answers the negative error number where there is
   * none.
   */
  protected withDescriptor(call: (descriptor: number) => number): number {
    const { descriptors } = this.loop;
    const descriptor = descriptors.borrow(this.socket);
    if (descriptor < 0) return descriptor;
    const result = call(descriptor);
    descriptors.giveBack(descriptor);
    return result;
  }
}
