import type { Buffer } from "node:buffer";
import { assertInteger, assertKnownKeys, assertObject } from "../errors.js";
import type { Framing, UnfinishedFrame } from "./framing.js";
import { packetInvalid } from "./packet-error.js";
import { createPacketModel, type PacketModel } from "./packet-model.js";
import type { Encoder } from "./receive-model.js";

const MAX_BYTES = 64 * 1024 * 1024;

/** Options of {@link fixedLength}. */
export interface FixedLengthOptions {
  /** Bytes of each packet, 1…64 MiB. */
  readonly bytes: number;
}

class FixedLengthFormat implements Framing, Encoder {
  readonly firstBytes: number = 1;
  readonly maxFrameBytes: number;
  readonly tail: undefined;

  constructor(bytes: number) {
    this.maxFrameBytes = bytes;
  }

  measure(): number {
    return this.maxFrameBytes;
  }

  packetStart(_bytes: Buffer, frameStart: number): number {
    return frameStart;
  }

  packetEnd(_bytes: Buffer, _frameStart: number, frameEnd: number): number {
    return frameEnd;
  }

  unfinished(): UnfinishedFrame {
    return "truncated";
  }

  assertSendable(_pieces: readonly Uint8Array[], byteCount: number): void {
    if (byteCount !== this.maxFrameBytes) {
      throw packetInvalid(`a packet has ${byteCount} bytes, each must have ${this.maxFrameBytes}`);
    }
  }

  headBytes(): number {
    return 0;
  }

  writeHead(): void {
    // There is no head.
  }
}

/**
 * Packets that all have the same number of bytes, with nothing around them. Sending a packet of
 * another length is `PACKET_INVALID`.
 */
export function fixedLength(options: FixedLengthOptions): PacketModel {
  assertObject("the options of fixedLength", options);
  assertKnownKeys("fixedLength", options, ["bytes"]);
  const { bytes } = options;
  assertInteger("bytes", bytes, 1, MAX_BYTES);
  const format = new FixedLengthFormat(bytes);
  return createPacketModel({
    name: "fixedLength",
    maxPacketBytes: bytes,
    framing: format,
    encoder: format,
  });
}
