/**
 * Writes answers of a server, head and small body in one piece, straight into the memory that is
 * sent from. Hot. One for a server: it is filled, written from and forgotten inside one call.
 */
import { Buffer } from "node:buffer";
import type { Data } from "../../connection/connection.js";
import { bytesOf } from "../../connection/data.js";
import type { PieceWriter } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";
import type { FieldInput } from "../../protocol/http1/field-writer.js";
import { BODY } from "../../protocol/http1/head.js";
import {
  encodeFields,
  HeadWriter,
  type OutgoingResponse,
} from "../../protocol/http1/head-writer.js";
import { NO_ROOM } from "../../protocol/http1/text-writer.js";
import { type HeadKey, HeadTemplate, HeadTemplates } from "./head-template.js";

/** Bodies up to this many bytes go behind their head, larger ones follow by reference. */
const INLINE_BYTES = 4096;
/** Text up to this many characters is looked at here, which is quicker than asking. */
const SHORT_TEXT = 256;
/** Room for a head: first try, and the one after which the head gets memory of its own. */
const HEAD_BYTES = 1024;
const LARGE_HEAD_BYTES = 16_384;

const ASCII_END = 0x80;

/** No fields. */
export const NO_FIELDS: FieldInput = encodeFields([]);

type Mutable<Type> = { -readonly [Name in keyof Type]-?: Type[Name] };

/** Where pieces of an answer go. */
export interface PieceTarget {
  /** See `StreamConnection.sendWritten`. */
  sendWritten(writer: PieceWriter, maxBytes: number): boolean | undefined;
  /** Sends bytes as they are. Answers as `send` does. */
  sendPiece(piece: Uint8Array): boolean;
}

/** What an answer depends on besides what it says. */
export interface AnswerTraits {
  readonly method: string;
  readonly minorVersion: 0 | 1;
}

/** See the head of the file. */
export class AnswerWriter implements PieceWriter, HeadKey {
  private readonly heads = new HeadWriter();
  private readonly outgoing: Mutable<Omit<OutgoingResponse, "reason" | "minorVersion">> = {
    statusCode: 200,
    fields: NO_FIELDS,
    body: BODY.byFields,
    requestMethod: "GET",
    requestMinorVersion: 1,
    connection: "keep-alive",
    dateLine: Buffer.alloc(0),
  };
  private readonly templates = new HeadTemplates();
  private template: HeadTemplate | undefined = undefined;
  private text = "";
  private bytes: Buffer | undefined = undefined;
  private room = 0;
  isKept = true;
  /** How the body behind the head that was written last is sent; see `HeadWriter`. */
  bodyLength: number = BODY.none;
  /** Whether that head told the peer that the connection closes. */
  saysClose = false;

  get statusCode(): number {
    return this.outgoing.statusCode;
  }

  get fields(): FieldInput {
    return this.outgoing.fields;
  }

  get lines(): Uint8Array {
    return this.outgoing.dateLine;
  }

  /** Begins an answer. `lines`: Date and the like. */
  begin(traits: AnswerTraits, statusCode: number, fields: FieldInput, lines: Uint8Array): void {
    const { outgoing } = this;
    outgoing.statusCode = statusCode;
    outgoing.fields = fields;
    outgoing.requestMethod = traits.method;
    outgoing.requestMinorVersion = traits.minorVersion;
    outgoing.dateLine = lines;
    this.text = "";
    this.bytes = undefined;
    this.template = undefined;
  }

  /** The connection stays, or closes, behind this answer. */
  keepAlive(isKept: boolean): void {
    this.isKept = isKept;
    this.outgoing.connection = isKept ? "keep-alive" : "close";
  }

  /** The whole body. Throws `INVALID_ARGUMENT` for what is no data. */
  setBody(body: Data | undefined): void {
    if (body === undefined) {
      this.outgoing.body = BODY.none;
    } else if (typeof body === "string" && isShortAscii(body)) {
      this.text = body;
      this.outgoing.body = body.length;
    } else {
      this.bytes = bytesOf(body);
      this.outgoing.body = this.bytes.length;
    }
    if (this.mayHaveTemplate()) this.template = this.templates.find(this) ?? this.newTemplate();
  }

  /** Whether nothing but status and fields decides what the head looks like. */
  private mayHaveTemplate(): boolean {
    const { statusCode, requestMethod, requestMinorVersion } = this.outgoing;
    if (requestMethod !== "GET" && requestMethod !== "POST") return false;
    const hasBody = statusCode !== 204 && statusCode !== 205 && statusCode !== 304;
    return requestMinorVersion === 1 && hasBody;
  }

  private newTemplate(): HeadTemplate | undefined {
    if (!this.templates.wantsMore()) return undefined;
    const { outgoing, heads } = this;
    const { body } = outgoing;
    outgoing.body = 0;
    try {
      const scratch = Buffer.allocUnsafe(LARGE_HEAD_BYTES);
      const end = Math.max(0, heads.writeResponse(scratch, 0, outgoing));
      const template = HeadTemplate.of(this, scratch.subarray(0, end), heads.saysClose);
      this.templates.add(template);
      return template;
    } catch (error) {
      // What can't be sent is refused where it is written, and told of from there.
      if (!(error instanceof NetError)) throw error;
      return undefined;
    } finally {
      outgoing.body = body;
    }
  }

  /** The body follows; how long it is the fields say, or it comes in chunks, or until close. */
  setOpenBody(): void {
    this.outgoing.body = BODY.byFields;
  }

  /** Sends what was begun. Answers as `send` does. Throws `INVALID_ARGUMENT`; then nothing was sent. */
  sendTo(target: PieceTarget): boolean {
    const bodyBytes = this.inlineBytes();
    let flows = target.sendWritten(this, this.reserve(HEAD_BYTES + bodyBytes));
    flows ??= target.sendWritten(this, this.reserve(LARGE_HEAD_BYTES + bodyBytes));
    flows ??= target.sendPiece(this.toHead());
    const rest = this.restOfBody();
    return rest === undefined ? flows : target.sendPiece(rest);
  }

  private reserve(byteCount: number): number {
    this.room = byteCount;
    return byteCount;
  }

  /** The head, and the body if that is small, in memory of their own. */
  private toHead(): Buffer {
    for (let size = HEAD_BYTES + this.inlineBytes(); ; size *= 2) {
      const target = Buffer.allocUnsafe(this.reserve(size));
      const end = this.writePiece(target, 0);
      if (end !== NO_ROOM) return target.subarray(0, end);
    }
  }

  writePiece(target: Buffer, offset: number): number {
    const headEnd = this.writeHead(target, offset);
    if (headEnd === NO_ROOM) return NO_ROOM;
    const bodyBytes = this.bodyLength > 0 ? this.inlineBytes() : 0;
    if (headEnd + bodyBytes - offset > this.room) return NO_ROOM;
    if (bodyBytes === 0) return headEnd;
    const { text, bytes } = this;
    if (bytes !== undefined) target.set(bytes, headEnd);
    else for (let at = 0; at < text.length; at++) target[headEnd + at] = text.charCodeAt(at);
    return headEnd + bodyBytes;
  }

  private writeHead(target: Buffer, offset: number): number {
    const { template, heads, outgoing } = this;
    if (template === undefined) {
      const end = heads.writeResponse(target, offset, outgoing);
      this.bodyLength = heads.bodyLength;
      this.saysClose = heads.saysClose;
      return end;
    }
    this.bodyLength = Math.max(0, outgoing.body);
    this.saysClose = template.saysClose;
    return template.write(target, offset, this.bodyLength);
  }

  private inlineBytes(): number {
    if (this.bytes === undefined) return this.text.length;
    return this.bytes.length <= INLINE_BYTES ? this.bytes.length : 0;
  }

  /** What of the body is not sent with the head. */
  private restOfBody(): Buffer | undefined {
    const { bytes } = this;
    this.bytes = undefined;
    return bytes !== undefined && bytes.length > INLINE_BYTES && this.bodyLength > 0
      ? bytes
      : undefined;
  }
}

function isShortAscii(text: string): boolean {
  if (text.length > SHORT_TEXT) return false;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= ASCII_END) return false;
  return true;
}
