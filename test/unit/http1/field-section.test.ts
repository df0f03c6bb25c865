import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RequestHead } from "#src/protocol/http1/request-head.js";
import { RequestParser } from "#src/protocol/http1/request-parser.js";
import { Http1Recorder, latin1 } from "../../support/http1-recorder.js";
import { AFTER_HEAD, type AfterHead } from "#src/protocol/http1/message-sink.js";

const TEXT =
  "GET /path?q HTTP/1.1\r\nHost: a:80\r\nACCEPT: x\r\nX-Odd: \xe9\r\naccept: y\r\nEmpty:\r\n\r\n";

/** Reads one request and looks at its head while it is lent. */
function lookAt(text: string, look: (head: RequestHead) => void): void {
  const parser = new RequestParser();
  const recorder = new (class extends Http1Recorder {
    override onHeadersComplete(head: RequestHead): AfterHead {
      look(head);
      return AFTER_HEAD.goOn;
    }
    override onMessageComplete(): boolean {
      return true;
    }
  })();
  parser.feed(latin1(text), recorder);
  assert.equal(recorder.error, undefined);
}
