import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import { Heartbeat, type HeartbeatOwner, type HeartbeatRule } from "#src/connection/heartbeat.js";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const RULE: HeartbeatRule = { everyMs: 1_000, timeoutMs: 300, maxMisses: 2 };

/** A clock whose process can be held up: time passes, and no timer fires. */
class HeldClock extends ManualClock {
  heldMs = 0;

  override now(): number {
    return super.now() + this.heldMs;
  }
}

/** A connection and an owner in one, whose peer answers when it is told to. */
class Peer implements HeartbeatOwner {
  readonly clock = new HeldClock();
  readonly wheel = new TimingWheel(this.clock);
  readonly id: number;
  readonly deadlines: Deadlines;
  readonly probesMs: number[] = [];
  readonly beat: Heartbeat;
  receivedMs = 0;
  held = 0;
  error: NetError | undefined;

  constructor(rule = RULE, id = 0) {
    this.id = id;
    this.deadlines = new Deadlines(this.wheel, { deadlinePassed: () => this.beat.duePassed() });
    this.beat = new Heartbeat(this, rule, this, 0);
  }

  get answeredMs(): number {
    return this.receivedMs;
  }

  get code(): string | undefined {
    return this.error?.code;
  }

  isHeld(owners: number): boolean {
    return (this.held & owners) !== 0;
  }

  probe(): void {
    this.probesMs.push(this.clock.now());
  }

  silent(error: NetError): void {
    this.error = error;
    this.beat.stop();
  }

  /** Time passes in small steps. */
  wait(ms: number): void {
    for (let passed = 0; passed < ms && this.error === undefined; passed += 10)
      this.clock.advance(10);
  }
}

const near = (value: number | undefined, wanted: number): void =>
  assert.ok(
    value !== undefined && Math.abs(value - wanted) <= 30,
    `${value} is not near ${wanted}`,
  );

describe("Heartbeat", () => {
  it("probes a silent peer, and ends at maxMisses", () => {
    const peer = new Peer();

    peer.wait(5_000);

    assert.equal(peer.probesMs.length, 2);
    near(peer.probesMs[0], 1_000);
    near(peer.probesMs[1], 1_300);
    near(peer.clock.now(), 1_600);
    assert.equal(peer.error?.code, "HEARTBEAT_TIMEOUT");
    assert.match(peer.error?.message ?? "", /timeoutMs \(300\), 2 times in a row/);
  });

  it("probes nobody who is heard", () => {
    const peer = new Peer();
    for (let turn = 0; turn < 20; turn++) {
      peer.wait(600);
      peer.receivedMs = peer.clock.now();
    }
    assert.deepEqual(peer.probesMs, []);
  });

  it("goes on when a probe is answered, and forgets the misses", () => {
    const peer = new Peer();
    for (let turn = 0; turn < 10; turn++) {
      const { length } = peer.probesMs;
      while (peer.probesMs.length < length + 2) peer.wait(10);
      peer.receivedMs = peer.clock.now();
    }
    assert.equal(peer.error, undefined);
  });

  it("takes what came before the probe for no answer", () => {
    const peer = new Peer({ ...RULE, maxMisses: 1 });
    peer.wait(500);
    peer.receivedMs = peer.clock.now();
    peer.wait(2_000);
    assert.equal(peer.probesMs.length, 1);
    near(peer.probesMs[0], 1_500);
    near(peer.clock.now(), 1_800);
  });

  it("sends a fresh probe when it comes late itself, and gives nobody up", () => {
    const peer = new Peer({ ...RULE, maxMisses: 1 });
    peer.wait(1_100);
    assert.equal(peer.probesMs.length, 1);

    peer.clock.heldMs = 60_000;
    peer.wait(400);
    assert.equal(peer.error, undefined);
    assert.equal(peer.probesMs.length, 2);
    peer.receivedMs = peer.clock.now();
    peer.wait(900);
    assert.equal(peer.error, undefined);

    peer.wait(1_000);
    assert.equal(peer.code, "HEARTBEAT_TIMEOUT");
  });

  it("does not judge a peer that we hold back", () => {
    const peer = new Peer({ ...RULE, maxMisses: 1 });
    peer.held = 1;
    peer.wait(10_000);
    assert.equal(peer.error, undefined);
    peer.held = 0;
    peer.wait(700);
    assert.equal(peer.code, "HEARTBEAT_TIMEOUT");
  });

  it("takes an answer that is read when the hold has just been taken away", () => {
    const peer = new Peer({ ...RULE, maxMisses: 1 });
    peer.wait(1_010);
    assert.equal(peer.probesMs.length, 1);
    peer.held = 1;
    while (peer.clock.now() < (peer.probesMs[0] ?? 0) + RULE.timeoutMs - 1) peer.clock.advance(1);
    peer.held = 0;
    // The timer comes before what is read in the same turn.
    peer.clock.advance(5);
    peer.receivedMs = Math.ceil(peer.clock.now());
    peer.wait(500);
    assert.equal(peer.code, undefined);
    peer.wait(2_000);
    assert.equal(peer.code, "HEARTBEAT_TIMEOUT");
  });

  it("spreads the first beats of connections that were made together over a quarter", () => {
    const firsts = Array.from({ length: 100 }, (_, id) => {
      const peer = new Peer({ ...RULE, everyMs: 10_000 }, id);
      while (peer.probesMs.length === 0) peer.wait(10);
      return peer.probesMs[0] ?? 0;
    }).sort((one, other) => one - other);
    near(firsts[0], 7_525);
    near(firsts.at(-1), 10_000);
    const gaps = firsts.slice(1).map((ms, index) => ms - (firsts[index] ?? 0));
    assert.ok(Math.max(...gaps) <= 80);
  });

  it("stops, and begins anew after a time in which nothing can be sent", () => {
    const peer = new Peer();
    peer.wait(1_100);
    peer.beat.later();
    peer.wait(900);
    assert.equal(peer.probesMs.length, 1);
    peer.wait(200);
    assert.equal(peer.probesMs.length, 2);
    peer.beat.stop();
    peer.wait(10_000);
    assert.equal(peer.error, undefined);
  });
});
