import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  hasToken,
  parseExtensions,
  parseList,
  parseTokens,
  trimBlanks,
  writeExtensions,
} from "#src/protocol/websocket/header-list.js";

describe("lists of tokens", () => {
  it("are read over several fields, without blanks and empty elements", () => {
    assert.deepEqual(parseList([" a ,\tb", ",", "c,,d"]), ["a", "b", "c", "d"]);
    assert.deepEqual(parseTokens(["a, b"]), ["a", "b"]);
  });

  for (const value of ["", " ", ",", "a b", "a;b", '"a"', "ä", "a\u0000"]) {
    it(`are not ${JSON.stringify(value)}`, () => assert.equal(parseTokens([value]), undefined));
  }

  it("have a token in any case of letters, and no part of one", () => {
    assert.equal(hasToken(["keep-alive, UpGrade"], "upgrade"), true);
    assert.equal(hasToken(["keep-alive", "upgrade2, xupgrade"], "upgrade"), false);
    assert.equal(hasToken([], "upgrade"), false);
  });

  it("are read in linear time", () => {
    const blanks = " ".repeat(200_000);
    const before = process.cpuUsage();

    assert.equal(trimBlanks(`a${blanks}b${blanks}`).length, 200_002);
    assert.equal(hasToken([`${blanks}a${blanks}b${","}`.repeat(3)], "b"), false);

    assert.ok(process.cpuUsage(before).user < 1_000_000);
  });
});

describe("lists of extensions", () => {
  for (const [value, written] of [
    ["a", "a"],
    ["a,b", "a, b"],
    [" a ; b ; c = d ", "a; b; c=d"],
    ['a;b="c"', "a; b=c"],
    ['a;b="c\\d"', "a; b=cd"],
    ["a;b;b;b=1", "a; b; b; b=1"],
    [",a,,b,", "a, b"],
    ["a;b=1,a;b=2", "a; b=1, a; b=2"],
  ] as const) {
    it(`are read from ${value}`, () => {
      const extensions = parseExtensions([value]);

      assert.ok(extensions !== undefined);
      assert.equal(writeExtensions(extensions), written);
    });
  }

  for (const value of [
    "",
    ",",
    ";",
    "a;",
    "a;;b",
    "a;=b",
    "a;b=",
    "a;b==c",
    "a=b",
    "a b",
    "a;b c",
    'a;b="',
    'a;b="c',
    'a;b="c\\',
    'a;b=""',
    'a;b="c d"',
    'a;b="c,d"',
    'a;b="c"d',
    '"a"',
    "a;b=c;",
    "ä",
  ]) {
    it(`are malformed in ${value || "an empty field"}`, () => {
      assert.equal(parseExtensions([value]), undefined);
    });
  }

  it("are none where there is no field", () => {
    assert.deepEqual(parseExtensions([]), []);
  });
});
