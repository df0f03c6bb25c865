/** How one session ends: one reason, what is waited for, what the peer is told. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLOSED_LOCALLY, type CloseReason } from "#src/connection/close-reason.js";
import type { ConnectionState } from "#src/connection/connection-state.js";
import { DUE } from "#src/connection/receiver.js";
import { datagramSettings } from "#src/datagram/datagram-settings.js";
import { type EndingSession, SessionEnding } from "#src/datagram/session-ending.js";
import { NetError } from "#src/errors.js";
import { CLOSE_NOTIFY } from "#src/protocol/udp-control/udp-control.js";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

function endingOf(state: ConnectionState = "open") {
  const log: string[] = [];
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock);
  const due: number[] = [];
  const session = {
    id: 7,
    state,
    settings: datagramSettings({ closeTimeoutMs: 500 }),
    wheel,
    deadlines: new Deadlines(wheel, { deadlinePassed: (purpose: number) => due.push(purpose) }),
    pendingBytes: 0,
    isSent: true,
    stopTaking: () => log.push("taken"),
    isAllSent: () => session.isSent,
    sendDatagram: (bytes: Uint8Array) => {
      assert.deepEqual(bytes, CLOSE_NOTIFY);
      log.push("notify");
    },
    settled: () => log.push("settled"),
    released: (reason: CloseReason) => log.push(`released ${reason.code}`),
  };
  const ending = new SessionEnding(session as unknown as EndingSession);
  return { ending, session, log, clock, due };
}

describe("the end of a session", () => {
  it("of a close waits for what is to be sent, tells the peer, and comes once", async () => {
    const { ending, session, log } = endingOf();
    session.isSent = false;
    ending.begin(CLOSED_LOCALLY);
    assert.equal(session.state, "closing");
    assert.deepEqual(log, ["taken"]);
    ending.allSent();
    assert.equal(session.state, "ending");
    assert.equal(ending.fail(new NetError("IDLE_TIMEOUT"), true), false);
    ending.allSent();
    await Promise.resolve();
    assert.equal(session.state, "closed");
    assert.deepEqual(log, ["taken", "notify", "taken", "settled", "released CLOSED"]);
    assert.equal(ending.closedMs, 0);
  });

  it("of a close that is not taken comes when closeTimeoutMs has passed, and counts what was left", () => {
    const { ending, session, clock, due } = endingOf();
    session.isSent = false;
    session.pendingBytes = 12;
    ending.begin(CLOSED_LOCALLY);
    clock.advance(510);
    assert.deepEqual(due, [DUE.close]);
    ending.timePassed();
    assert.equal(ending.reason?.code, "CLOSE_TIMEOUT");
    assert.match(ending.reason?.cause?.message ?? "", /^12 bytes/);
    assert.equal(ending.unsentBytes, 12);
  });

  it("is told to no peer that has told it, or that was never there", () => {
    const told = endingOf();
    told.ending.peerClosed();
    assert.ok(!told.log.includes("notify"));
    assert.equal(told.ending.reason?.initiator, "remote");
    const never = endingOf("connecting");
    assert.ok(never.ending.fail(new NetError("CONNECT_TIMEOUT"), true));
    assert.ok(!never.log.includes("notify"));
    assert.equal(never.ending.reason?.operation, "connect");
  });

  it("of a peer's word while it closes is the peer's", () => {
    const { ending, session } = endingOf();
    session.isSent = false;
    ending.begin(CLOSED_LOCALLY);
    ending.peerClosed();
    assert.equal(ending.reason?.initiator, "remote");
    assert.match(ending.closedError().message, /closed/);
  });
});
