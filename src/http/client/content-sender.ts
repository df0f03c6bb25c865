/**
 * Sends a body that comes in chunks, at the pace at which the peer takes it.
 *
 * One run from the first chunk to the end of the body; `stop` ends it early, and then nobody is told.
 * However it ends early, the source hears that nothing more is wanted, and cleans up.
 *
 * Chunks that are large are cut, so that no more than {@link SLICE_BYTES} go into the queue at once.
 */

import type { PieceWriter } from "../../connection/receiver.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import { NetError } from "../../errors.js";
import type { BodyWriter } from "../../protocol/http1/body-writer.js";
import type { FieldInput } from "../../protocol/http1/field-writer.js";
import { type BodyChunks, chunkBytes, contentFailed } from "./request-content.js";

/** What is given to the connection at a time, at most. */
export const SLICE_BYTES: number = 262_144;

/** Room for the frame of a chunk, and for the end with its trailers at first. */
const FRAME_BYTES = 64;
const MAX_TRAILER_BYTES = 65_536;

/** What is sent, and who hears how it went. */
export interface Sending {
  readonly live: StreamConnection;
  readonly body: BodyWriter;
  /** Makes the chunks, when the first of them is wanted. */
  readonly open: () => BodyChunks;
  readonly trailers: (() => FieldInput) | undefined;
  /** Time in which the peer has to take what waits; 0: no limit. */
  readonly silenceMs: number;
  /** The body is complete, or why it will not be. Not called after `stop`. */
  readonly ended: (error: NetError | undefined) => void;
}

/** See the head of the file. */
export class ContentSender implements PieceWriter {
  readonly #sending: Sending;
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  #isStopped = false;
  /** What `writePiece` is to write: the head of a chunk of so many bytes; −1: the end of the body. */
  #pieceBytes = 0;
  #trailers: FieldInput | undefined;

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  /** Begins. */
  start(): void {
    this.#run().then(
      () => this.#end(undefined),
      (error: unknown) => this.#end(contentFailed(error)),
    );
  }

  /** Ends it early. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // A source that fails while it is ended has nobody left to tell.
    if (this.#iterator !== undefined) endSource(this.#iterator).catch(() => undefined);
  }

  /** See {@link PieceWriter.writePiece}. */
  writePiece(target: Buffer, offset: number): number {
    const { body } = this.#sending;
    if (this.#pieceBytes < 0) return body.end(target, offset, this.#trailers);
    return body.begin(target, offset, this.#pieceBytes);
  }

  #end(error: NetError | undefined): void {
    if (this.#isStopped) return;
    this.stop();
    this.#sending.ended(error);
  }

  async #run(): Promise<void> {
    const { open, trailers } = this.#sending;
    const chunks = open();
    const iterator =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    this.#iterator = iterator;
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true || this.#isStopped) break;
      await this.#sendChunk(chunkBytes(value));
      if (this.#isStopped) return;
    }
    this.#iterator = undefined;
    if (this.#isStopped) return;
    this.#trailers = trailers?.();
    this.#write(-1, MAX_TRAILER_BYTES);
  }

  async #sendChunk(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
      const slice = from === 0 && bytes.length <= SLICE_BYTES ? bytes : sliceAt(bytes, from);
      const goesOn = this.#sendSlice(slice);
      if (!goesOn) await this.#drained();
      if (this.#isStopped) return;
    }
  }

  #sendSlice(slice: Uint8Array): boolean {
    const { live, body } = this.#sending;
    this.#write(slice.length, FRAME_BYTES);
    const goesOn = live.send(slice);
    return body.pieceTail.length > 0 ? live.send(body.pieceTail) : goesOn;
  }

  #write(pieceBytes: number, maxBytes: number): void {
    this.#pieceBytes = pieceBytes;
    if (this.#sending.live.write(this, maxBytes) !== undefined) return;
    throw new NetError("INVALID_ARGUMENT", `the trailers are longer than ${maxBytes} bytes`, {
      operation: "send",
    });
  }

  async #drained(): Promise<void> {
    const { live, silenceMs } = this.#sending;
    try {
      await live.drained({ timeoutMs: silenceMs });
    } catch (error) {
      if (!(error instanceof NetError) || error.code !== "DRAIN_TIMEOUT") throw error;
      throw new NetError(
        "HTTP_BODY_TIMEOUT",
        `the peer did not take the body within bodyTimeoutMs (${silenceMs})`,
        { operation: "send" },
      );
    }
  }
}

/** Not at once, since it may be the source itself that ends the request while it is asked. */
async function endSource(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  await undefined;
  await iterator.return?.();
}

/** The slice that begins at `from`. */
function sliceAt(bytes: Uint8Array, from: number): Uint8Array {
  return bytes.subarray(from, Math.min(bytes.length, from + SLICE_BYTES));
}
