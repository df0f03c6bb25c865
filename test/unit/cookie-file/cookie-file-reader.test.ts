import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { parseCookieFile } from "#src/protocol/cookie-file/cookie-file-reader.js";
import { netError } from "../../support/packet-stream.js";

const NOW = 1_000;

function parse(text: string): ReturnType<typeof parseCookieFile> {
  return parseCookieFile(Buffer.from(text, "latin1"), NOW);
}

const SID = {
  name: "sid",
  value: "abc123",
  expiresSeconds: 1_893_456_000,
  httpOnly: true,
  secure: false,
  sameSite: "lax",
};

describe("parseCookieFile", () => {
  it("reads the example (HP §3.6)", () => {
    const sections = parse("example.com /\n\tsid;abc123;1893456000;1;0;2\n");

    assert.deepEqual(sections, [{ domain: "example.com", path: "/", cookies: [SID] }]);
  });

  it("takes CRLF for LF, skips empty lines, and needs no LF at the end", () => {
    const sections = parse(
      "\r\n\nexample.com /\r\n\n\tsid;abc123;1893456000;1;0;2\r\n\r\nb.org /x/",
    );

    assert.deepEqual(sections, [
      { domain: "example.com", path: "/", cookies: [SID] },
      { domain: "b.org", path: "/x/", cookies: [] },
    ]);
  });

  it("answers no section for an empty file", () => {
    assert.deepEqual(parse(""), []);
    assert.deepEqual(parse("\r\n\n"), []);
  });

  it("takes one space for an empty value", () => {
    const [section] = parse("a.com /\n\tn; ;2000;0;0;0\n");

    assert.equal(section?.cookies[0]?.value, "");
  });

  it("leaves out what has expired, its section not", () => {
    const sections = parse(
      "a.com /\n\told;1;1000;0;0;0\n\tnew;1;1001;0;0;0\nb.com /\n\told;1;1;0;0;0",
    );

    assert.deepEqual(
      sections.map(({ domain, cookies }) => [domain, cookies.map(({ name }) => name)]),
      [
        ["a.com", ["new"]],
        ["b.com", []],
      ],
    );
  });

  it("drops leading dots and capitals of a domain, and spaces around domain and path", () => {
    const sections = parse("  ..Example.COM   /a b/  \n");

    assert.deepEqual(sections, [{ domain: "example.com", path: "/a b/", cookies: [] }]);
  });

  it("drops spaces and tabs around fields", () => {
    const [section] = parse("a.com /\n\t\t n \t; v w ; 2000 ; 1 ; 0 ; 1 \n");

    assert.deepEqual(section?.cookies, [
      {
        name: "n",
        value: "v w",
        expiresSeconds: 2000,
        httpOnly: true,
        secure: false,
        sameSite: "strict",
      },
    ]);
  });

  it("reads any flag but 0 as set, as the original does with a BOOL", () => {
    const [section] = parse("a.com /\n\tn;v;2000;-1;7;0\n");

    assert.deepEqual([section?.cookies[0]?.httpOnly, section?.cookies[0]?.secure], [true, true]);
  });

  it("keeps every octet above 127", () => {
    const value = Buffer.from("voilà", "utf8").toString("latin1");

    const [section] = parse(`a.com /\n\tn;${value};2000;0;0;0\n`);

    assert.equal(section?.cookies[0]?.value, value);
  });

  it("reads an expiry of 64 bits as the greatest exact number", () => {
    const [section] = parse("a.com /\n\tn;v;9223372036854775807;0;0;0\n");

    assert.equal(section?.cookies[0]?.expiresSeconds, Number.MAX_SAFE_INTEGER);
  });

  it("takes a line of 8,191 bytes with its LF, and refuses one byte more", () => {
    const line = (valueBytes: number): string => `\tn;${"v".repeat(valueBytes)};2000;0;0;0\n`;
    const room = 8_191 - line(0).length;

    const [section] = parse(`a.com /\n${line(room)}`);

    assert.equal(section?.cookies[0]?.value.length, room);
    assert.throws(
      () => parse(`a.com /\n${line(room + 1)}`),
      netError("COOKIE_FILE_MALFORMED", /^line 2 is longer than 8191 bytes$/),
    );
  });

  const malformed: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ["a cookie before any domain", "\tn;v;2000;0;0;0\n", /^line 1 is a cookie before any domain$/],
    ["a domain without a path", "a.com\n", /^line 1 is not a domain and a path$/],
    ["a domain of dots", ".. /\n", /^line 1 has no domain$/],
    ["a path without its slash", "a.com x/\n", /^line 1 has a path that does not begin with \/$/],
    ["a control character in a path", "a.com /\x01\n", /^line 1 has a control character$/],
    ["a NUL in a domain", "a\0b.com /\n", /^line 1 has a control character$/],
    ["five fields", "a.com /\n\tn;v;2000;0;0\n", /^line 2 has 5 fields, not 6$/],
    ["seven fields", "a.com /\n\tn;v;w;2000;0;0;0\n", /^line 2 has 7 fields, not 6$/],
    ["no field", "a.com /\n\n\t\n", /^line 3 has 1 fields, not 6$/],
    ["no name", "a.com /\n\t;v;2000;0;0;0\n", /^line 2 is a cookie without a name$/],
    ["a CR inside a value", "a.com /\n\tn;v\rw;2000;0;0;0\n", /^line 2 has a control character$/],
    ["a tab inside a name", "a.com /\n\tn\tm;v;2000;0;0;0\n", /^line 2 has a control character$/],
    ["an expiry of 0", "a.com /\n\tn;v;0;0;0;0\n", /^line 2 has an expiry/],
    ["an expiry below 0", "a.com /\n\tn;v;-1;0;0;0\n", /^line 2 has an expiry/],
    ["an expiry that is no number", "a.com /\n\tn;v;12x;0;0;0\n", /^line 2 has an expiry/],
    ["an expiry of 20 digits", `a.com /\n\tn;v;${"9".repeat(20)};0;0;0\n`, /^line 2 has an expiry/],
    ["a flag that is no number", "a.com /\n\tn;v;2000;y;0;0\n", /^line 2 has a flag/],
    ["an empty flag", "a.com /\n\tn;v;2000;0;;0\n", /^line 2 has a flag/],
    ["a SameSite of 3", "a.com /\n\tn;v;2000;0;0;3\n", /^line 2 has a SameSite/],
  ];
  for (const [what, text, message] of malformed) {
    it(`refuses the file, naming the line, for ${what}`, () => {
      assert.throws(() => parse(text), netError("COOKIE_FILE_MALFORMED", message));
    });
  }

  it("shows no value in its errors", () => {
    assert.throws(
      () => parse("a.com /\n\tsid;TOPSECRET;soon;0;0;0\n"),
      (error) => error instanceof Error && !error.message.includes("TOPSECRET"),
    );
  });
});
