import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { parseCookieFile } from "#src/protocol/cookie-file/cookie-file-reader.js";
import { writeCookieFile } from "#src/protocol/cookie-file/cookie-file-writer.js";
import type { CookieLine, CookieSection } from "#src/protocol/cookie-file/cookie-section.js";
import { netError } from "../../support/packet-stream.js";
import { Random } from "../../support/random.js";

const SID: CookieLine = {
  name: "sid",
  value: "abc123",
  expiresSeconds: 1_893_456_000,
  httpOnly: true,
  secure: false,
  sameSite: "lax",
};

function section(change: Partial<CookieLine>, place: Partial<CookieSection> = {}): CookieSection[] {
  return [{ domain: "example.com", path: "/", ...place, cookies: [{ ...SID, ...change }] }];
}

function write(sections: readonly CookieSection[]): string {
  return writeCookieFile(sections).toString("latin1");
}

describe("writeCookieFile", () => {
  it("writes the example (HP §3.6)", () => {
    assert.equal(write(section({})), "example.com /\n\tsid;abc123;1893456000;1;0;2\n");
  });

  it("writes flags as 0 and 1, SameSite as 0, 1 and 2", () => {
    const written = (["none", "strict", "lax"] as const).map((sameSite) =>
      write(section({ httpOnly: false, secure: true, sameSite })).slice(-7),
    );

    assert.deepEqual(written, [";0;1;0\n", ";0;1;1\n", ";0;1;2\n"]);
  });

  it("writes an empty value as one space", () => {
    assert.equal(write(section({ value: "" })).split("\n")[1], "\tsid; ;1893456000;1;0;2");
  });

  it("writes sections without cookies, and nothing for no section", () => {
    assert.equal(write([{ domain: "a.com", path: "/x/", cookies: [] }]), "a.com /x/\n");
    assert.equal(write([]), "");
  });

  it("fills a line up to 8,191 bytes, and refuses one byte more", () => {
    const room = 8_191 - "\tsid;;1893456000;1;0;2\n".length;

    const line = write(section({ value: "v".repeat(room) })).split("\n")[1];

    assert.equal(line?.length, 8_190);
    assert.throws(
      () => write(section({ value: "v".repeat(room + 1) })),
      netError("INVALID_ARGUMENT", /may have 8191 bytes, not 8192/),
    );
  });

  const unwritable: readonly (readonly [what: string, sections: CookieSection[]])[] = [
    ["a value with a ;", section({ value: "a;b" })],
    ["a value with an LF", section({ value: "a\nb" })],
    ["a value with a space at its end", section({ value: "a " })],
    ["a value beyond Latin-1", section({ value: "€" })],
    ["an empty name", section({ name: "" })],
    ["a name with a ;", section({ name: "a;b" })],
    ["a name with a tab", section({ name: "a\tb" })],
    ["an expiry of 0", section({ expiresSeconds: 0 })],
    ["an expiry with a part of a second", section({ expiresSeconds: 1.5 })],
    ["a domain with a space", section({}, { domain: "a b" })],
    ["an empty domain", section({}, { domain: "" })],
    ["a domain with a dot before it", section({}, { domain: ".a.com" })],
    ["a domain with a tab before it", section({}, { domain: "\ta.com" })],
    ["a path without its slash", section({}, { path: "x" })],
    ["a path with a CR", section({}, { path: "/\r" })],
  ];
  for (const [what, sections] of unwritable) {
    it(`refuses ${what}`, () => {
      assert.throws(() => write(sections), { code: "INVALID_ARGUMENT" });
    });
  }
});

const NAMES = Buffer.from("abz09!#$%&'*+-.^_`|~=\"\xe9", "latin1");
const VALUES = Buffer.from('abz09 =",\\()/{}[]?@:<>\xa0\xff', "latin1");

function randomLine(random: Random): CookieLine {
  const text = (alphabet: Buffer, count: number): string =>
    random
      .bytes(count, alphabet)
      .toString("latin1")
      .replace(/^ +| +$/g, "");
  return {
    name: `n${text(NAMES, random.integer(0, 12))}`,
    value: text(VALUES, random.integer(0, 30)),
    expiresSeconds: random.integer(1, 253_402_300_799),
    httpOnly: random.next() < 0.5,
    secure: random.next() < 0.5,
    sameSite: random.pick(["none", "strict", "lax"]),
  };
}

function randomSections(random: Random): CookieSection[] {
  return Array.from({ length: random.integer(0, 4) }, () => ({
    domain: random.pick(["example.com", "a.example.com", "127.0.0.1", "::1", "xn--bcher-kva.de"]),
    path: random.pick(["/", "/a", "/a/", "/a b/c", "/%20;x", "/\xe9"]),
    cookies: Array.from({ length: random.integer(0, 5) }, () => randomLine(random)),
  }));
}

describe("a written cookie file", () => {
  it("reads as what was written, 2,000 generated files", () => {
    const random = new Random(1);

    for (let run = 0; run < 2_000; run += 1) {
      const sections = randomSections(random);
      const bytes = writeCookieFile(sections);
      assert.deepEqual(parseCookieFile(bytes, 0), sections, `run ${run}`);
      assert.deepEqual(writeCookieFile(parseCookieFile(bytes, 0)), bytes, `run ${run}`);
    }
  });
});
