import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { Connection } from "hp-socket";
import type { ConnectionLoad } from "#src/cli/load/connection-load.js";
import { HttpLoad } from "#src/cli/load/http-load.js";
import { HttpTally } from "#src/cli/load/http-tally.js";
import { PreparedRequest } from "#src/cli/load/prepared-request.js";
import { everyChunking } from "../../support/every-chunking.js";

const REQUEST = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\n\r\n";
const LAST = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

/** A load whose sends are kept. */
class Sent {
  readonly tally: HttpTally;
  readonly load: HttpLoad;
  readonly connection: Connection<ConnectionLoad>;
  text = "";

  constructor(depth: number, body?: Uint8Array) {
    const plan = { method: "GET", target: "/a", host: "h", fields: {}, body };
    this.tally = new HttpTally(new PreparedRequest(plan, depth), depth);
    this.tally.countFromMs = 0;
    this.load = new HttpLoad(this.tally);
    this.load.isOpen = true;
    const send = (piece: Buffer): boolean => {
      this.text += piece.toString("latin1");
      return true;
    };
    this.connection = { send } as Partial<Connection> as Connection<ConnectionLoad>;
  }

  receive(text: string | Buffer, nowMs = 1): string | undefined {
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    return this.load.received(this.connection, bytes, nowMs);
  }
}

describe("HttpLoad", () => {
  it("keeps its depth in flight, and counts responses however they are cut", () => {
    for (const { title, chunks } of everyChunking(Buffer.from(OK + HINTS + CHUNKED + OK), 1)) {
      const sent = new Sent(3);
      sent.load.start(sent.connection, 0);

      for (const chunk of chunks) assert.equal(sent.receive(chunk), undefined, title);

      assert.equal(sent.text, REQUEST.repeat(6), title);
      assert.deepEqual([sent.load.inFlightCount, sent.tally.inFlightCount], [3, 3]);
      assert.deepEqual(sent.tally.statuses(), [
        [200, 2],
        [201, 1],
      ]);
      assert.equal(sent.tally.bodyBytes, 7);
      assert.equal(sent.tally.messageCount, 3);
    }
  });

  it("takes the time of each request, of those that end in the measured time", () => {
    const sent = new Sent(2);
    sent.tally.countFromMs = 10;
    sent.load.start(sent.connection, 0);

    sent.receive(OK, 5);
    sent.receive(OK, 12);
    sent.receive(OK, 13);

    assert.equal(sent.tally.latencies.count, 2);
    assert.equal(sent.tally.latencies.maxMs, 12);
    assert.equal(sent.tally.receivedBytes, 2 * OK.length);
  });

  it("takes back what was sent behind the last request that is answered", () => {
    const sent = new Sent(4);
    sent.tally.unsentCount = 10;
    sent.load.start(sent.connection, 0);

    assert.equal(sent.receive(OK + LAST), undefined);
    assert.equal(sent.load.isOver, true);
    sent.load.fail();

    assert.deepEqual([sent.tally.messageCount, sent.tally.inFlightCount], [2, 0]);
    assert.equal(sent.tally.unsentCount, 8);
  });

  it("sends no more than is left to send, and nothing after the end", () => {
    const sent = new Sent(2);
    sent.tally.unsentCount = 3;
    sent.load.start(sent.connection, 0);

    sent.receive(OK + OK);
    assert.equal(sent.text, REQUEST.repeat(3));
    sent.tally.unsentCount = 5;
    sent.tally.stopAtMs = 2;
    sent.receive(OK, 2);

    assert.equal(sent.text, REQUEST.repeat(3));
  });

  it("ends a body without length with the connection", () => {
    const sent = new Sent(1);
    sent.load.start(sent.connection, 0);

    sent.receive("HTTP/1.1 200 OK\r\n\r\nall");
    assert.equal(sent.load.isOver, false);
    assert.equal(sent.load.ended(2), undefined);

    assert.deepEqual(
      [sent.load.isOver, sent.tally.messageCount, sent.tally.bodyBytes],
      [true, 1, 3],
    );
  });

  it("says what is wrong, with its code", () => {
    const [malformed, more, cut] = [new Sent(1), new Sent(1), new Sent(1)];
    for (const { load, connection } of [malformed, more, cut]) load.start(connection, 0);

    assert.match(`${malformed.receive("HTTP/1.1 2000 OK\r\n\r\n")}`, /RFC 9112/);
    more.tally.stopAtMs = 1;
    assert.match(`${more.receive(OK + OK)}`, /./);
    cut.receive("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nx");
    assert.match(`${cut.load.ended(2)}`, /./);

    const codes = [malformed, more, cut].map(({ load }) => load.problemCode);
    assert.deepEqual(codes, ["HTTP_MALFORMED", "HTTP_MALFORMED", "HTTP_TRUNCATED"]);
  });
});

describe("PreparedRequest", () => {
  it("gives copies in one piece, up to 64 KiB", () => {
    const sent = new Sent(1_000, Buffer.alloc(10_000, "x"));
    const { request } = sent.tally;

    assert.equal(request.maxRun, 6);
    assert.equal(request.run(6).length, 6 * request.byteCount);
    assert.match(
      request.run(1).toString(),
      /^GET \/a HTTP\/1\.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\nx{10000}$/,
    );
    sent.load.start(sent.connection, 0);
    assert.equal(sent.text.length, 1_000 * request.byteCount);
  });

  it("refuses what would be another request", () => {
    const plan = { method: "GET", target: "/ x", host: "h", fields: {}, body: undefined };

    assert.throws(() => new PreparedRequest(plan, 1), { code: "INVALID_ARGUMENT" });
  });
});
