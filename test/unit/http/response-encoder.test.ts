/** Heads that were written before against heads that are written anew: they must be the same. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { NetError } from "hp-socket";
import { encodeFields, type FieldInput } from "hp-socket/http";
import { type PieceTarget, ResponseEncoder } from "#src/http/server/response/response-encoder.js";
import { BODY } from "#src/protocol/http1/head.js";
import { EncodedFields } from "#src/protocol/http1/writing/encoded-fields.js";
import { HeadWriter } from "#src/protocol/http1/writing/head-writer.js";

const DATE = Buffer.from("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
const LINES = { date: DATE, keepAlive: Buffer.from("Keep-Alive: timeout=5\r\n") };
const LAST_LINES = { date: DATE, keepAlive: undefined };

interface Answer {
  readonly statusCode: number;
  readonly fields: FieldInput;
  readonly body: string | Uint8Array | undefined;
  readonly method: string;
  readonly minorVersion: 0 | 1;
  readonly isKept: boolean;
  readonly statusText: string | undefined;
}

/** Gathers what is sent, or the code of the error. */
class Wire implements PieceTarget {
  bytes = "";
  readonly #roomBytes: number;

  constructor(roomBytes = 65_536) {
    this.#roomBytes = roomBytes;
  }

  write(writer: Parameters<PieceTarget["write"]>[0], maxBytes: number) {
    if (maxBytes > this.#roomBytes) return undefined;
    const target = Buffer.alloc(maxBytes + 10);
    const end = writer.writePiece(target, 10);
    if (end < 0) return undefined;
    this.bytes += target.toString("latin1", 10, end);
    return true;
  }

  sendBytes(piece: Uint8Array): boolean {
    this.bytes += Buffer.from(piece).toString("latin1");
    return true;
  }
}

function sent(writer: ResponseEncoder, answer: Answer, wire = new Wire()): string {
  const { statusCode, fields: given, isKept } = answer;
  writer.begin(answer, statusCode, given, isKept ? LINES : LAST_LINES, isKept);
  try {
    writer.setBody(answer.body);
    writer.sendTo(wire);
  } catch (error) {
    return (error as NetError).code;
  }
  return `${wire.bytes} ${writer.saysClose} ${writer.bodyLength > 0}`;
}

/** What responses of these status codes can't have is left out. */
function sendable(answer: Answer): Answer {
  const { statusCode, fields } = answer;
  if (statusCode === 205 && answer.body !== undefined) return { ...answer, body: "" };
  if (statusCode !== 204) return answer;
  if (fields instanceof EncodedFields) return { ...answer, body: undefined };
  const pairs = Symbol.iterator in fields ? [...fields] : Object.entries(fields);
  const kept = pairs.filter(([name]) => name !== "Content-Length");
  return { ...answer, fields: kept, body: undefined };
}

/** The same by the writer of heads alone. */
function plain(answer: Answer): string {
  const { statusCode, fields, body, method, minorVersion, isKept, statusText } = sendable(answer);
  const writer = new HeadWriter();
  const target = Buffer.alloc(65_536);
  const bytes = body === undefined ? undefined : Buffer.from(body as string);
  try {
    const end = writer.writeResponse(target, 0, {
      statusCode,
      reason: statusText,
      fields,
      body: bytes?.length ?? BODY.none,
      requestMethod: method,
      requestMinorVersion: minorVersion,
      connection: isKept ? "keep-alive" : "close",
      dateLine: DATE,
      keepAliveLine: isKept ? LINES.keepAlive : undefined,
    });
    const hasBody = writer.bodyLength > 0;
    const text = `${target.toString("latin1", 0, end)}${hasBody ? bytes?.toString("latin1") : ""}`;
    return `${text} ${writer.saysClose} ${hasBody}`;
  } catch (error) {
    return (error as NetError).code;
  }
}

const fieldNames = fc.constantFrom(
  "X-A",
  "X-B",
  "Content-Type",
  "Connection",
  "Content-Length",
  "É",
);
const fieldValues = fc.oneof(fc.constantFrom("1", "close", "a b", "bad\n", ""), fc.nat({ max: 3 }));
const fields: fc.Arbitrary<FieldInput> = fc.oneof(
  fc.dictionary(fieldNames, fieldValues, { noNullPrototype: true }),
  fc.dictionary(fieldNames, fc.array(fc.constantFrom("1", "2"))),
  fc.array(fc.tuple(fieldNames, fc.constantFrom("1", "2"))),
  fc.constant(encodeFields({ "X-Encoded": "1" })),
);
const answers: fc.Arbitrary<Answer> = fc.record({
  statusCode: fc.constantFrom(200, 200, 200, 201, 204, 205, 206, 304, 404, 500, 99),
  fields,
  body: fc.constantFrom(
    "",
    "short",
    "é",
    "é€😀".repeat(200),
    "x".repeat(300),
    "é".repeat(3_000),
    Buffer.alloc(5_000, "b"),
    undefined,
  ),
  method: fc.constantFrom("GET", "GET", "POST", "HEAD", "PUT", "CONNECT"),
  minorVersion: fc.constantFrom(0, 1, 1, 1),
  isKept: fc.boolean(),
  statusText: fc.constantFrom(undefined, undefined, "", "Fine"),
});

describe("responses", () => {
  it("look the same however often they were written before", () => {
    fc.assert(
      fc.property(fc.array(answers, { minLength: 1, maxLength: 8 }), (several) => {
        const writer = new ResponseEncoder();
        for (const answer of [...several, ...several, ...several]) {
          assert.equal(sent(writer, answer), plain(answer));
        }
      }),
    );
  });

  it("keep what can't be sent, or is no text, where the connection closes", () => {
    for (const value of [0, "", ["", "1"], "keep-alive\n", "close, keep-alive"]) {
      const answer: Answer = {
        statusCode: 200,
        fields: { Connection: value },
        body: "",
        method: "GET",
        minorVersion: 0,
        isKept: false,
        statusText: undefined,
      };
      const expected = value === "close, keep-alive" ? { Connection: "close" } : answer.fields;

      const text = sent(new ResponseEncoder(), answer);
      assert.equal(text, plain({ ...answer, fields: expected }));
    }
  });

  it("are written anew when the same object has other fields", () => {
    const writer = new ResponseEncoder();
    const changing: Record<string, string> = { "X-A": "1" };
    const answer: Answer = {
      statusCode: 200,
      fields: changing,
      body: "x",
      method: "GET",
      minorVersion: 1,
      isKept: true,
      statusText: undefined,
    };

    for (const value of ["1", "1", "2", "2", "bad\n"]) {
      changing["X-A"] = value;
      assert.equal(sent(writer, answer), plain(answer));
    }
    delete changing["X-A"];
    assert.equal(sent(writer, answer), plain(answer));
  });

  it("are sent whole when their head has no room at first", () => {
    const writer = new ResponseEncoder();
    for (const length of [900, 3_000, 20_000]) {
      const answer: Answer = {
        statusCode: 200,
        fields: { "X-A": "v".repeat(length) },
        body: "body",
        method: "GET",
        minorVersion: 1,
        isKept: true,
        statusText: undefined,
      };

      for (const roomBytes of [0, 1_100, 65_536]) {
        assert.equal(sent(writer, answer, new Wire(roomBytes)), plain(answer));
      }
    }
  });
});
