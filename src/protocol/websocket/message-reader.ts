/**
 * Makes messages out of the payloads of data frames: their order, UTF-8 as it comes, what is gathered
 * of a message that is cut, inflating.
 *
 *     closed ── first frame ──► open ── payload … ── last one ──► closed
 *                                │  ▲                   └─ compressed ──► inflating ──► closed
 *                                └──┘ inflating, where pieces are handed out
 *
 * A large one that was gathered is joining before it is handed out, in turns as inflating is.
 *
 * A message that lies whole in the fed bytes is handed out as a view. One that is cut is gathered, so
 * that it costs by its bytes; the memory of a text is used again where the sink makes a string of it. A compressed one that is wanted whole is gathered as it travels, and inflated
 * when it is complete: what inflates is not held for peers that never finish.
 */
import { Buffer } from "node:buffer";
import { ByteGatherer, giveBack } from "./byte-gatherer.js";
import type { Inflater } from "./deflate-context.js";
import { FAULT } from "./fault.js";
import type { FrameHead } from "./frame-head.js";
import type { WebSocketLimits } from "./limits.js";
import { MessageInflater } from "./message-inflater.js";
import { OPCODE } from "./opcode.js";
import { checkUtf8, UTF8_START } from "./utf8-check.js";
import { DELIVERY, type Delivery, type WebSocketSink } from "./websocket-sink.js";
import { orOf } from "./word-view.js";

/** Outcomes of what can also answer a fault. */
export const STOP: number = 0;
export const GO_ON: number = 1;

/** Bytes that were not looked at. */
export const UNSEEN: number = 0x100;

/** Up to here a look for bytes that are no ASCII costs less than a call into Node. */
const LOOK_BYTES = 1024;

/** Room of a step, where a message is wanted whole, and where in pieces. */
const WHOLE_ROOM_BYTES = 65_536;
const PIECE_ROOM_BYTES = 16_384;

/** Bytes of a message that are put into one memory in a turn: memory that nobody has used costs more than the copy. */
const JOINED_BYTES_PER_TURN = 524_288;

/** What a step costs of a turn's bytes besides those it makes: input can be made to yield none. */
export const STEP_COST_BYTES: number = 256;

/** A compressed message may be longer than what it holds: by an eighth, and some. */
const COMPRESSED_SLACK_BYTES = 1024;

/** For messages that are wanted whole; no sink is called while it is in use. */
let shared: Buffer | undefined;

export class MessageReader {
  private readonly limits: WebSocketLimits;
  private readonly inflater: Inflater | undefined;
  /** A message has begun and was not handed out. */
  isOpen = false;
  /** There is more to inflate, or to join, than the turn allowed, or the sink said stop amid it. */
  isInflating = false;
  /** All of the message is there, and is put into one memory. */
  private isJoining = false;
  private isText = false;
  private isCompressed = false;
  private delivery: Delivery = DELIVERY.whole;
  private utf8State = UTF8_START;
  private frameCount = 0;
  private controlCount = 0;
  private wireBytes = 0;
  /** Bytes that may still be inflated in this turn. */
  private turnBytes = 0;
  private gathered: ByteGatherer | undefined = undefined;
  private messageInflater: MessageInflater | undefined = undefined;
  /** Where pieces are inflated into. */
  private room: Buffer | undefined = undefined;

  constructor(limits: WebSocketLimits, inflater: Inflater | undefined) {
    this.limits = limits;
    this.inflater = inflater;
  }

  /** Bytes of memory for a message that is cut. */
  get heldBytes(): number {
    return this.gathered?.heldBytes ?? 0;
  }

  /** Whether nothing is under way that the next bytes go on with: it can serve another decoder. */
  get isSpare(): boolean {
    return !this.isOpen && !this.isInflating && this.gathered === undefined;
  }

  /** Whether pieces are inflated as they come. */
  get inflatesPieces(): boolean {
    return this.isCompressed && this.delivery === DELIVERY.pieces;
  }

  /** A turn begins. */
  beginTurn(): void {
    const shared = this.inflater?.turnBytes ?? Number.POSITIVE_INFINITY;
    this.turnBytes = Math.min(this.limits.maxInflatedBytesPerTurn, shared);
  }

  /** A control frame came. Returns a fault, or 0. */
  countControl(): number {
    if (!this.isOpen || ++this.controlCount <= this.limits.maxControlFrames) return 0;
    return FAULT.tooManyControls;
  }

  /** Whether a data frame may follow here and be as long as it is. Returns a fault, or 0. */
  check(head: FrameHead): number {
    const isFirst = head.opcode !== OPCODE.continuation;
    if (isFirst && this.isOpen) return FAULT.messageInMessage;
    if (!isFirst && !this.isOpen) return FAULT.noMessage;
    if (!isFirst && this.frameCount >= this.limits.maxFragments) return FAULT.tooManyFragments;
    const isCompressed = isFirst ? head.isCompressed : this.isCompressed;
    const wireBytes = (isFirst ? 0 : this.wireBytes) + head.payloadBytes;
    const maxBytes = maxWireBytes(this.limits.maxMessageBytes, isCompressed);
    return wireBytes > maxBytes ? FAULT.messageTooLong : 0;
  }

  /** A data frame begins, after {@link check}. Returns a fault, or 0. */
  begin(head: FrameHead, sink: WebSocketSink): number {
    this.controlCount = 0;
    if (head.opcode === OPCODE.continuation) {
      this.frameCount++;
      this.wireBytes += head.payloadBytes;
      return this.checkText();
    }
    this.isOpen = true;
    this.isText = head.opcode === OPCODE.text;
    this.isCompressed = head.isCompressed;
    this.utf8State = UTF8_START;
    this.frameCount = 1;
    this.wireBytes = head.payloadBytes;
    this.delivery =
      sink.onMessageBegin === undefined
        ? DELIVERY.whole
        : sink.onMessageBegin(this.isText, this.isCompressed);
    // The sink may have given it all up.
    if (!this.isOpen) return 0;
    if (this.inflatesPieces) this.inflating().begin(this.limits.maxMessageBytes);
    return this.checkText();
  }

  /** Whether text may become as long as it is; only `begin` knows that it is wanted as one string. */
  private checkText(): number {
    if (!this.isString) return 0;
    const maxBytes = maxWireBytes(this.limits.maxTextBytes, this.isCompressed);
    return this.wireBytes > maxBytes ? FAULT.textTooLong : 0;
  }

  /** Whether the message is handed out as one string. */
  private get isString(): boolean {
    return this.isText && this.delivery === DELIVERY.whole;
  }

  /**
   * Takes `bytes[start … end)` of a payload. `isLast`: the message ends here. `moreBytes`: so many follow,
   * where that is sure. `seen`: the OR of the bytes, or {@link UNSEEN}. Returns {@link GO_ON}, {@link STOP} or a fault.
   */
  take(
    bytes: Buffer,
    start: number,
    end: number,
    isLast: boolean,
    moreBytes: number,
    seen: number,
    sink: WebSocketSink,
  ): number {
    if (this.isCompressed) return this.takeCompressed(bytes, start, end, isLast, moreBytes, sink);
    let isAscii = false;
    if (this.isText) {
      const all = seen === UNSEEN && end - start <= LOOK_BYTES ? orOf(bytes, start, end) : seen;
      isAscii = all < 0x80 && this.utf8State === UTF8_START;
      if (!isAscii) {
        this.utf8State = checkUtf8(this.utf8State, bytes, start, end);
        if (this.utf8State < 0) return FAULT.text;
      }
      if (isLast && this.utf8State !== UTF8_START) return FAULT.textCut;
    }
    if (this.delivery === DELIVERY.whole) {
      if (!isLast) return this.gather(bytes, start, end, moreBytes);
      this.isOpen = false;
      if (this.gathered === undefined) {
        if (this.isText && sink.onTextMessage !== undefined) {
          return outcome(sink.onTextMessage(bytes, start, end, isAscii));
        }
        return outcome(sink.onMessage(bytes.subarray(start, end), this.isText, false));
      }
      this.isOpen = true;
      this.gather(bytes, start, end, 0);
      return this.tellGathered(sink);
    }
    const goesOn = start === end || this.tellPiece(bytes.subarray(start, end), sink);
    if (!isLast || !this.isOpen) return outcome(goesOn);
    // The end is told at once, even to a sink that has said stop: no byte may follow to tell it.
    return this.tellEnd(sink) && goesOn ? GO_ON : STOP;
  }

  /** Inflates on, as far as the turn allows. Returns {@link GO_ON}, {@link STOP} or a fault. */
  inflate(sink: WebSocketSink): number {
    if (this.isJoining) return this.tellGathered(sink);
    const inflater = this.inflating();
    const inPieces = this.delivery === DELIVERY.pieces;
    const room = inPieces ? this.pieceRoom() : wholeRoom();
    this.isInflating = true;
    while (!inflater.isDry) {
      if (this.turnBytes <= 0) return this.rest(inflater);
      const made = inflater.step(room, Math.min(room.length, this.turnBytes));
      if (made === FAULT.messageTooLong) return this.tooLong();
      if (made < 0) return made;
      this.turnBytes -= made + STEP_COST_BYTES;
      if (made === 0) continue;
      if (this.isText) {
        this.utf8State = checkUtf8(this.utf8State, room, 0, made);
        if (this.utf8State < 0) return FAULT.text;
      }
      if (inPieces) {
        const goesOn = this.tellPiece(room.subarray(0, made), sink);
        if (!this.isOpen) return STOP;
        if (!goesOn) return this.rest(inflater);
      } else if (this.gathered !== undefined || !inflater.isDry) {
        this.gather(room, 0, made, Number.POSITIVE_INFINITY);
      } else {
        return this.endInflating(inflater, Buffer.from(room.subarray(0, made)), sink);
      }
    }
    if (inPieces && !inflater.isLast) {
      this.isInflating = false;
      return GO_ON;
    }
    return this.endInflating(inflater, undefined, sink);
  }

  /** Gives up what there is of a message. */
  drop(): void {
    this.messageInflater?.end(true);
    this.gathered = undefined;
    this.room = undefined;
    this.isOpen = false;
    this.isInflating = false;
    this.isJoining = false;
  }

  private takeCompressed(
    bytes: Buffer,
    start: number,
    end: number,
    isLast: boolean,
    moreBytes: number,
    sink: WebSocketSink,
  ): number {
    if (this.delivery === DELIVERY.pieces) {
      this.inflating().give(bytes.subarray(start, end), isLast);
      return this.inflate(sink);
    }
    if (!isLast) return this.gather(bytes, start, end, moreBytes);
    let message = bytes.subarray(start, end);
    if (this.gathered !== undefined) {
      this.gather(bytes, start, end, 0);
      message = this.takeGathered();
    }
    this.inflating().begin(this.maxBytes);
    this.inflating().give(message, true);
    return this.inflate(sink);
  }

  /** Bytes that the message may have when it is inflated. */
  private get maxBytes(): number {
    const { maxMessageBytes, maxTextBytes } = this.limits;
    return this.isString ? Math.min(maxMessageBytes, maxTextBytes) : maxMessageBytes;
  }

  private tooLong(): number {
    return this.maxBytes < this.limits.maxMessageBytes ? FAULT.textTooLong : FAULT.messageTooLong;
  }

  /** `message`: undefined where it was gathered, or handed out in pieces. */
  private endInflating(
    inflater: MessageInflater,
    message: Buffer | undefined,
    sink: WebSocketSink,
  ): number {
    inflater.end(false);
    this.isInflating = false;
    this.room = undefined;
    if (this.utf8State !== UTF8_START) return FAULT.textCut;
    if (this.delivery === DELIVERY.pieces) return outcome(this.tellEnd(sink));
    if (message === undefined) return this.tellGathered(sink);
    this.isOpen = false;
    return outcome(sink.onMessage(message, this.isText, true));
  }

  /** Hands out what was gathered, if it is joined before the turn is over. */
  private tellGathered(sink: WebSocketSink): number {
    const { gathered } = this;
    const isJoined = gathered === undefined || gathered.join(JOINED_BYTES_PER_TURN);
    this.isJoining = !isJoined;
    this.isInflating = !isJoined;
    if (!isJoined) return STOP;
    this.isOpen = false;
    const message = this.takeGathered();
    if (!this.isText || sink.onTextMessage === undefined) {
      return outcome(sink.onMessage(message, this.isText, true));
    }
    const goesOn = sink.onTextMessage(message, 0, message.length, false);
    giveBack(message);
    return outcome(goesOn);
  }

  private rest(inflater: MessageInflater): number {
    inflater.hold();
    return STOP;
  }

  private gather(bytes: Buffer, start: number, end: number, moreBytes: number): number {
    if (start === end && this.gathered === undefined) return GO_ON;
    this.gathered ??= new ByteGatherer();
    this.gathered.append(bytes, start, end, moreBytes);
    return GO_ON;
  }

  private takeGathered(): Buffer {
    const { gathered } = this;
    this.gathered = undefined;
    return gathered === undefined ? Buffer.alloc(0) : gathered.take();
  }

  private tellPiece(piece: Buffer, sink: WebSocketSink): boolean {
    return sink.onMessagePiece?.(piece, this.isText) ?? true;
  }

  private tellEnd(sink: WebSocketSink): boolean {
    this.isOpen = false;
    return sink.onMessageEnd?.(this.isText) ?? true;
  }

  private inflating(): MessageInflater {
    this.messageInflater ??= new MessageInflater(this.inflater!, this.limits);
    return this.messageInflater;
  }

  private pieceRoom(): Buffer {
    this.room ??= Buffer.allocUnsafeSlow(PIECE_ROOM_BYTES);
    return this.room;
  }
}

/** Bytes on the wire of a message that may have so many when it is delivered. */
function maxWireBytes(maxBytes: number, isCompressed: boolean): number {
  return isCompressed ? maxBytes + maxBytes / 8 + COMPRESSED_SLACK_BYTES : maxBytes;
}

function wholeRoom(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(WHOLE_ROOM_BYTES);
  return shared;
}

function outcome(goesOn: boolean): number {
  return goesOn ? GO_ON : STOP;
}
