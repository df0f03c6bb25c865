/**
 * Frames whose head tells how long they are:
 *
 *     [ prefix: `offset` bytes ][ length field ][ what follows the head ]
 *
 *     bytes that follow = length + adjustment − (includesHeader ? bytes of prefix and field : 0)
 *
 * With `stripHead` a packet is what follows; without, it is the whole frame, and is sent as it is
 * after a check that its head is right. Hot: measured once for each packet.
 */
import { Buffer } from "node:buffer";
import { NetError } from "../errors.js";
import type { Framing, UnfinishedFrame } from "./framing.js";
import { type LengthField, NO_LENGTH } from "./length-field.js";
import {
  assertPacketBytes,
  packetInvalid,
  packetMalformed,
  packetTooLong,
  showBytes,
} from "./packet-error.js";
import type { Encoder } from "./receive-model.js";

/** What describes such a frame. */
export interface LengthPrefixLayout {
  readonly field: LengthField;
  /** Bytes before the length field. */
  readonly offset: number;
  /** Those bytes where they are fixed; undefined: zero is sent, anything is taken. */
  readonly prefix: Uint8Array | undefined;
  readonly adjustment: number;
  readonly includesHeader: boolean;
  readonly stripHead: boolean;
}

/** Least and most bytes of a packet that the length field can tell. */
export function packetBytesRange(layout: LengthPrefixLayout): { min: number; max: number } {
  const { field, offset, adjustment, includesHeader, stripHead } = layout;
  const minHead = offset + field.minBytes;
  const maxHead = offset + field.maxBytes;
  const min = Math.max(0, adjustment - (includesHeader ? minHead : 0));
  const max = field.maxValue + adjustment - (includesHeader ? maxHead : 0);
  return stripHead ? { min, max } : { min: min + minHead, max: max + minHead };
}

/** Finds frames with a length in their head, and writes such heads. */
export class LengthPrefixFormat implements Framing, Encoder {
  readonly firstBytes: number;
  readonly maxFrameBytes: number;
  readonly tail: undefined;
  private readonly layout: LengthPrefixLayout;
  private readonly maxPacketBytes: number;
  private readonly minPacketBytes: number;

  constructor(layout: LengthPrefixLayout, maxPacketBytes: number) {
    const { field, offset, stripHead } = layout;
    this.layout = layout;
    this.maxPacketBytes = maxPacketBytes;
    this.minPacketBytes = packetBytesRange(layout).min;
    this.firstBytes = offset + field.minBytes;
    const maxHeadBytes = offset + field.maxBytes;
    this.maxFrameBytes = stripHead
      ? maxHeadBytes + maxPacketBytes
      : Math.max(maxHeadBytes, maxPacketBytes);
  }

  measure(bytes: Buffer, start: number, end: number): number {
    const { field, offset, adjustment, includesHeader, stripHead } = this.layout;
    const size = field.sizeAt(bytes, start + offset, end);
    if (size === 0) return 0;
    const length = field.read(bytes, start + offset, size);
    const headBytes = offset + size;
    const followingBytes = length + adjustment - (includesHeader ? headBytes : 0);
    const packetBytes = stripHead ? followingBytes : headBytes + followingBytes;
    if (length === NO_LENGTH || followingBytes < 0 || !this.hasPrefix(bytes, start)) {
      throw this.malformed(bytes, start, headBytes);
    }
    if (packetBytes > this.maxPacketBytes) {
      const isExact = packetBytes <= Number.MAX_SAFE_INTEGER;
      const begin = showBytes(bytes, start, start + headBytes);
      throw packetTooLong(
        isExact ? String(packetBytes) : "2^53 or more",
        this.maxPacketBytes,
        begin,
      );
    }
    return headBytes + followingBytes;
  }

  packetStart(bytes: Buffer, frameStart: number): number {
    const { field, offset, stripHead } = this.layout;
    if (!stripHead) return frameStart;
    const fieldStart = frameStart + offset;
    return fieldStart + field.sizeAt(bytes, fieldStart, bytes.length);
  }

  packetEnd(_bytes: Buffer, _frameStart: number, frameEnd: number): number {
    return frameEnd;
  }

  unfinished(): UnfinishedFrame {
    return "truncated";
  }

  assertSendable(pieces: readonly Uint8Array[], byteCount: number): void {
    assertPacketBytes(byteCount, this.minPacketBytes, this.maxPacketBytes);
    if (!this.layout.stripHead) this.assertHead(pieces, byteCount);
  }

  headBytes(byteCount: number): number {
    const { field, offset, stripHead } = this.layout;
    if (!stripHead) return 0;
    // The length may count its own bytes: the least size that holds it then.
    let size = field.minBytes;
    while (field.sizeOf(this.lengthFor(byteCount, offset + size)) > size) size += 1;
    return offset + size;
  }

  writeHead(target: Buffer, offset: number, byteCount: number): void {
    const { field, offset: prefixBytes, prefix, stripHead } = this.layout;
    if (!stripHead) return;
    if (prefix === undefined) target.fill(0, offset, offset + prefixBytes);
    else target.set(prefix, offset);
    field.write(target, offset + prefixBytes, this.lengthFor(byteCount, this.headBytes(byteCount)));
  }

  private lengthFor(followingBytes: number, headBytes: number): number {
    const { adjustment, includesHeader } = this.layout;
    return followingBytes - adjustment + (includesHeader ? headBytes : 0);
  }

  private hasPrefix(bytes: Buffer, start: number): boolean {
    const { prefix } = this.layout;
    if (prefix === undefined) return true;
    for (let index = 0; index < prefix.length; index += 1) {
      if (bytes[start + index] !== prefix[index]) return false;
    }
    return true;
  }

  /** Throws `PACKET_INVALID` unless the pieces are one frame whose head tells its length. */
  private assertHead(pieces: readonly Uint8Array[], byteCount: number): void {
    const head = firstBytesOf(pieces, this.layout.offset + this.layout.field.maxBytes);
    let told: number;
    try {
      told = this.measure(head, 0, head.length);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      throw packetInvalid(`a packet has a head that can't be sent: ${error.message}`, error);
    }
    if (told !== byteCount) {
      throw packetInvalid(`a packet has ${byteCount} bytes, its head tells ${told}`);
    }
  }

  private malformed(bytes: Buffer, start: number, headBytes: number): NetError {
    const begin = showBytes(bytes, start, start + headBytes);
    return this.hasPrefix(bytes, start)
      ? packetMalformed("a packet has a head whose length field can't be right", begin)
      : packetMalformed("a packet does not begin with the prefix", begin);
  }
}

/** Up to `count` bytes from the beginning of the pieces, joined. */
function firstBytesOf(pieces: readonly Uint8Array[], count: number): Buffer {
  const joined = Buffer.alloc(count);
  let length = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, count - length);
    joined.set(part, length);
    length += part.length;
    if (length === count) break;
  }
  return joined.subarray(0, length);
}
