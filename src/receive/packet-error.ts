/**
 * What is said of a packet that can't be received or sent. Each message names the limit or option
 * and its value, and shows how the offending packet begins, so that a log line is enough to see
 * what the peer speaks.
 */
import type { Buffer } from "node:buffer";
import { NetError } from "../errors.js";

const SHOWN_BYTES = 16;

/** The error for bytes that are no packet: `PACKET_MALFORMED`. `begin`: see {@link showBytes}. */
export function packetMalformed(what: string, begin: string): NetError {
  return new NetError("PACKET_MALFORMED", `${what}; it begins with ${begin}`, {
    operation: "receive",
  });
}

/**
 * The error for a packet above the limit: `PACKET_TOO_LONG`. `size`: its bytes, as far as known.
 */
export function packetTooLong(size: string, maxPacketBytes: number, begin: string): NetError {
  return new NetError(
    "PACKET_TOO_LONG",
    `a packet has ${size} bytes, maxPacketBytes is ${maxPacketBytes}; it begins with ${begin}`,
    { operation: "receive" },
  );
}

/** The error for data that can't be sent as a packet: `PACKET_INVALID`. */
export function packetInvalid(what: string, cause?: unknown): NetError {
  return new NetError("PACKET_INVALID", what, { operation: "send", cause });
}

/** Throws `PACKET_INVALID` unless a packet to be sent has from `minBytes` to `maxPacketBytes`. */
export function assertPacketBytes(byteCount: number, minBytes: number, maxBytes: number): void {
  if (byteCount > maxBytes) {
    throw packetInvalid(`a packet has ${byteCount} bytes, maxPacketBytes is ${maxBytes}`);
  }
  if (byteCount < minBytes) {
    throw packetInvalid(`a packet has ${byteCount} bytes, the least possible is ${minBytes}`);
  }
}

/** The first bytes from `start` on in hexadecimal, for messages. */
export function showBytes(bytes: Buffer, start: number, end: number): string {
  const shownEnd = Math.min(end, start + SHOWN_BYTES);
  const hex = bytes.toString("hex", start, shownEnd).replace(/..(?!$)/g, "$& ");
  return shownEnd < end ? `${hex} …` : hex;
}
