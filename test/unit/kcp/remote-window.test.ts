/** The room that a KCP peer has told of, and how it is asked for more. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DatagramWriter } from "#src/protocol/kcp/datagram-writer.js";
import { RemoteWindow } from "#src/protocol/kcp/remote-window.js";

const DEAD_LINK_MS = 100_000;

/** Probes that `window` writes between two moments, each at its time. */
function probesOf(window: RemoteWindow, fromMs: number, toMs: number): number[] {
  const probes: number[] = [];
  const writer = new DatagramWriter(1_400);
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 250) {
    writer.begin({ output: () => probes.push(nowMs) }, 1_400, 1, 128, 0);
    window.probe(nowMs, true, DEAD_LINK_MS, writer);
    writer.finish();
  }
  return probes;
}

describe("the peer's window of KCP", () => {
  it("is that of the newest segment, not of one that was overtaken", () => {
    const window = new RemoteWindow(-1);
    assert.equal(window.segments, 128);
    window.told(5, 1);
    window.told(0, 0);
    assert.equal(window.segments, 5);
    window.told(0, 1);
    assert.equal(window.segments, 0);
  });

  it("is asked for while there is none: after 1 s, then each time half as long again, up to its bound", () => {
    const window = new RemoteWindow(0);
    window.told(0, 0);
    assert.deepEqual(probesOf(window, 0, 20_000), [1_000, 2_500, 4_750, 8_250, 13_250, 18_250]);
    assert.equal(window.dueMs, 23_250);
  });

  it("is not asked for where nothing waits, nor when there is room", () => {
    const window = new RemoteWindow(0);
    window.told(0, 0);
    const writer = new DatagramWriter(1_400);
    window.probe(0, false, DEAD_LINK_MS, writer);
    assert.equal(window.dueMs, Number.POSITIVE_INFINITY);
    window.probe(0, true, DEAD_LINK_MS, writer);
    assert.equal(window.dueMs, 1_000);
    window.told(1, 0);
    window.probe(500, true, DEAD_LINK_MS, writer);
    assert.equal(window.dueMs, Number.POSITIVE_INFINITY);
  });
});
