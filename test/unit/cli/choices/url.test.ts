import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUrl, readUrl } from "#src/cli/choices/url.js";

describe("readUrl", () => {
  for (const [text, href] of [
    ["http://a/b?c", "http://a/b?c"],
    ["HTTPS://A", "https://a/"],
    ["localhost:8080/x", "http://localhost:8080/x"],
    ["127.0.0.1", "http://127.0.0.1/"],
    ["[::1]:80/", "http://[::1]/"],
  ] as const) {
    it(`takes ${text} for ${href}`, () => {
      assert.equal(readUrl(text).href, href);
    });
  }

  for (const text of [undefined, "", "ftp://a/", "http://", "http://a:99999/"]) {
    it(`refuses ${text}`, () => {
      assert.throws(() => readUrl(text), { name: "UsageError" });
    });
  }
});

describe("isUrl", () => {
  it("tells a URL from an address", () => {
    assert.deepEqual(["http://a", "HTTPS://a", "a:80", "ftp://a", "--http://"].map(isUrl), [
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
