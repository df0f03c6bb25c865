/** Sends a body as it is given, piece by piece. */
import { Buffer } from "node:buffer";
import { types } from "node:util";
import type { Data, WaitOptions } from "../../../connection/connection.js";
import { bytesOf } from "../../../connection/data.js";
import type { PieceWriter } from "../../../connection/receiver.js";
import { describe, invalidArgument, NetError } from "../../../errors.js";
import { BODY } from "../../../protocol/http1/head.js";
import { BodyWriter, MAX_CHUNK_HEAD_BYTES } from "../../../protocol/http1/writing/body-writer.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import type { BodyOutput } from "./body-output.js";
import type { PieceTarget } from "./response-encoder.js";

/** The exchange, as the writer of its response sees it. */
export interface ResponseOutput extends PieceTarget {
  readonly pendingBytes: number;
  /** Whether the response can still be sent. */
  readonly isSendable: boolean;
  /** Whether so many bytes may still wait; ends the connection when not. */
  hasRoom(byteCount: number): boolean;
  /** So many bytes of the body were given. */
  bodyGiven(byteCount: number): void;
  /** Resolves when little waits to be sent; rejects when the response can't be sent any more. */
  drained(options?: WaitOptions): Promise<void>;
  /** The same for a response that is complete. */
  flushed(options?: WaitOptions): Promise<void>;
  /** The response is complete. */
  responseEnded(): void;
  /** The response will not be completed. */
  responseBroken(error: NetError): void;
}

/** Chunks up to this many bytes are copied between what frames them: one piece to be sent, not three. */
const INLINE_BYTES = 4096;
const ZERO: Buffer = Buffer.from("0");
const MAX_PROBES = 12;
const NOWHERE = new Uint8Array(0);
const END_BYTES = 8;
const MAX_TRAILER_BYTES = 65_536;

/** Writes the body of one response. */
export class PlainWriter implements BodyOutput, PieceWriter {
  private readonly output: ResponseOutput;
  private readonly body: BodyWriter;
  /** Whether nothing of a body is sent: to HEAD, with 304, or because the connection has ended. */
  readonly isBodyless: boolean;
  private readonly isAdmitted: boolean;
  private isEnded = false;
  /** Zeros that the size of the next chunk begins with. */
  private probeCount = 0;
  private pieceBytes = 0;
  private extensions = "";
  private inline: Uint8Array | undefined = undefined;
  private isEnding = false;
  private trailers: FieldInput | undefined = undefined;

  /** `bodyLength`: as the writer of the head tells it. `isAdmitted`: who gives pieces bounds what waits. */
  constructor(output: ResponseOutput, bodyLength: number, isAdmitted: boolean = false) {
    this.output = output;
    this.isAdmitted = isAdmitted;
    this.isBodyless = bodyLength === BODY.none;
    this.body = new BodyWriter(bodyLength);
  }

  /** Bytes that wait to be sent on the connection. */
  get pendingBytes(): number {
    return this.output.pendingBytes;
  }

  write(data: Data, extensions: string = ""): boolean {
    if (typeof extensions !== "string") {
      throw invalidArgument(`extensions must be text, not ${describe(extensions)}`, {
        operation: "send",
      });
    }
    // Small pieces are copied: a Buffer over each of them would cost more than the copy.
    const bytes = types.isUint8Array(data) ? data : bytesOf(data);
    if (this.isEnded) throw ended();
    if (!this.output.isSendable) return false;
    if (this.isBodyless || bytes.length === 0) return true;
    if (!this.isAdmitted && !this.output.hasRoom(bytes.length)) return false;
    const goesOn = this.send(bytes, extensions);
    this.output.bodyGiven(bytes.length);
    return goesOn;
  }

  private send(bytes: Uint8Array, extensions: string): boolean {
    if (this.body.bodyLength !== BODY.chunked) {
      this.body.begin(NOWHERE, 0, bytes.length, extensions);
      return this.output.sendBytes(bytes) === true;
    }
    this.probeCount = 0;
    this.pieceBytes = bytes.length;
    this.extensions = extensions;
    const headBytes = MAX_CHUNK_HEAD_BYTES + extensions.length + 2;
    if (bytes.length <= INLINE_BYTES) return this.writeInline(bytes, headBytes);
    this.output.write(this, headBytes);
    this.output.sendBytes(bytes);
    return this.output.sendBytes(this.body.pieceTail) === true;
  }

  private writeInline(bytes: Uint8Array, headBytes: number): boolean {
    this.inline = bytes;
    try {
      const roomBytes = headBytes + bytes.length + this.body.pieceTail.length;
      return this.output.write(this, roomBytes) === true;
    } finally {
      this.inline = undefined;
    }
  }

  end(trailers?: FieldInput): boolean {
    if (this.isEnded) throw ended();
    if (!this.output.isSendable) {
      this.isEnded = true;
      return false;
    }
    if (!this.isBodyless) this.sendEnd(trailers);
    this.isEnded = true;
    this.output.responseEnded();
    return true;
  }

  probe(): void {
    if (this.isEnded || this.isBodyless || this.body.bodyLength !== BODY.chunked) return;
    if (this.probeCount >= MAX_PROBES || !this.output.isSendable) return;
    this.probeCount++;
    this.output.sendBytes(ZERO);
  }

  private sendEnd(trailers: FieldInput | undefined): void {
    const { bodyLength } = this.body;
    if (bodyLength !== BODY.chunked) {
      this.body.end(NOWHERE, 0, bodyLength === BODY.untilClose ? undefined : trailers);
      return;
    }
    this.isEnding = true;
    this.trailers = trailers;
    try {
      for (let room = END_BYTES; ; room *= 32) {
        if (this.output.write(this, Math.min(room, MAX_TRAILER_BYTES)) !== undefined) return;
        if (room < MAX_TRAILER_BYTES) continue;
        throw new NetError(
          "INVALID_ARGUMENT",
          `the trailers are longer than ${MAX_TRAILER_BYTES} bytes`,
        );
      }
    } finally {
      this.isEnding = false;
    }
  }

  /** Writes what frames a piece, or the end. */
  writePiece(target: Buffer, offset: number): number {
    if (this.isEnding) return this.body.end(target, offset, this.trailers);
    const start = this.body.begin(target, offset, this.pieceBytes, this.extensions);
    const { inline } = this;
    if (inline === undefined || start < 0) return start;
    const { pieceTail } = this.body;
    target.set(inline, start);
    target.set(pieceTail, start + inline.length);
    return start + inline.length + pieceTail.length;
  }

  drained(options?: WaitOptions): Promise<void> {
    return this.isEnded ? this.output.flushed(options) : this.output.drained(options);
  }

  abort(error?: NetError): void {
    if (this.isEnded) return;
    this.isEnded = true;
    // Applications give none.
    const told = error instanceof NetError ? error : aborted();
    this.output.responseBroken(told);
  }

  connectionEnded(): void {
    // What waits belongs to the connection.
  }
}

function aborted(): NetError {
  return new NetError("ABORTED", "the response was aborted", { operation: "send" });
}

function ended(): NetError {
  return new NetError("INVALID_STATE", "the response has been ended", { operation: "send" });
}
