import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { BODY } from "#src/protocol/http1/head.js";
import { BodyWriter, MAX_CHUNK_HEAD_BYTES } from "#src/protocol/http1/writing/body-writer.js";
import type { FieldInput } from "#src/protocol/http1/writing/field-writer.js";
import { NO_ROOM } from "#src/protocol/http1/writing/text-writer.js";
import { readRequest } from "../../../support/http1-recorder.js";
import { netError } from "../../../support/packet-stream.js";

const refused = netError("INVALID_ARGUMENT");
const notNow = netError("INVALID_STATE");
const target = Buffer.alloc(8192);

/** What is sent for a body of these pieces. */
function send(writer: BodyWriter, pieces: readonly string[], trailers?: FieldInput): string {
  let sent = "";
  for (const piece of pieces) {
    const end = writer.begin(target, 2, piece.length);
    sent += target.toString("latin1", 2, end) + piece + Buffer.from(writer.pieceTail).toString();
  }
  return sent + target.toString("latin1", 2, writer.end(target, 2, trailers));
}

describe("a body of known length", () => {
  it("is sent as it is", () => {
    assert.equal(send(new BodyWriter(5), ["ab", "", "cde"]), "abcde");
    assert.equal(send(new BodyWriter(0), []), "");
  });

  it("can't be longer than announced", () => {
    const writer = new BodyWriter(5);
    writer.begin(target, 0, 3);

    assert.throws(() => writer.begin(target, 0, 3), refused);
    writer.begin(target, 0, 2);
    assert.throws(() => writer.begin(target, 0, 1), refused);
  });

  it("can't be shorter than announced", () => {
    const writer = new BodyWriter(5);
    writer.begin(target, 0, 4);

    assert.throws(() => writer.end(target, 0), notNow);
    writer.begin(target, 0, 1);
    assert.equal(writer.end(target, 7), 7);
  });
});

describe("no body", () => {
  it("has no bytes", () => {
    const writer = new BodyWriter(BODY.none);

    assert.throws(() => writer.begin(target, 0, 1), refused);
    assert.equal(writer.begin(target, 4, 0), 4);
    assert.equal(writer.end(target, 4), 4);
  });
});

describe("a body until close", () => {
  it("is sent as it is, however long", () => {
    assert.equal(send(new BodyWriter(BODY.untilClose), ["ab", "cde"]), "abcde");
  });
});

describe("a body in chunks", () => {
  it("has its pieces in chunks, and an end", () => {
    const long = "x".repeat(0xabc);

    assert.equal(
      send(new BodyWriter(BODY.chunked), ["ab", long]),
      `2\r\nab\r\nabc\r\n${long}\r\n0\r\n\r\n`,
    );
  });

  it("has trailers behind the last chunk", () => {
    const sent = send(new BodyWriter(BODY.chunked), ["a"], { Digest: "x", "X-B": ["1", "2"] });

    assert.equal(sent, "1\r\na\r\n0\r\nDigest: x\r\nX-B: 1\r\nX-B: 2\r\n\r\n");
  });

  it("is read by the parser as it was meant", () => {
    const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const pieces = ["a", "b".repeat(255), "c".repeat(4096)];

    const seen = readRequest(head + send(new BodyWriter(BODY.chunked), pieces, { d: "e" }));

    assert.equal(seen.fault, undefined);
    assert.equal(seen.messages[0]?.body, pieces.join(""));
    assert.deepEqual(seen.messages[0]?.trailers, ["d: e"]);
  });

  it("takes sizes up to 2^53 − 1", () => {
    const writer = new BodyWriter(BODY.chunked);

    const end = writer.begin(target, 0, Number.MAX_SAFE_INTEGER);

    assert.equal(target.toString("latin1", 0, end), "1fffffffffffff\r\n");
    assert.equal(end, MAX_CHUNK_HEAD_BYTES);
  });

  it("has extensions where they are given", () => {
    const writer = new BodyWriter(BODY.chunked);

    const end = writer.begin(target, 0, 10, ';a="b;c";d');

    assert.equal(target.toString("latin1", 0, end), 'a;a="b;c";d\r\n');
  });

  for (const extensions of ["a", " ;a", ";", ";a=", ";a\r\n", ";a\n", ';a="b', ";a ", ";\u0141"]) {
    it(`refuses the extension ${JSON.stringify(extensions)}`, () => {
      const writer = new BodyWriter(BODY.chunked);

      assert.throws(() => writer.begin(target, 0, 1, extensions), refused);
    });
  }

  it("refuses an empty chunk, which would end the body", () => {
    assert.throws(() => new BodyWriter(BODY.chunked).begin(target, 0, 0), refused);
  });

  for (const trailers of [
    { "Content-Length": "1" },
    { "transfer-encoding": "chunked" },
    { Host: "a" },
    { Connection: "close" },
    { a: "b\r\nc: d" },
    { "a b": "c" },
  ]) {
    it(`refuses the trailers ${JSON.stringify(trailers)}`, () => {
      assert.throws(() => new BodyWriter(BODY.chunked).end(target, 0, trailers), refused);
    });
  }
});

describe("a body writer", () => {
  it("says when there is no room, and then nothing was announced or ended", () => {
    const small = Buffer.alloc(4);
    const writer = new BodyWriter(BODY.chunked);

    assert.equal(writer.begin(small, 0, 5), NO_ROOM);
    assert.equal(writer.end(small, 0), NO_ROOM);
    assert.equal(writer.end(small, 0, { a: "b" }), NO_ROOM);
    assert.equal(writer.end(Buffer.alloc(9), 0, { a: "b" }), NO_ROOM);
    assert.equal(send(writer, ["a"]), "1\r\na\r\n0\r\n\r\n");
  });

  it("does nothing behind the end", () => {
    for (const bodyLength of [0, BODY.none, BODY.chunked, BODY.untilClose]) {
      const writer = new BodyWriter(bodyLength);
      writer.end(target, 0);

      assert.throws(() => writer.begin(target, 0, 1), notNow);
      assert.throws(() => writer.end(target, 0), notNow);
    }
  });

  it("has extensions and trailers for chunks only", () => {
    for (const bodyLength of [5, BODY.untilClose]) {
      const writer = new BodyWriter(bodyLength);

      assert.throws(() => writer.begin(target, 0, 5, ";a"), refused);
      writer.begin(target, 0, 5);
      assert.throws(() => writer.end(target, 0, {}), refused);
    }
  });

  for (const bodyLength of [BODY.byFields, 1.5, Number.NaN, 2 ** 53]) {
    it(`can't be made for ${bodyLength}`, () => {
      assert.throws(() => new BodyWriter(bodyLength), refused);
    });
  }

  for (const pieceBytes of [-1, 0.5, Number.NaN]) {
    it(`can't begin a piece of ${pieceBytes}`, () => {
      assert.throws(() => new BodyWriter(9).begin(target, 0, pieceBytes), refused);
    });
  }
});
