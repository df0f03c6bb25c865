/**
 * Encodes the responses of a server, head and small body in one piece, straight into the memory that is
 * sent from. Hot. One for a server: it is filled, written from and forgotten inside one call.
 */
import { Buffer } from "node:buffer";
import type { Data, SendResult } from "../../../connection/connection.js";
import { bytesOf } from "../../../connection/data.js";
import type { PieceWriter } from "../../../connection/receiver.js";
import { NetError } from "../../../errors.js";
import { BODY } from "../../../protocol/http1/head.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import {
  encodeFields,
  HeadWriter,
  type OutgoingResponse,
} from "../../../protocol/http1/writing/head-writer.js";
import { NO_ROOM } from "../../../protocol/http1/writing/text-writer.js";
import type { AddedLines } from "./added-fields.js";
import { type HeadKey, HeadTemplate, HeadTemplates } from "./head-template.js";
import { trueFields } from "./true-fields.js";

/** Bodies up to this many bytes go behind their head, larger ones follow by reference. */
const INLINE_BYTES = 4096;
/** Text up to this many characters is measured here, which is faster than `Buffer.byteLength`. */
const SHORT_TEXT = 256;
/** Room for a head: first try, and the one after which the head gets memory of its own. */
const HEAD_BYTES = 1024;
const LARGE_HEAD_BYTES = 16_384;

const ASCII_END = 0x80;

/** No fields. */
export const NO_FIELDS: FieldInput = encodeFields([]);

const NO_LINES: AddedLines = { date: Buffer.alloc(0), keepAlive: undefined };

type Mutable<Type> = { -readonly [Name in keyof Type]-?: Type[Name] };

/** Where pieces of a response go. */
export interface PieceTarget {
  /** See `ProtocolConnection.write`. */
  write(writer: PieceWriter, maxBytes: number): SendResult | undefined;
  /** Sends bytes as they are. */
  sendBytes(piece: Uint8Array): SendResult;
}

/** What decides on a head besides status, fields and body: the request, and the phrase that was chosen. */
export interface ResponseTraits {
  readonly method: string;
  readonly minorVersion: 0 | 1;
  /** The reason phrase; undefined: the registered one. */
  readonly statusText: string | undefined;
}

/** Encodes one response after the other. */
export class ResponseEncoder implements PieceWriter, HeadKey {
  private readonly heads = new HeadWriter();
  private readonly outgoing: Mutable<Omit<OutgoingResponse, "minorVersion">> = {
    statusCode: 200,
    reason: undefined,
    fields: NO_FIELDS,
    body: BODY.byFields,
    requestMethod: "GET",
    requestMinorVersion: 1,
    connection: "keep-alive",
    dateLine: NO_LINES.date,
    keepAliveLine: undefined,
  };
  private readonly templates = new HeadTemplates();
  private template: HeadTemplate | undefined = undefined;
  /** The body, where it is text that is encoded in place. */
  private text = "";
  private isAscii = true;
  private textBytes = 0;
  /** The body, where it is bytes. */
  private bytes: Buffer | undefined = undefined;
  private room = 0;
  isKept = true;
  addedLines: AddedLines = NO_LINES;
  /** How the body behind the head that was written last is sent; see `HeadWriter`. */
  bodyLength: number = BODY.none;
  /** Bytes of that head. */
  headBytes = 0;
  /** Whether that head told the peer that the connection closes. */
  saysClose = false;

  get statusCode(): number {
    return this.outgoing.statusCode;
  }

  get fields(): FieldInput {
    return this.outgoing.fields;
  }

  get reason(): string | undefined {
    return this.outgoing.reason;
  }

  /** Begins a response. `added`: Date and the like. `isKept`: the connection stays behind it. */
  begin(
    traits: ResponseTraits,
    statusCode: number,
    fields: FieldInput,
    added: AddedLines,
    isKept: boolean,
  ): void {
    const { outgoing } = this;
    const { minorVersion } = traits;
    outgoing.statusCode = statusCode;
    outgoing.reason = traits.statusText;
    outgoing.fields = trueFields(fields, statusCode, minorVersion, isKept);
    outgoing.requestMethod = traits.method;
    outgoing.requestMinorVersion = minorVersion;
    outgoing.dateLine = added.date;
    outgoing.keepAliveLine = added.keepAlive;
    this.addedLines = added;
    outgoing.connection = isKept ? "keep-alive" : "close";
    this.isKept = isKept;
    this.text = "";
    this.textBytes = 0;
    this.bytes = undefined;
    this.template = undefined;
  }

  /**
   * Takes the whole body. Responses that can't have one (204, 205) lose it. Throws `INVALID_ARGUMENT`
   * for what is no data.
   */
  setBody(body: Data | undefined): void {
    const { outgoing } = this;
    const { statusCode } = outgoing;
    if (typeof body === "string") this.setText(body);
    else if (body !== undefined) this.bytes = bytesOf(body);
    if (body === undefined || statusCode === 204) outgoing.body = BODY.none;
    else outgoing.body = this.bytes?.length ?? this.textBytes;
    if (statusCode === 204 || statusCode === 205) this.forgetBody();
    if (this.mayHaveTemplate()) this.template = this.templates.find(this) ?? this.newTemplate();
  }

  private setText(text: string): void {
    this.isAscii = isShortAscii(text);
    const textBytes = this.isAscii ? text.length : Buffer.byteLength(text);
    if (textBytes > INLINE_BYTES) {
      this.bytes = Buffer.from(text);
      return;
    }
    this.text = text;
    this.textBytes = textBytes;
  }

  private forgetBody(): void {
    const { outgoing } = this;
    if (outgoing.body > 0) outgoing.body = 0;
    this.text = "";
    this.textBytes = 0;
    this.bytes = undefined;
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
      // Invalid fields are refused, and reported, where they are written.
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

  /** Sends what was begun. Throws `INVALID_ARGUMENT`; then nothing was. */
  sendTo(target: PieceTarget): SendResult {
    const bodyBytes = this.inlineBytes;
    let result = target.write(this, this.reserve(HEAD_BYTES + bodyBytes));
    result ??= target.write(this, this.reserve(LARGE_HEAD_BYTES + bodyBytes));
    result ??= target.sendBytes(this.toHead());
    const rest = this.takeRestOfBody();
    return rest === undefined ? result : target.sendBytes(rest);
  }

  private reserve(byteCount: number): number {
    this.room = byteCount;
    return byteCount;
  }

  /** The head, and the body if that is small, in memory of their own. */
  private toHead(): Buffer {
    for (let size = HEAD_BYTES + this.inlineBytes; ; size *= 2) {
      const target = Buffer.allocUnsafe(this.reserve(size));
      const end = this.writePiece(target, 0);
      if (end !== NO_ROOM) return target.subarray(0, end);
    }
  }

  writePiece(target: Buffer, offset: number): number {
    const headEnd = this.writeHead(target, offset);
    if (headEnd === NO_ROOM) return NO_ROOM;
    this.headBytes = headEnd - offset;
    const bodyBytes = this.bodyLength > 0 ? this.inlineBytes : 0;
    if (headEnd + bodyBytes - offset > this.room) return NO_ROOM;
    if (bodyBytes === 0) return headEnd;
    const { text, bytes } = this;
    if (bytes !== undefined) target.set(bytes, headEnd);
    else if (!this.isAscii) target.write(text, headEnd, bodyBytes, "utf8");
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

  private get inlineBytes(): number {
    if (this.bytes === undefined) return this.textBytes;
    return this.bytes.length <= INLINE_BYTES ? this.bytes.length : 0;
  }

  /** What of the body is not sent with the head. */
  private takeRestOfBody(): Buffer | undefined {
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
