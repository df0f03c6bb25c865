/**
 * The way out of a connection: send → queue → one write a turn → kernel. Hot. A connection has one while
 * something waits to be sent, so that idle ones don't pay for it; those that are done serve others.
 *
 * Invariants: at most one write is under way; `isFlushSet` is true while the turn's end will flush.
 */
import type { SendMemory } from "../../bytes/send-memory.js";
import { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { SendResult, WaitOptions } from "../connection.js";
import type { PieceWriter, ProtocolConnection } from "../receiver.js";
import { SendMarks } from "./send-marks.js";
import { StreamQueue } from "./stream-queue.js";

/** Text of up to this many characters is encoded straight into the memory that is sent from. */
const MAX_TEXT_LENGTH = 16_384;

/** What a way out needs of the engine that it sends by. */
export interface OutboundService {
  readonly engine: { readonly memory: SendMemory; afterTurn(task: () => void): void };
  readonly wheel: TimingWheel;
  retire(outbound: Outbound): void;
}

/** The connection, as its way out sees it. */
export interface SendingConnection extends ProtocolConnection {
  /** Who sends for it at the moment. */
  outbound: Outbound | undefined;
  /** The kernel has taken `byteCount` bytes. */
  bytesSent(byteCount: number): void;
  /** The queue is at the low-water mark again. */
  queueDrained(): void;
  /** Nothing waits any more. */
  allSent(): void;
}

/** Sends for one connection. */
export class Outbound {
  private readonly service: OutboundService;
  private connection: SendingConnection | undefined = undefined;
  private readonly queue: StreamQueue;
  private isFlushSet = false;
  private readonly marks: SendMarks = new SendMarks();
  private readonly flush: () => void;

  constructor(service: OutboundService) {
    this.service = service;
    this.queue = new StreamQueue(service.engine.memory);
    this.flush = () => this.turnEnded();
  }

  /** Begins to serve a connection. */
  serve(connection: SendingConnection): void {
    this.connection = connection;
  }

  /** Whether it has nothing to do for its connection, and nothing to remember: it can serve another. */
  private get isSpare(): boolean {
    if (this.queue.pendingBytes > 0 || this.isFlushSet) return false;
    return this.marks.isQuiet && this.droppedCount === 0;
  }

  /** Sends that were dropped. */
  get droppedCount(): number {
    return this.marks.droppedCount;
  }

  /** Leaves its connection, for the next that wants to send. */
  private leave(): void {
    if (this.connection !== undefined) this.connection.outbound = undefined;
    this.connection = undefined;
    this.service.retire(this);
  }

  /** Bytes that the kernel has not taken. */
  get pendingBytes(): number {
    return this.queue.pendingBytes;
  }

  private get served(): SendingConnection {
    return this.connection as SendingConnection;
  }

  /** Sends one piece; with an encoder as one packet. See `Connection.send`. */
  send(piece: Uint8Array): SendResult {
    const { encoder } = this.served;
    if (encoder === undefined) return this.sendBytes(piece);
    encoder.assertSendable([piece], piece.length);
    if (!this.hasRoom(piece.length)) return false;
    this.queue.appendPacketOfOne(encoder, piece);
    return this.queued();
  }

  /** Sends text as UTF-8; with an encoder as one packet. */
  sendText(text: string): SendResult {
    const { encoder } = this.served;
    if (text.length > MAX_TEXT_LENGTH) return this.send(Buffer.from(text));
    const byteCount = Buffer.byteLength(text);
    if (byteCount === 0 && encoder === undefined) return this.queued();
    if (!this.hasRoom(byteCount)) return false;
    this.queue.appendText(encoder, text, byteCount);
    return this.queued();
  }

  /** Sends bytes as they are. */
  sendBytes(piece: Uint8Array): SendResult {
    if (piece.length === 0) return this.queued();
    if (!this.hasRoom(piece.length)) return false;
    this.queue.append(piece);
    return this.queued();
  }

  /** Sends bytes, as they are, that others send as well. */
  sendShared(piece: Uint8Array): SendResult {
    if (piece.length === 0) return this.queued();
    if (!this.hasRoom(piece.length)) return false;
    this.queue.appendShared(piece);
    return this.queued();
  }

  /** Sends several pieces as one. */
  sendAll(pieces: readonly Uint8Array[]): SendResult {
    let byteCount = 0;
    for (const piece of pieces) byteCount += piece.length;
    const { encoder } = this.served;
    encoder?.assertSendable(pieces, byteCount);
    if (!this.hasRoom(byteCount)) return false;
    if (encoder !== undefined) this.queue.appendPacket(encoder, pieces, byteCount);
    else for (const piece of pieces) if (piece.length > 0) this.queue.append(piece);
    return this.queued();
  }

  /** See {@link ProtocolConnection.write}. */
  write(writer: PieceWriter, maxBytes: number): SendResult | undefined {
    if (!this.hasRoom(0)) return false;
    if (!this.queue.appendWritten(writer, maxBytes)) return undefined;
    return this.queued();
  }

  /** Whether `byteCount` more may wait; does what the policy says when not. */
  private hasRoom(byteCount: number): boolean {
    const { settings } = this.served;
    const { pendingBytes } = this.queue;
    // A peer that has taken everything so far is not slow, however much is sent at once.
    if (pendingBytes === 0 || pendingBytes + byteCount <= settings.maxPendingBytes) return true;
    this.marks.overflowed(this.served, pendingBytes, byteCount);
    return false;
  }

  private queued(): SendResult {
    const { queue } = this;
    const { settings } = this.served;
    if (settings.sendMode === "direct") {
      if (queue.writingBytes === 0) this.writeNext();
    } else if (!this.isFlushSet && queue.writingBytes === 0 && queue.queuedBytes > 0) {
      this.isFlushSet = true;
      this.service.engine.afterTurn(this.flush);
    }
    if (queue.pendingBytes < settings.highWaterMarkBytes) return true;
    this.marks.reached(this.served);
    return "slow";
  }

  /** The turn has ended: what it sent is written. */
  private turnEnded(): void {
    this.isFlushSet = false;
    // The connection may have ended meanwhile.
    if (this.connection === undefined) this.leave();
    else if (this.queue.writingBytes === 0) this.writeNext();
  }

  private writeNext(): void {
    const { connection, queue } = this;
    if (queue.queuedBytes === 0 || connection === undefined) return;
    const { stream, settings } = connection;
    const isSafe = settings.sendMode === "safe";
    if (queue.write(stream, isSafe ? settings.safeWindowBytes : Number.POSITIVE_INFINITY)) return;
    const text =
      "data was changed while it waited to be sent: its memory was transferred or resized";
    connection.fail(new NetError("INVALID_ARGUMENT", text, { operation: "send" }));
  }

  /** The engine has completed a write. */
  written(byteCount: number): void {
    const { queue } = this;
    const connection = this.served;
    queue.writingBytes = 0;
    connection.bytesSent(byteCount);
    // A handler may have ended the connection, and another may be served by now; or have written already.
    if (this.connection !== connection) return;
    if (queue.queuedBytes > 0) {
      if (queue.writingBytes === 0 && !this.isFlushSet) this.writeNext();
    } else if (queue.writingBytes === 0) {
      connection.allSent();
    }
    if (this.connection !== connection) return;
    if (queue.pendingBytes <= connection.settings.lowWaterMarkBytes) this.marks.fell(connection);
    if (this.connection === connection && this.isSpare) this.leave();
  }

  /** See `Connection.drained`. */
  whenDrained(options: WaitOptions): Promise<void> {
    const { settings } = this.served;
    if (this.queue.pendingBytes <= settings.lowWaterMarkBytes) return Promise.resolve();
    return this.marks.wait(this.service.wheel, options);
  }

  /** The connection has ended: nothing more is written. */
  end(): void {
    const { queue } = this;
    const connection = this.served;
    queue.clear();
    queue.writingBytes = 0;
    const waiters = this.marks.end();
    // What was dropped can still be asked for.
    if (this.droppedCount === 0) {
      this.connection = undefined;
      connection.outbound = undefined;
      if (!this.isFlushSet) this.leave();
    }
    // An error captures the stack: it is made only where a caller waits.
    waiters?.reject(connection.closedError());
  }
}
