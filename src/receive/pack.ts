/**
 * Pack, byte for byte HP-Socket's (HP §2.8, §3.1). A packet is a head of four bytes, one unsigned
 * little-endian integer, and the body:
 *
 *     bit 31            22 21                                 0
 *         [ flag, 10 bits ][ bytes of the body, 22 bits        ]
 *
 * Both ends have the same flag; an end with flag 0 takes any. The framing is hot: it is asked once
 * for each packet.
 */
import type { Buffer } from "node:buffer";
import type { NetError } from "../errors.js";
import { bytes, count, type OptionTable, readAllOptions, type Settled } from "../options.js";
import type { Framing, UnfinishedFrame } from "./framing.js";
import { assertPacketBytes, packetMalformed, packetTooLong, showBytes } from "./packet-error.js";
import { createPacketModel, type PacketModel } from "./packet-model.js";
import type { Encoder } from "./receive-model.js";

const HEAD_BYTES = 4;
const LENGTH_BITS = 22;
const MAX_LENGTH = 2 ** LENGTH_BITS - 1;
const MAX_FLAG = 2 ** (32 - LENGTH_BITS) - 1;

/** Options of {@link pack}. */
export interface PackOptions {
  /**
   * Marks the packets of an application, 0…1023. Received packets must have the same; 0 takes any.
   * Default 0.
   */
  readonly flag?: number | undefined;
  /** Largest body to send or receive, in bytes, 1…4,194,303. Default 262,144. */
  readonly maxPacketBytes?: number | undefined;
}

/** Default, range and check of each option. */
export const PACK_OPTIONS: OptionTable<Settled<PackOptions>> = {
  flag: count(0, "flag", { max: MAX_FLAG }),
  maxPacketBytes: bytes(262_144, { min: 1, max: MAX_LENGTH }),
};

class PackFormat implements Framing, Encoder {
  readonly firstBytes: number = HEAD_BYTES;
  readonly maxFrameBytes: number;
  readonly tail: undefined;
  private readonly flag: number;
  private readonly maxPacketBytes: number;

  constructor(flag: number, maxPacketBytes: number) {
    this.flag = flag;
    this.maxPacketBytes = maxPacketBytes;
    this.maxFrameBytes = HEAD_BYTES + maxPacketBytes;
  }

  measure(bytes: Buffer, start: number, end: number): number {
    if (end - start < HEAD_BYTES) return 0;
    const head = bytes.readUInt32LE(start);
    const length = head & MAX_LENGTH;
    const flag = head >>> LENGTH_BITS;
    if (length === 0 || length > this.maxPacketBytes || (this.flag !== 0 && flag !== this.flag)) {
      throw this.refusal(length, flag, showBytes(bytes, start, start + HEAD_BYTES));
    }
    return HEAD_BYTES + length;
  }

  packetStart(_bytes: Buffer, frameStart: number): number {
    return frameStart + HEAD_BYTES;
  }

  packetEnd(_bytes: Buffer, _frameStart: number, frameEnd: number): number {
    return frameEnd;
  }

  unfinished(): UnfinishedFrame {
    return "truncated";
  }

  assertSendable(_pieces: readonly Uint8Array[], byteCount: number): void {
    assertPacketBytes(byteCount, 1, this.maxPacketBytes);
  }

  headBytes(): number {
    return HEAD_BYTES;
  }

  writeHead(target: Buffer, offset: number, byteCount: number): void {
    target.writeUInt32LE(((this.flag << LENGTH_BITS) | byteCount) >>> 0, offset);
  }

  /** The flag is checked first: it tells best that the peer speaks another protocol. */
  private refusal(length: number, flag: number, begin: string): NetError {
    if (this.flag !== 0 && flag !== this.flag) {
      return packetMalformed(`a packet has flag ${flag}, the flag here is ${this.flag}`, begin);
    }
    if (length === 0) return packetMalformed("a packet has length 0", begin);
    return packetTooLong(String(length), this.maxPacketBytes, begin);
  }
}

/**
 * Packets with HP-Socket's pack header: `onReceive` gets one whole packet at a time.
 *
 * Receiving: another flag or length 0 is `PACKET_MALFORMED`, more than `maxPacketBytes` is
 * `PACKET_TOO_LONG`. Sending nothing or more than `maxPacketBytes` is `PACKET_INVALID`.
 */
export function pack(options: PackOptions = {}): PacketModel {
  const { flag, maxPacketBytes } = readAllOptions("pack", PACK_OPTIONS, options);
  const format = new PackFormat(flag, maxPacketBytes);
  return createPacketModel({ name: "pack", maxPacketBytes, framing: format, encoder: format });
}
