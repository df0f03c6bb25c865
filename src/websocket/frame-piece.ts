/** Writes one frame at a time, where it is sent from. Hot. */
import { randomFillSync } from "node:crypto";
import type { PieceWriter } from "../connection/receiver.js";
import { FrameWriter } from "../protocol/websocket/frame-writer.js";
import type { Role } from "../protocol/websocket/opcode.js";

const NOTHING: Buffer = Buffer.alloc(0);

/** Random numbers, by the thousand. */
const keys = new Int32Array(1_024);
let keysTaken: number = keys.length;

function nextKey(): number {
  if (keysTaken === keys.length) {
    randomFillSync(keys);
    keysTaken = 0;
  }
  return keys[keysTaken++] as number;
}

/** Writes one frame at a time, of a text or of bytes; for all sockets of a role. */
export class FramePiece implements PieceWriter {
  readonly frames: FrameWriter;
  first = 0;
  text: string | undefined = undefined;
  /** Bytes of the text where it was measured, else 0. */
  textBytes = 0;
  bytes: Uint8Array = NOTHING;

  constructor(role: Role) {
    this.frames = new FrameWriter(role, nextKey);
  }

  writePiece(target: Buffer, offset: number): number {
    const { frames, first, text, textBytes } = this;
    if (text === undefined) return frames.writeFrame(target, offset, first, this.bytes);
    if (textBytes === 0) return frames.writeText(target, offset, first, text);
    return frames.writeMeasuredText(target, offset, first, text, textBytes);
  }
}

/** That of each role. */
export const FRAME_PIECES: Readonly<Record<Role, FramePiece>> = {
  server: new FramePiece("server"),
  client: new FramePiece("client"),
};
