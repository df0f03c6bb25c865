import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { RequestSink } from "#src/protocol/http1/parsing/message-sink.js";
import { AFTER_HEAD } from "#src/protocol/http1/parsing/message-sink.js";
import { RepeatedHead } from "#src/protocol/http1/parsing/repeated-head.js";
import { RequestParser } from "#src/protocol/http1/parsing/request-parser.js";
import type { RequestHead } from "#src/protocol/http1/request-head.js";
import { requestEveryWay } from "../../../support/http1-recorder.js";

const GET = "GET /a?b HTTP/1.1\r\nHost: h.example\r\nX: 1\r\n\r\n";
const OTHER = "HEAD /longer?c HTTP/1.1\r\nHost: h.example\r\nX: 2\r\n\r\n";
const POST = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz";
const CHUNKED =
  "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: 1\r\n\r\n";

describe("a head that comes again", () => {
  it("is read as the first was, however it is cut, between others, with bodies and trailers", () => {
    const text =
      GET + GET + OTHER + GET + OTHER + GET + GET + POST + POST + CHUNKED + CHUNKED + GET + GET;

    const { messages, fault } = requestEveryWay(text);

    assert.equal(fault, undefined);
    const targets = messages.map(({ startLine }) => startLine.split(" ")[1]);
    assert.deepEqual(targets, [
      "/a?b",
      "/a?b",
      "/longer?c",
      "/a?b",
      "/longer?c",
      "/a?b",
      "/a?b",
      "/p",
      "/p",
      "/c",
      "/c",
      "/a?b",
      "/a?b",
    ]);
    assert.deepEqual(
      messages.map(({ fields }) => fields.at(-1)),
      ["X: 1", "X: 1", "X: 2", "X: 1", "X: 2", "X: 1", "X: 1"].concat(
        ["Content-Length: 3", "Content-Length: 3"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["X: 1", "X: 1"],
      ),
    );
  });

  it("is a fault behind the last message, as any other byte is", () => {
    const last = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

    assert.equal(requestEveryWay(last + last).fault, "afterLast");
  });

  it("leaves alone the head that was kept", () => {
    const kept: RequestHead[] = [];
    const sink: RequestSink = {
      onHeadersComplete(head) {
        kept.push(head.keep());
        return AFTER_HEAD.goOn;
      },
      onBody: () => true,
      onMessageComplete: () => true,
      onParseError: (error) => assert.fail(error),
    };
    const bytes = Buffer.from(GET + GET + OTHER, "latin1");

    new RequestParser().feed(bytes, sink);
    bytes.fill(0);

    const seen = kept.map((head) => [head.method, head.target, head.get("x"), head.authority]);
    const first = ["GET", "/a?b", "1", "h.example"];
    assert.deepEqual(seen, [first, first, ["HEAD", "/longer?c", "2", "h.example"]]);
    assert.equal(new Set(kept).size, 3);
  });
});

describe("RepeatedHead", () => {
  const head = Buffer.from("GET / HTTP/1.1\r\n\r\n");

  it("knows a head that comes again whole, and no other", () => {
    const repeated = new RepeatedHead();
    repeated.note(head, false);

    assert.equal(repeated.matches(head, 0), true);
    assert.equal(repeated.matches(Buffer.concat([Buffer.from("xx"), head]), 2), true);
    assert.equal(repeated.matches(head.subarray(0, -1), 0), false);
    assert.equal(repeated.matches(Buffer.from("GET / HTTP/1.0\r\n\r\n"), 0), false);
    repeated.lose();
    assert.equal(repeated.matches(head, 0), false);
  });

  it("forgets credentials with their connection, and nothing else", () => {
    const repeated = new RepeatedHead();

    repeated.note(head, false);
    repeated.leave();
    assert.equal(repeated.byteCount, head.length);
    repeated.note(head, true);
    repeated.leave();
    assert.equal(repeated.byteCount, 0);
  });

  it("remembers the more seldom, the less comes again, and no long heads", () => {
    const repeated = new RepeatedHead();
    let noted = 0;
    for (let count = 0; count < 1_000; count++) {
      repeated.lose();
      if (!repeated.wantsNext()) continue;
      repeated.note(head, false);
      noted++;
    }

    assert.ok(noted < 25, `${noted} of 1000`);
    repeated.lose();
    repeated.note(Buffer.alloc(2_049), false);
    assert.equal(repeated.byteCount, 0);
  });
});
