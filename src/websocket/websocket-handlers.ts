/**
 * What an application implements of WebSockets. Everything is optional, and costs nothing where it is
 * absent. In this order for each socket:
 *
 *     onOpen · any of onMessage, onPing, onPong, onDrain · onClose, once and last
 *
 * The messages of one socket never overlap: a handler that returns a promise gets the next message when
 * that is settled, and meanwhile the peer is held back. A handler that throws or rejects closes its own
 * socket with 1011, and nothing else.
 */
import type { CloseReason } from "../connection/close-reason.js";
import type { MayWait } from "../connection/events/handlers.js";
import type { FrameState } from "../protocol/websocket/websocket-sink.js";

/** A message: text as a string, anything else as bytes. */
export type Message = string | Buffer;

/** What an application implements of WebSockets. `Socket` is what they are given. */
export interface WebSocketHandlers<Socket> {
  /** The socket is open: it can be sent to. */
  onOpen?(socket: Socket): MayWait;
  /** A message came. Without this handler messages are read by `read` or `for await`. */
  onMessage?(socket: Socket, data: Message, isText: boolean): MayWait;

  /**
   * A message begins. Returns how it is handed out: `whole` by `onMessage`, or in `pieces` as they
   * come. Without this handler: in pieces where there is `onMessagePiece` and no `onMessage`, else whole.
   */
  onMessageBegin?(
    socket: Socket,
    isText: boolean,
    isCompressed: boolean,
  ): "whole" | "pieces" | void;
  /** Bytes of a message in pieces. A piece of a text may end inside a character. */
  onMessagePiece?(socket: Socket, bytes: Buffer, isText: boolean): MayWait;
  /** The message in pieces is complete; text was sound UTF-8. */
  onMessageEnd?(socket: Socket, isText: boolean): MayWait;

  /** A ping came; it is replied to by itself. */
  onPing?(socket: Socket, data: Buffer): MayWait;
  /** A pong came. */
  onPong?(socket: Socket, data: Buffer): MayWait;
  /** So much was sent that `pendingBytes` is at the low-water mark or below again. */
  onDrain?(socket: Socket): MayWait;
  /**
   * The socket has ended. `code`: the peer's; 1005 where it gave none, 1006 where no Close frame of it
   * came. `end`: how the connection below has ended, with the error that ended it.
   */
  onClose?(socket: Socket, code: number, reason: string, end: CloseReason): MayWait;

  /** The head of a frame came (HP §2.14 `OnWSMessageHeader`). Told before what the frame means. */
  onFrameHead?(socket: Socket, frame: FrameState): void;
  /** Bytes of a frame's payload, unmasked but as they travel; valid during the call. */
  onFramePayload?(socket: Socket, bytes: Buffer, frame: FrameState): void;
  /** The frame is complete. */
  onFrameEnd?(socket: Socket, frame: FrameState): void;
}

/** Names of the handlers, for checking options. */
export const WEBSOCKET_HANDLER_NAMES: readonly (keyof WebSocketHandlers<unknown>)[] = [
  "onOpen",
  "onMessage",
  "onMessageBegin",
  "onMessagePiece",
  "onMessageEnd",
  "onPing",
  "onPong",
  "onDrain",
  "onClose",
  "onFrameHead",
  "onFramePayload",
  "onFrameEnd",
];
