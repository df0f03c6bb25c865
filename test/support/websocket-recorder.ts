import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { NetError } from "#src/errors.js";
import type { Inflater } from "#src/protocol/websocket/deflate-context.js";
import { createFaultError, FAULT, type FaultName } from "#src/protocol/websocket/fault.js";
import { FrameDecoder } from "#src/protocol/websocket/frame-decoder.js";
import { DEFAULT_LIMITS, type WebSocketLimits } from "#src/protocol/websocket/limits.js";
import type { Role } from "#src/protocol/websocket/opcode.js";
import {
  DELIVERY,
  type Delivery,
  type FrameState,
  type WebSocketSink,
} from "#src/protocol/websocket/websocket-sink.js";
import { everyChunking } from "./every-chunking.js";

/** What was made of a stream. */
export interface Seen {
  /** Every event as a line; bytes that follow each other are one. */
  readonly events: readonly string[];
  /** Whole messages: the text, or hexadecimal behind "0x". */
  readonly messages: readonly string[];
  readonly fault: FaultName | undefined;
  readonly error: NetError | undefined;
  /** Calls of `feed` that were needed because inflating was not over. */
  readonly extraTurns: number;
}

/** How to read. */
export interface ReadOptions {
  /** Who reads. Default: a server. */
  readonly role?: Role;
  readonly limits?: WebSocketLimits;
  /** Makes the inflater, where compression was agreed on. */
  readonly inflater?: () => Inflater;
  /** Whether frames are told of. */
  readonly frames?: boolean;
  /** Whether messages come in pieces. */
  readonly pieces?: boolean;
  /** Whether the sink says stop wherever it can. */
  readonly stops?: boolean;
  /** Whether the peer finishes behind the last chunk. */
  readonly ends?: boolean;
}

function printed(bytes: Buffer, isText: boolean): string {
  return isText ? bytes.toString() : `0x${bytes.toString("hex")}`;
}

/** Writes down all that a decoder tells of messages. */
export class MessageRecorder implements WebSocketSink {
  readonly events: string[] = [];
  readonly messages: string[] = [];
  error: NetError | undefined = undefined;
  isOver = false;
  protected readonly goesOn: boolean;
  #pieces: Buffer[] | undefined;
  readonly #delivery: Delivery;

  constructor(options: ReadOptions = {}) {
    this.goesOn = options.stops !== true;
    this.#delivery = options.pieces === true ? DELIVERY.pieces : DELIVERY.whole;
  }

  onMessageBegin(isText: boolean, isCompressed: boolean): Delivery {
    this.note(`begin ${isText ? "text" : "binary"}${isCompressed ? " compressed" : ""}`);
    if (this.#delivery === DELIVERY.pieces) this.#pieces = [];
    return this.#delivery;
  }

  onMessage(bytes: Buffer, isText: boolean, isOwn: boolean): boolean {
    assert.equal(this.#pieces, undefined, "a message in pieces was handed out whole");
    assert.ok(!isOwn || bytes.length < 1e9);
    return this.#message(bytes, isText);
  }

  onMessagePiece(bytes: Buffer): boolean {
    assert.ok(bytes.length > 0, "an empty piece");
    assert.ok(!this.isOver);
    this.#pieces!.push(Buffer.from(bytes));
    return this.goesOn;
  }

  onMessageEnd(isText: boolean): boolean {
    const bytes = Buffer.concat(this.#pieces!);
    this.#pieces = undefined;
    return this.#message(bytes, isText);
  }

  onPing(bytes: Buffer): boolean {
    this.note(`ping 0x${bytes.toString("hex")}`);
    return this.goesOn;
  }

  onPong(bytes: Buffer): boolean {
    this.note(`pong 0x${bytes.toString("hex")}`);
    return this.goesOn;
  }

  onClose(code: number, reason: string): void {
    this.note(`close ${code} ${reason}`);
    this.isOver = true;
  }

  onError(error: NetError): void {
    assert.ok(error instanceof NetError);
    this.note(`error ${error.code}`);
    this.error = error;
    this.isOver = true;
  }

  protected note(event: string): void {
    assert.ok(!this.isOver, `${event} behind the end`);
    this.events.push(event);
  }

  #message(bytes: Buffer, isText: boolean): boolean {
    const text = printed(bytes, isText);
    this.messages.push(text);
    this.note(`${isText ? "text" : "binary"} ${text}`);
    return this.goesOn;
  }
}

/** Writes down frames too. */
export class FrameRecorder extends MessageRecorder {
  #payload = "";
  #payloadBytes = 0;

  onFrameHead(frame: FrameState): void {
    const { isFinal, reservedBits, opcode, maskKey, payloadBytes } = frame;
    const key = maskKey === undefined ? "none" : maskKey.toString("hex");
    assert.equal(frame.isMasked, maskKey !== undefined);
    assert.equal(frame.remainingBytes, payloadBytes);
    this.#payload = "";
    this.#payloadBytes = payloadBytes;
    this.note(
      `head fin=${isFinal} rsv=${reservedBits} opcode=${opcode} mask=${key} length=${payloadBytes}`,
    );
  }

  onFramePayload(bytes: Buffer, frame: FrameState): void {
    assert.ok(bytes.length > 0, "an empty payload");
    this.#payload += bytes.toString("hex");
    assert.equal(this.#payload.length / 2, this.#payloadBytes - frame.remainingBytes);
  }

  onFrameEnd(frame: FrameState): void {
    assert.equal(frame.remainingBytes, 0);
    this.note(`payload 0x${this.#payload}`);
  }
}

/** Reads what comes in these chunks. Each is overwritten when the decoder has taken it. */
export function read(chunks: readonly Buffer[], options: ReadOptions = {}): Seen {
  const { role = "server", limits = DEFAULT_LIMITS, inflater } = options;
  const decoder = new FrameDecoder({ role, limits, inflater: inflater?.() });
  const recorder =
    options.frames === true ? new FrameRecorder(options) : new MessageRecorder(options);
  let extraTurns = 0;
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    let taken = 0;
    do {
      const eventCount = recorder.events.length;
      const untakenBytes = lent.length - taken;
      const bytes = decoder.feed(lent.subarray(taken), recorder);
      assert.ok(bytes <= untakenBytes, "took more than was fed");
      assert.ok(
        bytes > 0 ||
          untakenBytes === 0 ||
          recorder.events.length > eventCount ||
          decoder.isInflating ||
          options.stops,
        "took nothing for nothing",
      );
      taken += bytes;
      assert.ok(
        decoder.isDone || lent.compare(chunk, taken, chunk.length, taken) === 0,
        "changed what it did not take",
      );
      if (decoder.isInflating) extraTurns++;
    } while (taken < lent.length || decoder.isInflating);
    lent.fill(0xee);
  }
  if (options.ends === true) decoder.end(recorder);
  decoder.drop();
  assert.equal(decoder.heldBytes, 0);
  const { events, messages, error } = recorder;
  return { events, messages, error, extraTurns, fault: faultOf(error, limits) };
}

/** The faults by the sentences of their errors, of limits that were asked for. */
const faults = new WeakMap<WebSocketLimits, ReadonlyMap<string, FaultName>>();

function faultsBySentence(limits: WebSocketLimits): ReadonlyMap<string, FaultName> {
  const known = faults.get(limits);
  if (known !== undefined) return known;
  const names = Object.keys(FAULT) as FaultName[];
  // Of two with one sentence the first counts.
  const made = new Map(
    names.reverse().map((name) => [createFaultError(FAULT[name], limits).message, name]),
  );
  faults.set(limits, made);
  return made;
}

/** The fault that became this error: each has a sentence of its own. */
export function faultOf(
  error: NetError | undefined,
  limits: WebSocketLimits,
): FaultName | undefined {
  if (error === undefined) return undefined;
  const name = faultsBySentence(limits).get(error.message);
  assert.ok(name !== undefined, `no fault has the message ${error.message}`);
  return name;
}

/**
 * Reads a stream whole, then in every chunking, with and without a sink that stops, with messages whole
 * and in pieces: the same must come of it. Answers what the plain way has shown, frames included.
 */
export function readEveryWay(bytes: Buffer, options: ReadOptions = {}): Seen {
  const whole = read([bytes], { ...options, frames: true });
  for (const stops of [false, true]) {
    for (const pieces of [false, true]) {
      for (const { title, chunks } of everyChunking(bytes, bytes.length)) {
        const how = `${title}, stops: ${stops}, pieces: ${pieces}`;
        const seen = read(chunks, { ...options, frames: true, stops, pieces });
        assert.deepEqual(seen.messages, whole.messages, how);
        assert.equal(seen.fault, whole.fault, how);
        if (whole.fault === undefined) assert.deepEqual(seen.events, whole.events, how);
        const bare = read(chunks, { ...options, stops, pieces });
        assert.deepEqual(bare.messages, whole.messages, `${how}, no frames`);
        assert.equal(bare.fault, whole.fault, `${how}, no frames`);
      }
    }
  }
  return whole;
}
