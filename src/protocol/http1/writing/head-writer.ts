/**
 * Writes the heads of requests and responses into a buffer of the caller's. What a strict parser
 * would refuse is refused here with `INVALID_ARGUMENT`, and nothing counts as written: no text that an application
 * passes becomes another field, another message or another length. Hot: no object
 * and no string is made for an ordinary head.
 *
 * How the body is delimited is decided here, once, from what the caller, the fields, the status code,
 * the method and the version say: see `outgoing-framing`.
 */
import { Buffer } from "node:buffer";
import { assertInteger } from "../../../errors.js";
import { FIELD_TEXT, SP, TARGET, TOKEN } from "../character-table.js";
import { CONNECTION_OPTION } from "../connection-options.js";
import { FIELD_KIND } from "../field-kind.js";
import { BODY } from "../head.js";
import { targetFormOf } from "../request-target.js";
import { EncodedFields, type FieldNotes } from "./encoded-fields.js";
import { type FieldInput, FieldWriter } from "./field-writer.js";
import { isBodyless, requestFraming, responseFraming } from "./outgoing-framing.js";
import { STATUS_TEXT, statusLine } from "./status-text.js";
import { NO_ROOM, refused, writeDecimal, writeLineEnd, writeText } from "./text-writer.js";

/** A request to be sent. */
export interface OutgoingRequest {
  /** A token; methods are case-sensitive. */
  readonly method: string;
  /** Visible ASCII without "#", in a form that the method allows; nothing is encoded. */
  readonly target: string;
  readonly fields?: FieldInput;
  /** Written as the first field, Host. An HTTP/1.1 request has this or a Host among its fields. */
  readonly host?: string;
  /** Bytes of the body, or one of `BODY`. Default `BODY.byFields`. */
  readonly body?: number;
  /** Either is added unless the fields say so; "keep-alive", too, where they say "close". */
  readonly connection?: "close" | "keep-alive";
  /** Default 1: HTTP/1.1. */
  readonly minorVersion?: 0 | 1;
}

/** A response to be sent. */
export interface OutgoingResponse {
  /** 100…999. */
  readonly statusCode: number;
  /** Latin-1 text. Default: the registered phrase. */
  readonly reason?: string | undefined;
  readonly fields?: FieldInput;
  /** Bytes of the body, or one of `BODY`. Default `BODY.byFields`. */
  readonly body?: number;
  /** Method of the request; HEAD and CONNECT change what is sent. Default "GET". */
  readonly requestMethod?: string;
  /** Minor version of the request: 0 gets no chunks. Default 1. */
  readonly requestMinorVersion?: 0 | 1;
  /** Either is added unless the fields say so; "keep-alive", too, where they say "close". */
  readonly connection?: "close" | "keep-alive";
  /** A Keep-Alive line; left out where the fields have one, and where the connection closes. */
  readonly keepAliveLine?: Uint8Array | undefined;
  /** A Date line as `createDateLine` makes it; left out where the fields have a Date. */
  readonly dateLine?: Uint8Array;
  /** Minor version in the status line. Default 1: a server says what it speaks itself. */
  readonly minorVersion?: 0 | 1;
}

const METHOD = { table: TOKEN, what: "the method must be a token" };
const TARGET_RULE = { table: TARGET, what: "the target must be visible ASCII without #" };
const REASON = {
  table: FIELD_TEXT,
  what: "the reason phrase must be Latin-1 text without control characters",
};
const ANY = { table: FIELD_TEXT, what: "text" };

const CHUNKED_LINE = Buffer.from("Transfer-Encoding: chunked\r\n");
const CLOSE_LINE = Buffer.from("Connection: close\r\n");
const KEEP_ALIVE_LINE = Buffer.from("Connection: keep-alive\r\n");
const END_LINE = Buffer.from("\r\n");
const LENGTH_NAME = "Content-Length: ";
/** What a length line, a start line and a Host line have besides the caller's text, at most. */
const OVERHEAD_BYTES = 40;
const FIRST_TRY_BYTES = 1024;

/**
 * Writes heads, one after the other. Fields are read while they are written: a getter or an iterator
 * among them must not use the same writer.
 */
export class HeadWriter {
  /** How the body behind the head that was written last is sent: bytes, or one of `BODY`. */
  bodyLength: number = BODY.none;
  /** Whether that head told the peer that the connection closes. */
  saysClose = false;
  private readonly fields = new FieldWriter();

  /** What the fields say of the head that was written last. */
  get notes(): FieldNotes {
    return this.fields.notes;
  }

  /**
   * Writes the head of a request into `target` at `offset`. Returns the offset behind it, or
   * {@link NO_ROOM}. Throws `INVALID_ARGUMENT`; then, too, nothing counts as written.
   */
  writeRequest(target: Uint8Array, offset: number, request: OutgoingRequest): number {
    const { method, fields, host, body = BODY.byFields, connection, minorVersion = 1 } = request;
    const writer = this.fields;
    writer.begin(target, offset);
    if (!this.writeRequestLine(method, request.target, minorVersion)) return NO_ROOM;
    if (host !== undefined && !writer.write("Host", host)) return NO_ROOM;
    if (fields !== undefined && !writer.writeAll(fields)) return NO_ROOM;
    const { notes } = writer;
    if (minorVersion === 1 && !notes.has(FIELD_KIND.host)) {
      throw refused("an HTTP/1.1 request must have a Host (RFC 9112 §3.2)", host);
    }
    const announced = requestFraming(method, body, minorVersion, notes);
    this.bodyLength = announced;
    return this.finish(announced, connection);
  }

  /** The same for a response. */
  writeResponse(target: Uint8Array, offset: number, response: OutgoingResponse): number {
    const { statusCode, fields, dateLine, connection } = response;
    const { body = BODY.byFields, requestMethod = "GET", minorVersion = 1 } = response;
    const writer = this.fields;
    writer.begin(target, offset);
    if (!this.writeStatusLine(statusCode, response.reason, minorVersion)) return NO_ROOM;
    if (fields !== undefined && !writer.writeAll(fields)) return NO_ROOM;
    const { notes } = writer;
    if (dateLine !== undefined && !notes.hasDate && !writer.writeOctets(dateLine)) return NO_ROOM;
    const allowsChunks = minorVersion === 1 && response.requestMinorVersion !== 0;
    const announced = responseFraming({ statusCode, requestMethod, body, allowsChunks }, notes);
    this.bodyLength = isBodyless(statusCode, requestMethod) ? BODY.none : announced;
    return this.finish(announced, connection, response.keepAliveLine);
  }

  private writeRequestLine(method: string, target: string, minorVersion: 0 | 1): boolean {
    const writer = this.fields;
    if (typeof method !== "string" || method.length === 0) throw refused(METHOD.what, method);
    if (typeof target !== "string" || target.length === 0) throw refused(TARGET_RULE.what, target);
    if (!writer.hasRoom(method.length + target.length + OVERHEAD_BYTES)) return false;
    const octets = writer.target;
    const methodEnd = writeText(octets, writer.offset, method, METHOD);
    octets[methodEnd] = SP;
    const targetEnd = writeText(octets, methodEnd + 1, target, TARGET_RULE);
    if (targetFormOf(octets, methodEnd + 1, targetEnd, method) === undefined) {
      throw refused(`the target must have a form that ${method} allows (RFC 9112 §3.2)`, target);
    }
    const version = minorVersion === 1 ? " HTTP/1.1" : " HTTP/1.0";
    writer.offset = writeLineEnd(octets, writeText(octets, targetEnd, version, ANY));
    return true;
  }

  private writeStatusLine(statusCode: number, reason: string | undefined, minor: 0 | 1): boolean {
    const writer = this.fields;
    assertInteger("statusCode", statusCode, 100, 999);
    if (reason === undefined && minor === 1) return writer.writeOctets(statusLine(statusCode));
    const text = reason ?? STATUS_TEXT[statusCode] ?? "";
    if (typeof text !== "string") throw refused(REASON.what, text);
    if (!writer.hasRoom(text.length + OVERHEAD_BYTES)) return false;
    const octets = writer.target;
    let end = writeText(octets, writer.offset, minor === 1 ? "HTTP/1.1 " : "HTTP/1.0 ", ANY);
    end = writeDecimal(octets, end, statusCode);
    octets[end] = SP;
    writer.offset = writeLineEnd(octets, writeText(octets, end + 1, text, REASON));
    return true;
  }

  /** Writes what the head announces, as far as the fields don't, and its end. */
  private finish(
    announced: number,
    connection: "close" | "keep-alive" | undefined,
    keepAliveLine?: Uint8Array,
  ): number {
    const writer = this.fields;
    const { notes } = writer;
    const { connectionOptions } = notes;
    const closes = connection === "close" || announced === BODY.untilClose;
    const saidClose = (connectionOptions & CONNECTION_OPTION.close) !== 0;
    this.saysClose = closes || saidClose;
    if (closes && connection === "keep-alive") {
      throw refused("a body until close ends the connection", "one that is kept alive");
    }
    if (closes && !saidClose && !writer.writeOctets(CLOSE_LINE)) return NO_ROOM;
    if (connection === "keep-alive" && !saidClose) {
      const isMissing = keepAliveLine !== undefined && !notes.hasKeepAlive;
      if (isMissing && !writer.writeOctets(keepAliveLine)) return NO_ROOM;
      const saidStay = (connectionOptions & CONNECTION_OPTION.keepAlive) !== 0;
      if (!saidStay && !writer.writeOctets(KEEP_ALIVE_LINE)) return NO_ROOM;
    }
    if (announced === BODY.chunked && !notes.has(FIELD_KIND.transferEncoding)) {
      if (!writer.writeOctets(CHUNKED_LINE)) return NO_ROOM;
    } else if (announced >= 0 && notes.contentLength < 0) {
      if (!writer.hasRoom(OVERHEAD_BYTES)) return NO_ROOM;
      const end = writeText(writer.target, writer.offset, LENGTH_NAME, ANY);
      writer.offset = writeLineEnd(writer.target, writeDecimal(writer.target, end, announced));
    }
    return writer.writeOctets(END_LINE) ? writer.offset : NO_ROOM;
  }
}

/** Checks fields that are sent often and makes them into bytes. Throws `INVALID_ARGUMENT`. */
export function encodeFields(fields: FieldInput): EncodedFields {
  const writer = new FieldWriter();
  for (let size = FIRST_TRY_BYTES; ; size *= 2) {
    const target = Buffer.alloc(size);
    writer.begin(target, 0);
    if (!writer.writeAll(fields)) continue;
    return new EncodedFields(target.subarray(0, writer.offset), writer.notes);
  }
}
