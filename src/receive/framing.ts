import type { Buffer } from "node:buffer";

/** What becomes of an unfinished frame when the peer has finished. */
export type UnfinishedFrame =
  /** Its bytes are a packet. */
  | "deliver"
  /** Its bytes belong to no packet. */
  | "drop"
  /** The stream broke off: `PACKET_TRUNCATED`. */
  | "truncated";

/**
 * Where the frames of a stream are. A frame is what travels: head, packet and tail. Implementations
 * hold no state of a connection, so that one serves all of them: the decoder has the state.
 */
export interface Framing {
  /** Bytes of a frame that are worth waiting for before its length is asked; at least 1. */
  readonly firstBytes: number;
  /** Longest frame, in bytes: of one that is longer, `measure` throws when it has this many. */
  readonly maxFrameBytes: number;
  /**
   * Looks at the frame that begins at `start`; `end` is where the bytes end. Of the frame's bytes
   * an earlier call has seen the first `seenBytes` and not found the frame's length.
   *
   * Returns the length of the whole frame, which may reach beyond `end`; 0 when more bytes are
   * needed to tell; −n when the first n bytes belong to no frame. Must answer as soon as the bytes
   * allow it. Throws NetError (`PACKET_MALFORMED`, `PACKET_TOO_LONG`).
   */
  measure(bytes: Buffer, start: number, end: number, seenBytes: number): number;
  /** Where the packet begins inside a whole frame. */
  packetStart(bytes: Buffer, frameStart: number): number;
  /** Where the packet ends inside a whole frame. */
  packetEnd(bytes: Buffer, frameStart: number, frameEnd: number): number;
  /** The peer has finished, and these bytes of a frame are there. Throws NetError. */
  unfinished(bytes: Buffer): UnfinishedFrame;
}
