/**
 * One message for many sockets: its frame is made once, in the memory that is sent from, and lent to every send
 * queue; where it is compressed, it is deflated once. What is deflated without a context can be read by every
 * peer whose socket keeps none.
 */
import { type SendMemory, takeShared } from "../bytes/send-memory.js";
import type { Data } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { FrameWriter } from "../protocol/websocket/frame-writer.js";
import { firstByteOf } from "../protocol/websocket/message-framing.js";
import type { DeflateStock } from "./deflate/deflate-stock.js";
import type { PublishOptions } from "./websocket-connection.js";

/** Frames as servers send them. */
const frames: FrameWriter = new FrameWriter("server");

/** A frame, and the memory that holds it. */
interface HeldFrame {
  readonly memory: SendMemory;
  readonly frame: Buffer;
}

/**
 * One message for many sockets: its frame is made once for each memory that is sent from, and, where it is
 * compressed, deflated once.
 */
export class PublishedMessage {
  readonly bytes: Buffer;
  readonly isText: boolean;
  readonly #stock: DeflateStock | undefined;
  readonly #isCompressed: boolean;
  readonly #plain: HeldFrame[] = [];
  readonly #deflated: HeldFrame[] = [];

  constructor(data: Data, options: PublishOptions, stock: DeflateStock | undefined) {
    this.bytes = bytesOf(data);
    this.isText = options.isText ?? typeof data === "string";
    this.#stock = stock;
    const minBytes = stock?.settings.minBytes ?? Number.POSITIVE_INFINITY;
    this.#isCompressed = stock !== undefined && (options.compress ?? this.bytes.length >= minBytes);
  }

  /**
   * The frame as a server sends it from `memory`, held until {@link release}. `mayDeflate`: the socket has
   * agreed on compression, and keeps no context.
   */
  frame(memory: SendMemory, mayDeflate: boolean): Buffer {
    const isCompressed = mayDeflate && this.#isCompressed;
    const made = isCompressed ? this.#deflated : this.#plain;
    for (const one of made) if (one.memory === memory) return one.frame;
    const frame = this.#create(memory, isCompressed, made[0]?.frame);
    made.push({ memory, frame });
    return frame;
  }

  #create(memory: SendMemory, isCompressed: boolean, same: Buffer | undefined): Buffer {
    if (same !== undefined) {
      const copy = takeShared(memory, same.length);
      copy.set(same);
      return copy;
    }
    const { bytes, isText } = this;
    const payload = isCompressed && this.#stock ? this.#stock.deflateForAll(bytes) : bytes;
    const frame = takeShared(memory, frames.frameBytes(payload.length));
    frames.writeFrame(frame, 0, firstByteOf({ isText, isCompressed }), payload);
    return frame;
  }

  /** All have it. */
  release(): void {
    for (const { memory, frame } of this.#plain) memory.release(frame);
    for (const { memory, frame } of this.#deflated) memory.release(frame);
  }
}
