/**
 * Packets that a delimiter ends, lines for example. A packet can't contain the delimiter, nor end
 * in a carriage return where `trimCarriageReturn` is on: what can't be received as it was sent is
 * not sent.
 */
import { Buffer } from "node:buffer";
import { assertBoolean, type NetError } from "../errors.js";
import {
  checked,
  choice,
  type OptionTable,
  optional,
  readAllOptions,
  type Settled,
} from "../options.js";
import type { Framing, UnfinishedFrame } from "./framing.js";
import { assertMark, Mark } from "./mark.js";
import { assertPacketBytes, packetInvalid, packetTooLong, showBytes } from "./packet-error.js";
import { createPacketModel, type PacketModel } from "./packet-model.js";
import type { Encoder } from "./receive-model.js";
import { maxPacketBytes } from "./receive-options.js";

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED: Buffer = Buffer.of(0x0a);

/** Bytes of the usual line; a first guess, the decoder goes on from there. */
const FIRST_BYTES = 64;

/** Options of {@link delimiter}. */
export interface DelimiterOptions {
  /** What ends each packet: text (sent as UTF-8) or bytes, 1…64 bytes. Default "\n". */
  readonly delimiter?: string | Uint8Array | undefined;
  /** Largest packet without its delimiter, in bytes, 1…1 GiB. Default 64 KiB. */
  readonly maxPacketBytes?: number | undefined;
  /**
   * A carriage return before the delimiter belongs to the delimiter: both "\n" and "\r\n" end a
   * line. Default: true when the delimiter is "\n", else false.
   */
  readonly trimCarriageReturn?: boolean | undefined;
  /**
   * What to do with bytes after the last delimiter when the peer has finished: they are a packet,
   * or the stream broke off (`PACKET_TRUNCATED`). Default "deliver".
   */
  readonly lastPacket?: "deliver" | "refuse" | undefined;
}

/** Whether a carriage return belongs to the delimiter follows from the delimiter, where it is not told. */
type DelimiterSettings = Settled<Omit<DelimiterOptions, "trimCarriageReturn">> & {
  readonly trimCarriageReturn: boolean | undefined;
};

/** Default, range and check of each option. */
export const DELIMITER_OPTIONS: OptionTable<DelimiterSettings> = {
  delimiter: checked<string | Uint8Array>("\n", assertMark),
  maxPacketBytes: maxPacketBytes(64 * 1024),
  trimCarriageReturn: optional(assertBoolean),
  lastPacket: choice("deliver", ["deliver", "refuse"]),
};

class DelimiterFormat implements Framing, Encoder {
  readonly firstBytes: number = FIRST_BYTES;
  readonly maxFrameBytes: number;
  readonly tail: Buffer;
  private readonly mark: Mark;
  private readonly maxPacketBytes: number;
  private readonly trims: boolean;
  private readonly deliversLast: boolean;

  constructor(mark: Mark, options: Settled<Omit<DelimiterOptions, "delimiter">>) {
    this.tail = mark.bytes;
    this.mark = mark;
    this.maxPacketBytes = options.maxPacketBytes;
    this.trims = options.trimCarriageReturn;
    this.deliversLast = options.lastPacket === "deliver";
    this.maxFrameBytes = options.maxPacketBytes + mark.bytes.length + (this.trims ? 1 : 0);
  }

  measure(bytes: Buffer, start: number, end: number, seenBytes: number): number {
    const markBytes = this.tail.length;
    const from = start + Math.max(0, seenBytes - markBytes + 1);
    const at = this.mark.indexIn(bytes, from, end);
    if (at < 0) {
      if (end - start >= this.maxFrameBytes) throw this.tooLong(bytes, start, end);
      return 0;
    }
    const frameEnd = at + markBytes;
    if (this.packetEnd(bytes, start, frameEnd) - start > this.maxPacketBytes) {
      throw this.tooLong(bytes, start, end);
    }
    return frameEnd - start;
  }

  packetStart(_bytes: Buffer, frameStart: number): number {
    return frameStart;
  }

  packetEnd(bytes: Buffer, frameStart: number, frameEnd: number): number {
    const packetEnd = frameEnd - this.tail.length;
    const isTrimmed =
      this.trims && packetEnd > frameStart && bytes[packetEnd - 1] === CARRIAGE_RETURN;
    return isTrimmed ? packetEnd - 1 : packetEnd;
  }

  unfinished(bytes: Buffer): UnfinishedFrame {
    if (!this.deliversLast) return "truncated";
    if (bytes.length > this.maxPacketBytes) throw this.tooLong(bytes, 0, bytes.length);
    return "deliver";
  }

  assertSendable(pieces: readonly Uint8Array[], byteCount: number): void {
    assertPacketBytes(byteCount, 0, this.maxPacketBytes);
    if (this.mark.isFoundEarly(pieces)) {
      throw packetInvalid("a packet contains its delimiter, or makes one with the delimiter sent");
    }
    const last = pieces.findLast((piece) => piece.length > 0);
    if (this.trims && last?.at(-1) === CARRIAGE_RETURN) {
      throw packetInvalid("a packet ends in a carriage return, which trimCarriageReturn takes off");
    }
  }

  headBytes(): number {
    return 0;
  }

  writeHead(): void {
    // There is no head.
  }

  private tooLong(bytes: Buffer, start: number, end: number): NetError {
    const limit = this.maxPacketBytes;
    return packetTooLong(`more than ${limit}`, limit, showBytes(bytes, start, end));
  }
}

/**
 * Packets that end with a delimiter, which is stripped; two delimiters in a row give an empty
 * packet.
 *
 * Receiving more than `maxPacketBytes` without a delimiter is `PACKET_TOO_LONG`. Sending more than
 * that, or data that contains the delimiter, is `PACKET_INVALID`.
 */
export function delimiter(options: DelimiterOptions = {}): PacketModel {
  const settings = readAllOptions("delimiter", DELIMITER_OPTIONS, options);
  const { maxPacketBytes, lastPacket } = settings;
  const mark = new Mark(settings.delimiter);
  const { trimCarriageReturn = mark.bytes.equals(LINE_FEED) } = settings;
  const format = new DelimiterFormat(mark, { maxPacketBytes, trimCarriageReturn, lastPacket });
  return createPacketModel({ name: "delimiter", maxPacketBytes, framing: format, encoder: format });
}
