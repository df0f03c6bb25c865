/**
 * The way out of a connection: send → queue → one write a turn → kernel. Hot. Made with the first
 * send of a connection, so that idle ones don't pay for it.
 *
 * Invariants: at most one write is under way; `flushSet` is true while the turn's end will flush;
 * `above` is true from the moment `send` first answered false until `onDrain`.
 */
import type { StreamSocket } from "../engine/engine.js";
import { NetError } from "../errors.js";
import type { Encoder } from "../receive/receive-model.js";
import type { WaitOptions } from "./connection.js";
import type { EngineService, Flushable } from "./engine-service.js";
import { COPY_MAX_BYTES, type PieceWriter, SendQueue } from "./send-queue.js";
import type { ConnectionSettings } from "./settings.js";
import { throwIfAborted, Waiter } from "./waiter.js";

/** The connection, as its send path sees it. */
export interface SendOwner {
  readonly stream: StreamSocket;
  readonly service: EngineService;
  readonly settings: ConnectionSettings;
  readonly encoder: Encoder | undefined;
  /** The kernel has taken `byteCount` bytes. */
  sent(byteCount: number): void;
  /** The queue is at the low-water mark again. */
  belowMark(): void;
  /** Nothing waits any more. */
  allSent(): void;
  /** The queue went above (true) or came below (false) the mark with the policy `pause`. */
  holdPeer(hold: boolean): void;
  /** The connection can't go on. */
  fail(error: NetError): void;
  /** What is told to those who still wait when the connection has ended. */
  closedError(): NetError;
}

/** Sends for one connection. */
export class SendPath implements Flushable {
  private readonly owner: SendOwner;
  private readonly queue: SendQueue;
  private flushSet = false;
  private above = false;
  private over = false;
  private waiters: Waiter<void>[] | undefined = undefined;
  /** Sends that were dropped. */
  droppedCount = 0;

  constructor(owner: SendOwner) {
    this.owner = owner;
    this.queue = new SendQueue(owner.service.slab);
  }

  /** Bytes that the kernel has not taken. */
  get pendingBytes(): number {
    return this.queue.queuedBytes + this.queue.writingBytes;
  }

  /** Sends one piece; with an encoder as one packet. See `Connection.send`. */
  send(piece: Uint8Array): boolean {
    const encoder = this.owner.encoder;
    if (encoder === undefined) {
      if (piece.length === 0) return this.queued();
      if (!this.hasRoom(piece.length)) return false;
      this.queue.append(piece, this.isLent(piece));
    } else {
      encoder.assertSendable([piece], piece.length);
      if (!this.hasRoom(piece.length)) return false;
      this.queue.appendPacketOfOne(encoder, piece, this.isLent(piece));
    }
    return this.queued();
  }

  /**
   * Sends what `writer` writes straight into the memory that is sent from, at most `maxBytes` (and
   * at most a slab). Bytes are sent as they are, whatever the model. Answers undefined when
   * `maxBytes` did not suffice and nothing was sent, else like `send`.
   */
  sendWritten(writer: PieceWriter, maxBytes: number): boolean | undefined {
    if (!this.hasRoom(0)) return false;
    if (!this.queue.appendWritten(writer, maxBytes)) return undefined;
    return this.queued();
  }

  /** Whether the piece has to be copied, because it is gone before it is written. */
  private isLent(piece: Uint8Array): boolean {
    const { service } = this.owner;
    if (!service.isLent(piece)) return false;
    return !(
      service.engine.name === "uring" &&
      this.writesThisTurn &&
      piece.length > COPY_MAX_BYTES
    );
  }

  /** Whether all that is sent now is written by the end of the turn. */
  private get writesThisTurn(): boolean {
    const { sendMode } = this.owner.settings;
    return this.queue.writingBytes === 0 && sendMode === "pack";
  }

  /** Sends several pieces as one. */
  sendAll(pieces: readonly Uint8Array[]): boolean {
    const own = pieces.map((piece) => (this.isLent(piece) ? Buffer.from(piece) : piece));
    let byteCount = 0;
    for (const piece of own) byteCount += piece.length;
    const encoder = this.owner.encoder;
    encoder?.assertSendable(own, byteCount);
    if (!this.hasRoom(byteCount)) return false;
    if (encoder !== undefined) this.queue.appendPacket(encoder, own, byteCount);
    else for (const piece of own) if (piece.length > 0) this.queue.append(piece, false);
    return this.queued();
  }

  /** Whether `byteCount` more may wait; does what the policy says when not. */
  private hasRoom(byteCount: number): boolean {
    if (this.over) return false;
    const settings = this.owner.settings;
    const { pendingBytes } = this;
    // A peer that took everything so far is not slow, however much comes at once.
    if (pendingBytes === 0 || pendingBytes + byteCount <= settings.maxPendingBytes) return true;
    if (settings.slowConsumer === "drop") {
      this.droppedCount++;
      this.above = true;
      return false;
    }
    this.owner.fail(
      new NetError(
        "SEND_QUEUE_FULL",
        `${pendingBytes} bytes wait to be sent and ${byteCount} more would pass maxPendingBytes (${settings.maxPendingBytes})`,
        { operation: "send" },
      ),
    );
    return false;
  }

  private queued(): boolean {
    const settings = this.owner.settings;
    if (settings.sendMode === "direct") {
      if (this.queue.writingBytes === 0) this.writeNext();
    } else if (!this.flushSet && this.queue.writingBytes === 0 && this.queue.queuedBytes > 0) {
      this.flushSet = true;
      this.owner.service.flushLater(this);
    }
    if (this.pendingBytes < settings.highWaterMarkBytes) return true;
    if (!this.above) {
      this.above = true;
      if (settings.slowConsumer === "pause") this.owner.holdPeer(true);
    }
    return false;
  }

  /** The turn has ended: what it sent is written. */
  flush(): void {
    this.flushSet = false;
    if (this.over || this.queue.writingBytes > 0 || this.queue.queuedBytes === 0) return;
    this.writeNext();
  }

  private writeNext(): void {
    if (this.queue.queuedBytes === 0) return;
    const { stream, settings } = this.owner;
    const isSafe = settings.sendMode === "safe";
    this.queue.write(stream, isSafe ? settings.safeWindowBytes : Number.POSITIVE_INFINITY);
  }

  /** The engine has completed a write. */
  written(byteCount: number): void {
    this.queue.writingBytes = 0;
    if (this.over) return;
    this.owner.sent(byteCount);
    // A handler may have ended the connection, or written already.
    if (this.over) return;
    if (this.queue.queuedBytes > 0) {
      if (this.queue.writingBytes === 0 && !this.flushSet) this.writeNext();
    } else if (this.queue.writingBytes === 0) {
      this.owner.allSent();
    }
    if (this.pendingBytes <= this.owner.settings.lowWaterMarkBytes) this.wentBelow();
  }

  private wentBelow(): void {
    const waiters = this.waiters;
    this.waiters = undefined;
    if (waiters !== undefined) for (const waiter of waiters) waiter.resolve();
    if (!this.above) return;
    this.above = false;
    if (this.owner.settings.slowConsumer === "pause") this.owner.holdPeer(false);
    this.owner.belowMark();
  }

  /** See `Connection.drained`. */
  whenDrained(options: WaitOptions): Promise<void> {
    throwIfAborted(options, "send");
    if (this.pendingBytes <= this.owner.settings.lowWaterMarkBytes) return Promise.resolve();
    const waiter: Waiter<void> = new Waiter<void>(this.owner.service.wheel, options, {
      code: "DRAIN_TIMEOUT",
      operation: "send",
      forget: () => {
        this.waiters = this.waiters?.filter((other) => other !== waiter);
      },
    });
    this.waiters = [...(this.waiters ?? []), waiter];
    return waiter.promise;
  }

  /** The connection has ended: nothing more is written. */
  end(): void {
    this.over = true;
    this.queue.clear();
    const waiters = this.waiters;
    this.waiters = undefined;
    if (waiters === undefined) return;
    const error = this.owner.closedError();
    for (const waiter of waiters) waiter.reject(error);
  }
}
