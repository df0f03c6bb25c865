import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERROR_CODES, NetError } from "#src/errors.js";
import { createLimits, DEFAULT_LIMITS } from "#src/protocol/http1/limits.js";
import {
  createParseError,
  FAULT,
  type FaultName,
  faultName,
  statusOfError,
} from "#src/protocol/http1/parse-fault.js";
import { readRequest, readResponse } from "../../support/http1-recorder.js";

const H = "Host: a\r\n";
const GET = `GET / HTTP/1.1\r\n${H}`;
const CHUNKED = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`;
const OK = "HTTP/1.1 200 \r\n";

/** A stream that brings each fault about. Those that begin with HTTP are responses to a GET. */
const EXAMPLES: Readonly<Record<FaultName, string>> = {
  tooManyEmptyLines: "\r\n\r\n",
  bareCr: "\r\r",
  bareLf: "\n",
  method: "G@T",
  methodTooLong: "G".repeat(9000),
  targetCharacter: "GET /\x7f",
  targetForm: `GET a HTTP/1.1\r\n${H}\r\n`,
  versionSyntax: "GET / HTTP/x",
  versionUnsupported: "GET / HTTP/2.0",
  statusCode: "HTTP/1.1 0",
  reason: "HTTP/1.1 200 \0",
  lineTooLong: `GET /${"a".repeat(9000)}`,
  fieldFolded: `${GET} a`,
  fieldNameEmpty: `${GET}:`,
  fieldNameSpace: `${GET}a :`,
  fieldName: `${GET}a@`,
  fieldValue: `${GET}a: \0`,
  headTooLarge: `${GET}a: ${"b".repeat(20_000)}`,
  tooManyHeaders: `${GET}${"a: b\r\n".repeat(100)}\r\n`,
  hostMissing: "GET / HTTP/1.1\r\n\r\n",
  hostRepeated: `${GET}${H}\r\n`,
  hostSyntax: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
  lengthRepeated: `${GET}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`,
  lengthSyntax: `${GET}Content-Length: x\r\n\r\n`,
  bothLengths: `${GET}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
  codingSyntax: `${GET}Transfer-Encoding: ,\r\n\r\n`,
  codingNotLast: `${GET}Transfer-Encoding: gzip\r\n\r\n`,
  codingUnknown: `${GET}Transfer-Encoding: gzip, chunked\r\n\r\n`,
  codingInOldVersion: "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
  connectBody: `CONNECT a:1 HTTP/1.1\r\n${H}Content-Length: 1\r\n\r\n`,
  bodyTooLarge: `${CHUNKED}1fffffffffffff\r\n`,
  chunkSize: `${CHUNKED}x`,
  chunkSizeRange: `${CHUNKED}${"f".repeat(14)}`,
  chunkExtension: `${CHUNKED}1;=`,
  chunkExtensionsTooLong: `${CHUNKED}1;${"a".repeat(5000)}`,
  chunkEnd: `${CHUNKED}1\r\nab`,
  trailerField: `${CHUNKED}0\r\n${H}\r\n`,
  trailersTooLarge: `${CHUNKED}0\r\na: ${"b".repeat(9000)}`,
  tooManyTrailers: `${CHUNKED}0\r\n${"a: b\r\n".repeat(33)}`,
  unexpectedResponse: `${OK}Content-Length: 0\r\n\r\n${OK}`,
  unexpectedSwitch: "HTTP/1.1 101 \r\n\r\n",
  tooManyInterim: "HTTP/1.1 103 \r\n\r\n".repeat(33),
  afterLast: `${GET}Connection: close\r\n\r\nG`,
  truncated: "GET",
};

const limits = createLimits({ maxBodyBytes: Number.MAX_SAFE_INTEGER - 1 });
const NAMES = Object.keys(FAULT) as FaultName[];

describe("faults", () => {
  it("are numbers below 0, each with its name", () => {
    for (const name of NAMES) {
      assert.ok(FAULT[name] < 0);
      assert.equal(faultName(FAULT[name]), name);
    }
    assert.equal(new Set(Object.values(FAULT)).size, NAMES.length);
  });

  it("become errors of the codes of this protocol, with a sentence of their own", () => {
    const errors = NAMES.map((name) => createParseError(FAULT[name], "request", DEFAULT_LIMITS));

    for (const { code, message } of errors) {
      assert.ok(code.startsWith("HTTP_") && code in ERROR_CODES);
      assert.match(message, /^request refused: ./);
    }
    assert.equal(new Set(errors.map(({ message }) => message)).size, NAMES.length);
  });

  for (const name of NAMES) {
    it(`have an example: ${name}`, () => {
      const text = EXAMPLES[name];

      const { fault } = text.startsWith("HTTP")
        ? readResponse(text)
        : readRequest(text, { limits });

      assert.equal(fault, name);
    });
  }

  for (const [code, status] of [
    ["HTTP_MALFORMED", 400],
    ["HTTP_TRUNCATED", 400],
    ["HTTP_BODY_TOO_LARGE", 413],
    ["HTTP_LINE_TOO_LONG", 414],
    ["HTTP_METHOD_TOO_LONG", 501],
    ["HTTP_HEAD_TOO_LARGE", 431],
    ["HTTP_CODING_UNSUPPORTED", 501],
    ["HTTP_INTERIM_LIMIT", 502],
    ["HTTP_VERSION_UNSUPPORTED", 505],
    ["CONNECTION_RESET", 400],
  ] as const) {
    it(`are answered with ${status} when they are ${code}`, () => {
      assert.equal(statusOfError(new NetError(code)), status);
    });
  }
});
