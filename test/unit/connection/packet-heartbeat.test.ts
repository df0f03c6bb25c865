import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Data } from "#src/connection/connection.js";
import type { HeartbeatOptions } from "#src/connection/heartbeat-options.js";
import { type HeartbeatConnection, PacketHeartbeat } from "#src/connection/packet-heartbeat.js";
import { DUE } from "#src/connection/receiver.js";
import type { NetError } from "#src/errors.js";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const TIMES = { everyMs: 1_000, timeoutMs: 300, maxMisses: 1 };
const packet = (text: string): Buffer => Buffer.from(text);
const is =
  (text: string) =>
  (bytes: Buffer): boolean =>
    String(bytes) === text;

/** A connection with heartbeats that notes what it sends and how it ends. */
class NotedConnection implements HeartbeatConnection {
  readonly peerHasEnded = false;
  readonly isFinishing = false;
  readonly id = 0;
  readonly clock: ManualClock = new ManualClock();
  readonly wheel: TimingWheel = new TimingWheel(this.clock);
  readonly deadlines: Deadlines;
  readonly heartbeat: PacketHeartbeat;
  readonly sent: string[] = [];
  readonly errors: NetError[] = [];
  isOpen = true;
  receivedMs = 0;

  constructor(options: HeartbeatOptions) {
    this.deadlines = new Deadlines(this.wheel, {
      deadlinePassed: (purpose) => {
        if (purpose === DUE.heartbeat) this.heartbeat.duePassed();
      },
    });
    this.heartbeat = new PacketHeartbeat(this, options);
  }

  isHeld(): boolean {
    return false;
  }

  send(data: Data): true {
    this.sent.push(String(data));
    return true;
  }

  fail(error: NetError): boolean {
    this.errors.push(error);
    this.heartbeat.stop();
    return true;
  }

  /** A packet comes; whether it was a heartbeat. */
  receive(text: string): boolean {
    this.receivedMs = Math.ceil(this.clock.now());
    return this.heartbeat.takes(packet(text));
  }
}

describe("PacketHeartbeat: this side's own", () => {
  it("sends its message into the silence, and ends a peer that stays silent", () => {
    const connection = new NotedConnection({ ...TIMES, message: "beat" });

    connection.clock.advance(1_100);
    const before = connection.errors.length;
    connection.clock.advance(400);

    assert.deepEqual([connection.sent, before], [["beat"], 0]);
    assert.equal(connection.errors[0]?.code, "HEARTBEAT_TIMEOUT");
  });

  it("makes the message for each, with the connection", () => {
    let count = 0;
    const message = (given: unknown): string => {
      assert.equal(given, connection);
      count++;
      return `beat ${count}`;
    };
    const connection: NotedConnection = new NotedConnection({ ...TIMES, message });

    connection.clock.advance(1_100);
    connection.receive("anything");
    connection.clock.advance(1_100);

    assert.deepEqual(connection.sent, ["beat 1", "beat 2"]);
  });

  it("takes all that comes for an answer, and keeps nothing of it, unless isAnswer says which", () => {
    const any = new NotedConnection({ ...TIMES, message: "beat" });
    const one = new NotedConnection({ ...TIMES, message: "beat", isAnswer: is("pong") });
    for (const connection of [any, one]) connection.clock.advance(1_100);

    const taken = [any.receive("data"), one.receive("data")];
    for (const connection of [any, one]) connection.clock.advance(400);

    assert.deepEqual(taken, [false, false]);
    assert.deepEqual(
      [any, one].map(({ errors }) => errors.map(({ code }) => code)),
      [[], ["HEARTBEAT_TIMEOUT"]],
    );
  });

  it("keeps an answer to itself, which saves the peer", () => {
    const connection = new NotedConnection({ ...TIMES, message: "beat", isAnswer: is("pong") });
    connection.clock.advance(1_100);

    const isTaken = connection.receive("pong");
    connection.clock.advance(400);

    assert.deepEqual([isTaken, connection.errors], [true, []]);
  });

  it("waits while nothing can be sent, and begins anew", () => {
    const connection = new NotedConnection({ ...TIMES, message: "beat" });
    connection.isOpen = false;

    connection.clock.advance(5_000);
    const before = connection.sent.length;
    connection.isOpen = true;
    connection.clock.advance(1_100);

    assert.deepEqual([before, connection.sent], [0, ["beat"]]);
    assert.deepEqual(connection.errors, []);
  });

  it("is over when it is stopped", () => {
    const connection = new NotedConnection({ ...TIMES, message: "beat" });

    connection.heartbeat.stop();
    connection.clock.advance(10_000);

    assert.deepEqual([connection.sent, connection.errors], [[], []]);
  });

  it("ends the connection when the message can't be made", () => {
    const message = (): never => {
      throw new Error("broken");
    };
    const connection = new NotedConnection({ ...TIMES, message });

    connection.clock.advance(1_100);

    assert.equal(connection.errors[0]?.code, "HANDLER_FAILED");
    assert.equal(connection.errors[0]?.operation, "send");
  });
});

describe("PacketHeartbeat: the peer's", () => {
  it("gets its answer, made of it where that is a function, and goes to nobody else", () => {
    const fixed = new NotedConnection({ isProbe: is("ping"), answer: "pong" });
    const made = new NotedConnection({ isProbe: is("ping"), answer: (one) => `re: ${one}` });

    const taken = [fixed.receive("ping"), made.receive("ping"), fixed.receive("data")];
    fixed.clock.advance(100_000);

    assert.deepEqual(taken, [true, true, false]);
    assert.deepEqual([fixed.sent, made.sent], [["pong"], ["re: ping"]]);
    // One that only answers probes nobody.
    assert.deepEqual(fixed.errors, []);
  });

  it("ends the connection when it can't be told or answered", () => {
    const broken = (): never => {
      throw new Error("broken");
    };
    const connections = [
      new NotedConnection({ isProbe: broken, answer: "pong" }),
      new NotedConnection({ isProbe: () => true, answer: broken }),
    ];

    for (const connection of connections) {
      assert.equal(connection.receive("ping"), true);
      assert.equal(connection.errors[0]?.code, "HANDLER_FAILED");
    }
  });
});
