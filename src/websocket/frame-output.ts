/**
 * Sends the frames of one socket, straight into the memory that is sent from where they are small. Hot.
 *
 * A large message is deflated in turns (`deflate/deflate-line.ts`). Until it is sent, what comes behind it, all but
 * pings and pongs, waits in the `line`.
 *
 * Invariants: what was deflated with context take-over is sent; a message that was begun is not dropped
 * in the middle; at most one message is under way; what is sent leaves in the order in which it was sent.
 */
import { owned } from "../bytes/lending.js";
import type { Connection, Data, SendResult, WaitOptions } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { HOLD, type ProtocolConnection } from "../connection/receiver.js";
import { NetError } from "../errors.js";
import { createCloseBody } from "../protocol/websocket/close-code.js";
import { maxTextFrameBytes } from "../protocol/websocket/frame-writer.js";
import type { MessageDeflater } from "../protocol/websocket/message-deflater.js";
import {
  firstByteOf,
  MessageFraming,
  type MessageKind,
} from "../protocol/websocket/message-framing.js";
import { FIN, OPCODE } from "../protocol/websocket/opcode.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import { MAX_DEFLATED_AT_ONCE_BYTES } from "./deflate/deflate-line.js";
import { FRAME_PIECES, type FramePiece } from "./frame-piece.js";
import { HeldFrames } from "./held-frames.js";
import type { PublishedDeflate } from "./published-deflate.js";
import { type LineOwner, SendLine } from "./send-line.js";
import type { SendOptions } from "./websocket-connection.js";
import type { WebSocketSettings } from "./websocket-settings.js";

/** A connection as its protocol and as the application sees it. */
export type OwnConnection = ProtocolConnection & Connection;

/**
 * Payloads up to this size are copied to where they are sent from, behind their head: a copy of 16 KiB costs less than
 * a second piece does.
 */
const COPIED_BYTES = 16_384;

/** Texts up to this length are encoded to where they are sent from. */
const MAX_TEXT_LENGTH = 16_384;

/** Longer texts are measured before room is taken: unmeasured text takes room for three bytes a character. */
const UNMEASURED_TEXT_LENGTH = 1_024;

/** Of a frame, with its mask. */
const MAX_HEAD_BYTES = 14;

const NOTHING: Buffer = Buffer.alloc(0);

/** What deflates for a socket. */
export interface Compression {
  readonly deflater: MessageDeflater;
  /** Whole messages from this size on are compressed by default. */
  readonly minBytes: number;
}

/** The socket, as what sends for it sees it. */
export interface SendingSocket {
  readonly connection: OwnConnection;
  readonly settings: WebSocketSettings;
  readonly isClient: boolean;
  /** There where permessage-deflate was agreed on. */
  readonly compression: Compression | undefined;
  sentMessages: number;
  droppedCount: number;
}

/** Those that serve no socket, for the next. */
const spares: FrameOutput[] = [];

/** More of them are not kept. */
const MAX_SPARES = 8_192;

/**
 * The frames that one socket sends. A socket has one while it sends, and while something of what was sent has to be
 * remembered.
 */
export class FrameOutput implements LineOwner {
  private served: SendingSocket | undefined = undefined;
  private framing: MessageFraming | undefined = undefined;
  /** The message that was begun is compressed. */
  private isCompressing = false;
  /** The message that was begun was dropped. */
  private isDropping = false;
  /** A send answered `"slow"` or false, and room was not reported since. */
  private isAbove = false;
  /** Frames for many that came while a message was under way. */
  private held: HeldFrames | undefined = undefined;
  /** There while a message is deflated in turns. */
  private line: SendLine | undefined = undefined;

  /** One for this socket. */
  static for(socket: SendingSocket): FrameOutput {
    const output = spares.pop() ?? new FrameOutput();
    output.served = socket;
    return output;
  }

  /** Serves the next socket that sends, if nothing is to be remembered of this one. Returns whether it does. */
  leave(): boolean {
    if (this.isInMessage || this.isAbove || this.line !== undefined) return false;
    this.served = undefined;
    if (spares.length < MAX_SPARES) spares.push(this);
    return true;
  }

  private get socket(): SendingSocket {
    return this.served as SendingSocket;
  }

  private get connection(): OwnConnection {
    return this.socket.connection;
  }

  private get settings(): WebSocketSettings {
    return this.socket.settings;
  }

  private get compression(): Compression | undefined {
    return this.socket.compression;
  }

  private get piece(): FramePiece {
    return this.socket.isClient ? FRAME_PIECES.client : FRAME_PIECES.server;
  }

  /** See `WebSocketConnection.send`. */
  send(data: Data, options: SendOptions | undefined): SendResult {
    if (options === undefined) {
      if (typeof data === "string") {
        if (this.framing?.isInMessage !== true && this.compression === undefined) {
          if (data.length <= MAX_TEXT_LENGTH) return this.sendText(data);
        }
        return this.sendMessage(Buffer.from(data), true, undefined);
      }
      return this.sendMessage(bytesOf(data), false, undefined);
    }
    const isText = options.isText ?? typeof data === "string";
    const bytes = bytesOf(data);
    const isPart = options.isLast === false || this.framing?.isInMessage === true;
    if (!isPart) return this.sendMessage(bytes, isText, options.compress);
    return this.sendFragment(bytes, isText, options);
  }

  private sendText(text: string): SendResult {
    const { piece } = this;
    const { length } = text;
    const textBytes = length > UNMEASURED_TEXT_LENGTH ? Buffer.byteLength(text) : 0;
    if (!this.hasRoom(textBytes || length)) return this.drop();
    piece.first = FIN | OPCODE.text;
    piece.text = text;
    piece.textBytes = textBytes;
    const maxBytes =
      textBytes === 0 ? maxTextFrameBytes(length) : piece.frames.frameBytes(textBytes);
    const sent = this.connection.write(piece, maxBytes);
    piece.text = undefined;
    this.socket.sentMessages++;
    return this.told(sent ?? false);
  }

  private sendMessage(bytes: Buffer, isText: boolean, compress: boolean | undefined): SendResult {
    const { compression } = this;
    const isCompressed =
      compression !== undefined && (compress ?? bytes.length >= compression.minBytes);
    const kind: MessageKind = { isText, isCompressed };
    const first = this.framing?.whole(kind) ?? firstByteOf(kind);
    if (!this.hasRoom(bytes.length)) return this.drop();
    this.socket.sentMessages++;
    const deflater = isCompressed ? compression.deflater : undefined;
    if (this.line !== undefined || (isCompressed && bytes.length > MAX_DEFLATED_AT_ONCE_BYTES)) {
      return this.sendInTurn(first, owned(bytes), deflater);
    }
    const payload = deflater === undefined ? bytes : deflater.deflate(bytes);
    return this.told(this.sendFrame(first, payload, isCompressed));
  }

  /** A message that is deflated in turns, or waits behind one. */
  private sendInTurn(
    first: number,
    bytes: Uint8Array,
    deflater: MessageDeflater | undefined,
  ): SendResult {
    this.line ??= new SendLine(this);
    const { line } = this;
    if (deflater === undefined) {
      line.add(bytes.length, () => this.sendFrame(first, bytes, false));
    } else if (bytes.length > MAX_DEFLATED_AT_ONCE_BYTES) {
      line.deflate(deflater, bytes, (payload) => this.sendFrame(first, payload, false));
    } else {
      line.add(bytes.length, () => this.sendFrame(first, deflater.deflate(bytes), true));
    }
    return this.told(this.isBelowMark);
  }

  /** Whether little waits. */
  private get isBelowMark(): boolean {
    return this.pendingBytes < this.connection.settings.highWaterMarkBytes;
  }

  /** Whether so much waits that there is hardly room for more: who is told to wait must have room to have been told. */
  private get isHalfFull(): boolean {
    return this.pendingBytes * 2 >= this.settings.maxPendingBytes;
  }

  /** Bytes that wait to be sent, here and in the connection. */
  get pendingBytes(): number {
    return this.connection.pendingBytes + (this.line?.heldBytes ?? 0);
  }

  get wheel(): TimingWheel {
    return this.connection.wheel;
  }

  lineEnded(): void {
    this.line = undefined;
  }

  messageChanged(): void {
    const text =
      "data was changed while it waited to be sent: its memory was transferred or resized";
    this.connection.fail(new NetError("INVALID_ARGUMENT", text, { operation: "send" }));
  }

  /** Does something when all that was sent before has been given to the connection. */
  afterAll(task: () => void): void {
    if (this.line === undefined) task();
    else this.line.add(0, task);
  }

  /** See `WebSocketConnection.drained`. */
  async drained(options: WaitOptions = {}): Promise<void> {
    const { connection, line } = this;
    if (line === undefined) return await connection.drained(options);
    const { clock } = connection.wheel;
    const startMs = clock.now();
    await line.whenOver(options);
    const { timeoutMs = 0 } = options;
    if (timeoutMs === 0) return await connection.drained(options);
    const leftMs = Math.max(1, Math.ceil(startMs + timeoutMs - clock.now()));
    return await connection.drained({ ...options, timeoutMs: leftMs });
  }

  private sendFragment(bytes: Buffer, isText: boolean, options: SendOptions): SendResult {
    this.framing ??= new MessageFraming();
    const { framing, compression, connection } = this;
    const isLast = options.isLast !== false;
    const isFirst = !framing.isInMessage;
    const isCompressed = isFirst
      ? compression !== undefined && options.compress !== false
      : this.isCompressing;
    const first = framing.fragment({ isText, isCompressed }, isLast);
    if (isFirst) {
      this.isCompressing = isCompressed;
      this.isDropping = !this.hasRoom(bytes.length);
      if (!this.isDropping) this.socket.sentMessages++;
      else {
        this.drop();
        if (!connection.isOpen) return false;
      }
    } else if (!this.isDropping && this.isOverfull) {
      // A message that was begun can't be dropped.
      this.failFull();
      return false;
    }
    const deflater = isCompressed ? compression?.deflater : undefined;
    const { isDropping, line } = this;
    if (line !== undefined) {
      const own = isDropping ? NOTHING : owned(bytes);
      line.add(own.length, () => this.sendPiece(first, own, isLast, deflater, isDropping));
      return !isDropping && this.told(this.isBelowMark);
    }
    return this.sendPiece(first, bytes, isLast, deflater, isDropping);
  }

  private sendPiece(
    first: number,
    bytes: Uint8Array,
    isLast: boolean,
    deflater: MessageDeflater | undefined,
    isDropping: boolean,
  ): SendResult {
    let result: SendResult = false;
    if (!isDropping && this.connection.isOpen) {
      const payload = deflater === undefined ? bytes : deflater.piece(bytes, isLast);
      result = this.told(this.sendFrame(first, payload, deflater !== undefined));
    }
    if (isLast) this.sendHeld();
    return result;
  }

  /** Sends a ping or a pong of the application's, which is lost where there is no room. */
  offerControl(opcode: typeof OPCODE.ping | typeof OPCODE.pong, payload: Uint8Array): SendResult {
    if (payload.length > 125 || this.hasRoom(payload.length)) return this.control(opcode, payload);
    this.isAbove = true;
    return false;
  }

  /** Sends a ping or a pong. */
  control(opcode: typeof OPCODE.ping | typeof OPCODE.pong, payload: Uint8Array): SendResult {
    if (payload.length > 125) {
      throw new NetError(
        "INVALID_ARGUMENT",
        `a ping or pong has at most 125 bytes, not ${payload.length}`,
        { operation: "send" },
      );
    }
    return this.told(this.sendFrame(FIN | opcode, payload, false));
  }

  /** Sends a Close frame, behind all that was sent. Throws for a code or a reason that may not travel. */
  close(code: number | undefined, reason: string): void {
    const body = createCloseBody(code, reason);
    this.afterAll(() => this.sendFrame(FIN | OPCODE.close, body, false));
  }

  /**
   * Sends a message's frame that was made for many, and is held during the call, as it is; behind a message
   * that was begun. Returns whether it was taken.
   */
  sendPrepared(frame: Buffer): boolean {
    if (!this.hasRoom(frame.length + this.heldBytes)) return this.drop();
    this.socket.sentMessages++;
    if (this.isInMessage) {
      // The frame is there during this call only.
      this.hold(Buffer.from(frame), frame.length);
    } else if (this.line !== undefined) {
      const own = Buffer.from(frame);
      this.line.add(own.length, () => this.connection.sendBytes(own));
      this.told(this.isBelowMark);
    } else this.told(this.connection.sendShared(frame) === true);
    return true;
  }

  /** Sends a message that was published, but has to be masked for this socket alone. Returns whether it was taken. */
  sendMasked(bytes: Buffer, options: SendOptions): boolean {
    if (!this.isInMessage) {
      this.send(bytes, options);
      return this.connection.isOpen;
    }
    // The deflater is at work on that message.
    const { frames } = this.piece;
    const frame = Buffer.allocUnsafe(frames.frameBytes(bytes.length));
    const first = firstByteOf({ isText: options.isText === true, isCompressed: false });
    frames.writeFrame(frame, 0, first, bytes);
    return this.sendPrepared(frame);
  }

  /** The same of a message that is deflated for many in turns. */
  sendPublished(published: PublishedDeflate): boolean {
    if (!this.hasRoom(published.byteCount + this.heldBytes)) return this.drop();
    this.socket.sentMessages++;
    published.want();
    if (this.isInMessage) this.hold(published, published.byteCount);
    else {
      this.line ??= new SendLine(this);
      this.line.addPublished(published, (frame) => this.sendMade(frame));
      this.told(this.isBelowMark);
    }
    return true;
  }

  private sendMade(frame: Buffer): void {
    this.told(this.connection.sendBytes(frame));
  }

  private hold(frame: Buffer | PublishedDeflate, byteCount: number): void {
    this.held ??= new HeldFrames();
    this.held.add(frame, byteCount);
  }

  private get heldBytes(): number {
    return this.held?.byteCount ?? 0;
  }

  /** A message that was begun has been sent: what came for many meanwhile goes before all that waits in the line. */
  private sendHeld(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    const left = held.sendReady((frame) => this.sendMade(frame));
    if (left.length === 0) return;
    this.line ??= new SendLine(this);
    this.line.insert(left, (frame) => this.sendMade(frame));
  }

  /** Whether a message that was begun is not sent to its end. */
  get isInMessage(): boolean {
    return this.framing?.isInMessage === true;
  }

  /** `isView`: the caller will use the payload's memory again. */
  private sendFrame(first: number, payload: Uint8Array, isView: boolean): boolean {
    const { piece, connection } = this;
    const { frames } = piece;
    if (payload.length <= COPIED_BYTES) {
      piece.first = first;
      piece.bytes = payload;
      const sent = connection.write(piece, frames.frameBytes(payload.length));
      piece.bytes = NOTHING;
      return sent ?? false;
    }
    if (this.socket.isClient || isView) {
      const frame = Buffer.allocUnsafeSlow(frames.frameBytes(payload.length));
      frames.writeFrame(frame, 0, first, payload);
      return connection.sendBytes(frame);
    }
    const head = Buffer.allocUnsafe(frames.frameBytes(payload.length) - payload.length);
    frames.writeHead(head, 0, first, payload.length);
    return connection.sendAll([head, payload]) === true;
  }

  /** Whether so much more may wait. */
  private hasRoom(byteCount: number): boolean {
    const { pendingBytes } = this;
    const frameBytes = byteCount + MAX_HEAD_BYTES;
    return pendingBytes === 0 || pendingBytes + frameBytes <= this.settings.maxPendingBytes;
  }

  /**
   * Whether so much waits that even a message that was begun can't go on. Never so for a caller that awaits
   * `drained`.
   */
  private get isOverfull(): boolean {
    const { highWaterMarkBytes } = this.connection.settings;
    return this.pendingBytes > Math.max(this.settings.maxPendingBytes, highWaterMarkBytes);
  }

  /** There is no room: does what `slowConsumer` says. */
  private drop(): false {
    this.socket.droppedCount++;
    if (this.settings.slowConsumer === "drop") this.isAbove = true;
    else this.failFull();
    return false;
  }

  /** Ends the socket, since so much waits. */
  private failFull(): void {
    const { connection, settings, pendingBytes } = this;
    connection.fail(
      new NetError(
        "SEND_QUEUE_FULL",
        `${pendingBytes} bytes wait to be sent, and one more message would pass maxPendingBytes (${settings.maxPendingBytes})`,
        { operation: "send", connectionId: connection.id },
      ),
    );
  }

  /** What `send` returns: `true` below the mark; above it `"slow"`, and `onDrain` follows. */
  told(isBelowMark: boolean): SendResult {
    if ((isBelowMark && !this.isHalfFull) || !this.connection.isOpen) return isBelowMark;
    this.isAbove = true;
    if (this.settings.slowConsumer === "pause") this.connection.hold(HOLD.slow);
    return "slow";
  }

  /** Bytes were sent. Returns whether there is room again for one who was told that there is none. */
  hasDrained(): boolean {
    if (!this.isAbove) return false;
    const { connection, settings } = this;
    const { lowWaterMarkBytes } = connection.settings;
    if (this.pendingBytes > Math.min(lowWaterMarkBytes, settings.maxPendingBytes / 2)) {
      return false;
    }
    this.isAbove = false;
    if (settings.slowConsumer === "pause") connection.release(HOLD.slow);
    return true;
  }

  /** Nothing is sent any more of what waits here. */
  giveUp(): void {
    this.line?.giveUp(this.connection.closedError());
    this.line = undefined;
    this.held?.forgo();
    this.held = undefined;
    this.compression?.deflater.drop();
  }
}
