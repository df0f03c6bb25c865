/**
 * All that can be wrong with what a peer sends. Inside the parser a fault is a negative number, so
 * that looking for it costs no more than a comparison; where it leaves the parser it becomes a
 * NetError with one of few codes. The table is the single list of what is refused, and why.
 */
import { NetError, type NetErrorCode } from "../../errors.js";
import type { Http1Limits } from "./limits.js";

const STATUS = {
  HTTP_MALFORMED: 400,
  HTTP_TRUNCATED: 400,
  HTTP_VERSION_UNSUPPORTED: 505,
  HTTP_CODING_UNSUPPORTED: 501,
  HTTP_LINE_TOO_LONG: 414,
  HTTP_METHOD_TOO_LONG: 501,
  HTTP_HEAD_TOO_LARGE: 431,
  HTTP_BODY_TOO_LARGE: 413,
  HTTP_INTERIM_LIMIT: 502,
} as const;

/** Codes of the errors that a parser reports. */
export type HttpErrorCode = keyof typeof STATUS;

/** The status code of the response to a request that ended in this error. */
export function statusOfError(error: NetError): number {
  return (STATUS as Partial<Record<NetErrorCode, number>>)[error.code] ?? 400;
}

type Row = readonly [code: HttpErrorCode, text: string, limit?: keyof Http1Limits];

const ROWS = {
  tooManyEmptyLines: ["HTTP_MALFORMED", "too many empty lines before it", "maxLeadingEmptyLines"],
  bareCr: ["HTTP_MALFORMED", "a CR without LF (RFC 9112 §2.2)"],
  bareLf: ["HTTP_MALFORMED", "a line that ends in LF without CR (RFC 9112 §2.2)"],

  method: ["HTTP_MALFORMED", "the method is not a token (RFC 9112 §3.1)"],
  methodTooLong: ["HTTP_METHOD_TOO_LONG", "the method is too long", "maxStartLineBytes"],
  targetCharacter: [
    "HTTP_MALFORMED",
    "a character in the target that is not allowed there (RFC 9112 §3.2)",
  ],
  targetForm: ["HTTP_MALFORMED", "the method does not allow a target of this form (RFC 9112 §3.2)"],
  versionSyntax: ["HTTP_MALFORMED", "the protocol version is malformed (RFC 9112 §2.3)"],
  versionUnsupported: ["HTTP_VERSION_UNSUPPORTED", "the protocol version is not HTTP/1.x"],
  statusCode: ["HTTP_MALFORMED", "the status code is not 100 to 999 (RFC 9112 §4)"],
  reason: ["HTTP_MALFORMED", "a control character in the reason phrase (RFC 9112 §4)"],
  lineTooLong: ["HTTP_LINE_TOO_LONG", "the start line is too long", "maxStartLineBytes"],

  fieldFolded: ["HTTP_MALFORMED", "a line that begins with white space (RFC 9112 §2.2, §5.2)"],
  fieldNameEmpty: ["HTTP_MALFORMED", "a field without name (RFC 9112 §5)"],
  fieldNameSpace: ["HTTP_MALFORMED", "white space between name and colon (RFC 9112 §5.1)"],
  fieldName: ["HTTP_MALFORMED", "a field name that is not a token (RFC 9110 §5.1)"],
  fieldValue: ["HTTP_MALFORMED", "a control character in a field value (RFC 9110 §5.5)"],
  headTooLarge: ["HTTP_HEAD_TOO_LARGE", "the head is too large", "maxHeadBytes"],
  tooManyHeaders: ["HTTP_HEAD_TOO_LARGE", "the head has too many fields", "maxHeaderCount"],

  hostMissing: ["HTTP_MALFORMED", "an HTTP/1.1 request without Host (RFC 9112 §3.2)"],
  hostRepeated: ["HTTP_MALFORMED", "more than one Host (RFC 9112 §3.2)"],
  hostSyntax: ["HTTP_MALFORMED", "Host is not a host with an optional port (RFC 9112 §3.2)"],
  lengthRepeated: ["HTTP_MALFORMED", "more than one Content-Length (RFC 9112 §6.3)"],
  lengthSyntax: ["HTTP_MALFORMED", "Content-Length is not a number up to 2^53 − 1 (RFC 9110 §8.6)"],
  bothLengths: ["HTTP_MALFORMED", "both Content-Length and Transfer-Encoding (RFC 9112 §6.1)"],
  codingSyntax: ["HTTP_MALFORMED", "Transfer-Encoding is malformed (RFC 9112 §6.1)"],
  codingNotLast: ["HTTP_MALFORMED", "chunked is not the last coding, or not once (RFC 9112 §6.3)"],
  codingUnknown: ["HTTP_CODING_UNSUPPORTED", "a transfer coding other than chunked"],
  codingInOldVersion: ["HTTP_MALFORMED", "Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)"],
  connectBody: ["HTTP_MALFORMED", "a CONNECT request with content (RFC 9110 §9.3.6)"],
  bodyTooLarge: ["HTTP_BODY_TOO_LARGE", "the body is too large", "maxBodyBytes"],

  chunkSize: ["HTTP_MALFORMED", "the chunk size is not a hexadecimal number (RFC 9112 §7.1)"],
  chunkSizeRange: ["HTTP_MALFORMED", "the chunk size has over 16 digits or is over 2^53 − 1"],
  chunkExtension: ["HTTP_MALFORMED", "a malformed chunk extension (RFC 9112 §7.1.1)"],
  chunkExtensionsTooLong: [
    "HTTP_BODY_TOO_LARGE",
    "the chunk extensions are too long",
    "maxChunkExtensionBytes",
  ],
  chunkEnd: ["HTTP_MALFORMED", "no CRLF where the chunk ends (RFC 9112 §7.1)"],
  trailerField: [
    "HTTP_MALFORMED",
    "a trailer field that frames or routes messages (RFC 9110 §6.5.1)",
  ],
  trailersTooLarge: ["HTTP_HEAD_TOO_LARGE", "the trailers are too large", "maxTrailerBytes"],
  tooManyTrailers: ["HTTP_HEAD_TOO_LARGE", "too many trailer fields", "maxTrailerCount"],

  unexpectedResponse: ["HTTP_MALFORMED", "a response that belongs to no request"],
  unexpectedSwitch: ["HTTP_MALFORMED", "101 without a request to upgrade (RFC 9110 §15.2.2)"],
  tooManyInterim: ["HTTP_INTERIM_LIMIT", "too many responses 1xx", "maxInterimResponses"],
  afterLast: ["HTTP_MALFORMED", "bytes after the last message of the connection (RFC 9112 §9.6)"],
  truncated: ["HTTP_TRUNCATED", "the peer finished before it was complete (RFC 9112 §8)"],
} as const;

/** Name of a fault. */
export type FaultName = keyof typeof ROWS;

const NAMES = Object.keys(ROWS) as FaultName[];

/** Name → number, below 0. */
export const FAULT: Readonly<Record<FaultName, number>> = Object.freeze(
  Object.fromEntries(NAMES.map((name, index) => [name, -1 - index])) as Record<FaultName, number>,
);

/** The fault a number stands for. */
export function faultName(fault: number): FaultName {
  return NAMES[-1 - fault] as FaultName;
}

/** The error for a fault. `kind`: what was being read, `request` or `response`. */
export function createParseError(fault: number, kind: string, limits: Http1Limits): NetError {
  const [code, text, limit]: Row = ROWS[faultName(fault)];
  const bound = limit === undefined ? "" : ` (${limit} is ${limits[limit]})`;
  return new NetError(code, `${kind} refused: ${text}${bound}`, { operation: "receive" });
}
