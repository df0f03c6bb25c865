import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isExpectationList, isProtocolList, isTokenList } from "#src/protocol/http1/list-value.js";

type Rule = (bytes: Uint8Array, start: number, end: number) => boolean;

/** Whether a value is sound, with other bytes around it that must not count. */
function isSound(rule: Rule, value: string): boolean {
  const bytes = Buffer.from(`a,${value},b`, "latin1");
  return rule(bytes, 2, bytes.length - 2);
}

const CASES: Readonly<Record<string, readonly [Rule, sound: string[], malformed: string[]]>> = {
  Connection: [
    isTokenList,
    ["close", "Upgrade", "keep-alive, x", "a\t ,\tb", "!#$%&'*+-.^_`|~0"],
    ["", " ", ",", "close,", ",close", "a,,b", "a b", "a;b", "a/1", "a=b", '"a"', "\u00e9", "a:"],
  ],
  Upgrade: [
    isProtocolList,
    ["websocket", "h2c", "HTTP/2.0", "a/1, b/2 ,c", "TLS/1.0,websocket"],
    ["", "a/", "/1", "a/1/2", "a /1", "a/ 1", "a b", "a,", ",a", "web socket", "\u00e9"],
  ],
  Expect: [
    isExpectationList,
    ["100-continue", "a=b", 'a="b c"', 'a="\\""', "a=b;c=d ; e=f", 'a="x",b', "100-Continue, x"],
    ["", "a=", "a;b=c", "a=b;", "a=b;c", "a=b;c=", 'a="b', 'a="\\', "100 continue", "a,", 'a="b"c'],
  ],
};

for (const [name, [rule, sound, malformed]] of Object.entries(CASES)) {
  describe(`the list of ${name}`, () => {
    for (const value of sound) {
      it(`may be ${JSON.stringify(value)}`, () => assert.equal(isSound(rule, value), true));
    }
    for (const value of malformed) {
      it(`may not be ${JSON.stringify(value)}`, () => assert.equal(isSound(rule, value), false));
    }
  });
}
