/** The half of a KCP conversation that sends: numbers, windows, what is sent again, and when. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { KcpShare } from "#src/protocol/kcp/kcp-share.js";
import { HEAD_BYTES } from "#src/protocol/kcp/segment.js";
import { SegmentSender } from "#src/protocol/kcp/segment-sender.js";
import { kcpSettings, type SideSettings } from "../../support/kcp-pair.js";

const NEVER = Number.POSITIVE_INFINITY;

function senderOf(settings: Partial<SideSettings> = {}) {
  const given = kcpSettings({ mtuBytes: HEAD_BYTES + 10, ...settings });
  const share = new KcpShare(given);
  const sender = new SegmentSender(given, share);
  /** Numbers of the segments that a flush writes. */
  const flush = (nowMs: number, looksBack = true): number[] => {
    const numbers: number[] = [];
    const output = ({ view }: { view: DataView }, start: number, byteCount: number) => {
      for (let at = start; at < start + byteCount; ) {
        numbers.push(view.getInt32(at + 12, true));
        at += HEAD_BYTES + view.getInt32(at + 20, true);
      }
    };
    share.writer.begin({ output }, given.mtuBytes, 1, 128, 0);
    sender.writeProbe(nowMs);
    sender.writeSegments(nowMs, looksBack);
    share.writer.finish();
    sender.written(nowMs);
    return numbers;
  };
  const send = (byteCount: number, staleMs = NEVER) =>
    sender.send(Buffer.alloc(byteCount), staleMs);
  return { sender, send, flush };
}

describe("the sending half of KCP", () => {
  it("numbers segments across the end of the numbers, and is empty when all are acknowledged", () => {
    const { sender, send, flush } = senderOf({ firstNumber: -2 });
    send(35);
    assert.equal(sender.pendingSegments, 4);
    assert.deepEqual(flush(0), [-2, -1, 0, 1]);
    const acked = sender.acknowledgedUpTo(1) + sender.acknowledged(1, 20, 20);
    sender.settle(-2, 128, acked, 20);
    assert.equal(acked, 35);
    assert.equal(sender.pendingBytes, 0);
    assert.equal(sender.dueMs, NEVER);
    assert.ok(!sender.isAwaiting);
  });

  it("keeps within its window and the peer's, and goes on when that grows", () => {
    const { sender, send, flush } = senderOf({ sendWindow: 3 });
    sender.remote.told(2, 0);
    send(50);
    assert.deepEqual(flush(0), [0, 1]);
    sender.remote.told(9, 0);
    sender.settle(0, 2, 0, 1);
    assert.ok(sender.needsFlush);
    assert.deepEqual(flush(1), [2]);
    assert.equal(sender.window, 3);
  });

  it("sends again after its time-out, which grows, and gives up after deadLinkCount times", () => {
    const { sender, send, flush } = senderOf({ deadLinkCount: 3 });
    send(1);
    flush(0);
    assert.deepEqual(flush(199), []);
    assert.deepEqual(flush(200), [0]);
    assert.deepEqual(flush(499), []);
    assert.ok(!sender.isGivenUp);
    assert.deepEqual(flush(500), [0]);
    assert.ok(sender.isGivenUp);
    assert.equal(sender.timedOutCount, 2);
  });

  it("sends again at once what two later ones have overtaken", () => {
    const { sender, send, flush } = senderOf();
    send(30);
    flush(0);
    for (const number of [1, 2]) {
      sender.acknowledged(number, 5, 5);
      sender.countSkips(number, 0);
    }
    assert.ok(sender.needsFlush);
    assert.deepEqual(flush(5), [0]);
    assert.equal(sender.skippedCount, 1);
  });

  it("takes no acknowledgement of what was never sent, or twice", () => {
    const { sender, send, flush } = senderOf();
    send(1);
    flush(0);
    assert.equal(sender.acknowledged(5, 1, 1), 0);
    assert.equal(sender.acknowledged(0, 1, 1), 1);
    assert.equal(sender.acknowledged(0, 1, 1), 0);
  });

  it("drops what has grown stale before it has a number", () => {
    const { sender, send, flush } = senderOf({ sendWindow: 1 });
    send(15, 100);
    send(5, 100);
    flush(0);
    sender.dropStale(100);
    assert.equal(sender.staleCount, 1);
    assert.equal(sender.pendingBytes, 15);
    assert.equal(sender.pendingSegments, 2);
  });
});
