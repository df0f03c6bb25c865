/**
 * All that can be wrong with what a peer sends once the WebSocket is open. Inside the decoder a fault is
 * a negative number; where it leaves the decoder it becomes a NetError with one of few codes. The table
 * is the single list of what is refused, and why. What can be wrong before is in `handshake-fault`.
 */
import { NetError, type NetErrorCode } from "../../errors.js";
import { CLOSE_CODE } from "./close-code.js";
import type { WebSocketLimits } from "./limits.js";

/** Codes of the errors that a decoder reports. */
export type WebSocketErrorCode =
  | "WEBSOCKET_MALFORMED"
  | "WEBSOCKET_TEXT_INVALID"
  | "WEBSOCKET_CONTENT_MALFORMED"
  | "WEBSOCKET_TOO_LONG"
  | "WEBSOCKET_FLOOD"
  | "WEBSOCKET_TRUNCATED";

/** What a peer is told of an error: those of this folder, and those from elsewhere that mean something to it. */
const CLOSE_CODES: Readonly<Partial<Record<NetErrorCode, number>>> &
  Readonly<Record<WebSocketErrorCode, number>> = {
  WEBSOCKET_MALFORMED: CLOSE_CODE.protocolError,
  WEBSOCKET_TEXT_INVALID: CLOSE_CODE.invalidData,
  WEBSOCKET_CONTENT_MALFORMED: CLOSE_CODE.invalidData,
  WEBSOCKET_TOO_LONG: CLOSE_CODE.tooBig,
  WEBSOCKET_FLOOD: CLOSE_CODE.policy,
  WEBSOCKET_TRUNCATED: CLOSE_CODE.abnormal,
  STOPPED: CLOSE_CODE.goingAway,
  HANDLER_FAILED: CLOSE_CODE.internalError,
  REFUSED: CLOSE_CODE.policy,
  DEADLINE_PASSED: CLOSE_CODE.policy,
  DUPLICATE_KEY: CLOSE_CODE.policy,
  SEND_QUEUE_FULL: CLOSE_CODE.tryAgainLater,
};

/**
 * The code to close with after this error. 1006 means: no Close frame, the connection just ends;
 * the peer has gone, or there is nobody to blame.
 */
export function closeCodeOfError(error: NetError): number {
  return CLOSE_CODES[error.code] ?? CLOSE_CODE.abnormal;
}

type Row = readonly [code: WebSocketErrorCode, text: string, limit?: keyof WebSocketLimits];

const ROWS = {
  maskMissing: ["WEBSOCKET_MALFORMED", "a client's frame without mask (RFC 6455 §5.1)"],
  maskForbidden: ["WEBSOCKET_MALFORMED", "a server's frame with a mask (RFC 6455 §5.1)"],
  reservedBits: ["WEBSOCKET_MALFORMED", "a reserved bit that no extension uses (RFC 6455 §5.2)"],
  opcodeReserved: ["WEBSOCKET_MALFORMED", "a reserved opcode (RFC 6455 §5.2)"],
  lengthNotMinimal: ["WEBSOCKET_MALFORMED", "a length in more bytes than needed (RFC 6455 §5.2)"],
  lengthSign: ["WEBSOCKET_MALFORMED", "a length with its highest bit set (RFC 6455 §5.2)"],
  noMessage: ["WEBSOCKET_MALFORMED", "a continuation of no message (RFC 6455 §5.4)"],
  messageInMessage: ["WEBSOCKET_MALFORMED", "a message inside another one (RFC 6455 §5.4)"],
  controlFragmented: ["WEBSOCKET_MALFORMED", "a control frame that is not final (RFC 6455 §5.5)"],
  controlTooLong: ["WEBSOCKET_MALFORMED", "a control frame of over 125 bytes (RFC 6455 §5.5)"],
  closeTooShort: ["WEBSOCKET_MALFORMED", "a Close frame with half a code (RFC 6455 §5.5.1)"],
  closeReason: ["WEBSOCKET_TEXT_INVALID", "a close reason that is not UTF-8 (RFC 6455 §5.5.1)"],
  closeCode: ["WEBSOCKET_MALFORMED", "a close code that may not be sent (RFC 6455 §7.4)"],
  text: ["WEBSOCKET_TEXT_INVALID", "text that is not UTF-8 (RFC 6455 §8.1)"],
  textCut: ["WEBSOCKET_TEXT_INVALID", "text that ends inside a character (RFC 6455 §8.1)"],

  compressedControl: ["WEBSOCKET_MALFORMED", "a control frame that is compressed (RFC 7692 §6)"],
  compressedContinuation: [
    "WEBSOCKET_MALFORMED",
    "RSV1 on a frame that is not a message's first (RFC 7692 §6)",
  ],
  content: ["WEBSOCKET_CONTENT_MALFORMED", "a message that can't be inflated (RFC 7692 §7.2.2)"],

  frameTooLong: ["WEBSOCKET_TOO_LONG", "a frame is too long", "maxFrameBytes"],
  messageTooLong: ["WEBSOCKET_TOO_LONG", "a message is too long", "maxMessageBytes"],
  textTooLong: ["WEBSOCKET_TOO_LONG", "a text message is too long", "maxTextBytes"],
  inflateRatio: ["WEBSOCKET_TOO_LONG", "a message inflates too much", "maxInflateRatio"],
  tooManyFragments: ["WEBSOCKET_FLOOD", "a message has too many frames", "maxFragments"],
  tooManyControls: ["WEBSOCKET_FLOOD", "too many pings and pongs in a row", "maxControlFrames"],

  truncated: ["WEBSOCKET_TRUNCATED", "the peer finished without a Close frame (RFC 6455 §7.1.5)"],
} as const;

/** Name of a fault. */
export type FaultName = keyof typeof ROWS;

const NAMES = Object.keys(ROWS) as FaultName[];

/** Name → number, below 0. */
export const FAULT: Readonly<Record<FaultName, number>> = Object.freeze(
  Object.fromEntries(NAMES.map((name, index) => [name, -1 - index])) as Record<FaultName, number>,
);

/** The fault a number stands for. */
export function faultName(fault: number): FaultName {
  return NAMES[-1 - fault] as FaultName;
}

/** The error for a fault. */
export function createFaultError(fault: number, limits: WebSocketLimits): NetError {
  const [code, text, limit]: Row = ROWS[faultName(fault)];
  const bound = limit === undefined ? "" : ` (${limit} is ${limits[limit]})`;
  return new NetError(code, `WebSocket failed: ${text}${bound}`, { operation: "receive" });
}
