import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import {
  AFTER_HEAD,
  type RequestSink,
  type ResponseSink,
} from "#src/protocol/http1/parsing/message-sink.js";
import { RequestParser } from "#src/protocol/http1/parsing/request-parser.js";
import { ResponseParser } from "#src/protocol/http1/parsing/response-parser.js";
import {
  Http1Recorder,
  latin1,
  readRequest,
  requestEveryWay,
  responseEveryWay,
} from "../../../support/http1-recorder.js";
import { netError } from "../../../support/packet-stream.js";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("feeding a parser", () => {
  it("takes all bytes as long as the sink goes on", () => {
    const text = `${GET}${POST}abc${GET}`;

    assert.equal(readRequest(text).takenBytes, text.length);
  });

  it("stops behind a message when the sink says so, and goes on with the rest", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder({ stops: true });
    const bytes = latin1(GET + GET);

    const first = parser.feed(bytes, recorder);
    const second = parser.feed(bytes.subarray(first), recorder);

    assert.deepEqual([first, second], [GET.length, GET.length]);
    assert.equal(recorder.messages.length, 2);
  });

  it("stops behind a piece of a body when the sink says so", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder({ stops: true });
    const head = `${CHUNKED}3\r\n`;

    const taken = parser.feed(latin1(`${head}abc\r\n0\r\n\r\n`), recorder);

    assert.equal(taken, head.length + 3);
    assert.equal(parser.phase, "body");
  });

  it("tells the end of a body at once, also to a sink that has said stop", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder({ stops: true });

    parser.feed(latin1(`${POST}abc`), recorder);

    assert.equal(recorder.events.at(-1), "complete");
  });

  it("stops before the body when the sink answers stop, and reads it next time", () => {
    const answer = () => AFTER_HEAD.stop;
    const parser = new RequestParser();
    const recorder = new Http1Recorder({ answer });
    const bytes = latin1(`${POST}abc`);

    const taken = parser.feed(bytes, recorder);
    parser.feed(bytes.subarray(taken), recorder);

    assert.equal(taken, POST.length);
    assert.deepEqual(recorder.events.slice(-2), ["body abc", "complete"]);
  });

  it("waits for no body, whatever the head says, when the sink answers skipBody", () => {
    const answer = () => AFTER_HEAD.skipBody;
    const head = "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n";
    const chunks = "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n";
    const open = "HTTP/1.1 200 \r\n\r\n";

    const options = { answer, methods: ["GET", "GET", "GET"], ends: false };
    const seen = responseEveryWay(`${head}${chunks}${open}`, options);

    assert.deepEqual(
      seen.messages.map(({ body }) => body),
      ["", "", ""],
    );
    assert.equal(seen.events.at(-1), "complete");
    assert.ok(!seen.events.some((event) => /^(body|chunk|trailer)/.test(event)));
  });

  it("takes what follows for the next message then", () => {
    const answer = () => AFTER_HEAD.skipBody;

    const seen = requestEveryWay(`${POST}${GET}`, { answer });
    const wrong = requestEveryWay(`${POST}abc`, { answer });

    assert.equal(seen.messages.length, 2);
    assert.equal(wrong.messages.length, 1);
    assert.equal(wrong.fault, "truncated");
  });

  it("hands out views into the fed bytes as bodies", () => {
    const bytes = latin1(`${POST}abc${CHUNKED}4\r\nabcd\r\n0\r\n\r\n`);
    const bodies: Buffer[] = [];
    const sink: RequestSink = {
      onHeadersComplete: () => AFTER_HEAD.goOn,
      onBody: (part) => bodies.push(part) > 0,
      onMessageComplete: () => true,
      onParseError: (error) => assert.fail(error),
    };

    new RequestParser().feed(bytes, sink);
    bytes.fill("z");

    assert.deepEqual(bodies.map(String), ["zzz", "zzzz"]);
  });

  it("needs a sink of four methods only", () => {
    let completeCount = 0;
    const sink: RequestSink = {
      onHeadersComplete: (head) => (head.isUpgrade ? AFTER_HEAD.upgrade : AFTER_HEAD.goOn),
      onBody: () => true,
      onMessageComplete: () => {
        completeCount += 1;
        return true;
      },
      onParseError: (error) => assert.fail(error),
    };
    const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

    const text = `${GET}${CHUNKED}1;a\r\nx\r\n0\r\nA: b\r\n\r\n${upgrade}`;
    new RequestParser().feed(latin1(text), sink);

    assert.equal(completeCount, 3);
  });

  it("lets what a sink throws pass", () => {
    const sink = new Http1Recorder({
      answer: () => {
        throw new RangeError("mine");
      },
    });

    assert.throws(() => new RequestParser().feed(latin1(GET), sink), RangeError);
  });
});

describe("an upgrade", () => {
  it("ends the parser's work: what is fed then is refused", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder({ answer: () => AFTER_HEAD.upgrade });

    const taken = parser.feed(latin1(`${GET}abc`), recorder);

    assert.equal(taken, GET.length);
    assert.equal(parser.phase, "upgraded");
    assert.equal(parser.feed(Buffer.alloc(0), recorder), 0);
    assert.throws(() => parser.feed(latin1("a"), recorder), netError("INVALID_STATE"));
    parser.end(recorder);
    assert.equal(recorder.events.at(-1), "upgrade");
  });

  it("that the sink turns down lets requests go on", () => {
    const ask = GET.replace("\r\n\r\n", "\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");

    const seen = requestEveryWay(ask + GET, { answer: () => AFTER_HEAD.goOn });

    assert.equal(seen.messages.length, 2);
  });

  it("of CONNECT that the sink turns down lets nothing go on", () => {
    const connect = "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n";

    const seen = requestEveryWay(connect + GET, { answer: () => AFTER_HEAD.goOn });

    assert.equal(seen.messages.length, 1);
    assert.equal(seen.fault, "afterLast");
  });
});

describe("an error", () => {
  it("is told once, and what is fed then is thrown away", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder();
    const bytes = latin1(`GET\n${GET}`);

    const taken = [parser.feed(bytes, recorder), parser.feed(bytes, recorder)];
    parser.end(recorder);

    assert.deepEqual(taken, [bytes.length, bytes.length]);
    assert.deepEqual(recorder.events, ["begin", "error HTTP_MALFORMED"]);
    assert.equal(parser.phase, "failed");
  });

  it("comes behind the messages before it", () => {
    const seen = requestEveryWay(`${GET}${POST}abcX Y\r\n`);

    assert.equal(seen.messages.length, 2);
    assert.equal(seen.fault, "targetCharacter");
  });

  it("is the peer's fault while receiving, or a limit's", () => {
    const malformed = readRequest("GET\n").error;
    const large = readRequest(`GET /${"a".repeat(9000)}`).error;

    assert.deepEqual([malformed?.fault, malformed?.operation], ["remote", "receive"]);
    assert.deepEqual([large?.fault, large?.operation], ["limit", "receive"]);
  });
});

describe("the state of a parser", () => {
  it("tells what is being read", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder();
    const phases = [...`\r\n${POST}abc`].map((character) => {
      parser.feed(latin1(character), recorder);
      return parser.phase;
    });

    assert.deepEqual(phases.slice(0, 3), ["idle", "idle", "head"]);
    assert.deepEqual(phases.slice(-5), ["head", "body", "body", "body", "idle"]);
  });

  it("holds memory for a head that is cut, and for nothing else", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder();

    const held = [GET, `${GET}GET /`, GET.slice(5), `${POST}a`].map((text) => {
      parser.feed(latin1(text), recorder);
      return parser.heldBytes > 0;
    });

    assert.deepEqual(held, [false, true, false, false]);
  });

  it("counts the requests that wait for a response", () => {
    const parser = new ResponseParser();
    const recorder = new Http1Recorder();
    parser.expect("GET");
    parser.expect("HEAD");

    const counts = ["HTTP/1.1 100 \r\n\r\n", "HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 200 \r\n\r\n"].map(
      (text) => {
        parser.feed(latin1(text), recorder);
        return parser.expectedCount;
      },
    );

    assert.deepEqual(counts, [2, 1, 0]);
    assert.equal(recorder.messages.length, 3);
  });

  it("is the same behind a head that was kept", () => {
    const parser = new ResponseParser();
    const reasons: string[] = [];
    const sink: ResponseSink = {
      onHeadersComplete(head) {
        reasons.push(head.keep().reason);
        return AFTER_HEAD.goOn;
      },
      onBody: () => true,
      onMessageComplete: () => true,
      onParseError: (error) => assert.fail(error),
    };
    for (let count = 0; count < 2; count += 1) parser.expect("GET");

    parser.feed(latin1("HTTP/1.1 204 one\r\n\r\nHTTP/1.1 204 two\r\n\r\n"), sink);

    assert.deepEqual(reasons, ["one", "two"]);
    assert.equal(parser.phase, "idle");
  });

  it("takes no message behind the end", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder();

    parser.end(recorder);
    parser.feed(latin1(GET), recorder);

    assert.deepEqual(recorder.events, ["error HTTP_MALFORMED"]);
  });
});
