/** What the documents say of cookies is what the code says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_COOKIE_FILE_BYTES } from "#src/http/cookie/cookie-archive.js";
import { COOKIE_LIMITS, MAX_DOMAIN_BYTES, MAX_PATH_BYTES } from "#src/http/cookie/cookie-limits.js";
import { MAX_LINE_BYTES } from "#src/protocol/cookie-file/cookie-section.js";
import { readProjectFile, tableRows } from "../../support/document.js";

const MANAGER = `LoadFromFile SaveToFile ClearCookies RemoveExpiredCookies SetCookie DeleteCookie
SetEnableThirdPartyCookie IsEnableThirdPartyCookie`;
const HELPERS = `ParseExpires MakeExpiresStr ToString CurrentUTCTime MaxAgeToExpires ExpiresToMaxAge`;

const grouped = (value: number): string => value.toLocaleString("en-US");

describe("docs/limits.md on cookies", () => {
  it("has every limit of a cookie store, with its default and range", () => {
    const rows = tableRows("docs/limits.md", "of a cookie store");

    assert.deepEqual(
      rows.map(([name, , standard, min, max]) => [name, standard, min, max]),
      Object.entries(COOKIE_LIMITS).map(([name, { standard, min, max }]) => [
        name,
        grouped(standard),
        grouped(min),
        grouped(max),
      ]),
    );
  });

  it("has the limits that are fixed", () => {
    const text = readProjectFile("docs/limits.md");

    for (const limit of [MAX_DOMAIN_BYTES, MAX_PATH_BYTES, MAX_LINE_BYTES, MAX_COOKIE_FILE_BYTES]) {
      assert.ok(text.includes(grouped(limit)), grouped(limit));
    }
  });
});

describe("docs/from-hp-socket.md on cookies", () => {
  it("has every function of the cookie manager and its helpers", () => {
    const names = [
      ...MANAGER.split(/\s+/).map((name) => `HP_HttpCookie_MGR_${name}`),
      ...HELPERS.split(/\s+/).map((name) => `HP_HttpCookie_HLP_${name}`),
    ];
    const words = new Set(readProjectFile("docs/from-hp-socket.md").match(/\w+/g));

    assert.equal(names.length, 14);
    assert.deepEqual(
      names.filter((name) => !words.has(name)),
      [],
    );
  });
});
