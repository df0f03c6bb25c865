/**
 * Reads the frames of one connection (RFC 6455 §5), whatever way their bytes are cut, and what they mean.
 * Either role: a server's decoder wants masked frames, a client's wants them unmasked.
 *
 *     head ──► payload ──► head …      a message may be inflating meanwhile: nothing is read until it is
 *       └── Close frame ──► closed     any state ── fault ──► failed
 *
 * Masked payloads are unmasked where they lie: the bytes that are fed are the decoder's to change. Bytes
 * that it does not take it has not changed.
 *
 * Invariants: state is set before a sink is called; `onClose` or `onError` comes once and last; memory
 * is that of a message or control frame that was cut, and follows the bytes that came; each byte is
 * looked at once or twice.
 */
import type { Buffer } from "node:buffer";
import { ByteGatherer } from "./byte-gatherer.js";
import { CLOSE_CODE, canTravel } from "./close-code.js";
import type { Inflater } from "./deflate-context.js";
import { createFaultError, FAULT } from "./fault.js";
import { FrameHead } from "./frame-head.js";
import { DEFAULT_LIMITS, type WebSocketLimits } from "./limits.js";
import { applyMask } from "./mask.js";
import { GO_ON, MessageReader, STOP, UNSEEN } from "./message-reader.js";
import { OPCODE, type Role } from "./opcode.js";
import { checkUtf8, UTF8_START } from "./utf8-check.js";
import type { FrameState, WebSocketSink } from "./websocket-sink.js";

/** Most bytes that are inflated at once where pieces are handed out: they may have to be held. */
const SLICE_BYTES = 16_384;

/** What a decoder is made with. */
export interface FrameDecoderOptions {
  /** Who decodes. */
  readonly role: Role;
  /** Default: {@link DEFAULT_LIMITS}. */
  readonly limits?: WebSocketLimits;
  /** There where permessage-deflate was agreed on. */
  readonly inflater?: Inflater | undefined;
}

export class FrameDecoder {
  private readonly limits: WebSocketLimits;
  private readonly head: FrameHead;
  private readonly messages: MessageReader;
  private control: ByteGatherer | undefined = undefined;
  private isOver = false;

  constructor(options: FrameDecoderOptions) {
    const { role, limits = DEFAULT_LIMITS, inflater } = options;
    const { maxFrameBytes } = limits;
    this.limits = limits;
    this.head = new FrameHead({ role, allowsCompression: inflater !== undefined, maxFrameBytes });
    this.messages = new MessageReader(limits, inflater);
  }

  /** The frame that is being read, or was read last. */
  get frame(): FrameState {
    return this.head;
  }

  /** Whether a Close frame came, or a fault was found: what follows is thrown away. */
  get isDone(): boolean {
    return this.isOver;
  }

  /** Whether a message has begun and was not handed out to its end. */
  get isInMessage(): boolean {
    return this.messages.isOpen;
  }

  /**
   * Whether a message is being inflated, or a large one joined, and the turn was over before that was, or the
   * sink said stop meanwhile. `feed` has to be called again, if need be with no bytes: in a later turn, so that others
   * have theirs, or when the sink wants more.
   */
  get isInflating(): boolean {
    return this.messages.isInflating;
  }

  /** Bytes of memory for what was cut. */
  get heldBytes(): number {
    return this.messages.heldBytes + (this.control?.heldBytes ?? 0);
  }

  /**
   * Whether it is between two frames and two messages, with nothing to remember: it can serve another connection, by
   * the same rules, where it has no inflater.
   */
  get isSpare(): boolean {
    if (this.isOver || this.control !== undefined || !this.head.isAtStart) return false;
    return this.messages.isSpare;
  }

  /**
   * Reads bytes, and may change those it takes. Returns how many it took: all, unless the sink said stop
   * or {@link isInflating}.
   */
  feed(bytes: Buffer, sink: WebSocketSink): number {
    if (this.isOver) return bytes.length;
    const { head, messages } = this;
    const end = bytes.length;
    messages.beginTurn();
    if (messages.isInflating && !this.settle(messages.inflate(sink), sink)) {
      return this.isOver ? end : 0;
    }
    let position = 0;
    while (position < end) {
      if (!head.isWhole) {
        position = head.read(bytes, position, end);
        if (position < 0) return this.fail(position, sink, end);
        if (!head.isWhole) return end;
        const fault = this.beginFrame(sink);
        if (fault !== 0) return this.fail(fault, sink, end);
        if (this.isOver) return end;
      }
      const start = position;
      position = Math.min(end, start + head.remainingBytes);
      if (messages.inflatesPieces) position = Math.min(position, start + SLICE_BYTES);
      const goesOn = this.readPayload(bytes, start, position, sink);
      if (this.isOver) return end;
      if (!goesOn) return position;
    }
    return position;
  }

  /** The peer has finished: an error, unless its Close frame came before. */
  end(sink: WebSocketSink): void {
    if (!this.isOver) this.fail(FAULT.truncated, sink, 0);
  }

  /** Gives up what is held, and discards what is fed. */
  drop(): void {
    this.isOver = true;
    this.control = undefined;
    this.messages.drop();
  }

  /** Returns a fault, or 0. */
  private beginFrame(sink: WebSocketSink): number {
    const { head, messages } = this;
    const fault = head.isControl ? messages.countControl() : messages.check(head);
    if (fault !== 0) return fault;
    sink.onFrameHead?.(head);
    return head.isControl || this.isOver ? 0 : messages.begin(head, sink);
  }

  /** Returns whether to go on. */
  private readPayload(bytes: Buffer, start: number, end: number, sink: WebSocketSink): boolean {
    const { head, messages } = this;
    let seen = UNSEEN;
    if (head.isMasked) {
      seen = applyMask(bytes, start, end, head.key, (head.payloadBytes - head.remainingBytes) & 3);
    }
    head.remainingBytes -= end - start;
    const isEnd = head.remainingBytes === 0;
    if (isEnd) head.next();
    if (end > start) sink.onFramePayload?.(bytes.subarray(start, end), head);
    // The sink may give everything up in any call.
    if (isEnd && !this.isOver) sink.onFrameEnd?.(head);
    if (this.isOver) return false;
    if (head.isControl) return this.readControl(bytes, start, end, isEnd, sink);
    const isLast = isEnd && head.isFinal;
    const moreBytes = head.isFinal ? head.remainingBytes : Number.POSITIVE_INFINITY;
    const result = messages.take(bytes, start, end, isLast, moreBytes, seen, sink);
    return result === GO_ON || this.settle(result, sink);
  }

  private readControl(
    bytes: Buffer,
    start: number,
    end: number,
    isEnd: boolean,
    sink: WebSocketSink,
  ): boolean {
    const { head } = this;
    if (!isEnd) {
      this.control ??= new ByteGatherer();
      this.control.append(bytes, start, end, head.remainingBytes);
      return true;
    }
    let payload = bytes.subarray(start, end);
    if (this.control !== undefined) {
      this.control.append(bytes, start, end, 0);
      payload = this.control.take();
      this.control = undefined;
    }
    if (head.opcode === OPCODE.ping) return sink.onPing(payload);
    if (head.opcode === OPCODE.pong) return sink.onPong(payload);
    return this.readClose(payload, sink);
  }

  private readClose(body: Buffer, sink: WebSocketSink): boolean {
    if (body.length === 0) {
      this.drop();
      sink.onClose(CLOSE_CODE.noCode, "");
      return false;
    }
    if (body.length === 1) return this.settle(FAULT.closeTooShort, sink);
    const code = body.readUInt16BE(0);
    if (!canTravel(code)) return this.settle(FAULT.closeCode, sink);
    if (checkUtf8(UTF8_START, body, 2, body.length) !== UTF8_START) {
      return this.settle(FAULT.closeReason, sink);
    }
    this.drop();
    sink.onClose(code, body.toString("utf8", 2));
    return false;
  }

  /** Returns whether to go on after an outcome, or a fault. */
  private settle(result: number, sink: WebSocketSink): boolean {
    if (result < STOP) this.fail(result, sink, 0);
    return result > STOP;
  }

  /** Returns `end`: all that follows is thrown away. */
  private fail(fault: number, sink: WebSocketSink, end: number): number {
    this.drop();
    sink.onError(createFaultError(fault, this.limits));
    return end;
  }
}
