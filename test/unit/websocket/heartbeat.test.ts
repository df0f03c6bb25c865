import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";
import { Heartbeat, type PingedSocket } from "#src/websocket/heartbeat.js";
import type { WebSocketSettings } from "#src/websocket/websocket-settings.js";

/** A clock whose process can be held up: time passes, and no timer fires. */
class HeldClock extends ManualClock {
  heldMs = 0;

  override now(): number {
    return super.now() + this.heldMs;
  }
}

class Socket {
  readonly clock = new HeldClock();
  readonly wheel = new TimingWheel(this.clock);
  readonly id = 1;
  readonly deadlines: Deadlines;
  readonly beat: Heartbeat;
  readonly self: PingedSocket;
  receivedMs = 0;
  pingCount = 0;
  held = 0;
  error: NetError | undefined;

  constructor() {
    const dues = {
      deadlinePassed: (purpose: number) => this.beat.duePassed(this.self, purpose),
    };
    this.deadlines = new Deadlines(this.wheel, dues);
    this.self = {
      connection: this,
      output: {
        control: () => {
          this.pingCount++;
        },
      },
      pingedMs: 0,
    } as unknown as PingedSocket;
    const settings = { pingIntervalMs: 1_000, pongTimeoutMs: 300 };
    this.beat = new Heartbeat(settings as WebSocketSettings);
    this.beat.begin(this.self);
  }

  isHeld(): boolean {
    return this.held !== 0;
  }

  fail(error: NetError): boolean {
    this.error = error;
    this.beat.stop(this.self);
    return true;
  }

  get code(): string | undefined {
    return this.error?.code;
  }

  wait(ms: number): void {
    for (let passed = 0; passed < ms; passed += 10) this.clock.advance(10);
  }
}

describe("the heartbeat of a WebSocket", () => {
  it("pings a silent peer, and gives up one that stays silent", () => {
    const socket = new Socket();
    socket.wait(1_020);
    assert.equal(socket.pingCount, 1);
    socket.wait(320);
    assert.equal(socket.code, "WEBSOCKET_PONG_TIMEOUT");
  });

  it("goes on when anything came", () => {
    const socket = new Socket();
    socket.wait(1_020);
    socket.receivedMs = socket.clock.now();
    socket.wait(1_000);
    assert.equal(socket.code, undefined);
  });

  it("pings again, and gives nobody up, when this side was held up", () => {
    const socket = new Socket();
    socket.wait(1_020);
    socket.clock.heldMs = 60_000;
    socket.wait(330);
    assert.equal(socket.code, undefined);
    assert.equal(socket.pingCount, 2);
    socket.wait(330);
    assert.equal(socket.code, "WEBSOCKET_PONG_TIMEOUT");
  });

  it("does not judge a peer that we hold back", () => {
    const socket = new Socket();
    socket.held = 1;
    socket.wait(5_000);
    assert.equal(socket.code, undefined);
  });
});
