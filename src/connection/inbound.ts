/**
 * The way in: engine → receiver. Hot. A connection has one while bytes come, or something is to be remembered
 * of what came, so that idle ones don't pay for it; those that are done serve others. There is no other
 * machine of holds, rests, feeding and ends.
 *
 * Delivery stops while any hold is set. What the receiver has not taken waits in `rest`, and is delivered
 * first when delivery goes on; the end of the peer's bytes is delivered in its place behind them.
 *
 * Re-entry: handlers may call anything. Nothing is delivered from within a call of theirs: while
 * `isFeeding` the loop that is under way looks at the holds again, and otherwise delivery goes on in a
 * microtask, so that `resume` or `fetch` never calls a handler before it returns.
 */
import { beginLending, endLending, isLent } from "../bytes/lending.js";
import { PieceQueue } from "../bytes/piece-queue.js";
import type { SendMemory } from "../bytes/send-memory.js";
import type { StreamSocket } from "../engine/engine.js";
import { NetError, textOf } from "../errors.js";
import { inRootContext } from "../time/root-context.js";
import { HOLD, type Receiver } from "./receiver.js";
import type { ConnectionSettings } from "./settings.js";

/**
 * Bytes that are kept of a connection while its delivery is held by a handler's promise alone, before
 * the peer is held back. What the engine has under way at that moment comes on top.
 */
export const MAX_HELD_BYTES: number = 65_536;

const NOTHING = Buffer.alloc(0);

/** The receiver of a way in that serves no connection. */
const NOBODY: Receiver = {
  received: (bytes) => bytes.length,
  ended() {},
  drained() {},
  closed() {},
};

/** The connection, as its way in sees it. */
export interface ReceivingConnection {
  readonly stream: StreamSocket;
  readonly settings: ConnectionSettings;
  /** What the engine lends can be kept by this. */
  readonly memory: SendMemory;
  fail(error: NetError): boolean;
}

/** Received bytes of one connection. */
export class Inbound {
  receiver: Receiver;
  private served: ReceivingConnection | undefined;
  private rest: PieceQueue | undefined = undefined;
  /** What a receiver handed over to the next within a call: comes in front of all that is left. */
  private handedOver: Buffer | undefined = undefined;
  private holds = 0;
  private isFeeding = false;
  private isStreamPaused = false;
  /** A microtask will deliver what waits. */
  private isScheduled = false;
  private end: "none" | "pending" | "told" = "none";
  private isOver = false;

  constructor(connection: ReceivingConnection, receiver: Receiver) {
    this.served = connection;
    this.receiver = receiver;
  }

  /** Begins to serve another connection: it has left the last one. */
  serve(connection: ReceivingConnection, receiver: Receiver): void {
    this.served = connection;
    this.receiver = receiver;
  }

  /** Leaves its connection, for which it {@link isSpare}, and keeps nothing of it alive. */
  leave(): void {
    this.served = undefined;
    this.receiver = NOBODY;
  }

  private get connection(): ReceivingConnection {
    return this.served as ReceivingConnection;
  }

  /** Whether it has nothing to do for its connection, and nothing to remember: it can serve another. */
  get isSpare(): boolean {
    if (this.holds !== 0 || this.rest !== undefined || this.isOver || this.end !== "none")
      return false;
    return !this.isFeeding && !this.isStreamPaused && !this.isScheduled;
  }

  /** Whether bytes have come that no receiver has taken. */
  get hasRest(): boolean {
    return this.rest !== undefined;
  }

  /** Whether nothing has come that is still to be delivered, and more may come. */
  get isOpenAndEmpty(): boolean {
    if (this.rest !== undefined || this.handedOver !== undefined || this.isOver) return false;
    return this.end === "none";
  }

  /** Whether nothing is delivered any more. */
  get isAbandoned(): boolean {
    return this.isOver;
  }

  /** Whether a hold is set. */
  isHeld(owners: number): boolean {
    return (this.holds & owners) !== 0;
  }

  /** Whether `receiver` may be given the next bytes. */
  isDelivering(receiver: Receiver): boolean {
    return this.holds === 0 && !this.isOver && this.receiver === receiver;
  }

  /** Bytes came from the engine. */
  receive(bytes: Buffer): void {
    if (this.isOver) return;
    const { stream, settings, memory } = this.connection;
    const lends = stream.lendsBytes;
    if (this.holds !== 0 || this.isFeeding || this.rest !== undefined) {
      this.keep(bytes, lends);
    } else if (!lends) {
      this.feed(bytes);
    } else if (settings.delivery === "copy") {
      this.feed(Buffer.from(bytes));
    } else {
      beginLending(bytes, memory);
      this.feed(bytes);
      endLending();
    }
    // A hold that was taken away in the call has paused the stream all the same.
    if (this.holds !== 0 || this.rest !== undefined || this.isStreamPaused) this.settle();
  }

  private keep(bytes: Buffer, isLent: boolean): void {
    this.rest ??= new PieceQueue();
    this.rest.append(bytes, isLent);
  }

  /** After bytes were kept or fed: holds the stream back where that is due. */
  private settle(): void {
    if (this.isOver) return;
    if (this.holds === 0) this.goOn();
    else if (this.holds !== HOLD.handler || (this.rest?.byteCount ?? 0) >= MAX_HELD_BYTES) {
      this.pauseStream();
    }
  }

  private feed(bytes: Buffer): void {
    this.isFeeding = true;
    try {
      let left = bytes;
      for (;;) {
        const { receiver } = this;
        const taken = receiver.received(left);
        if (this.isOver || (taken === left.length && this.handedOver === undefined)) break;
        left = this.withHandedOver(left.subarray(taken));
        if (this.holds !== 0) {
          this.keepLeft(left);
          break;
        }
        if (taken === 0 && this.receiver === receiver) {
          throw new NetError("INVALID_STATE", "a receiver took nothing, and set no hold", {
            operation: "receive",
          });
        }
      }
    } catch (error) {
      this.connection.fail(receiveError(error));
    }
    this.isFeeding = false;
  }

  /** What the next receiver gets, of what the last one has not taken. */
  private withHandedOver(left: Buffer): Buffer {
    const { handedOver } = this;
    if (handedOver === undefined) return left;
    this.handedOver = undefined;
    return left.length === 0 ? handedOver : Buffer.concat([handedOver, left]);
  }

  private keepLeft(left: Buffer): void {
    if (left.length === 0) return;
    this.rest ??= new PieceQueue();
    this.rest.prepend(isLent(left) ? Buffer.from(left) : left);
  }

  /** Sets holds. */
  hold(owners: number): void {
    if (this.isOver) return;
    this.holds |= owners;
    // A handler that answers within the turn costs no pause.
    if (owners !== HOLD.handler) this.pauseStream();
  }

  /** Takes holds away; delivery goes on, in a microtask, when they were the last. */
  release(owners: number): void {
    if ((this.holds & owners) === 0) return;
    this.holds &= ~owners;
    if (this.holds !== 0) return;
    if (this.rest !== undefined || this.isStreamPaused || this.end !== "none") this.goOn();
  }

  /** Sees to it that delivery goes on, but not from within the present call. */
  private goOn(): void {
    if (this.isFeeding || this.isOver || this.isScheduled) return;
    this.isScheduled = true;
    inRootContext(() => {
      queueMicrotask(() => {
        this.isScheduled = false;
        this.deliver();
      });
    });
  }

  /** Delivers what waits, then the end, then lets the stream go on. */
  private deliver(): void {
    if (this.isFeeding) return;
    while (this.holds === 0 && this.rest !== undefined && !this.isOver) {
      const bytes = this.rest.take();
      if (bytes === undefined) this.rest = undefined;
      else this.feed(bytes);
    }
    if (this.holds !== 0 || this.isOver) return;
    if (this.end === "pending") this.tellEnd();
    else this.call(() => this.receiver.resumed?.());
    if (this.holds === 0) this.resumeStream();
  }

  /** The stream is open: a hold that was set while the connection was being made pauses it now. */
  streamOpened(): void {
    if (this.isStreamPaused) this.connection.stream.pause();
  }

  private pauseStream(): void {
    if (this.isStreamPaused || this.end !== "none") return;
    this.isStreamPaused = true;
    this.connection.stream.pause();
  }

  private resumeStream(): void {
    if (!this.isStreamPaused) return;
    this.isStreamPaused = false;
    this.connection.stream.resume();
  }

  /** The peer has finished sending. */
  endReceived(): void {
    if (this.isOver || this.end !== "none") return;
    this.end = "pending";
    if (this.holds === 0 && !this.isFeeding && this.rest === undefined) this.tellEnd();
  }

  private tellEnd(): void {
    this.end = "told";
    this.call(() => this.receiver.ended());
  }

  private call(tell: () => void): void {
    this.isFeeding = true;
    try {
      tell();
    } catch (error) {
      this.connection.fail(receiveError(error));
    }
    this.isFeeding = false;
    if (this.isOver) return;
    this.keepLeft(this.withHandedOver(NOTHING));
    // Another receiver has taken over in the call.
    if (this.holds === 0 && (this.rest !== undefined || this.end === "pending")) this.goOn();
  }

  /** Exchanges the receiver; `unread` comes in front of what waits. */
  exchange(receiver: Receiver, unread: Buffer | undefined): void {
    this.receiver = receiver;
    if (this.isOver) {
      receiver.abandoned?.();
      return;
    }
    if (unread !== undefined && unread.length > 0) {
      if (!this.isFeeding) this.keepLeft(unread);
      else if (this.handedOver === undefined) this.handedOver = unread;
      else this.handedOver = Buffer.concat([unread, this.handedOver]);
    }
    // The last receiver knows of the end, this one does not.
    if (this.end === "told") this.end = "pending";
    if (this.holds === 0) this.goOn();
  }

  /** The connection closes: nothing more is delivered, bytes that still come are thrown away. */
  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.rest = undefined;
    this.handedOver = undefined;
    this.receiver.abandoned?.();
    this.resumeStream();
  }
}

function receiveError(error: unknown): NetError {
  if (error instanceof NetError) {
    return new NetError(error.code, error.message, {
      operation: "receive",
      fault: error.fault === "usage" ? "remote" : error.fault,
      cause: error.cause,
    });
  }
  return new NetError("HANDLER_FAILED", `receiving failed: ${textOf(error)}`, {
    operation: "receive",
    cause: error,
  });
}
