import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";
import { type EndingSocket, SocketEnding } from "#src/websocket/socket-ending.js";

interface Reason {
  readonly code: string;
}

/** A socket with a peer that takes bytes when it is told to, and never replies. */
class Socket {
  readonly clock = new ManualClock();
  readonly deadlines: Deadlines;
  readonly ending: SocketEnding;
  readonly events: string[] = [];
  readonly isOpen = true;
  readonly id = 7;
  pendingBytes = 0;
  sendProgress = 0;

  constructor() {
    const dues = { deadlinePassed: () => this.ending.timePassed() };
    this.deadlines = new Deadlines(new TimingWheel(this.clock), dues);
    const output = {
      close: () => {
        this.pendingBytes += 4;
      },
      afterAll: (task: () => void) => task(),
    };
    this.ending = new SocketEnding({
      connection: this,
      settings: { closeFrameTimeoutMs: 1_000 },
      isClient: false,
      output,
      stopPinging() {},
    } as unknown as EndingSocket);
  }

  takes(byteCount: number): void {
    this.pendingBytes -= byteCount;
    this.sendProgress += byteCount;
    this.ending.bytesSent();
  }

  fail({ message }: NetError): void {
    this.events.push(message);
  }

  closeWith({ code }: Reason): void {
    this.events.push(`in good order, ${code}`);
  }
}

describe("a peer that does not reply to a Close frame", () => {
  it("has closeFrameTimeoutMs from when it has left, and is not reset", () => {
    const socket = new Socket();
    socket.ending.close(1_000, "");
    socket.clock.advance(900);
    socket.takes(4);
    socket.clock.advance(900);
    assert.deepEqual(socket.events, []);

    socket.clock.advance(300);
    assert.deepEqual(socket.events, ["in good order, CLOSE_TIMEOUT"]);
  });

  it("has it again as often as it takes some of what waits before", () => {
    const socket = new Socket();
    socket.pendingBytes = 10_000;
    socket.ending.close(1_000, "");
    for (let round = 0; round < 5; round++) {
      socket.takes(1_000);
      socket.clock.advance(1_100);
    }
    assert.deepEqual(socket.events, []);

    socket.clock.advance(1_100);
    assert.match(socket.events.join(), /^the peer did not take any of 5004 bytes .*\(1000\)$/);
  });
});
