/** Which coding a response gets. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ContentCoding,
  chooseCoding,
  MAX_ACCEPT_ENCODING,
} from "#src/http/server/compression/coding-choice.js";
import {
  compressionOptions,
  isCompressible,
} from "#src/http/server/compression/compression-options.js";

const OFFERED: readonly ContentCoding[] = ["br", "gzip", "deflate"];

describe("the coding of a response", () => {
  const cases: [accept: string, expected: ContentCoding | undefined][] = [
    ["", undefined],
    ["gzip", "gzip"],
    ["GZip", "gzip"],
    ["x-gzip", "gzip"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip;q=1, br;q=0.9", "gzip"],
    ["gzip ; q=0.5 ,\tdeflate;q=0.501", "deflate"],
    ["br;q=0, gzip", "gzip"],
    ["br;q=0.0, *;q=0.1", "gzip"],
    ["*", "br"],
    ["*;q=0", undefined],
    ["identity", undefined],
    ["identity, gzip;q=0.5", undefined],
    ["identity;q=0.5, gzip", "gzip"],
    ["identity;q=0, gzip;q=0", undefined],
    ["compress, sdch", undefined],
    ["gzip;q=2", undefined],
    ["gzip;q=-1", undefined],
    ["gzip;q=0.5555", undefined],
    ["gzip;q=", undefined],
    ["gzip;level=9", undefined],
    ["gzip;q=0, gzip;q=1", undefined],
    [",,;,; q=1,gzip,,", "gzip"],
    ["__proto__, constructor", undefined],
    [`gzip,${"a,".repeat(MAX_ACCEPT_ENCODING)}`, undefined],
  ];
  for (const [accept, expected] of cases) {
    it(`is ${expected ?? "none"} for "${accept.slice(0, 60)}"`, () => {
      assert.equal(chooseCoding([accept], OFFERED), expected);
    });
  }

  it("is that of all fields together, and none without one", () => {
    assert.equal(chooseCoding(["deflate", "gzip"], OFFERED), "gzip");
    assert.equal(chooseCoding([], OFFERED), undefined);
  });
});

describe("options of compression", () => {
  it("know what becomes shorter", () => {
    for (const type of ["text/html", "application/json", "image/svg+xml", "application/ld+json"]) {
      assert.ok(isCompressible(type), type);
    }
    for (const type of [
      "image/png",
      "video/mp4",
      "application/zip",
      "application/octet-stream",
      "",
    ]) {
      assert.ok(!isCompressible(type), type);
    }
  });

  it("are checked", () => {
    for (const wrong of [
      { codings: [] },
      { codings: ["compress"] },
      { codings: "gzip" },
      { minBytes: -1 },
      { types: ["text/*"] },
      { maxCompressing: 0 },
      { level: 1 },
    ]) {
      assert.throws(() => compressionOptions(wrong as never), { code: "INVALID_ARGUMENT" });
    }
    assert.throws(() => compressionOptions(1 as never), { code: "INVALID_ARGUMENT" });
    assert.throws(() => compressionOptions(null as never), { code: "INVALID_ARGUMENT" });
  });
});
