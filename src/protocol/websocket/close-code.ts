/** Codes with which a WebSocket is closed (RFC 6455 §7.4 and the registry it founded), and the Close frame's body. */
import { Buffer } from "node:buffer";
import { describe, NetError } from "../../errors.js";
import { MAX_CONTROL_BYTES } from "./opcode.js";

/** Codes with a meaning. 1005, 1006 and 1015 stand for what happened, and never travel. */
export const CLOSE_CODE = {
  /** The purpose is fulfilled. */
  normal: 1000,
  /** A server stops, a page is left. */
  goingAway: 1001,
  /** The peer broke the protocol. */
  protocolError: 1002,
  /** A kind of data that is not accepted. */
  unsupportedData: 1003,
  /** The Close frame had no code. */
  noCode: 1005,
  /** There was no Close frame. */
  abnormal: 1006,
  /** Data that is not what its type says, as text that is not UTF-8. */
  invalidData: 1007,
  /** Against the rules of the one who closes. */
  policy: 1008,
  /** Too big to be taken. */
  tooBig: 1009,
  /** The server did not agree to an extension that the client needs. */
  extensionMissing: 1010,
  /** Something unexpected on the side that closes. */
  internalError: 1011,
  /** The server restarts: connect again, after a random pause. */
  serviceRestart: 1012,
  /** Too much to do: connect elsewhere, or later. */
  tryAgainLater: 1013,
  /** A gateway got no sound response. */
  badGateway: 1014,
  /** TLS failed. */
  tlsHandshake: 1015,
} as const;

/** Most bytes of a reason: a control frame's less the code. */
export const MAX_REASON_BYTES: number = MAX_CONTROL_BYTES - 2;

/**
 * Whether a Close frame may have this code, either way: those of the protocol that may travel, those
 * for libraries (3000…3999) and those for applications (4000…4999).
 */
export function canTravel(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/**
 * The body of a Close frame; without a code it is empty. Throws `INVALID_ARGUMENT` for a code that
 * may not travel, for a reason without code, and for one of more than {@link MAX_REASON_BYTES}.
 */
export function createCloseBody(code: number | undefined, reason = ""): Buffer {
  if (code === undefined && reason === "") return Buffer.alloc(0);
  if (!Number.isInteger(code) || !canTravel(code!)) {
    throw new NetError(
      "INVALID_ARGUMENT",
      `a close code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999, not ${describe(code)}`,
      { operation: "close" },
    );
  }
  const text = Buffer.from(reason);
  if (text.length > MAX_REASON_BYTES) {
    throw new NetError(
      "INVALID_ARGUMENT",
      `a close reason has at most ${MAX_REASON_BYTES} bytes, not ${text.length}`,
      { operation: "close" },
    );
  }
  const body = Buffer.allocUnsafe(2 + text.length);
  body.writeUInt16BE(code!, 0);
  text.copy(body, 2);
  return body;
}

/** As much of a text as fits into a close reason, whole characters. */
export function clipReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_REASON_BYTES) return text;
  let end = MAX_REASON_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
