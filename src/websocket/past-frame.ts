/** The frame that a socket received last: what is kept of it takes two small numbers. */
import type { FrameState } from "../protocol/websocket/websocket-sink.js";

/** A number that {@link PastFrame} is made from. */
export function frameNote(frame: FrameState): number {
  const { isFinal, reservedBits, opcode, isMasked } = frame;
  return (isFinal ? 0x80 : 0) | (reservedBits << 4) | opcode | (isMasked ? 0x100 : 0);
}

/** The frame that a socket received last, without its mask. */
export class PastFrame implements FrameState {
  readonly isFinal: boolean;
  readonly reservedBits: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly maskKey: undefined = undefined;
  readonly payloadBytes: number;
  readonly remainingBytes: number = 0;

  constructor(note: number, payloadBytes: number) {
    this.isFinal = (note & 0x80) !== 0;
    this.reservedBits = (note >>> 4) & 7;
    this.opcode = note & 0xf;
    this.isMasked = (note & 0x100) !== 0;
    this.payloadBytes = payloadBytes;
  }
}
