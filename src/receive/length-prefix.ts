import {
  assertBoolean,
  assertInteger,
  assertKnownKeys,
  assertObject,
  describe,
  invalidArgument,
} from "../errors.js";
import { createLengthField, type LengthFormat } from "./length-field.js";
import {
  LengthPrefixFormat,
  type LengthPrefixLayout,
  packetBytesRange,
} from "./length-prefix-format.js";
import { createPacketModel, type PacketModel } from "./packet-model.js";
import { maxPacketBytes as packetLimit } from "./receive-options.js";

const MAX_PACKET_BYTES = packetLimit(1024 * 1024);
const MAX_OFFSET = 1024;
const MAX_ADJUSTMENT = 2 ** 31 - 1;

/** Options of {@link lengthPrefix}. */
export type LengthPrefixOptions = LengthPrefixFieldOptions & LengthPrefixLayoutOptions;

/** How the length is written. */
export type LengthPrefixFieldOptions =
  | {
      /**
       * `uint-be` (network order), `uint-le`: integers; `ascii`, `ebcdic`: decimal digits with
       * leading zeros; `bcd`: two decimal digits a byte.
       */
      readonly format: Exclude<LengthFormat, "varint">;
      /** Bytes of the length field: 1…8 for integers, 1…15 for digits, 1…7 for BCD. */
      readonly bytes: number;
    }
  | {
      /** Unsigned LEB128, as Protocol Buffers have it, of 1…8 bytes and at most 2^53 − 1. */
      readonly format: "varint";
    };

/** Where the length is and what it counts. */
export interface LengthPrefixLayoutOptions {
  /**
   * Bytes of the head before the length field, 0…1024. Sent as zeros unless there is a `prefix`;
   * when received they may have any value. Default: the length of `prefix`, or 0.
   */
  readonly offset?: number | undefined;
  /** What the head begins with, exactly `offset` bytes: sent, and demanded of what is received. */
  readonly prefix?: Uint8Array | undefined;
  /**
   * Added to the length read, it gives the bytes that follow the head (that follow the beginning of
   * the head, with `includesHeader`). Positive or negative, within ±(2^31 − 1). Default 0.
   */
  readonly adjustment?: number | undefined;
  /** The length counts the head as well. Default false. */
  readonly includesHeader?: boolean | undefined;
  /**
   * Largest packet, in bytes, 1…1 GiB, counted as it is delivered: with the head when `stripHead`
   * is false. Default 1 MiB, or what the length field can tell, if that is less.
   */
  readonly maxPacketBytes?: number | undefined;
  /**
   * True: the head is taken off, and put before what is sent. False: packets have their head, both
   * those received and those sent; one to be sent whose head tells another length is
   * `PACKET_INVALID`. Default true.
   */
  readonly stripHead?: boolean | undefined;
}

const KNOWN_OPTIONS: readonly string[] = [
  "format",
  "bytes",
  "offset",
  "prefix",
  "adjustment",
  "includesHeader",
  "maxPacketBytes",
  "stripHead",
];

/**
 * Packets whose head tells how long they are. Empty packets are possible.
 *
 * Receiving: a length field that is none, a length that is negative after adjustment or another
 * prefix is `PACKET_MALFORMED`, more than `maxPacketBytes` is `PACKET_TOO_LONG`, both from the head
 * alone. Sending what the field can't tell or is above `maxPacketBytes` is `PACKET_INVALID`.
 */
export function lengthPrefix(options: LengthPrefixOptions): PacketModel {
  assertObject("the options of lengthPrefix", options);
  assertKnownKeys("lengthPrefix", options, KNOWN_OPTIONS);
  const layout = layoutOf(options);
  const maxPacketBytes = maxPacketBytesOf(layout, options.maxPacketBytes);
  const format = new LengthPrefixFormat(layout, maxPacketBytes);
  return createPacketModel({
    name: "lengthPrefix",
    maxPacketBytes,
    framing: format,
    encoder: format,
  });
}

function layoutOf(options: LengthPrefixOptions): LengthPrefixLayout {
  const { format, prefix, adjustment = 0, includesHeader = false, stripHead = true } = options;
  const bytes: unknown = "bytes" in options ? options.bytes : undefined;
  if (format === "varint" && bytes !== undefined) {
    throw invalidArgument(
      "bytes is no option of the format varint, which takes as many as it needs",
    );
  }
  const field = createLengthField(format, bytes);
  if (prefix !== undefined && !(prefix instanceof Uint8Array)) {
    throw invalidArgument(`prefix must be a Uint8Array, not ${describe(prefix)}`);
  }
  const { offset = prefix?.length ?? 0 } = options;
  assertInteger("offset", offset, 0, MAX_OFFSET);
  if (prefix !== undefined && prefix.length !== offset) {
    throw invalidArgument(`prefix has ${prefix.length} bytes, but offset is ${offset}`);
  }
  assertInteger("adjustment", adjustment, -MAX_ADJUSTMENT, MAX_ADJUSTMENT);
  assertBoolean("includesHeader", includesHeader);
  assertBoolean("stripHead", stripHead);
  return { field, offset, prefix: copyOf(prefix), adjustment, includesHeader, stripHead };
}

function maxPacketBytesOf(layout: LengthPrefixLayout, asked: number | undefined): number {
  if (asked !== undefined) MAX_PACKET_BYTES.assert("maxPacketBytes", asked);
  const range = packetBytesRange(layout);
  if (asked !== undefined && asked > range.max) {
    throw invalidArgument(
      `maxPacketBytes is ${asked}, but the length field can tell no more than ${range.max}`,
    );
  }
  const maxPacketBytes = Math.min(asked ?? MAX_PACKET_BYTES.standard, range.max);
  if (maxPacketBytes < Math.max(1, range.min)) {
    throw invalidArgument(
      `no packet is possible: the length field can tell ${range.min} to ${range.max} bytes, ` +
        `maxPacketBytes is ${asked ?? MAX_PACKET_BYTES.standard}`,
    );
  }
  return maxPacketBytes;
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}
