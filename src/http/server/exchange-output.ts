/**
 * The way out of one exchange. Answers leave in the order of their requests (RFC 9112 §9.3.2): the
 * exchange whose turn it is sends at once, the others hold back what they have until it is theirs.
 * Hot.
 *
 * Invariants: `held` is empty while it is the exchange's turn; what was sent and held is bounded by
 * `maxPendingBytes`, but for one body that is given as a whole. A peer can have many exchanges under
 * way, so that those whose turn has not come are told early to wait for it.
 */
import { Buffer } from "node:buffer";
import type { WaitOptions } from "../../connection/connection.js";
import { bytesOf } from "../../connection/data.js";
import type { PieceWriter } from "../../connection/receiver.js";
import { throwIfAborted, Waiter } from "../../connection/waiter.js";
import { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { PieceTarget } from "./answer-writer.js";

/** Bytes that an exchange holds back before it is told to wait for its turn. */
const HELD_HIGH_WATER_BYTES = 65_536;

/** The connection below, as far as sending goes. */
export interface OutputTarget {
  write(writer: PieceWriter, maxBytes: number): boolean | undefined;
  sendBytes(bytes: Uint8Array): boolean;
  readonly isOpen: boolean;
  readonly pendingBytes: number;
  drained(options?: WaitOptions): Promise<void>;
  fail(error: NetError): boolean;
  closedError(): NetError;
}

/** The connection, as the outputs of its exchanges see it. */
export interface OutputOwner {
  readonly live: OutputTarget;
  readonly wheel: TimingWheel;
  readonly maxPendingBytes: number;
  readonly highWaterMarkBytes: number;
  /** Whether bytes are lent to the handler that is being called, and gone when it returns. */
  isLent(bytes: Uint8Array): boolean;
  /** The queue is above its mark: nothing more shall be read until it is below. */
  congested(): void;
}

/** See the head of the file. */
export abstract class ExchangeOutput implements PieceTarget {
  /** Whose turn it is sends. */
  isInTurn = false;
  private held: Buffer[] | undefined = undefined;
  private heldBytes = 0;
  private turnWaiters: Waiter<void>[] | undefined = undefined;

  protected abstract readonly owner: OutputOwner;

  /** Bytes that wait to be sent. */
  get pendingBytes(): number {
    return this.isInTurn ? this.owner.live.pendingBytes : this.heldBytes;
  }

  /** The server's own: sends what `writer` writes. */
  sendWritten(writer: PieceWriter, maxBytes: number): boolean | undefined {
    const { live } = this.owner;
    if (!this.isInTurn) {
      const target = Buffer.allocUnsafe(maxBytes);
      const end = writer.writePiece(target, 0);
      return end < 0 ? undefined : this.hold(target.subarray(0, end));
    }
    const flows = live.write(writer, maxBytes);
    if (flows === false && live.isOpen) this.owner.congested();
    return flows;
  }

  /** The server's own: sends bytes of the answer as they are. */
  sendPiece(piece: Uint8Array): boolean {
    const { live } = this.owner;
    if (!this.isInTurn) return this.hold(bytesOf(piece));
    const flows = live.sendBytes(piece);
    if (!flows && live.isOpen) this.owner.congested();
    return flows;
  }

  /** Ends the connection when `byteCount` more would pass `maxPendingBytes`. Answers whether not. */
  hasRoom(byteCount: number): boolean {
    const { pendingBytes } = this;
    const { maxPendingBytes, live } = this.owner;
    if (pendingBytes === 0 || pendingBytes + byteCount <= maxPendingBytes) return true;
    const message = `${pendingBytes} bytes wait to be sent and ${byteCount} more would pass maxPendingBytes (${maxPendingBytes})`;
    live.fail(new NetError("SEND_QUEUE_FULL", message, { operation: "send" }));
    return false;
  }

  /** Keeps a piece until it is this exchange's turn. */
  private hold(piece: Buffer): boolean {
    if (!this.owner.live.isOpen) return false;
    this.held ??= [];
    this.held.push(this.owner.isLent(piece) ? Buffer.from(piece) : piece);
    this.heldBytes += piece.length;
    return !this.holdsMuch;
  }

  private get holdsMuch(): boolean {
    return this.heldBytes >= Math.min(HELD_HIGH_WATER_BYTES, this.owner.highWaterMarkBytes);
  }

  /** It is this exchange's turn: what it held back is sent. */
  takeTurn(): void {
    this.isInTurn = true;
    const { held, turnWaiters } = this;
    this.held = undefined;
    this.heldBytes = 0;
    this.turnWaiters = undefined;
    if (held !== undefined) for (const piece of held) this.sendPiece(piece);
    if (turnWaiters !== undefined) for (const waiter of turnWaiters) waiter.resolve();
  }

  /** Resolves when it is this exchange's turn and little waits to be sent. */
  async drained(options: WaitOptions = {}): Promise<void> {
    throwIfAborted(options, "send");
    if (!this.isInTurn && this.holdsMuch) await this.awaitTurn(options);
    if (this.isInTurn) await this.owner.live.drained(options);
  }

  /** Resolves when it is this exchange's turn, which must not have passed. */
  protected awaitTurn(options: WaitOptions): Promise<void> {
    const { live, wheel } = this.owner;
    if (!live.isOpen) return Promise.reject(live.closedError());
    const waiter: Waiter<void> = new Waiter<void>(wheel, options, {
      code: "DRAIN_TIMEOUT",
      operation: "send",
      forget: () => {
        this.turnWaiters = this.turnWaiters?.filter((other) => other !== waiter);
      },
    });
    this.turnWaiters = [...(this.turnWaiters ?? []), waiter];
    return waiter.promise;
  }

  /** The connection has ended. */
  protected endOutput(error: NetError): void {
    const { turnWaiters } = this;
    this.turnWaiters = undefined;
    this.held = undefined;
    if (turnWaiters !== undefined) for (const waiter of turnWaiters) waiter.reject(error);
  }
}
