/**
 * Packets between a start mark and an end mark:
 *
 *     [ start mark ][ packet ][ end mark ] (bytes between) [ start mark ] …
 *
 * Inside a packet the start mark has no meaning, so that only the end mark can't be sent.
 */
import type { Buffer } from "node:buffer";
import { checked, choice, type OptionTable, readAllOptions, type Settled } from "../options.js";
import type { Framing, UnfinishedFrame } from "./framing.js";
import { assertMark, Mark } from "./mark.js";
import {
  assertPacketBytes,
  packetInvalid,
  packetMalformed,
  packetTooLong,
  showBytes,
} from "./packet-error.js";
import { createPacketModel, type PacketModel } from "./packet-model.js";
import type { Encoder } from "./receive-model.js";
import { maxPacketBytes } from "./receive-options.js";

/** Options of {@link startEnd}. */
export interface StartEndOptions {
  /** What each packet begins with: text (sent as UTF-8) or bytes, 1…64 bytes. */
  readonly start: string | Uint8Array;
  /** What each packet ends with: text (sent as UTF-8) or bytes, 1…64 bytes. */
  readonly end: string | Uint8Array;
  /** Largest packet without its marks, in bytes, 1…1 GiB. Default 64 KiB. */
  readonly maxPacketBytes?: number | undefined;
  /** Bytes between packets: `PACKET_MALFORMED`, or skipped without a limit. Default "refuse". */
  readonly between?: "refuse" | "skip" | undefined;
}

/** Default, range and check of each option. The marks have no default: what is left out is refused. */
export const START_END_OPTIONS: OptionTable<Settled<StartEndOptions>> = {
  start: checked<string | Uint8Array>("", assertMark),
  end: checked<string | Uint8Array>("", assertMark),
  maxPacketBytes: maxPacketBytes(64 * 1024),
  between: choice("refuse", ["refuse", "skip"]),
};

class StartEndFormat implements Framing, Encoder {
  readonly firstBytes: number;
  readonly maxFrameBytes: number;
  readonly tail: Buffer;
  private readonly start: Mark;
  private readonly end: Mark;
  private readonly maxPacketBytes: number;
  private readonly skips: boolean;

  constructor(start: Mark, end: Mark, maxPacketBytes: number, skips: boolean) {
    this.start = start;
    this.end = end;
    this.maxPacketBytes = maxPacketBytes;
    this.skips = skips;
    this.tail = end.bytes;
    this.firstBytes = start.bytes.length + end.bytes.length;
    this.maxFrameBytes = this.firstBytes + maxPacketBytes;
  }

  measure(bytes: Buffer, start: number, end: number, seenBytes: number): number {
    const startBytes = this.start.bytes.length;
    if (seenBytes < startBytes) {
      const agreeing = this.start.agreeingBytes(bytes, start, end);
      if (agreeing < startBytes) {
        return start + agreeing === end ? 0 : -this.between(bytes, start, end);
      }
    }
    const seenBody = Math.max(startBytes, seenBytes - this.tail.length + 1);
    const at = this.end.indexIn(bytes, start + seenBody, end);
    const frameBytes = at < 0 ? 0 : at + this.tail.length - start;
    if (frameBytes > this.maxFrameBytes || (at < 0 && end - start >= this.maxFrameBytes)) {
      const limit = this.maxPacketBytes;
      throw packetTooLong(`more than ${limit}`, limit, showBytes(bytes, start, end));
    }
    return frameBytes;
  }

  packetStart(_bytes: Buffer, frameStart: number): number {
    return frameStart + this.start.bytes.length;
  }

  packetEnd(_bytes: Buffer, _frameStart: number, frameEnd: number): number {
    return frameEnd - this.tail.length;
  }

  unfinished(bytes: Buffer): UnfinishedFrame {
    return this.skips && bytes.length < this.start.bytes.length ? "drop" : "truncated";
  }

  assertSendable(pieces: readonly Uint8Array[], byteCount: number): void {
    assertPacketBytes(byteCount, 0, this.maxPacketBytes);
    if (this.end.isFoundEarly(pieces)) {
      throw packetInvalid("a packet contains its end mark, or makes one with the end mark sent");
    }
  }

  headBytes(): number {
    return this.start.bytes.length;
  }

  writeHead(target: Buffer, offset: number): void {
    this.start.bytes.copy(target, offset);
  }

  /** Bytes before the next start mark, or before what may become one. */
  private between(bytes: Buffer, start: number, end: number): number {
    if (!this.skips) {
      const begin = showBytes(bytes, start, end);
      throw packetMalformed("a packet does not begin with the start mark", begin);
    }
    const at = this.start.indexIn(bytes, start, end);
    return (at < 0 ? end - this.start.begunBytes(bytes, start, end) : at) - start;
  }
}

/**
 * Packets between a start mark and an end mark; both are stripped.
 *
 * Receiving more than `maxPacketBytes` without an end mark is `PACKET_TOO_LONG`. Sending more than
 * that, or data that contains the end mark, is `PACKET_INVALID`.
 */
export function startEnd(options: StartEndOptions): PacketModel {
  const settings = readAllOptions("startEnd", START_END_OPTIONS, options);
  assertMark("start", options.start);
  assertMark("end", options.end);
  const { maxPacketBytes, between } = settings;
  const start = new Mark(settings.start);
  const end = new Mark(settings.end);
  const format = new StartEndFormat(start, end, maxPacketBytes, between === "skip");
  return createPacketModel({ name: "startEnd", maxPacketBytes, framing: format, encoder: format });
}
