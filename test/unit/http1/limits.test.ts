import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { createLimits, DEFAULT_LIMITS, type Http1Limits } from "#src/protocol/http1/limits.js";
import type { FaultName } from "#src/protocol/http1/parse-fault.js";
import { RequestParser } from "#src/protocol/http1/parsing/request-parser.js";
import { readProjectFile } from "../../support/document.js";
import {
  Http1Recorder,
  latin1,
  requestEveryWay,
  responseEveryWay,
} from "../../support/http1-recorder.js";
import { netError } from "../../support/packet-stream.js";

const HOST = "Host: a\r\n";
const LINE = "GET / HTTP/1.1\r\n";
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** A head of exactly so many bytes. */
function headOf(byteCount: number): string {
  const frame = `${LINE}${HOST}X: \r\n\r\n`;
  return `${LINE}${HOST}X: ${"x".repeat(byteCount - frame.length)}\r\n\r\n`;
}

/** A request whose start line has exactly so many bytes. */
function lineOf(byteCount: number): string {
  return `GET /${"a".repeat(byteCount - "GET / HTTP/1.1".length)} HTTP/1.1\r\n${HOST}\r\n`;
}

/** Limit and its value; a stream that just keeps it; one that just does not; the fault, the code. */
const LIMITS: readonly (readonly [
  name: keyof Http1Limits,
  value: number,
  kept: string,
  broken: string,
  fault: FaultName,
  code: string,
])[] = [
  [
    "maxLeadingEmptyLines",
    2,
    `\r\n\r\n${LINE}${HOST}\r\n`,
    `\r\n\r\n\r\n${LINE}${HOST}\r\n`,
    "tooManyEmptyLines",
    "HTTP_MALFORMED",
  ],
  ["maxStartLineBytes", 40, lineOf(40), lineOf(41), "lineTooLong", "HTTP_LINE_TOO_LONG"],
  ["maxHeadBytes", 100, headOf(100), headOf(101), "headTooLarge", "HTTP_HEAD_TOO_LARGE"],
  [
    "maxHeaderCount",
    3,
    `${LINE}${HOST}A: 1\r\nB: 2\r\n\r\n`,
    `${LINE}${HOST}A: 1\r\nB: 2\r\nC: 3\r\n\r\n`,
    "tooManyHeaders",
    "HTTP_HEAD_TOO_LARGE",
  ],
  [
    "maxChunkExtensionBytes",
    4,
    `${CHUNKED}1;a\r\nx\r\n0;b\r\n\r\n`,
    `${CHUNKED}1;a\r\nx\r\n0;bc\r\n\r\n`,
    "chunkExtensionsTooLong",
    "HTTP_BODY_TOO_LARGE",
  ],
  [
    "maxTrailerBytes",
    20,
    `${CHUNKED}0\r\nA: ${"x".repeat(13)}\r\n\r\n`,
    `${CHUNKED}0\r\nA: ${"x".repeat(14)}\r\n\r\n`,
    "trailersTooLarge",
    "HTTP_HEAD_TOO_LARGE",
  ],
  [
    "maxTrailerCount",
    1,
    `${CHUNKED}0\r\nA: b\r\n\r\n`,
    `${CHUNKED}0\r\nA: b\r\nC: d\r\n\r\n`,
    "tooManyTrailers",
    "HTTP_HEAD_TOO_LARGE",
  ],
  [
    "maxBodyBytes",
    5,
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nabcde`,
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 6\r\n\r\nabcdef`,
    "bodyTooLarge",
    "HTTP_BODY_TOO_LARGE",
  ],
  [
    "maxBodyBytes",
    5,
    `${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
    `${CHUNKED}3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n`,
    "bodyTooLarge",
    "HTTP_BODY_TOO_LARGE",
  ],
];

describe("limits of a parser", () => {
  for (const [name, value, kept, broken, fault, code] of LIMITS) {
    it(`${name}: ${value} are taken, one more is ${fault}`, () => {
      const limits = createLimits({ [name]: value });

      const inside = requestEveryWay(kept, { limits });
      const outside = requestEveryWay(broken, { limits });

      assert.equal(inside.fault, undefined, inside.error?.message);
      assert.equal(outside.fault, fault);
      assert.equal(outside.error?.code, code);
      assert.ok(outside.error?.message.includes(`${name} is ${value}`));
    });
  }

  it("hold for a body until close", () => {
    const limits = createLimits({ maxBodyBytes: 5 });

    assert.equal(responseEveryWay("HTTP/1.1 200 \r\n\r\nabcde", { limits }).fault, undefined);
    const outside = "HTTP/1.1 200 \r\n\r\nabcdef";
    assert.equal(responseEveryWay(outside, { limits }).fault, "bodyTooLarge");
  });

  it("hold for interim responses, and begin anew with each request", () => {
    const limits = createLimits({ maxInterimResponses: 2 });
    const interim = "HTTP/1.1 103 \r\n\r\n";
    const final = "HTTP/1.1 204 \r\n\r\n";
    const twice = `${interim}${interim}${final}`;

    const inside = responseEveryWay(`${twice}${twice}`, { limits, methods: ["GET", "GET"] });
    const outside = responseEveryWay(`${interim}${twice}`, { limits });

    assert.equal(inside.fault, undefined);
    assert.equal(outside.fault, "tooManyInterim");
    assert.equal(outside.error?.code, "HTTP_INTERIM_LIMIT");
  });

  it("are told as soon as they are reached, not when a line ends", () => {
    const parser = new RequestParser(createLimits({ maxStartLineBytes: 40 }));
    const recorder = new Http1Recorder();

    parser.feed(latin1(`GET /${"a".repeat(36)}`), recorder);
    const before = recorder.error;
    parser.feed(latin1("a"), recorder);

    assert.equal(before, undefined);
    assert.equal(recorder.error?.code, "HTTP_LINE_TOO_LONG");
  });

  it("bound the memory for a head that never ends", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder();
    let mostHeldBytes = 0;

    parser.feed(latin1(`${LINE}X: `), recorder);
    while (recorder.error === undefined) {
      parser.feed(Buffer.alloc(100, "x"), recorder);
      mostHeldBytes = Math.max(mostHeldBytes, parser.heldBytes);
    }

    assert.ok(mostHeldBytes <= DEFAULT_LIMITS.maxHeadBytes, `held ${mostHeldBytes}`);
    assert.equal(parser.heldBytes, 0);
  });
});

describe("createLimits", () => {
  it("fills in the defaults", () => {
    assert.deepEqual(createLimits({ maxHeaderCount: 7 }), { ...DEFAULT_LIMITS, maxHeaderCount: 7 });
    assert.deepEqual(DEFAULT_LIMITS, {
      maxLeadingEmptyLines: 1,
      maxStartLineBytes: 8192,
      maxHeadBytes: 16_384,
      maxHeaderCount: 100,
      maxChunkExtensionBytes: 4096,
      maxTrailerBytes: 8192,
      maxTrailerCount: 32,
      maxBodyBytes: Number.MAX_SAFE_INTEGER,
      maxInterimResponses: 32,
    });
  });

  it("has the defaults that the README lists", () => {
    const readme = readProjectFile("src/protocol/http1/README.md");
    const rows = [...readme.matchAll(/^\| `(max\w+)` +\| ([^|]+?) +\|/gm)];

    const listed = rows.map(([, name, value]) => [
      name,
      value === "2^53 − 1" ? Number.MAX_SAFE_INTEGER : Number(value?.replace(",", "")),
    ]);

    assert.deepEqual(Object.fromEntries(listed), DEFAULT_LIMITS);
  });

  for (const [what, options] of [
    ["a number below the range", { maxHeadBytes: 63 }],
    ["a number above the range", { maxHeaderCount: 10_001 }],
    ["a fraction", { maxBodyBytes: 1.5 }],
    ["what is no number", { maxBodyBytes: "5" }],
    ["an unknown limit", { maxHeaders: 5 }],
    ["what is no object", 5],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => createLimits(options as never), netError("INVALID_ARGUMENT"));
    });
  }
});
