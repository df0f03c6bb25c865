/**
 * Where the parser and Node's own make different things of the same bytes, with an example each.
 * `src/protocol/http1/differences-to-node.md` has a row for each, with the RFC section that says why.
 */
import type { FaultName } from "#src/protocol/http1/parse-fault.js";
import type { Direction } from "./http1-corpus.js";

/** One difference. */
export interface Difference {
  /** First column of its row there. */
  readonly what: string;
  readonly direction: Direction;
  /** What this parser refuses the example with; undefined where it takes it. */
  readonly ours: FaultName | undefined;
  /** How Node's error begins; undefined where it takes the example. */
  readonly node: string | undefined;
  readonly text: string;
  /** Requests that the responses answer. */
  readonly methods?: readonly string[];
}

const H = "Host: a\r\n";
const GET = `GET / HTTP/1.1\r\n${H}\r\n`;
const POST = `POST / HTTP/1.1\r\n${H}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const ASK = "Connection: upgrade\r\nUpgrade: x\r\n";
const OK = "HTTP/1.1 200 OK\r\n";
const EMPTY_OK = `${OK}Content-Length: 0\r\n\r\n`;

type Row = readonly [what: string, text: string, ours: FaultName, methods?: readonly string[]];

const STRICTER_REQUESTS: readonly Row[] = [
  ["several spaces before the target", `GET  / HTTP/1.1\r\n${H}\r\n`, "targetCharacter"],
  ["several spaces behind the target", `GET /  HTTP/1.1\r\n${H}\r\n`, "versionSyntax"],
  ["a request line without version", "GET /\r\n\r\n", "targetCharacter"],
  ["RTSP or ICE in place of HTTP", `OPTIONS / RTSP/1.0\r\n${H}\r\n`, "versionSyntax"],
  ["a request of HTTP/0.9 or HTTP/2.0", `GET / HTTP/2.0\r\n${H}\r\n`, "versionUnsupported"],
  ["# in a target", `GET /#a HTTP/1.1\r\n${H}\r\n`, "targetCharacter"],
  ["a target in a form the method has not", `GET * HTTP/1.1\r\n${H}\r\n`, "targetForm"],
  ["user information in a target", `GET http://u@a/ HTTP/1.1\r\n${H}\r\n`, "targetForm"],
  ["an absolute target without host", `GET http:///x HTTP/1.1\r\n${H}\r\n`, "targetForm"],
  ["CONNECT without port", `CONNECT a HTTP/1.1\r\n${H}\r\n`, "targetForm"],
  ["no Host in HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", "hostMissing"],
  ["two Hosts", `GET / HTTP/1.1\r\n${H}${H}\r\n`, "hostRepeated"],
  ["a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "hostSyntax"],
  ["several empty lines before a request", `\r\n\r\n${GET}`, "tooManyEmptyLines"],
  ["an empty line of LF alone", `\n${GET}`, "bareLf"],
  ["an empty line of CR alone", `\r${GET}`, "bareCr"],
  ["CONNECT with content", `CONNECT a:1 HTTP/1.1\r\n${H}Content-Length: 1\r\n\r\nx`, "connectBody"],
  [
    "a coding before chunked",
    `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    "codingUnknown",
  ],
  ["an empty coding", `${POST}Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n`, "codingSyntax"],
  [
    "Transfer-Encoding in HTTP/1.0",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "codingInOldVersion",
  ],
  ["a chunk size of more than 16 digits", `${CHUNKED}${"0".repeat(17)}\r\n\r\n`, "chunkSizeRange"],
  ["an extension with = and no value", `${CHUNKED}1;a=\r\nx\r\n0\r\n\r\n`, "chunkExtension"],
  ["a trailer that frames or routes", `${CHUNKED}0\r\nHost: b\r\n\r\n`, "trailerField"],
  ["a start line above 8192 bytes", `GET /${"a".repeat(8192)} HTTP/1.1\r\n${H}\r\n`, "lineTooLong"],
  ["more than 100 fields", `GET / HTTP/1.1\r\n${H}${"a: b\r\n".repeat(100)}\r\n`, "tooManyHeaders"],
  [
    "a request behind Connection: close and HTAB",
    `GET / HTTP/1.1\r\n${H}Connection: close\t\r\n\r\n${GET}`,
    "afterLast",
  ],
];

const STRICTER_RESPONSES: readonly Row[] = [
  ["a response of HTTP/0.9 or HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "versionUnsupported"],
  ["a status code below 100", "HTTP/1.1 099 OK\r\n\r\n", "statusCode"],
  ["a control character in a reason", "HTTP/1.1 200 a\x01b\r\n\r\n", "reason"],
  ["an empty line before a response", `\r\n${EMPTY_OK}`, "versionSyntax"],
  ["a response in a coding but chunked", `${OK}Transfer-Encoding: gzip\r\n\r\nx`, "codingNotLast"],
  [
    "an empty line behind the last response",
    `HTTP/1.0 204 \r\n\r\n\r\n`,
    "afterLast",
    ["GET", "GET"],
  ],
  ["101 that was not asked for", `HTTP/1.1 101 \r\n${ASK}\r\n`, "unexpectedSwitch"],
  ["a response without a request", `${EMPTY_OK}${EMPTY_OK}`, "unexpectedResponse"],
  ["too many responses 1xx", "HTTP/1.1 103 \r\n\r\n".repeat(33) + EMPTY_OK, "tooManyInterim"],
];

const OTHERS: readonly Difference[] = [
  {
    what: "a request of HTTP/1.2 to HTTP/1.9",
    direction: "request",
    ours: undefined,
    node: "HPE_INVALID_VERSION",
    text: `GET / HTTP/1.2\r\n${H}\r\n`,
  },
  {
    what: "a response of HTTP/1.2 to HTTP/1.9",
    direction: "response",
    ours: undefined,
    node: "HPE_INVALID_VERSION",
    text: "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
  },
  {
    what: "1xx that says close, or of HTTP/1.0",
    direction: "response",
    ours: undefined,
    node: "HPE_CLOSED_CONNECTION",
    text: `HTTP/1.1 103 \r\nConnection: close\r\n\r\n${EMPTY_OK}`,
  },
  {
    what: "a method that Node does not know",
    direction: "request",
    ours: undefined,
    node: "HPE_INVALID_METHOD",
    text: `FOO / HTTP/1.1\r\n${H}\r\n`,
  },
  {
    what: "white space before a chunk extension",
    direction: "request",
    ours: undefined,
    node: "HPE_INVALID_CHUNK_SIZE",
    text: `${CHUNKED}1 ;a\r\nx\r\n0\r\n\r\n`,
  },
  {
    what: "white space within a chunk extension",
    direction: "request",
    ours: undefined,
    node: "HPE_STRICT",
    text: `${CHUNKED}1; a = b\r\nx\r\n0\r\n\r\n`,
  },
  {
    what: "HTAB behind a connection option",
    direction: "request",
    ours: undefined,
    node: "HPE_CLOSED_CONNECTION",
    text: `GET / HTTP/1.0\r\nConnection: keep-alive\t\r\n\r\n${GET}`,
  },
  {
    what: "an upgrade behind a body",
    direction: "request",
    ours: undefined,
    node: undefined,
    text: `${POST}${ASK}Content-Length: 3\r\n\r\nabc`,
  },
  {
    what: "Upgrade in HTTP/1.0",
    direction: "request",
    ours: undefined,
    node: undefined,
    text: `GET / HTTP/1.0\r\n${ASK}\r\n`,
  },
  {
    what: "1xx from 104 on with a length",
    direction: "response",
    ours: undefined,
    node: undefined,
    text: `HTTP/1.1 199 \r\nContent-Length: ${EMPTY_OK.length}\r\n\r\n${EMPTY_OK}`,
  },
];

function stricter(direction: Direction, rows: readonly Row[]): Difference[] {
  return rows.map(([what, text, ours, methods]) => ({
    what,
    direction,
    ours,
    node: undefined,
    text,
    ...(methods === undefined ? {} : { methods }),
  }));
}

/** All differences. */
export const DIFFERENCES: readonly Difference[] = [
  ...stricter("request", STRICTER_REQUESTS),
  ...stricter("response", STRICTER_RESPONSES),
  ...OTHERS,
];
