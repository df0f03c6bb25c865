import type { Buffer } from "node:buffer";
import type { NetError } from "../../../errors.js";
import type { FieldSection } from "../field-section.js";
import type { Head } from "../head.js";
import type { RequestHead } from "../request-head.js";
import type { ResponseHead } from "../response-head.js";

/** What a sink returns when the head is complete. */
export const AFTER_HEAD = {
  /** Read the message on. */
  goOn: 0,
  /** Stop feeding before the body, if there is one; the next `feed` reads it. */
  stop: 1,
  /** The message has no body, whatever its head says: what follows is the next message. */
  skipBody: 2,
  /**
   * Go on with another protocol behind this message: `onUpgrade` follows `onMessageComplete`, and
   * the bytes behind are not taken.
   */
  upgrade: 3,
} as const;

/** One of {@link AFTER_HEAD}. */
export type AfterHead = (typeof AFTER_HEAD)[keyof typeof AFTER_HEAD];

/** Gets the body of a message. */
export interface BodySink {
  /** A chunk begins. `extensions`: as sent, from the first ";" on, or empty. 0: the last chunk. */
  onChunkHeader?(chunkBytes: number, extensions: string): void;
  /**
   * Bytes of the body: a view into those that were fed. Returns whether to go on; on false feeding
   * stops behind them.
   */
  onBody(bytes: Buffer): boolean;
  /** The chunk is complete. */
  onChunkComplete?(): void;
  /** A field of the trailer section. */
  onTrailer?(name: string, value: string): void;
}

/**
 * Gets what a parser finds, in this order for each message:
 *
 *     onMessageBegin · onRequestLine or onStatusLine · onHeader … · onHeadersComplete
 *       · onBody …                                                    with Content-Length, until close
 *       · (onChunkHeader · onBody … · onChunkComplete) …              in chunks, the last of size 0:
 *         onChunkHeader · onTrailer … · onChunkComplete
 *     · onMessageComplete · onUpgrade
 *
 * or `onParseError` at any place, last. What is not there costs nothing: strings are made for
 * `onRequestLine`, `onHeader` and the like only where the sink has them. A sink must not feed the
 * parser that calls it. What it throws passes through `feed`, after which the parser is of no use.
 */
export interface MessageSink<SomeHead extends Head> extends BodySink {
  /** The first byte of a message came. */
  onMessageBegin?(): void;
  /** A field of the head; name as it was spelt. */
  onHeader?(name: string, value: string): void;
  /** The head is complete and sound. `head` is valid during the call, unless it is kept. */
  onHeadersComplete(head: SomeHead): AfterHead;
  /**
   * The message is complete. `trailers` is valid during the call, unless it is kept; undefined where
   * none came. Returns whether to go on with what follows; on false feeding stops here.
   */
  onMessageComplete(trailers: FieldSection | undefined): boolean;
  /** What follows is another protocol: feeding stops here for good. */
  onUpgrade?(): void;
  /** What came is no message. Nothing more is read; bytes that are still fed are thrown away. */
  onParseError(error: NetError): void;
}

/** Gets what a request parser finds. */
export interface RequestSink extends MessageSink<RequestHead> {
  /** `version`: `HTTP/1.1` or `HTTP/1.0`. */
  onRequestLine?(method: string, target: string, version: string): void;
}

/** Gets what a response parser finds. */
export interface ResponseSink extends MessageSink<ResponseHead> {
  /** `version`: `HTTP/1.1` or `HTTP/1.0`. */
  onStatusLine?(statusCode: number, reason: string, version: string): void;
}
