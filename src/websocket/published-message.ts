/**
 * One message for many sockets: its frame is made once, in the memory that is sent from, and lent to every send
 * queue; where it is compressed, it is deflated once. What is deflated without a context can be read by every
 * peer whose socket keeps none. A large one is deflated in turns (`published-deflate.ts`).
 */
import { type SendMemory, takeShared } from "../bytes/send-memory.js";
import type { Data } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { FrameWriter } from "../protocol/websocket/frame-writer.js";
import { firstByteOf } from "../protocol/websocket/message-framing.js";
import { MAX_DEFLATED_AT_ONCE_BYTES } from "./deflate/deflate-line.js";
import type { DeflateStock } from "./deflate/deflate-stock.js";
import { PublishedDeflate } from "./published-deflate.js";
import type { PublishOptions, SendOptions } from "./websocket-connection.js";

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
  private readonly data: Data;
  private readonly compress: boolean | undefined;
  private readonly stock: DeflateStock | undefined;
  private readonly isCompressed: boolean;
  private readonly plain: HeldFrame[] = [];
  private readonly deflated: HeldFrame[] = [];
  private deflating: PublishedDeflate | undefined;

  constructor(data: Data, options: PublishOptions, stock: DeflateStock | undefined) {
    this.bytes = bytesOf(data);
    this.isText = options.isText ?? typeof data === "string";
    this.data = data;
    this.compress = options.compress;
    this.stock = stock;
    const minBytes = stock?.settings.minBytes ?? Number.POSITIVE_INFINITY;
    this.isCompressed = stock !== undefined && (options.compress ?? this.bytes.length >= minBytes);
  }

  /** As a socket that masks sends it, which no two do alike. */
  get options(): SendOptions {
    const { isText } = this;
    return this.compress === undefined ? { isText } : { isText, compress: this.compress };
  }

  /**
   * What is deflated in turns for sockets that have agreed on compression and keep no context; undefined where {@link
   * frame}
   * has what they send.
   */
  get inTurns(): PublishedDeflate | undefined {
    const { bytes, isText } = this;
    const stock = this.stock;
    if (!this.isCompressed || stock === undefined) return undefined;
    if (bytes.length <= MAX_DEFLATED_AT_ONCE_BYTES) return undefined;
    if (this.deflating !== undefined) return this.deflating;
    // The application may change what it has published.
    const own = typeof this.data === "string" ? bytes : Buffer.from(bytes);
    this.deflating = new PublishedDeflate(stock.deflaterForAll(), own, (payload) => {
      const frame = Buffer.allocUnsafeSlow(frames.frameBytes(payload.length));
      frames.writeFrame(frame, 0, firstByteOf({ isText, isCompressed: true }), payload);
      return frame;
    });
    return this.deflating;
  }

  /**
   * The frame as a server sends it from `memory`, held until {@link release}. `mayDeflate`: the socket has
   * agreed on compression, and keeps no context.
   */
  frame(memory: SendMemory, mayDeflate: boolean): Buffer {
    const isCompressed = mayDeflate && this.isCompressed;
    const made = isCompressed ? this.deflated : this.plain;
    for (const one of made) if (one.memory === memory) return one.frame;
    const frame = this.create(memory, isCompressed, made[0]?.frame);
    made.push({ memory, frame });
    return frame;
  }

  private create(memory: SendMemory, isCompressed: boolean, same: Buffer | undefined): Buffer {
    if (same !== undefined) {
      const copy = takeShared(memory, same.length);
      copy.set(same);
      return copy;
    }
    const { bytes, isText } = this;
    const payload = isCompressed && this.stock ? this.stock.deflateForAll(bytes) : bytes;
    const frame = takeShared(memory, frames.frameBytes(payload.length));
    frames.writeFrame(frame, 0, firstByteOf({ isText, isCompressed }), payload);
    return frame;
  }

  /** Every socket has it, or waits for it. */
  release(): void {
    this.deflating?.cancelUnwanted();
    for (const { memory, frame } of this.plain) memory.release(frame);
    for (const { memory, frame } of this.deflated) memory.release(frame);
  }
}
