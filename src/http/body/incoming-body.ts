import type { Buffer } from "node:buffer";
import type { WaitOptions } from "../../connection/connection.js";
import type { Fields } from "../fields.js";

/** Bounds of a body that is read as a whole. */
export interface WholeBodyOptions extends WaitOptions {
  /** Longest body in bytes, 0 … 2^32; a longer one rejects with `HTTP_BODY_TOO_LARGE`. Default 16 MiB. */
  readonly maxBytes?: number | undefined;
}

/** The body of a message that is being received. It is read once, in one way. */
export interface IncomingBody extends AsyncIterable<Buffer> {
  /** Bytes that the head announced; undefined where the length is not known before. */
  readonly contentLength: number | undefined;
  /** Fields behind the body; undefined before its end, and where none came. */
  readonly trailers: Fields | undefined;
  /** Bytes that have come so far. */
  readonly receivedBytes: number;
  /** Bytes of them that were thrown away as they came. */
  readonly discardedBytes: number;
  /** Whether all of it has come. Bytes may still wait to be read. */
  readonly isComplete: boolean;
  /** Whether reading it has begun, or it was discarded. */
  readonly isUsed: boolean;
  /**
   * Resolves with the next bytes, or undefined behind the last. One read at a time. Rejects with
   * what ended the body too early: an error of the message (`HTTP_…`), `CONNECTION_CLOSED`; with
   * `READ_TIMEOUT` and `ABORTED` as `options` say; with `INVALID_STATE` when the body is read twice.
   */
  read(options?: WaitOptions): Promise<Buffer | undefined>;
  /** Yields the body as it comes. Leaving the loop throws the rest away. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined>;
  /** Resolves with the whole body. Rejects like {@link read}, and with `HTTP_BODY_TOO_LARGE`. */
  bytes(options?: WholeBodyOptions): Promise<Buffer>;
  /** Resolves with the whole body as UTF-8 text. See {@link bytes}. */
  text(options?: WholeBodyOptions): Promise<string>;
  /**
   * Resolves with the value that the body has as JSON. See {@link bytes}; rejects with
   * `HTTP_MALFORMED` for a body that is no JSON.
   */
  json(options?: WholeBodyOptions): Promise<unknown>;
  /** Throws the body away, what has come and what will come. A read that waits resolves with undefined. */
  discard(): void;
}
