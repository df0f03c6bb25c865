import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { FieldSection } from "#src/protocol/http1/field-section.js";
import { AFTER_HEAD, type RequestSink } from "#src/protocol/http1/parsing/message-sink.js";
import { RequestParser } from "#src/protocol/http1/parsing/request-parser.js";
import type { RequestHead } from "#src/protocol/http1/request-head.js";
import { latin1 } from "../../support/http1-recorder.js";

const TEXT =
  "GET /path?q HTTP/1.1\r\nHost: a:80\r\nACCEPT: x\r\nX-Odd: \xe9\r\naccept: y\r\nEmpty:\r\n\r\n";

/** A sink that looks at heads and trailers, and hears of nothing else. */
function looking(
  look: (head: RequestHead) => void,
  lookAtTrailers: (trailers: FieldSection | undefined) => void = () => undefined,
): RequestSink {
  return {
    onHeadersComplete(head) {
      look(head);
      return AFTER_HEAD.goOn;
    },
    onBody: () => true,
    onMessageComplete(trailers) {
      lookAtTrailers(trailers);
      return true;
    },
    onParseError(error) {
      throw error;
    },
  };
}

/** Keeps the heads of requests that come in these chunks, each of which is lent. */
function keptHeads(chunks: readonly string[]): RequestHead[] {
  const heads: RequestHead[] = [];
  const parser = new RequestParser();
  const sink = looking((head) => heads.push(head.keep()));
  for (const chunk of chunks) {
    const lent = latin1(chunk);
    parser.feed(lent, sink);
    lent.fill(0xee);
  }
  return heads;
}

describe("the fields of a head", () => {
  it("are found in any case of letters, the first of several by get", () => {
    const [head] = keptHeads([TEXT]);

    assert.equal(head?.get("host"), "a:80");
    assert.equal(head?.get("HOST"), "a:80");
    assert.equal(head?.get("Accept"), "x");
    assert.equal(head?.get("x-odd"), "\xe9");
    assert.equal(head?.get("empty"), "");
    assert.equal(head?.get("hos"), undefined);
    assert.equal(head?.get("hos\u0174"), undefined);
    assert.equal(head?.get(""), undefined);
  });

  it("are all there with getAll, in their order", () => {
    const [head] = keptHeads([TEXT]);

    assert.deepEqual(head?.getAll("accept"), ["x", "y"]);
    assert.deepEqual(head?.getAll("host"), ["a:80"]);
    assert.deepEqual(head?.getAll("none"), []);
  });

  it("are told by has", () => {
    const [head] = keptHeads([TEXT]);

    assert.equal(head?.has("EMPTY"), true);
    assert.equal(head?.has("none"), false);
  });

  it("are listed as they were spelt", () => {
    const [head] = keptHeads([TEXT]);

    assert.equal(head?.fieldCount, 5);
    assert.deepEqual(
      [...(head?.entries() ?? [])],
      [
        ["Host", "a:80"],
        ["ACCEPT", "x"],
        ["X-Odd", "\xe9"],
        ["accept", "y"],
        ["Empty", ""],
      ],
    );
    assert.deepEqual(new Map(head).get("Host"), "a:80");
  });

  it("are read by index, and there is none outside", () => {
    const [head] = keptHeads([TEXT]);

    assert.equal(head?.nameAt(4), "Empty");
    assert.equal(head?.valueAt(0), "a:80");
    for (const index of [-1, 5, Number.NaN]) {
      assert.equal(head?.nameAt(index), undefined);
      assert.equal(head?.valueAt(index), undefined);
    }
  });
});

describe("a head", () => {
  it("tells what its start line says, as often as it is asked", () => {
    const [head] = keptHeads([TEXT]);

    for (let times = 0; times < 2; times += 1) {
      assert.equal(head?.method, "GET");
      assert.equal(head?.target, "/path?q");
      assert.equal(head?.version, "HTTP/1.1");
    }
  });

  it("that is kept outlives the bytes it came in, whole or cut", () => {
    const second = TEXT.replace("/path?q", "/other");
    const whole = keptHeads([TEXT + second]);
    const cut = keptHeads([...(TEXT + second)]);

    for (const heads of [whole, cut]) {
      assert.deepEqual(
        heads.map(({ target }) => target),
        ["/path?q", "/other"],
      );
      assert.deepEqual(
        heads.map((head) => [...head]),
        [[...whole[0]!], [...whole[0]!]],
      );
    }
  });

  it("that is not kept is used again", () => {
    const seen = new Set<RequestHead>();

    new RequestParser().feed(
      latin1(TEXT + TEXT),
      looking((head) => seen.add(head)),
    );

    assert.equal(seen.size, 1);
  });

  it("that is kept holds no more memory than it needs", () => {
    const [head] = keptHeads([TEXT + "x".repeat(0)]);

    const { source } = head!;

    assert.equal(source.length, TEXT.length);
  });

  for (const [target, method, host, form, authority] of [
    ["/a", "GET", "h:1", "origin", "h:1"],
    ["http://t:2/a", "GET", "h:1", "absolute", "t:2"],
    ["http://t?q", "GET", "h:1", "absolute", "t"],
    ["t:3", "CONNECT", "h:1", "authority", "t:3"],
    ["*", "OPTIONS", "h:1", "asterisk", "h:1"],
    ["/a", "GET", "", "origin", ""],
  ] as const) {
    it(`tells whom ${method} ${target} with Host ${host} is for`, () => {
      const [head] = keptHeads([`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`]);

      assert.equal(head?.targetForm, form);
      assert.equal(head?.authority, authority);
    });
  }

  for (const [version, fields, expectation] of [
    ["1.1", "", "none"],
    ["1.1", "Expect: 100-Continue\r\n", "continue"],
    ["1.1", "Expect: other\r\n", "unknown"],
    ["1.1", "Expect: 100-continue, other\r\n", "unknown"],
    ["1.1", "Expect: 100-continue\r\nExpect: 100-continue\r\n", "continue"],
    ["1.1", "Expect: 100-continue ,, 100-CONTINUE\t,\r\n", "continue"],
    ["1.1", "Expect: 100-continue\r\nExpect: other\r\n", "unknown"],
    ["1.1", "Expect: 100-continue\xa0\r\n", "unknown"],
    ["1.1", "Expect:\r\n", "none"],
    ["1.1", "Expect: ,\r\n", "none"],
    ["1.0", "Expect: other\r\n", "unknown"],
    ["1.0", "Expect: 100-continue\r\n", "none"],
  ] as const) {
    it(`expects ${expectation} with ${JSON.stringify(fields)} in HTTP/${version}`, () => {
      const [head] = keptHeads([`POST / HTTP/${version}\r\nHost: a\r\n${fields}\r\n`]);

      assert.equal(head?.expectation, expectation);
    });
  }

  for (const [fields, contentLength, isChunked, hasBody] of [
    ["", 0, false, false],
    ["Content-Length: 0\r\n", 0, false, false],
    ["Content-Length: 7\r\n", 7, false, true],
    ["Transfer-Encoding: chunked\r\n", undefined, true, true],
  ] as const) {
    it(`tells how long a body with ${JSON.stringify(fields)} is`, () => {
      const [head] = keptHeads([`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`]);

      assert.equal(head?.contentLength, contentLength);
      assert.equal(head?.isChunked, isChunked);
      assert.equal(head?.hasBody, hasBody);
    });
  }
});

describe("trailers", () => {
  it("that are kept outlive the bytes they came in", () => {
    const kept: FieldSection[] = [];
    const text =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nDigest: x\r\n\r\n";
    const lent = Buffer.from(text + text.replace("x", "y"));

    new RequestParser().feed(
      lent,
      looking(
        () => undefined,
        (trailers) => kept.push(trailers!.keep()),
      ),
    );
    lent.fill(0xee);

    assert.deepEqual(
      kept.map((trailers) => trailers.get("digest")),
      ["x", "y"],
    );
  });

  it("are undefined where none came", () => {
    const seen: unknown[] = [];
    const text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

    new RequestParser().feed(
      latin1(text),
      looking(
        () => undefined,
        (trailers) => seen.push(trailers),
      ),
    );

    assert.deepEqual(seen, [undefined]);
  });
});
