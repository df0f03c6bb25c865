/** Small pure parts of the HTTP server: targets, ranges, dates, media types. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { rangeOf } from "#src/http/server/files/byte-range.js";
import { contentTypeOf } from "#src/http/server/files/content-type.js";
import { httpDate, parseHttpDate } from "#src/http/server/files/http-date.js";
import { checkPreconditions, ifRangeHolds } from "#src/http/server/files/preconditions.js";
import { pathOf, queryOf } from "#src/http/server/request-path.js";
import { FieldSection } from "#src/protocol/http1/field-section.js";

describe("the parts of a request target", () => {
  const cases: [target: string, path: string, query: string][] = [
    ["/", "/", ""],
    ["/a/b?c=d?e", "/a/b", "c=d?e"],
    ["/?", "/", ""],
    ["*", "*", ""],
    ["host.example:443", "", ""],
    ["http://host", "/", ""],
    ["http://host/a?b", "/a", "b"],
    ["http://host?b/c", "/", "b/c"],
    ["https://[::1]:8/x", "/x", ""],
    ["/http://other/", "/http://other/", ""],
  ];

  for (const [target, path, query] of cases) {
    it(`are found in ${target}`, () => {
      assert.deepEqual([pathOf(target), queryOf(target)], [path, query]);
    });
  }
});

describe("a range", () => {
  it("lies inside of what it is a part of, whatever is asked for", () => {
    const numbers = fc.nat({ max: 30 });
    const texts = fc.oneof(
      fc.tuple(numbers, numbers).map(([first, last]) => `bytes=${first}-${last}`),
      numbers.map((first) => `bytes=${first}-`),
      numbers.map((byteCount) => `bytes=-${byteCount}`),
      fc.string(),
    );

    fc.assert(
      fc.property(texts, fc.nat({ max: 20 }), (text, size) => {
        const range = rangeOf(text, size);
        if (typeof range === "string") return;
        assert.ok(0 <= range.start && range.start < range.end && range.end <= size);
      }),
    );
  });

  for (const [value, range] of [
    ["bytes=0-4", { start: 0, end: 5 }],
    ["bytes=,0-4", { start: 0, end: 5 }],
    ["bytes=0-4, ,\t,", { start: 0, end: 5 }],
    ["Bytes = ,, -3 ", { start: 7, end: 10 }],
    ["bytes=5-", { start: 5, end: 10 }],
    ["bytes=", "whole"],
    ["bytes=,", "whole"],
    ["bytes=0-1,2-3", "whole"],
    ["bytes=0-1 2", "whole"],
    ["bytes=0-1\u00a0", "whole"],
    ["lines=0-1", "whole"],
    ["bytes=10-", "none"],
  ] as const) {
    it(`is found in ${JSON.stringify(value)}, whatever empty elements there are`, () => {
      assert.deepEqual(rangeOf(value, 10), range);
    });
  }

  it("is read in time that grows with its length alone", () => {
    const blanks = " ".repeat(1_000_000);

    assert.equal(rangeOf(`bytes=${blanks}0-1${blanks}x${",".repeat(100_000)}`, 10), "whole");
  });

  it("is the whole where none is asked for", () => {
    assert.equal(rangeOf(undefined, 10), "whole");
  });
});

/** Fields as a request has them. */
function fields(...lines: [name: string, value: string][]): FieldSection {
  const section = new FieldSection();
  let text = "";
  for (const [name, value] of lines) {
    const start = text.length;
    text += name + value;
    section.addField(start, start + name.length, start + name.length, text.length);
  }
  section.settle(Buffer.from(text, "latin1"), 0, text.length, true);
  return section;
}

describe("a condition", () => {
  const NOW = Date.UTC(2026, 0, 1);
  const modifiedMs = Date.UTC(2024, 1, 29, 12);
  const current = { etag: '"a"', modifiedMs };
  const SAME = "Thu, 29 Feb 2024 12:00:00 GMT";
  const OLD = "Mon, 01 Jan 2001 00:00:00 GMT";
  const verdict = (...lines: [name: string, value: string][]): unknown =>
    checkPreconditions("GET", fields(...lines), current, NOW);

  for (const [value, isSame] of [
    ["*", true],
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    [',, "a" ,', true],
    ['"b,", "a"', true],
    ["", false],
    ["a", false],
    ["x*", false],
    ['*, "b"', false],
    ['x"a"', false],
    ['"a"x', false],
    ['"b" "a"', false],
    ['"b""a"', false],
    ['"a', false],
  ] as const) {
    it(`holds or not with the entity tags ${value}`, () => {
      assert.equal(verdict(["If-None-Match", value]), isSame ? 304 : "proceed");
      const strictly = isSame && !value.startsWith("W/");
      assert.equal(verdict(["If-Match", value]), strictly ? "proceed" : 412);
    });
  }

  it("has entity tags on several lines", () => {
    assert.equal(verdict(["If-None-Match", '"b"'], ["If-None-Match", '"a"']), 304);
  });

  it("with a date is ignored where it comes twice (RFC 9110 §13.1.3, §13.1.4)", () => {
    assert.equal(verdict(["If-Modified-Since", SAME]), 304);
    assert.equal(verdict(["If-Modified-Since", SAME], ["If-Modified-Since", OLD]), "proceed");
    assert.equal(verdict(["If-Unmodified-Since", OLD]), 412);
    assert.equal(verdict(["If-Unmodified-Since", OLD], ["If-Unmodified-Since", SAME]), "proceed");
  });

  it("for a range does not hold where it comes twice", () => {
    const holds = (...lines: [name: string, value: string][]): boolean =>
      ifRangeHolds(fields(...lines), current, NOW);

    assert.equal(holds(), true);
    assert.equal(holds(["If-Range", '"a"']), true);
    assert.equal(holds(["If-Range", '"a"'], ["If-Range", '"b"']), false);
    assert.equal(holds(["If-Range", ""]), false);
  });

  it("is read in time that grows with its length alone", () => {
    const text = `"b",${" ".repeat(1_000_000)}x`;

    assert.equal(verdict(["If-None-Match", text]), "proceed");
  });
});

describe("a date", () => {
  const EXPECTED = Date.UTC(1994, 10, 6, 8, 49, 37);
  const NOW = Date.UTC(2026, 0, 1);

  for (const text of [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ]) {
    it(`is understood as ${text}`, () => {
      assert.equal(parseHttpDate(text, NOW), EXPECTED);
    });
  }

  it("is written as it is read, to the second", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        assert.equal(parseHttpDate(httpDate(seconds * 1000), NOW), seconds * 1000);
      }),
    );
  });

  it("of two digits is of the past century when it were more than 50 years ahead", () => {
    assert.equal(parseHttpDate("Monday, 01-Jan-76 00:00:00 GMT", NOW), Date.UTC(2076, 0, 1));
    assert.equal(parseHttpDate("Saturday, 01-Jan-77 00:00:00 GMT", NOW), Date.UTC(1977, 0, 1));
  });

  for (const text of [
    "",
    "now",
    "1994-11-06T08:49:37Z",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 CET",
  ]) {
    it(`is none as ${JSON.stringify(text)}`, () => {
      assert.equal(parseHttpDate(text, NOW), undefined);
    });
  }
});

describe("a media type", () => {
  it("goes by the ending of the path, in any case of letters", () => {
    assert.equal(contentTypeOf("/a/b.HTML"), "text/html; charset=utf-8");
    assert.equal(contentTypeOf("/a.png/b"), "application/octet-stream");
    assert.equal(contentTypeOf("/a.constructor"), "application/octet-stream");
  });
});
