import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BODY } from "#src/protocol/http1/head.js";
import { createDateLine } from "#src/protocol/http1/writing/date-line.js";
import {
  encodeFields,
  type OutgoingRequest,
  type OutgoingResponse,
} from "#src/protocol/http1/writing/head-writer.js";
import { STATUS_TEXT } from "#src/protocol/http1/writing/status-text.js";
import { latin1, readRequest, readResponse } from "../../../support/http1-recorder.js";
import { writeRequest, writeResponse } from "../../../support/http1-writing.js";
import { netError } from "../../../support/packet-stream.js";

const refused = netError("INVALID_ARGUMENT");

describe("writing the head of a response", () => {
  it("writes status line, fields, Date, Connection and length", () => {
    const { text } = writeResponse({
      statusCode: 200,
      fields: { "Content-Type": "text/plain", "X-Many": ["1", "2"], "X-Number": 5 },
      body: 13,
      connection: "keep-alive",
      dateLine: createDateLine(784_111_777_000),
    });

    assert.equal(
      text,
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Many: 1\r\nX-Many: 2\r\nX-Number: 5\r\n" +
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: keep-alive\r\n" +
        "Content-Length: 13\r\n\r\n",
    );
  });

  it("takes fields as an object, as pairs, as a Map, as Headers, as received ones, encoded", () => {
    const pairs: [string, string][] = [
      ["a", "1"],
      ["b", "2"],
    ];
    const { fields: received } = readRequest("GET / HTTP/1.0\r\na: 1\r\nb: 2\r\n\r\n").messages[0]!;

    for (const fields of [
      { a: "1", b: "2" },
      pairs,
      new Map(pairs),
      new Headers(pairs),
      received.map((line) => line.split(": ") as [string, string]),
      encodeFields(pairs),
    ]) {
      const { text } = writeResponse({ statusCode: 204, fields });
      assert.equal(text, "HTTP/1.1 204 No Content\r\na: 1\r\nb: 2\r\n\r\n");
    }
  });

  it("writes other reasons, unknown codes and HTTP/1.0", () => {
    const lines = [
      { statusCode: 204, reason: "Nix\xe9" },
      { statusCode: 204, reason: "" },
      { statusCode: 299, body: 0 },
      { statusCode: 304, minorVersion: 0 },
    ] satisfies OutgoingResponse[];

    assert.deepEqual(
      lines.map((response) => writeResponse(response).text.split("\r\n")[0]),
      ["HTTP/1.1 204 Nix\xe9", "HTTP/1.1 204 ", "HTTP/1.1 299 ", "HTTP/1.0 304 Not Modified"],
    );
  });

  it("has a reason for each registered code, and the parser reads it", () => {
    for (const [code, reason] of Object.entries(STATUS_TEXT)) {
      const statusCode = Number(code);
      const upgrade = statusCode === 101 ? ["GET+"] : ["GET"];

      const { text } = writeResponse({ statusCode, body: BODY.none });
      const seen = readResponse(text, { methods: upgrade });

      assert.equal(seen.fault, undefined);
      assert.equal(seen.messages[0]?.startLine, `HTTP/1.1 ${code} ${reason}`);
    }
  });

  it("adds neither Date nor Connection nor a length that is there already, in any case", () => {
    const { text } = writeResponse({
      statusCode: 200,
      fields: { DATE: "x", connection: "Keep-Alive", "content-length": "3" },
      body: 3,
      connection: "keep-alive",
      dateLine: createDateLine(0),
    });

    assert.equal(
      text,
      "HTTP/1.1 200 OK\r\nDATE: x\r\nconnection: Keep-Alive\r\ncontent-length: 3\r\n\r\n",
    );
  });

  it("says that the connection closes, once", () => {
    const ours = writeResponse({ statusCode: 204, connection: "close" });
    const theirs = writeResponse({
      statusCode: 204,
      connection: "close",
      fields: { Connection: "x, Close" },
    });
    const both = writeResponse({
      statusCode: 204,
      fields: { Connection: "x" },
      connection: "close",
    });
    const none = writeResponse({ statusCode: 204 });

    assert.match(ours.text, /\r\nConnection: close\r\n\r\n$/);
    assert.equal(theirs.text.match(/close/gi)?.length, 1);
    assert.match(both.text, /Connection: x\r\nConnection: close\r\n/);
    assert.deepEqual(
      [ours, theirs, both, none].map(({ saysClose }) => saysClose),
      [true, true, true, false],
    );
  });
});

describe("writing the head of a request", () => {
  it("writes request line, Host, fields and length", () => {
    const { text } = writeRequest({
      method: "POST",
      target: "/a?b",
      host: "example.org:8080",
      fields: { Accept: "*/*" },
      body: 3,
      connection: "close",
    });

    assert.equal(
      text,
      "POST /a?b HTTP/1.1\r\nHost: example.org:8080\r\nAccept: */*\r\nConnection: close\r\n" +
        "Content-Length: 3\r\n\r\n",
    );
  });

  for (const [what, request, lines, bodyLength] of [
    ["none said", { method: "GET", target: "/", host: "a" }, ["Host: a"], BODY.none],
    [
      "no bytes",
      { method: "POST", target: "/", host: "a", body: 0 },
      ["Host: a", "Content-Length: 0"],
      0,
    ],
    [
      "chunks",
      { method: "POST", target: "/", host: "a", body: BODY.chunked },
      ["Host: a", "Transfer-Encoding: chunked"],
      BODY.chunked,
    ],
    [
      "a field",
      { method: "POST", target: "/", fields: { hOST: "a", "content-length": "4" } },
      ["hOST: a", "content-length: 4"],
      4,
    ],
    ["HTTP/1.0", { method: "GET", target: "/", minorVersion: 0 }, [], BODY.none],
    ["CONNECT", { method: "CONNECT", target: "a:1", host: "a:1" }, ["Host: a:1"], BODY.none],
    ["OPTIONS", { method: "OPTIONS", target: "*", host: "" }, ["Host: "], BODY.none],
  ] as [string, OutgoingRequest, string[], number][]) {
    it(`is right for ${what}`, () => {
      const written = writeRequest(request);

      assert.deepEqual(written.text.split("\r\n").slice(1, -2), lines);
      assert.equal(written.bodyLength, bodyLength);
      assert.equal(readRequest(written.text, { ends: false }).fault, undefined);
    });
  }

  for (const [what, request] of [
    ["no Host", { method: "GET", target: "/" }],
    ["two Hosts", { method: "GET", target: "/", host: "a", fields: { host: "a" } }],
    ["a Host that is none", { method: "GET", target: "/", host: "a/b" }],
    ["until close", { method: "POST", target: "/", host: "a", body: BODY.untilClose }],
    ["chunks in HTTP/1.0", { method: "POST", target: "/", body: BODY.chunked, minorVersion: 0 }],
    ["CONNECT with a body", { method: "CONNECT", target: "a:1", host: "a", body: 1 }],
    ["TRACE with a body", { method: "TRACE", target: "/", host: "a", body: BODY.chunked }],
    [
      "none beside bytes",
      { method: "POST", target: "/", host: "a", body: -1, fields: { "Content-Length": 1 } },
    ],
    ["a relative target", { method: "GET", target: "a", host: "a" }],
    ["an empty target", { method: "GET", target: "", host: "a" }],
    ["a space in a target", { method: "GET", target: "/a b", host: "a" }],
    ["a fragment", { method: "GET", target: "/#a", host: "a" }],
    ["an authority for GET", { method: "GET", target: "a:80", host: "a" }],
    ["a path for CONNECT", { method: "CONNECT", target: "/", host: "a" }],
    ["an empty method", { method: "", target: "/", host: "a" }],
    [
      "a malformed Connection",
      { method: "GET", target: "/", host: "a", fields: { connection: "a," } },
    ],
    ["a malformed Upgrade", { method: "GET", target: "/", host: "a", fields: { Upgrade: "a b" } }],
    ["a malformed Expect", { method: "GET", target: "/", host: "a", fields: [["expect", "a="]] }],
    ["a space in a method", { method: "GE T", target: "/", host: "a" }],
  ] as [string, OutgoingRequest][]) {
    it(`is refused for ${what}`, () => {
      assert.throws(() => writeRequest(request), refused);
    });
  }
});

describe("a field that is undefined", () => {
  const given = { A: undefined, B: "b", Host: undefined, "Content-Length": undefined };

  it("is left out, of an object, of pairs and of fields that are encoded", () => {
    for (const fields of [given, Object.entries(given), encodeFields(given)]) {
      const { text } = writeRequest({ method: "GET", target: "/", host: "h", fields });

      assert.equal(text, "GET / HTTP/1.1\r\nHost: h\r\nB: b\r\n\r\n");
    }
  });
});

describe("a field that can't be sent", () => {
  for (const [fields, message] of [
    [{ Upgrade: "" }, /Upgrade must be a list of protocols.*not ""/],
    [{ Connection: "a b" }, /Connection must be a list of tokens, not "a b"/],
    [{ Expect: "100-continue;" }, /Expect must be a list of expectations/],
    [{ "Content-Length": "1,1" }, /Content-Length must be a whole number, not "1,1"/],
    [{ "Transfer-Encoding": "gzip" }, /Transfer-Encoding must be "chunked", not "gzip"/],
    [{ Host: "a/b" }, /Host must be a host with an optional port, not "a\/b"/],
    [{ Host: ["a", "b"] }, /Host can be given once/],
    [{ "Content-Length": ["1", "1"] }, /Content-Length can be given once/],
  ] as const) {
    it(`is named by the error: ${JSON.stringify(fields)}`, () => {
      const request = { method: "GET", target: "/", fields: { ...fields } };

      assert.throws(() => writeRequest(request), { code: "INVALID_ARGUMENT", message });
    });
  }
});

describe("encodeFields", () => {
  it("remembers what it found", () => {
    const fields = encodeFields({ "content-length": 5, connection: "close", date: "x" });

    const written = writeResponse({ statusCode: 200, fields, dateLine: createDateLine(0) });

    assert.equal(
      written.text,
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\ndate: x\r\n\r\n",
    );
    assert.equal(written.bodyLength, 5);
    assert.equal(written.saysClose, true);
    assert.throws(() => writeResponse({ statusCode: 200, fields, body: 6 }), refused);
  });

  it("takes fields of any size", () => {
    const fields = encodeFields({ a: "x".repeat(5000) });

    assert.equal(fields.octets.length, 5000 + "a: \r\n".length);
  });
});

describe("createDateLine", () => {
  it("writes an IMF-fixdate", () => {
    assert.equal(
      createDateLine(784_111_777_999).toString(),
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    );
  });

  for (const epochMs of [-1, Number.NaN, 253_402_300_800_000]) {
    it(`refuses ${epochMs}`, () => assert.throws(() => createDateLine(epochMs), refused));
  }
});

describe("what is written", () => {
  it("is read by the parser as it was meant", () => {
    const fields: [string, string][] = [
      ["X-Text", "a \xe9\t(b)"],
      ["x-empty", ""],
    ];

    const request = writeRequest({ method: "PUT", target: "/x", host: "h", fields, body: 2 });
    const response = writeResponse({ statusCode: 404, fields, body: 2 });

    assert.deepEqual(readRequest(`${request.text}hi`).messages[0], {
      startLine: "PUT /x HTTP/1.1",
      fields: ["Host: h", "X-Text: a \xe9\t(b)", "x-empty: ", "Content-Length: 2"],
      body: "hi",
      trailers: [],
    });
    assert.equal(readResponse(`${response.text}hi`).messages[0]?.body, "hi");
    assert.equal(latin1(request.text).length, request.text.length);
  });
});
