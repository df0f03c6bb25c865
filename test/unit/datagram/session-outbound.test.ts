/** What one session sends: room, marks, what failed. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { ConnectionState } from "#src/connection/connection-state.js";
import { NOWHERE, type SessionPort } from "#src/datagram/datagram-port.js";
import { datagramSettings } from "#src/datagram/datagram-settings.js";
import { type OutboundSession, SessionOutbound } from "#src/datagram/session-outbound.js";
import { NetError } from "#src/errors.js";
import { CLOSE_NOTIFY, PROBE } from "#src/protocol/udp-control/udp-control.js";
import { ManualClock } from "#src/time/clock.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

/** A way out whose port keeps what is sent. */
function outboundOf(given = {}) {
  const log: string[] = [];
  const sent: Uint8Array[] = [];
  const session = {
    id: 1,
    settings: datagramSettings({
      highWaterMarkBytes: 100,
      lowWaterMarkBytes: 50,
      maxPendingBytes: 200,
      ...given,
    }),
    wheel: new TimingWheel(new ManualClock()),
    state: "open" as ConnectionState,
    peer: 1,
    link: undefined,
    isOpen: true,
    sentBytes: 0,
    host: {
      hasLinks: false,
      events: {
        hasReceiveHandler: false,
        received: () => false,
        sent: (_: unknown, byteCount: number) => log.push(`sent ${byteCount}`),
        sendFailed: () => undefined,
        drained: () => undefined,
      },
    },
    hold: () => undefined,
    release: () => undefined,
    fail: (error: NetError) => log.push(error.code) > 0,
    queueDrained: () => log.push("drained"),
    closedError: () => new NetError("CONNECTION_CLOSED"),
    sentWhileClosing: () => log.push("closing"),
    networkRefused: () => log.push("refused"),
    sendFailed: (error: NetError, count: number) => log.push(`${error.code} ${count}`),
  };
  const outbound = new SessionOutbound(session as unknown as OutboundSession);
  const port: SessionPort = {
    address: undefined,
    isOpen: true,
    pendingBytes: 0,
    droppedCount: 0,
    send: (to, bytes) => {
      assert.equal(to, outbound);
      sent.push(bytes);
    },
    askLater: () => undefined,
  };
  outbound.port = port;
  return { outbound, session, port, log, sent };
}

const bytes = (count: number): Buffer => Buffer.alloc(count, 1);

describe("the way out of a session", () => {
  it("tells who is slow, drops at its limit, and tells of room again", () => {
    const { outbound, log, sent } = outboundOf({ slowConsumer: "drop" });
    assert.equal(outbound.send(bytes(60), undefined), true);
    assert.equal(outbound.send(bytes(60), undefined), "slow");
    assert.equal(outbound.send(bytes(90), undefined), false);
    assert.equal(outbound.droppedCount, 1);
    assert.equal(sent.length, 2);
    assert.equal(outbound.pendingBytes, 120);
    outbound.datagramsSent(120, 2, undefined, 0);
    assert.deepEqual(log, ["sent 120", "drained"]);
    assert.ok(outbound.isEmpty);
  });

  it("ends the session at its limit where slowConsumer says so", () => {
    const { outbound, log } = outboundOf({ slowConsumer: "close" });
    outbound.send(bytes(150), undefined);
    assert.equal(outbound.send(bytes(60), undefined), false);
    assert.deepEqual(log, ["SEND_QUEUE_FULL"]);
  });

  it("leaves room to the other sessions of its socket", () => {
    const { outbound, port } = outboundOf({ maxSocketPendingBytes: 65_536 });
    Object.assign(port, { pendingBytes: 65_500 });
    assert.equal(outbound.send(bytes(60), undefined), false);
    assert.equal(outbound.send(bytes(36), undefined), true);
  });

  it("counts what failed, but no probe, and tells of refusals", () => {
    const { outbound, session, log } = outboundOf();
    outbound.send(bytes(10), undefined);
    outbound.datagramsSent(10, 1, new NetError("CONNECTION_REFUSED"), 1);
    outbound.sendDatagram(PROBE);
    outbound.datagramsSent(0, 1, new NetError("NO_BUFFERS"), 1);
    assert.deepEqual(log, ["CONNECTION_REFUSED 1", "refused"]);
    assert.equal(session.sentBytes, 0);
    outbound.send(bytes(20), undefined);
    outbound.send(bytes(20), undefined);
    outbound.datagramsSent(40, 2, new NetError("NO_BUFFERS"), 1);
    assert.equal(session.sentBytes, 20);
  });

  it("throws for what can't be a datagram, before any effect", () => {
    const { outbound, sent } = outboundOf({ maxDatagramBytes: 100 });
    for (const message of [bytes(0), bytes(101), Buffer.from(CLOSE_NOTIFY)]) {
      assert.throws(() => outbound.send(message, undefined), { code: "PACKET_INVALID" });
    }
    assert.throws(() => outbound.send(bytes(1), {}), { code: "INVALID_ARGUMENT" });
    assert.equal(sent.length, 0);
    assert.equal(outbound.firstWaiting, NOWHERE);
  });

  it("wakes who waits for room, and rejects when the session ends", async () => {
    const { outbound } = outboundOf();
    outbound.send(bytes(60), undefined);
    const drained = outbound.drained({});
    outbound.datagramsSent(60, 1, undefined, 0);
    await drained;
    outbound.send(bytes(60), undefined);
    const rejected = outbound.drained({});
    outbound.ended();
    await assert.rejects(rejected, { code: "CONNECTION_CLOSED" });
  });

  it("sends nothing by a port that is not open, and tells of what leaves while it closes", () => {
    const { outbound, session, port, log, sent } = outboundOf();
    outbound.send(bytes(10), undefined);
    session.state = "closing";
    outbound.datagramsSent(10, 1, undefined, 0);
    assert.deepEqual(log, ["sent 10", "closing"]);
    Object.assign(port, { isOpen: false });
    outbound.sendDatagram(bytes(1));
    assert.equal(sent.length, 1);
  });
});
