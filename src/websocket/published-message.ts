/**
 * One message for many sockets: its frame is made once, and, where it is compressed, deflated once. What is
 * deflated without a context can be read by every peer whose socket keeps none.
 */
import type { Data } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { createFrame } from "../protocol/websocket/frame-writer.js";
import { firstByteOf } from "../protocol/websocket/message-framing.js";
import type { DeflateStock } from "./deflate/deflate-stock.js";
import type { PublishOptions } from "./websocket-connection.js";

/**
 * One message for many sockets: its frame is made once, and, where it is compressed, deflated once.
 */
export class PublishedMessage {
  readonly bytes: Buffer;
  readonly isText: boolean;
  readonly #stock: DeflateStock | undefined;
  readonly #isCompressed: boolean;
  #plain: Buffer | undefined;
  #deflated: Buffer | undefined;

  constructor(data: Data, options: PublishOptions, stock: DeflateStock | undefined) {
    this.bytes = bytesOf(data);
    this.isText = options.isText ?? typeof data === "string";
    this.#stock = stock;
    const minBytes = stock?.settings.minBytes ?? Number.POSITIVE_INFINITY;
    this.#isCompressed = stock !== undefined && (options.compress ?? this.bytes.length >= minBytes);
  }

  /** The frame as a server sends it. `mayDeflate`: the socket has agreed on compression, and keeps no context. */
  frame(mayDeflate: boolean): Buffer {
    const { isText } = this;
    if (this.#isCompressed && mayDeflate && this.#stock !== undefined) {
      this.#deflated ??= createFrame(
        firstByteOf({ isText, isCompressed: true }),
        this.#stock.deflateForAll(this.bytes),
      );
      return this.#deflated;
    }
    this.#plain ??= createFrame(firstByteOf({ isText, isCompressed: false }), this.bytes);
    return this.#plain;
  }
}
