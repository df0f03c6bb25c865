import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { encodeFields, HeadWriter } from "#src/protocol/http1/writing/head-writer.js";
import { writeRequest, writeResponse } from "../../support/http1-writing.js";
import { netError } from "../../support/packet-stream.js";

const refused = netError("INVALID_ARGUMENT");

/** Texts with which an application could be made to write something else than it means. */
const INJECTIONS = ["a\r\nB: c", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x01b", "a\u010ab", "a\u560a"];

describe("injection", () => {
  for (const text of INJECTIONS) {
    it(`is refused in each place: ${JSON.stringify(text)}`, () => {
      const request = { method: "GET", target: "/", host: "a" };

      assert.throws(() => writeRequest({ ...request, method: text }), refused);
      assert.throws(() => writeRequest({ ...request, target: `/${text}` }), refused);
      assert.throws(() => writeRequest({ ...request, host: text }), refused);
      assert.throws(() => writeResponse({ statusCode: 200, reason: text }), refused);
      for (const fields of [
        { [text]: "a" },
        { a: text },
        { a: ["b", text] },
        [[text, "a"]],
        [["a", text]],
      ] as const) {
        assert.throws(() => writeResponse({ statusCode: 200, fields }), refused);
        assert.throws(() => writeRequest({ ...request, fields }), refused);
        assert.throws(() => encodeFields(fields), refused);
      }
    });
  }

  for (const [what, fields] of [
    ["an empty name", { "": "a" }],
    ["a colon in a name", { "a:b": "c" }],
    ["a space in a name", { "a b": "c" }],
    ["null", { a: null }],
    ["an object", { a: {} }],
    ["a list with undefined", { a: ["b", undefined] }],
    ["text instead of fields", "a: b"],
    ["a list of texts", ["ab"]],
    ["no fields at all", null],
  ] as [string, never][]) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => writeResponse({ statusCode: 200, fields }), refused);
    });
  }

  for (const statusCode of [99, 1000, 200.5, Number.NaN, "200\r\n", undefined]) {
    it(`is refused: the status code ${JSON.stringify(statusCode)}`, () => {
      assert.throws(() => writeResponse({ statusCode: statusCode as number }), refused);
    });
  }

  it("is refused: a reason that is no text", () => {
    assert.throws(() => writeResponse({ statusCode: 200, reason: 5 as never }), refused);
  });

  it("leaves the writer as it was", () => {
    const writer = new HeadWriter();
    const target = Buffer.alloc(200);
    const fields = { "Content-Length": "5", Connection: "close", Date: "x", a: "\n" };

    assert.throws(() => writer.writeResponse(target, 0, { statusCode: 200, fields }), refused);
    const end = writer.writeResponse(target, 0, { statusCode: 204, connection: "keep-alive" });

    assert.equal(
      target.toString("latin1", 0, end),
      "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n",
    );
  });

  it("does not come out of a polluted prototype", () => {
    const fields = Object.create({ evil: "1" }) as Record<string, string>;
    fields["good"] = "2";

    assert.equal(writeResponse({ statusCode: 204, fields }).text.includes("evil"), false);
  });
});
