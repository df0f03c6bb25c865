/** The half of a KCP conversation that receives: order, holds, acknowledgements, the window that it tells. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { KcpShare } from "#src/protocol/kcp/kcp-share.js";
import { HEAD_BYTES, TELL_WINDOW } from "#src/protocol/kcp/segment.js";
import { SegmentReceiver } from "#src/protocol/kcp/segment-receiver.js";
import { kcpSettings } from "../../support/kcp-pair.js";

function receiverOf(settings = {}) {
  const given = kcpSettings({ receiveWindow: 4, ...settings });
  const share = new KcpShare(given);
  const messages: string[] = [];
  const written: { command: number; window: number; number: number; next: number }[] = [];
  const receiver = new SegmentReceiver(
    given,
    {
      message: (bytes, start, length) => {
        messages.push(bytes.toString("latin1", start, start + length));
        side.onMessage();
      },
      output: ({ view }, start, byteCount) => {
        for (let at = start; at < start + byteCount; at += HEAD_BYTES) {
          written.push({
            command: view.getUint8(at + 4),
            window: view.getUint16(at + 6, true),
            number: view.getInt32(at + 12, true),
            next: view.getInt32(at + 16, true),
          });
        }
      },
    },
    share,
  );
  const receive = (number: number, text: string, fragment = 0) => {
    const bytes = Buffer.concat([Buffer.alloc(HEAD_BYTES), Buffer.from(text)]);
    share.memory.toRead(bytes);
    return receiver.received(bytes, 0, fragment, number, 7, text.length);
  };
  const flush = () => {
    receiver.beginWriting();
    receiver.writeAcks();
    receiver.writeWindow();
    share.writer.finish();
    return written.splice(0);
  };
  const side = { receiver, receive, flush, messages, onMessage: () => undefined as void };
  return side;
}

describe("the receiving half of KCP", () => {
  it("delivers in order and once, and acknowledges all that came", () => {
    const { receiver, receive, flush, messages } = receiverOf();
    receive(1, "b");
    receive(0, "a");
    receive(0, "a");
    receive(2, "c", 1);
    receive(3, "d", 0);
    assert.deepEqual(messages, ["a", "b", "cd"]);
    assert.equal(receiver.duplicateCount, 1);
    assert.ok(receiver.needsFlush);
    const acks = flush();
    assert.deepEqual(
      acks.map(({ number }) => number),
      [1, 0, 0, 2, 3],
    );
    assert.ok(acks.every(({ next, window }) => next === 4 && window === 4));
    assert.ok(!receiver.needsFlush);
  });

  it("takes nothing behind its window, and does not acknowledge it", () => {
    const { receive, flush, messages, receiver } = receiverOf();
    assert.equal(receive(4, "e"), "taken");
    assert.equal(receiver.keptCount, 0);
    assert.deepEqual(flush(), []);
    assert.deepEqual(messages, []);
  });

  it("closes its window while it is held, and tells when there is room again", () => {
    const { receiver, receive, flush, messages } = receiverOf();
    receiver.hold();
    for (const number of [0, 1, 2, 3]) receive(number, "x");
    assert.equal(flush().at(-1)?.window, 0);
    assert.deepEqual(messages, []);
    assert.equal(receiver.resume(), "taken");
    assert.equal(messages.length, 4);
    assert.deepEqual(flush(), [{ command: TELL_WINDOW, window: 4, number: 0, next: 4 }]);
  });

  it("tells of a message that is too long, or that never ends", () => {
    const long = receiverOf({ maxMessageBytes: 3 });
    assert.equal(long.receive(0, "abcd"), "tooLong");
    const endless = receiverOf();
    const results = [0, 1, 2, 3].map((number) => endless.receive(number, "x", 9));
    assert.deepEqual(results, ["taken", "taken", "taken", "tooLong"]);
  });

  it("delivers nothing more once it is released by what it delivers", () => {
    const side = receiverOf();
    side.onMessage = () => side.receiver.release();
    side.receive(1, "b");
    side.receive(2, "c");
    side.receive(0, "a");
    assert.deepEqual(side.messages, ["a"]);
  });
});
