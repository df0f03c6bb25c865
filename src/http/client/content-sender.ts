/**
 * Sends a body that comes in chunks, at the pace at which the peer takes it.
 *
 * One run from the first chunk to the end of the body; `stop` ends it early, and then nobody is told. The
 * event loop turns between chunks of a source that never waits.
 *
 * Chunks that are large are cut, so that no more than {@link SLICE_BYTES} go into the queue at once.
 */
import type { PieceWriter, ProtocolConnection } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";
import type { BodyWriter } from "../../protocol/http1/writing/body-writer.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import { PumpBreath } from "../pump-breath.js";
import type { BodySource } from "./body-source.js";
import { chunkBytes, contentFailed } from "./request-content.js";

/** What is given to the connection at a time, at most. */
export const SLICE_BYTES: number = 262_144;

/** Room for the frame of a chunk, and for the end with its trailers. */
const FRAME_BYTES = 64;
const MAX_TRAILER_BYTES = 65_536;

/** What is sent, and who hears how it went. */
export interface Sending {
  readonly connection: ProtocolConnection;
  readonly body: BodyWriter;
  readonly source: BodySource;
  readonly trailers: (() => FieldInput) | undefined;
  /** Time in which the peer has to take what waits; 0: no limit. */
  readonly silenceMs: number;
  /** The body is complete, or why it will not be. Not called after `stop`. */
  readonly ended: (error: NetError | undefined) => void;
}

/** Sends the body of one request. */
export class ContentSender implements PieceWriter {
  private readonly sending: Sending;
  private isStopped = false;
  /** What `writePiece` is to write: the head of a chunk of so many bytes; −1: the end of the body. */
  private pieceBytes = 0;
  private trailers: FieldInput | undefined;

  constructor(sending: Sending) {
    this.sending = sending;
  }

  /** Begins. */
  start(): void {
    this.run().then(
      () => this.end(undefined),
      (error: unknown) => this.end(contentFailed(error)),
    );
  }

  /** Ends it early. Resolves when the source has cleaned up, see {@link BodySource.leave}. */
  stop(): Promise<void> {
    this.isStopped = true;
    return this.sending.source.leave();
  }

  /** See {@link PieceWriter.writePiece}. */
  writePiece(target: Buffer, offset: number): number {
    const { body } = this.sending;
    if (this.pieceBytes < 0) return body.end(target, offset, this.trailers);
    return body.begin(target, offset, this.pieceBytes);
  }

  private end(error: NetError | undefined): void {
    if (!this.isStopped) this.sending.ended(error);
  }

  private async run(): Promise<void> {
    const { source, trailers, connection } = this.sending;
    const breath = new PumpBreath(connection.wheel.clock);
    for (;;) {
      const { done, value } = await source.next();
      if (this.isStopped) return;
      if (done === true) break;
      const bytes = chunkBytes(value);
      await this.sendChunk(bytes);
      // The response may come right after the last byte: the request has to be complete by then.
      if (breath.isDue(bytes.length) && !this.sending.body.isWhole) await breath.taken();
      if (this.isStopped) return;
    }
    this.trailers = trailers?.();
    this.write(-1, MAX_TRAILER_BYTES);
  }

  private async sendChunk(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length && !this.isStopped; from += SLICE_BYTES) {
      const isWhole = from === 0 && bytes.length <= SLICE_BYTES;
      const slice = isWhole ? bytes : bytes.subarray(from, from + SLICE_BYTES);
      if (!this.sendSlice(slice)) await this.drained();
    }
  }

  private sendSlice(slice: Uint8Array): boolean {
    const { connection, body } = this.sending;
    this.write(slice.length, FRAME_BYTES);
    const goesOn = connection.sendBytes(slice);
    return body.pieceTail.length > 0 ? connection.sendBytes(body.pieceTail) : goesOn;
  }

  private write(pieceBytes: number, maxBytes: number): void {
    this.pieceBytes = pieceBytes;
    if (this.sending.connection.write(this, maxBytes) !== undefined) return;
    throw new NetError("INVALID_ARGUMENT", `the trailers are longer than ${maxBytes} bytes`, {
      operation: "send",
    });
  }

  private async drained(): Promise<void> {
    const { connection, silenceMs } = this.sending;
    try {
      await connection.drained({ timeoutMs: silenceMs });
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
