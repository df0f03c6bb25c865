import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BODY } from "#src/protocol/http1/head.js";
import type { OutgoingResponse } from "#src/protocol/http1/writing/head-writer.js";
import { writeResponse } from "../../../support/http1-writing.js";
import { netError } from "../../../support/packet-stream.js";

const refused = netError("INVALID_ARGUMENT");

describe("the length that a response announces", () => {
  for (const [what, response, line, bodyLength] of [
    ["bytes", { statusCode: 200, body: 5 }, "Content-Length: 5", 5],
    ["no bytes", { statusCode: 200, body: 0 }, "Content-Length: 0", 0],
    ["none", { statusCode: 200, body: BODY.none }, "Content-Length: 0", 0],
    ["chunks", { statusCode: 200, body: BODY.chunked }, "Transfer-Encoding: chunked", BODY.chunked],
    [
      "until close",
      { statusCode: 200, body: BODY.untilClose },
      "Connection: close",
      BODY.untilClose,
    ],
    ["nothing said", { statusCode: 200 }, "Transfer-Encoding: chunked", BODY.chunked],
    [
      "nothing said, to HTTP/1.0",
      { statusCode: 200, requestMinorVersion: 0 },
      "Connection: close",
      BODY.untilClose,
    ],
    [
      "nothing said, in HTTP/1.0",
      { statusCode: 200, minorVersion: 0 },
      "Connection: close",
      BODY.untilClose,
    ],
    ["a field", { statusCode: 200, fields: { "content-length": 7 } }, "content-length: 7", 7],
    [
      "a field of chunks",
      { statusCode: 200, fields: { "transfer-encoding": "Chunked" } },
      "transfer-encoding: Chunked",
      BODY.chunked,
    ],
    ["205", { statusCode: 205 }, "Content-Length: 0", 0],
    ["HEAD", { statusCode: 200, requestMethod: "HEAD", body: 9 }, "Content-Length: 9", BODY.none],
    [
      "HEAD in chunks",
      { statusCode: 200, requestMethod: "HEAD", body: BODY.chunked },
      "Transfer-Encoding: chunked",
      BODY.none,
    ],
    [
      "HEAD by its fields",
      {
        statusCode: 200,
        requestMethod: "HEAD",
        body: BODY.none,
        fields: { "Content-Length": "9" },
      },
      "Content-Length: 9",
      BODY.none,
    ],
    ["HEAD, nothing said", { statusCode: 200, requestMethod: "HEAD" }, undefined, BODY.none],
    ["304", { statusCode: 304 }, undefined, BODY.none],
    ["304, told", { statusCode: 304, body: 9 }, "Content-Length: 9", BODY.none],
    ["204", { statusCode: 204 }, undefined, BODY.none],
    ["204 without bytes", { statusCode: 204, body: 0 }, undefined, BODY.none],
    ["103", { statusCode: 103 }, undefined, BODY.none],
    ["101", { statusCode: 101, fields: { Upgrade: "x" } }, "Upgrade: x", BODY.none],
    ["a tunnel", { statusCode: 200, requestMethod: "CONNECT" }, undefined, BODY.none],
    ["no tunnel", { statusCode: 407, requestMethod: "CONNECT", body: 2 }, "Content-Length: 2", 2],
  ] as [string, OutgoingResponse, string | undefined, number][]) {
    it(`is right for ${what}`, () => {
      const written = writeResponse(response);

      const lines = written.text.split("\r\n").slice(1, -2);
      assert.deepEqual(lines, line === undefined ? [] : [line]);
      assert.equal(written.bodyLength, bodyLength);
    });
  }

  for (const [what, response] of [
    ["other bytes than the field", { statusCode: 200, body: 5, fields: { "Content-Length": "6" } }],
    [
      "bytes beside chunks",
      { statusCode: 200, body: 5, fields: { "Transfer-Encoding": "chunked" } },
    ],
    [
      "chunks beside bytes",
      { statusCode: 200, body: BODY.chunked, fields: { "Content-Length": 6 } },
    ],
    ["none beside bytes", { statusCode: 200, body: BODY.none, fields: { "Content-Length": 6 } }],
    [
      "none beside chunks",
      { statusCode: 200, body: BODY.none, fields: { "Transfer-Encoding": "chunked" } },
    ],
    [
      "until close beside bytes",
      { statusCode: 200, body: BODY.untilClose, fields: { "Content-Length": 6 } },
    ],
    [
      "both fields",
      { statusCode: 200, fields: { "Content-Length": 6, "transfer-encoding": "chunked" } },
    ],
    [
      "the same field in two spellings",
      { statusCode: 200, fields: { "Content-Length": 6, "content-length": 6 } },
    ],
    ["the same field as a list", { statusCode: 200, fields: { "Content-Length": ["6", "6"] } }],
    ["a coding but chunked", { statusCode: 200, fields: { "Transfer-Encoding": "gzip, chunked" } }],
    ["chunks to HTTP/1.0", { statusCode: 200, body: BODY.chunked, requestMinorVersion: 0 }],
    [
      "a field of chunks to HTTP/1.0",
      { statusCode: 200, fields: { "Transfer-Encoding": "chunked" }, requestMinorVersion: 0 },
    ],
    [
      "chunks to HEAD in HTTP/1.0",
      { statusCode: 200, body: BODY.chunked, requestMethod: "HEAD", requestMinorVersion: 0 },
    ],
    ["until close and kept alive", { statusCode: 200, body: -3, connection: "keep-alive" }],
    ["bytes with 204", { statusCode: 204, body: 1 }],
    ["a field with 204", { statusCode: 204, fields: { "Content-Length": 0 } }],
    ["chunks with 103", { statusCode: 103, body: BODY.chunked }],
    ["a field with 103", { statusCode: 103, fields: { "Transfer-Encoding": "chunked" } }],
    ["bytes with 205", { statusCode: 205, body: 1 }],
    ["a field with 205", { statusCode: 205, fields: { "Content-Length": 1 } }],
    ["a length in a tunnel", { statusCode: 200, requestMethod: "CONNECT", body: 1 }],
    ["a fraction", { statusCode: 200, body: 1.5 }],
    ["another number below 0", { statusCode: 200, body: -5 }],
    ["2^53", { statusCode: 200, body: 2 ** 53 }],
    ["a list in the field", { statusCode: 200, fields: { "Content-Length": "6, 6" } }],
    ["a sign in the field", { statusCode: 200, fields: { "Content-Length": "+6" } }],
    ["a negative field", { statusCode: 200, fields: { "Content-Length": -6 } }],
  ] as [string, OutgoingResponse][]) {
    it(`is refused for ${what}`, () => {
      assert.throws(() => writeResponse(response), refused);
    });
  }
});
