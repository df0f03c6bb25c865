import type { Buffer } from "node:buffer";
import type { NetError } from "../../errors.js";

/** How a message is handed out. */
export const DELIVERY = {
  /** As one, when all of it is there: `onMessage`. */
  whole: 0,
  /** Piece by piece, as it comes: `onMessagePiece` …, `onMessageEnd`. */
  pieces: 1,
} as const;

/** One of {@link DELIVERY}. */
export type Delivery = (typeof DELIVERY)[keyof typeof DELIVERY];

/** The frame that is being read, or was read last. */
export interface FrameState {
  /** Whether it is the last of its message. Control frames always are. */
  readonly isFinal: boolean;
  /** The three reserved bits as a number: 4 is RSV1, which says that a message is compressed. */
  readonly reservedBits: number;
  /** What kind of frame it is (RFC 6455 §5.2). */
  readonly opcode: number;
  /** Whether its payload travels masked. */
  readonly isMasked: boolean;
  /** The four octets of the key; undefined without. A copy. */
  readonly maskKey: Buffer | undefined;
  /** Bytes of the payload, as it travels. */
  readonly payloadBytes: number;
  /** Bytes of it that are still to come. */
  readonly remainingBytes: number;
}

/**
 * Gets what a decoder finds. For each frame, unmasked but as it travels (compressed):
 *
 *     onFrameHead · onFramePayload … · onFrameEnd
 *
 * and besides, what frames mean. For each message, which control frames may interrupt:
 *
 *     onMessageBegin · onMessage                             DELIVERY.whole, or without onMessageBegin
 *     onMessageBegin · onMessagePiece … · onMessageEnd       DELIVERY.pieces
 *
 * What happens to a frame is told before what it means; `onClose` is the last call, or `onError`. What a
 * sink does not have costs nothing.
 *
 * Where a boolean is answered, it says whether to go on; on false `feed` stops behind what was told.
 * Bytes are views that are valid during the call, unless `isOwn` says that they are nobody else's.
 * A sink must not feed the decoder that calls it. What it throws passes through `feed`, after which the
 * decoder is of no use.
 */
export interface WebSocketSink {
  /** The head of a frame is there and sound. */
  onFrameHead?(frame: FrameState): void;
  /** Bytes of the frame's payload. Not called for an empty one. */
  onFramePayload?(bytes: Buffer, frame: FrameState): void;
  /** The frame is complete. */
  onFrameEnd?(frame: FrameState): void;

  /** A message begins. Returns how it is to be handed out. */
  onMessageBegin?(isText: boolean, isCompressed: boolean): Delivery;
  /**
   * A message. Text is sound UTF-8. `isOwn`: the bytes lie in memory that nobody else has, else inside
   * those that were fed.
   */
  onMessage(bytes: Buffer, isText: boolean, isOwn: boolean): boolean;
  /**
   * A text, as `bytes[start … end)`, instead of `onMessage`: for sinks that make a string of it within the call, and
   * save the view, or the memory where it was cut. `isAscii`: surely nothing but ASCII.
   */
  onTextMessage?(bytes: Buffer, start: number, end: number, isAscii: boolean): boolean;
  /** Bytes of a message, never none. A piece of a text may end inside a character. */
  onMessagePiece?(bytes: Buffer, isText: boolean): boolean;
  /** The message is complete, and text was sound UTF-8. */
  onMessageEnd?(isText: boolean): boolean;

  /** A ping; wants a pong with the same bytes. */
  onPing(bytes: Buffer): boolean;
  onPong(bytes: Buffer): boolean;
  /** A Close frame; `code` is 1005 where it has none. What follows it is thrown away. */
  onClose(code: number, reason: string): void;
  /**
   * The peer broke a rule or reached a limit. `closeCodeOfError` has the code to close with. What
   * follows is thrown away.
   */
  onError(error: NetError): void;
}
