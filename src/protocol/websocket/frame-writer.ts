/**
 * Writes frames straight into the memory that is sent from (RFC 6455 §5.2). Hot. A server's are plain; a
 * client's are masked with a key of their own each, which must be beyond guessing (§10.3): the source of
 * keys is handed in.
 *
 * Where there is no room {@link NO_ROOM} is answered, and what was written behind the offset is of no use.
 */
import { Buffer } from "node:buffer";
import { describe, NetError } from "../../errors.js";
import { createCloseBody } from "./close-code.js";
import { applyMask } from "./mask.js";
import {
  CONTROL_BIT,
  FIN,
  LENGTH_IN_2,
  LENGTH_IN_8,
  MASK_BIT,
  MAX_CONTROL_BYTES,
  MAX_HEAD_BYTES,
  OPCODE,
  type Role,
} from "./opcode.js";

/** Answer of writers when the buffer ends before the frame does. */
export const NO_ROOM: number = -1;

/** Returns a random number, all 32 bits of it. */
export type KeySource = () => number;

const KEY_BYTES = 4;

/** Most bytes of UTF-8 that a UTF-16 unit becomes. */
const MAX_UNIT_BYTES = 3;

/** Texts up to this length are worth a try octet by octet. */
const SHORT_TEXT_LENGTH = 24;

/** Bytes of the head of a frame with such a payload. */
export function headBytes(payloadBytes: number, isMasked: boolean): number {
  const lengthBytes = payloadBytes < LENGTH_IN_2 ? 0 : payloadBytes < 65_536 ? 2 : 8;
  return 2 + lengthBytes + (isMasked ? KEY_BYTES : 0);
}

/** Most bytes of a frame with a text of so many UTF-16 units, whatever they are. */
export function maxTextFrameBytes(length: number): number {
  return MAX_HEAD_BYTES + length * MAX_UNIT_BYTES;
}

/** Writes all of a head but the key; there must be room. Returns the offset behind. */
function writeHead(
  target: Uint8Array,
  offset: number,
  first: number,
  payloadBytes: number,
  maskBit: number,
): number {
  target[offset] = first;
  if (payloadBytes < LENGTH_IN_2) {
    target[offset + 1] = maskBit | payloadBytes;
    return offset + 2;
  }
  if (payloadBytes < 65_536) {
    target[offset + 1] = maskBit | LENGTH_IN_2;
    target[offset + 2] = payloadBytes >>> 8;
    target[offset + 3] = payloadBytes & 0xff;
    return offset + 4;
  }
  target[offset + 1] = maskBit | LENGTH_IN_8;
  let rest = payloadBytes;
  for (let index = offset + 9; index > offset + 1; index--) {
    target[index] = rest & 0xff;
    rest = Math.floor(rest / 256);
  }
  return offset + 10;
}

/**
 * Writes the frames of one side. `first` is a frame's first byte: FIN, reserved bits and opcode; see
 * `MessageFraming` for those of data frames.
 */
export class FrameWriter {
  private readonly isMasked: boolean;
  private readonly maskBit: number;
  private readonly nextKey: KeySource;
  /** Key of the last frame, and how much of its payload was written. */
  private key = 0;
  private phase = 0;

  /** `nextKey`: wanted of a client. */
  constructor(role: Role, nextKey?: KeySource) {
    this.isMasked = role === "client";
    this.maskBit = this.isMasked ? MASK_BIT : 0;
    if (this.isMasked && nextKey === undefined) {
      throw new NetError("INVALID_ARGUMENT", "a client needs a source of keys", {
        operation: "configure",
      });
    }
    this.nextKey = nextKey ?? (() => 0);
  }

  /** Bytes of a whole frame with such a payload. */
  frameBytes(payloadBytes: number): number {
    return headBytes(payloadBytes, this.isMasked) + payloadBytes;
  }

  /**
   * Writes the head of a frame whose payload follows: as it is (a server's), or through
   * {@link writePayload}. Returns the offset behind.
   */
  writeHead(target: Uint8Array, offset: number, first: number, payloadBytes: number): number {
    if (target.length - offset < headBytes(payloadBytes, this.isMasked)) return NO_ROOM;
    const position = writeHead(target, offset, first, payloadBytes, this.maskBit);
    return this.isMasked ? this.writeKey(target, position) : position;
  }

  /** Writes the next part of the payload of the frame whose head was written last. Returns the offset behind. */
  writePayload(target: Uint8Array, offset: number, bytes: Uint8Array): number {
    const end = offset + bytes.length;
    if (end > target.length) return NO_ROOM;
    target.set(bytes, offset);
    if (this.isMasked) {
      applyMask(target, offset, end, this.key, this.phase);
      this.phase = (this.phase + bytes.length) & 3;
    }
    return end;
  }

  /** Writes a frame. Returns the offset behind. */
  writeFrame(target: Uint8Array, offset: number, first: number, payload: Uint8Array): number {
    if (target.length - offset < this.frameBytes(payload.length)) return NO_ROOM;
    return this.writePayload(
      target,
      this.writeHead(target, offset, first, payload.length),
      payload,
    );
  }

  /**
   * Writes a frame with a text, which becomes UTF-8 in its place. Returns the offset behind. May ask for
   * {@link maxTextFrameBytes} of room even where the text takes less.
   */
  writeText(target: Buffer, offset: number, first: number, text: string): number {
    const { length } = text;
    // Most texts are ASCII, or nearly: the head is as long as for one.
    const start = offset + headBytes(length, this.isMasked);
    let end = start + length;
    if (end > target.length) return NO_ROOM;
    if (length > SHORT_TEXT_LENGTH || !writeAscii(target, start, text)) {
      if (target.length - offset < maxTextFrameBytes(length)) {
        return this.writeMeasuredText(target, offset, first, text, Buffer.byteLength(text));
      }
      end = start + target.write(text, start, "utf8");
    }
    const payloadBytes = end - start;
    const moved = headBytes(payloadBytes, this.isMasked) - (start - offset);
    if (moved > 0) target.copyWithin(start + moved, start, end);
    const position = this.writeHead(target, offset, first, payloadBytes);
    if (this.isMasked) applyMask(target, position, position + payloadBytes, this.key, 0);
    return position + payloadBytes;
  }

  /** The same for a text that is known to take `payloadBytes` bytes as UTF-8. */
  writeMeasuredText(
    target: Buffer,
    offset: number,
    first: number,
    text: string,
    payloadBytes: number,
  ): number {
    if (target.length - offset < this.frameBytes(payloadBytes)) return NO_ROOM;
    const position = this.writeHead(target, offset, first, payloadBytes);
    // As long as it has characters: it is ASCII, and is copied as it is, which is five times as fast.
    const isAscii = payloadBytes === text.length;
    target.write(text, position, payloadBytes, isAscii ? "latin1" : "utf8");
    if (this.isMasked) applyMask(target, position, position + payloadBytes, this.key, 0);
    return position + payloadBytes;
  }

  /** Writes a ping or a pong. Throws `INVALID_ARGUMENT` for more than 125 bytes. */
  writeControl(
    target: Uint8Array,
    offset: number,
    opcode: typeof OPCODE.ping | typeof OPCODE.pong,
    payload: Uint8Array,
  ): number {
    if (payload.length > MAX_CONTROL_BYTES || (opcode & CONTROL_BIT) === 0) {
      throw new NetError(
        "INVALID_ARGUMENT",
        `a ping or pong has at most ${MAX_CONTROL_BYTES} bytes, not ${describe(payload)}`,
        { operation: "send" },
      );
    }
    return this.writeFrame(target, offset, FIN | opcode, payload);
  }

  /** Writes a Close frame. Throws as `createCloseBody` does. */
  writeClose(target: Uint8Array, offset: number, code: number | undefined, reason = ""): number {
    return this.writeFrame(target, offset, FIN | OPCODE.close, createCloseBody(code, reason));
  }

  private writeKey(target: Uint8Array, offset: number): number {
    const key = this.nextKey() | 0;
    this.key = key;
    this.phase = 0;
    target[offset] = key & 0xff;
    target[offset + 1] = (key >>> 8) & 0xff;
    target[offset + 2] = (key >>> 16) & 0xff;
    target[offset + 3] = key >>> 24;
    return offset + KEY_BYTES;
  }
}

/** Writes a text as long as it is ASCII; there must be room. Returns whether it was. */
function writeAscii(target: Uint8Array, offset: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return false;
    target[offset + index] = unit;
  }
  return true;
}
