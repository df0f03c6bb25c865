/**
 * How a message to be sent is delimited (RFC 9112 §6): what the caller says of the body and what the
 * fields say must be one and the same, and what the status code, the method and the version allow.
 * Everything else throws `INVALID_ARGUMENT`.
 *
 * The result is what the head announces: a length, or one of `BODY`. Whether that body is sent is
 * another matter: see {@link isBodyless}.
 */
import { assertInteger, invalidArgument, type NetError } from "../../../errors.js";
import { FIELD_KIND } from "../field-kind.js";
import { BODY } from "../head.js";
import type { FieldNotes } from "./encoded-fields.js";
import { refused } from "./text-writer.js";

/** What decides on the framing of a response, besides its fields. */
export interface ResponseTraits {
  readonly statusCode: number;
  /** Method of the request that it is the response to. */
  readonly requestMethod: string;
  /** Bytes of the body, or one of `BODY`. */
  readonly body: number;
  /** Both sides speak HTTP/1.1. */
  readonly allowsChunks: boolean;
}

/** Whether no body bytes follow such a response, whatever its fields say (RFC 9112 §6.3). */
export function isBodyless(statusCode: number, requestMethod: string): boolean {
  return requestMethod === "HEAD" || statusCode === 304 || hasNoFraming(statusCode, requestMethod);
}

/** What the head of a response announces. */
export function responseFraming(traits: ResponseTraits, notes: FieldNotes): number {
  const { statusCode, requestMethod, allowsChunks } = traits;
  const bodyless = isBodyless(statusCode, requestMethod);
  // A response without body may have the fields that the one with body would have.
  const body = bodyless && traits.body === BODY.none ? BODY.byFields : traits.body;
  const streaming = allowsChunks ? BODY.chunked : BODY.untilClose;
  const announced = merge(body, notes, bodyless ? BODY.none : streaming);
  if (hasNoFraming(statusCode, requestMethod)) {
    if (hasLength(notes) || announced > 0 || announced < BODY.none) {
      throw refused("a response 1xx, 204 or 2xx to CONNECT has no body and no length", announced);
    }
    return BODY.none;
  }
  if (announced === BODY.chunked && !allowsChunks) throw refusedInOldVersion();
  if (bodyless) return announced;
  if (announced === BODY.none) {
    if (notes.contentLength > 0) throw refusedConflict(announced, notes);
    return 0;
  }
  if (statusCode === 205 && announced !== 0) {
    // Whether a stream will be empty is not known yet.
    if (body !== BODY.byFields || hasLength(notes)) throw refused("205 has no body", announced);
    return 0;
  }
  return announced;
}

/** What the head of a request announces. `minorVersion`: of the request. */
export function requestFraming(
  method: string,
  body: number,
  minorVersion: 0 | 1,
  notes: FieldNotes,
): number {
  const announced = merge(body, notes, BODY.none);
  if (announced === BODY.untilClose) {
    throw refused("the body of a request has a length or comes in chunks", "until close");
  }
  if (announced === BODY.chunked && minorVersion === 0) throw refusedInOldVersion();
  if (announced === BODY.none && notes.contentLength > 0) throw refusedConflict(announced, notes);
  const hasContent = announced > 0 || announced === BODY.chunked;
  if (hasContent && (method === "CONNECT" || method === "TRACE")) {
    throw refused("CONNECT and TRACE have no body (RFC 9110 §9.3.6, §9.3.8)", announced);
  }
  return announced;
}

/** Responses that must have neither Content-Length nor Transfer-Encoding (RFC 9110 §8.6). */
function hasNoFraming(statusCode: number, requestMethod: string): boolean {
  if (statusCode < 200 || statusCode === 204) return true;
  return requestMethod === "CONNECT" && statusCode < 300;
}

function hasLength(notes: FieldNotes): boolean {
  return notes.contentLength >= 0 || notes.has(FIELD_KIND.transferEncoding);
}

function refusedConflict(body: number, { contentLength }: FieldNotes): NetError {
  const given = contentLength >= 0 ? `Content-Length (${contentLength})` : "Transfer-Encoding";
  const found = body >= 0 ? `a body of ${body} bytes` : (BODY_TEXT[body] ?? "no body");
  return invalidArgument(`${given} is not true of ${found}`, { operation: "send" });
}

const BODY_TEXT: Readonly<Record<number, string>> = {
  [BODY.chunked]: "a body in chunks",
  [BODY.untilClose]: "a body until the connection closes",
};

function refusedInOldVersion(): NetError {
  return refused("chunks are for peers that speak HTTP/1.1", "for HTTP/1.0");
}

/** Brings together what the caller and what the fields say. `fallback`: where neither says it. */
function merge(body: number, notes: FieldNotes, fallback: number): number {
  const { contentLength } = notes;
  const isChunked = notes.has(FIELD_KIND.transferEncoding);
  if (isChunked && contentLength >= 0) {
    throw refused("a message has Content-Length or Transfer-Encoding", "both");
  }
  const byFields = isChunked ? BODY.chunked : contentLength >= 0 ? contentLength : fallback;
  if (body === BODY.byFields) return byFields;
  if (body === BODY.none && !isChunked) return contentLength === 0 ? 0 : BODY.none;
  assertInteger("body", body, BODY.untilClose, Number.MAX_SAFE_INTEGER);
  if (hasLength(notes) && body !== byFields) throw refusedConflict(body, notes);
  return body;
}
