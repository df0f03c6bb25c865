/**
 * Holds what is sent of a body to what its head announced: no more and no fewer bytes than
 * Content-Length says, chunks around them where they come in chunks (RFC 9112 §7.1), nothing where
 * there is no body. The bytes of the body themselves are never touched or copied.
 */
import { Buffer } from "node:buffer";
import { assertInteger, NetError } from "../../../errors.js";
import { FIELD_TEXT, SEMICOLON } from "../character-table.js";
import { BODY } from "../head.js";
import {
  EXTENSION_BETWEEN,
  EXTENSION_ERROR,
  mayEndExtension,
  nextExtensionState,
} from "../parsing/chunk-extension.js";
import { type FieldInput, FieldWriter } from "./field-writer.js";
import { NO_ROOM, refused, writeLineEnd, writeOctets, writeText } from "./text-writer.js";

const CHUNK_END = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);
const EXTENSION = { table: FIELD_TEXT, what: "a chunk extension must be well-formed" };
const LAST_SIZE_LINE = Buffer.from("0\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const HEX_DIGITS = "0123456789abcdef";

/** Bytes of the head of a chunk without extension, at most. */
export const MAX_CHUNK_HEAD_BYTES: number = 16;

/** Writes what frames the body of one message. */
export class BodyWriter {
  /** As announced: bytes, or one of `BODY`. */
  readonly bodyLength: number;
  /** Bytes that were announced and not yet sent; none are left of a body without length. */
  private missingBytes: number;
  private isEnded = false;

  /** `bodyLength`: as `HeadWriter` tells it. */
  constructor(bodyLength: number) {
    assertInteger("bodyLength", bodyLength, BODY.untilClose, Number.MAX_SAFE_INTEGER);
    this.bodyLength = bodyLength;
    this.missingBytes = Math.max(0, bodyLength);
  }

  /** Whether all bytes that the head announced have been sent; false of a body without length. */
  get isWhole(): boolean {
    return this.bodyLength >= 0 && this.missingBytes === 0;
  }

  /** What is to be sent behind each piece. */
  get pieceTail(): Uint8Array {
    return this.bodyLength === BODY.chunked ? CHUNK_END : NOTHING;
  }

  /**
   * Announces a piece of the body and writes what goes before it at `offset`. Returns the offset
   * behind, or `NO_ROOM`, and then nothing was announced. `extensions`: for a chunk, beginning with
   * ";". Throws `INVALID_ARGUMENT` for more bytes than the head announced, for an empty chunk, which
   * would end the body, and for extensions that are none; `INVALID_STATE` behind the end.
   */
  begin(target: Uint8Array, offset: number, pieceBytes: number, extensions: string = ""): number {
    assertInteger("pieceBytes", pieceBytes, 0, Number.MAX_SAFE_INTEGER);
    this.assertOpen();
    if (this.bodyLength === BODY.chunked) {
      if (pieceBytes === 0) throw refused("a chunk has at least one byte", "an empty one");
      return writeChunkHead(target, offset, pieceBytes, extensions);
    }
    if (extensions !== "") throw refused("only chunks have extensions", extensions);
    if (this.bodyLength === BODY.untilClose) return offset;
    if (pieceBytes > this.missingBytes) {
      throw new NetError(
        "INVALID_ARGUMENT",
        `the head announced ${Math.max(0, this.bodyLength)} bytes, of which ${this.missingBytes} ` +
          `are missing: ${pieceBytes} are too many`,
        { operation: "send" },
      );
    }
    this.missingBytes -= pieceBytes;
    return offset;
  }

  /**
   * Ends the body and writes what goes behind it at `offset`: the last chunk with the trailers.
   * Returns the offset behind, or `NO_ROOM`, and then the body is not ended. Throws `INVALID_STATE`
   * when fewer bytes were sent than announced, `INVALID_ARGUMENT` for trailers that can't be sent.
   */
  end(target: Uint8Array, offset: number, trailers?: FieldInput): number {
    this.assertOpen();
    if (this.missingBytes > 0) {
      throw new NetError(
        "INVALID_STATE",
        `the head announced ${this.bodyLength} bytes, of which ${this.missingBytes} are missing`,
        { operation: "send" },
      );
    }
    if (this.bodyLength !== BODY.chunked) {
      if (trailers !== undefined) throw refused("only chunked bodies have trailers", trailers);
      this.isEnded = true;
      return offset;
    }
    const end = writeLastChunk(target, offset, trailers);
    this.isEnded = end !== NO_ROOM;
    return end;
  }

  private assertOpen(): void {
    if (!this.isEnded) return;
    throw new NetError("INVALID_STATE", "the body has been ended", { operation: "send" });
  }
}

/** Writes the size line of a chunk. Returns the offset behind, or `NO_ROOM`. */
function writeChunkHead(
  target: Uint8Array,
  offset: number,
  chunkBytes: number,
  extensions: string,
): number {
  if (offset + MAX_CHUNK_HEAD_BYTES + extensions.length > target.length) return NO_ROOM;
  if (extensions !== "") assertExtensions(extensions);
  let digits = 1;
  for (let bound = 16; bound <= chunkBytes; bound *= 16) digits++;
  let rest = chunkBytes;
  for (let index = offset + digits - 1; index >= offset; index--) {
    target[index] = HEX_DIGITS.charCodeAt(rest % 16);
    rest = Math.floor(rest / 16);
  }
  return writeLineEnd(target, writeText(target, offset + digits, extensions, EXTENSION));
}

function writeLastChunk(
  target: Uint8Array,
  offset: number,
  trailers: FieldInput | undefined,
): number {
  if (trailers === undefined) {
    if (offset + LAST_CHUNK.length > target.length) return NO_ROOM;
    return writeOctets(target, offset, LAST_CHUNK);
  }
  const writer = new FieldWriter();
  writer.begin(target, offset);
  if (!writer.writeOctets(LAST_SIZE_LINE) || !writer.writeAll(trailers)) return NO_ROOM;
  if (writer.notes.kinds !== 0) {
    throw refused("trailers can't frame or route a message (RFC 9110 §6.5.1)", trailers);
  }
  return writer.writeOctets(CHUNK_END) ? writer.offset : NO_ROOM;
}

function assertExtensions(extensions: string): void {
  let state = extensions.charCodeAt(0) === SEMICOLON ? EXTENSION_BETWEEN : EXTENSION_ERROR;
  for (let index = 0; index < extensions.length && state !== EXTENSION_ERROR; index++) {
    state = nextExtensionState(state, extensions.charCodeAt(index));
  }
  if (!mayEndExtension(state)) throw refused(EXTENSION.what, extensions);
}
