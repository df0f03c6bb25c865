import type { Buffer } from "node:buffer";
import { type OptionTable, readAllOptions, type Settled } from "../options.js";
import type { Framing, UnfinishedFrame } from "./framing.js";
import { packetTooLong, showBytes } from "./packet-error.js";
import { createPacketModel, type PacketModel } from "./packet-model.js";
import { maxPacketBytes } from "./receive-options.js";

/** Options of {@link untilClosed}. */
export interface UntilClosedOptions {
  /** Most bytes that the peer may send in all, 1…1 GiB. Default 16 MiB. */
  readonly maxPacketBytes?: number | undefined;
}

/** Default, range and check of each option. */
export const UNTIL_CLOSED_OPTIONS: OptionTable<Settled<UntilClosedOptions>> = {
  maxPacketBytes: maxPacketBytes(16 * 1024 * 1024),
};

class UntilClosedFraming implements Framing {
  readonly firstBytes: number = 1;
  readonly maxFrameBytes: number;
  private readonly maxPacketBytes: number;

  constructor(maxPacketBytes: number) {
    this.maxPacketBytes = maxPacketBytes;
    // One byte more than the limit shows that the limit is passed.
    this.maxFrameBytes = maxPacketBytes + 1;
  }

  measure(bytes: Buffer, start: number, end: number): number {
    if (end - start > this.maxPacketBytes) {
      const begin = showBytes(bytes, start, end);
      throw packetTooLong(`more than ${this.maxPacketBytes}`, this.maxPacketBytes, begin);
    }
    return 0;
  }

  packetStart(_bytes: Buffer, frameStart: number): number {
    return frameStart;
  }

  packetEnd(_bytes: Buffer, _frameStart: number, frameEnd: number): number {
    return frameEnd;
  }

  unfinished(): UnfinishedFrame {
    return "deliver";
  }
}

/**
 * Gathers everything the peer sends; when the peer has finished, `onReceive` gets it as one packet.
 * A peer that sends nothing gives no packet. What is sent goes as it is.
 *
 * Receiving more than `maxPacketBytes` is `PACKET_TOO_LONG`.
 */
export function untilClosed(options: UntilClosedOptions = {}): PacketModel {
  const { maxPacketBytes } = readAllOptions("untilClosed", UNTIL_CLOSED_OPTIONS, options);
  return createPacketModel({
    name: "untilClosed",
    maxPacketBytes,
    framing: new UntilClosedFraming(maxPacketBytes),
    encoder: undefined,
  });
}
