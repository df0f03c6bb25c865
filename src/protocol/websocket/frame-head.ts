/**
 * The head of a frame (RFC 6455 §5.2), read whatever way it is cut.
 *
 *      0               1               2               3
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     |F|R|R|R| opcode|M|  length or  |  length, if 126 (2 bytes)     |
 *     |I|S|S|S|       |A|  126, 127   |  or 127 (8 bytes)             |
 *     |N|V|V|V|       |S|             |                               |
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     |  key, if MASK is set (4 bytes)                                |
 *     +---------------------------------------------------------------+
 *
 *     first ──► second ──┬──► length ──┬──► key ──► whole ── next() ──► first
 *                        └─────────────┴──────────────▲
 *
 * Checked here: all that one head can break by itself, each with the octet that breaks it.
 */
import { Buffer } from "node:buffer";
import { FAULT } from "./fault.js";
import {
  CONTROL_BIT,
  FIN,
  LENGTH_BITS,
  LENGTH_IN_2,
  LENGTH_IN_8,
  MASK_BIT,
  MAX_CONTROL_BYTES,
  OPCODE,
  OPCODE_BITS,
  RESERVED_BITS,
  type Role,
  RSV1,
} from "./opcode.js";
import type { FrameState } from "./websocket-sink.js";

const FIRST = 0;
const SECOND = 1;
const LENGTH = 2;
const KEY = 3;
const WHOLE = 4;

const KEY_BYTES = 4;

/** Shortest lengths that may be written in 2 and in 8 bytes. */
const MIN_IN_2 = 126;
const MIN_IN_8 = 65_536;

/** What a reader of heads has to know. */
export interface HeadRules {
  readonly role: Role;
  /** Whether RSV1 has a meaning. */
  readonly allowsCompression: boolean;
  readonly maxFrameBytes: number;
}

/** The head of a frame (RFC 6455 §5.2), read whatever way it is cut. */
export class FrameHead implements FrameState {
  private readonly mustBeMasked: boolean;
  private readonly allowsCompression: boolean;
  private readonly maxFrameBytes: number;
  private step = FIRST;
  /** Bytes that are missing of what `step` reads. */
  private missing = 0;
  private first = 0;
  private second = 0;
  /** The key: its first octet on the wire is the lowest. */
  key = 0;
  payloadBytes = 0;
  remainingBytes = 0;

  constructor(rules: HeadRules) {
    this.mustBeMasked = rules.role === "server";
    this.allowsCompression = rules.allowsCompression;
    this.maxFrameBytes = rules.maxFrameBytes;
  }

  get isFinal(): boolean {
    return (this.first & FIN) !== 0;
  }

  get reservedBits(): number {
    return (this.first & RESERVED_BITS) >>> 4;
  }

  get opcode(): number {
    return this.first & OPCODE_BITS;
  }

  get isMasked(): boolean {
    return (this.second & MASK_BIT) !== 0;
  }

  get maskKey(): Buffer | undefined {
    const { key } = this;
    return this.isMasked
      ? Buffer.of(key & 0xff, (key >>> 8) & 0xff, (key >>> 16) & 0xff, key >>> 24)
      : undefined;
  }

  get isControl(): boolean {
    return (this.first & CONTROL_BIT) !== 0;
  }

  /** Whether the message that the frame begins is compressed. */
  get isCompressed(): boolean {
    return (this.first & RSV1) !== 0;
  }

  /** Whether all of it is there. */
  get isWhole(): boolean {
    return this.step === WHOLE;
  }

  /** Whether nothing of a head has come. */
  get isAtStart(): boolean {
    return this.step === FIRST;
  }

  /** What follows is another head. The present one can be looked at until it is read. */
  next(): void {
    this.step = FIRST;
  }

  /** Reads on in `bytes[start … end)`, not empty. Returns where it stopped, or a fault. */
  read(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    if (this.step === FIRST) {
      this.first = bytes[position++]!;
      const fault = this.checkFirst(this.first);
      if (fault !== 0) return fault;
      this.step = SECOND;
      if (position === end) return position;
    }
    if (this.step === SECOND) {
      this.second = bytes[position++]!;
      const fault = this.readSecond(this.second);
      if (fault !== 0) return fault;
    }
    if (this.step === LENGTH) {
      while (this.missing > 0 && position < end) {
        const octet = bytes[position++]!;
        if (this.missing-- === 8 && octet > 0x7f) return FAULT.lengthSign;
        this.payloadBytes = this.payloadBytes * 256 + octet;
      }
      if (this.missing > 0) return position;
      const fault = this.endLength();
      if (fault !== 0) return fault;
    }
    return this.step === KEY ? this.readKey(bytes, position, end) : position;
  }

  private checkFirst(first: number): number {
    const opcode = first & OPCODE_BITS;
    const isControl = (opcode & CONTROL_BIT) !== 0;
    if ((first & RESERVED_BITS) !== 0) {
      if ((first & RESERVED_BITS) !== RSV1 || !this.allowsCompression) return FAULT.reservedBits;
      if (isControl) return FAULT.compressedControl;
      if (opcode === OPCODE.continuation) return FAULT.compressedContinuation;
    }
    if ((opcode & ~CONTROL_BIT) > OPCODE.binary) return FAULT.opcodeReserved;
    return isControl && (first & FIN) === 0 ? FAULT.controlFragmented : 0;
  }

  private readSecond(second: number): number {
    if (((second & MASK_BIT) !== 0) !== this.mustBeMasked) {
      return this.mustBeMasked ? FAULT.maskMissing : FAULT.maskForbidden;
    }
    const length = second & LENGTH_BITS;
    if (length > MAX_CONTROL_BYTES && this.isControl) return FAULT.controlTooLong;
    if (length < LENGTH_IN_2) {
      this.payloadBytes = length;
      return this.endLength();
    }
    this.payloadBytes = 0;
    this.missing = length === LENGTH_IN_8 ? 8 : 2;
    this.step = LENGTH;
    return 0;
  }

  private endLength(): number {
    const { payloadBytes } = this;
    const length = this.second & LENGTH_BITS;
    const least = length < LENGTH_IN_2 ? 0 : length === LENGTH_IN_8 ? MIN_IN_8 : MIN_IN_2;
    if (payloadBytes < least) return FAULT.lengthNotMinimal;
    if (payloadBytes > this.maxFrameBytes && !this.isControl) return FAULT.frameTooLong;
    this.remainingBytes = payloadBytes;
    this.key = 0;
    this.missing = KEY_BYTES;
    this.step = this.mustBeMasked ? KEY : WHOLE;
    return 0;
  }

  private readKey(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    if (this.missing === KEY_BYTES && end - position >= KEY_BYTES) {
      this.key =
        bytes[position]! |
        (bytes[position + 1]! << 8) |
        (bytes[position + 2]! << 16) |
        (bytes[position + 3]! << 24);
      this.step = WHOLE;
      return position + KEY_BYTES;
    }
    for (; this.missing > 0 && position < end; position++) {
      this.key |= bytes[position]! << ((KEY_BYTES - this.missing--) << 3);
    }
    if (this.missing === 0) this.step = WHOLE;
    return position;
  }
}
