import { Buffer } from "node:buffer";
import { randomInt } from "node:crypto";
import { FrameWriter, headBytes } from "../../protocol/websocket/frame-writer.js";
import { firstByteOf, type MessageKind } from "../../protocol/websocket/message-framing.js";
import type { BytePattern } from "./byte-pattern.js";

const KEYS = 2 ** 32;

/**
 * The messages of a pattern as frames of a client, made once: whole frames, masked, one behind the
 * other, and the same once more, so that any run of up to `messageCount` frames is one piece.
 */
export class PreparedFrames {
  private readonly bytes: Buffer;
  /** Where each frame of both rounds begins, and the end. */
  private readonly starts: Float64Array;

  /** `deflate`: what compresses a message; undefined: they are sent as they are. */
  constructor(
    pattern: BytePattern,
    isText: boolean,
    deflate: ((message: Buffer) => Buffer) | undefined,
  ) {
    const { messageCount } = pattern;
    const kind: MessageKind = { isText, isCompressed: deflate !== undefined };
    const writer = new FrameWriter("client", () => randomInt(KEYS));
    const frames = Array.from({ length: messageCount }, (_, index) => {
      const message = pattern.message(index);
      const payload = deflate === undefined ? message : deflate(message);
      const frame = Buffer.allocUnsafe(headBytes(payload.length, true) + payload.length);
      writer.writeFrame(frame, 0, firstByteOf(kind), payload);
      return frame;
    });
    this.bytes = Buffer.concat([...frames, ...frames]);
    this.starts = new Float64Array(2 * messageCount + 1);
    for (let index = 0; index < 2 * messageCount; index += 1) {
      this.starts[index + 1] = this.starts[index]! + frames[index % messageCount]!.length;
    }
  }

  /** `count` frames from message `index` on in one piece. Hot. */
  run(index: number, count: number): Buffer {
    return this.bytes.subarray(this.starts[index], this.starts[index + count]);
  }
}
