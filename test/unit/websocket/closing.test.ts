import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { NetError } from "#src/errors.js";
import { clipReason, createCloseBody } from "#src/protocol/websocket/close-code.js";
import {
  CLOSING_TRANSITIONS,
  CloseHandshake,
  type ClosingEvent,
  type ClosingState,
  nextClosingState,
} from "#src/protocol/websocket/close-handshake.js";
import { closeCodeOfError } from "#src/protocol/websocket/fault.js";
import { netError } from "../../support/packet-stream.js";
import { closeBody } from "../../support/websocket-frames.js";

const STATES = Object.keys(CLOSING_TRANSITIONS) as ClosingState[];
const EVENTS: readonly ClosingEvent[] = ["send", "receive", "fail", "end"];

/** The ways that may be gone, written down a second time. */
const WAYS = [
  "open send closeSent",
  "open receive closeReceived",
  "open fail failed",
  "open end ended",
  "closeSent receive done",
  "closeSent fail failed",
  "closeSent end ended",
  "closeReceived send done",
  "closeReceived fail failed",
  "closeReceived end ended",
  "done end ended",
  "failed end ended",
];

describe("the table of closing", () => {
  for (const state of STATES) {
    for (const event of EVENTS) {
      const way = WAYS.find((each) => each.startsWith(`${state} ${event} `));
      it(`${state}, ${event}: ${way === undefined ? "can't be" : way.split(" ")[2]}`, () => {
        if (way === undefined) {
          assert.throws(
            () => nextClosingState(state, event),
            netError("INVALID_STATE", new RegExp(`${state}.*${event}`)),
          );
        } else {
          assert.equal(nextClosingState(state, event), way.split(" ")[2]);
        }
      });
    }
  }
});

describe("CloseHandshake", () => {
  it("says what may still be sent and received", () => {
    const can = (closing: CloseHandshake): readonly boolean[] => [
      closing.canSend,
      closing.canReceive,
    ];
    const first = new CloseHandshake("client");
    const second = new CloseHandshake("server");
    assert.deepEqual(can(first), [true, true]);

    first.sent();
    second.received(1001, "away");

    assert.deepEqual([first.state, ...can(first)], ["closeSent", false, true]);
    assert.deepEqual([second.state, ...can(second)], ["closeReceived", true, false]);
  });

  it("takes Close frames that cross for a clean end", () => {
    const closing = new CloseHandshake("server");

    closing.sent();
    closing.received(4000, "mine");

    assert.deepEqual([closing.isClean, closing.mustEnd], [true, true]);
    closing.ended();
    assert.deepEqual([closing.isClean, closing.code, closing.state], [true, 4000, "ended"]);
  });

  it("has one Close frame each way", () => {
    const closing = new CloseHandshake("client");
    closing.sent();

    assert.throws(() => closing.sent(), netError("INVALID_STATE"));
    closing.received(1000, "");
    assert.throws(() => closing.received(1000, ""), netError("INVALID_STATE"));
  });

  it("does not mind a failure when it is over", () => {
    const closing = new CloseHandshake("client");
    closing.ended();

    closing.fail();

    assert.equal(closing.state, "ended");
  });
});

describe("close bodies", () => {
  it("are a code and a reason, or nothing", () => {
    assert.deepEqual(createCloseBody(undefined), Buffer.alloc(0));
    assert.deepEqual(createCloseBody(1000), closeBody(1000));
    assert.deepEqual(createCloseBody(4001, "grün"), closeBody(4001, "grün"));
    assert.equal(createCloseBody(1000, "r".repeat(123)).length, 125);
  });

  for (const [code, reason] of [
    [undefined, "why"],
    [999, ""],
    [1000.5, ""],
    [Number.NaN, ""],
    [5000, ""],
    [1000, "r".repeat(124)],
    [1000, "é".repeat(62)],
  ] as const) {
    it(`are refused with ${code} and ${reason.length} characters`, () => {
      assert.throws(() => createCloseBody(code, reason), netError("INVALID_ARGUMENT"));
    });
  }

  it("have room for a reason that was clipped, at whole characters", () => {
    assert.equal(clipReason("short"), "short");
    for (const character of ["a", "é", "日", "😀"]) {
      const clipped = clipReason(`x${character.repeat(200)}`);

      assert.ok(Buffer.byteLength(clipped) <= 123 && Buffer.byteLength(clipped) > 119);
      assert.match(clipped, new RegExp(`^x(${character})+$`, "u"));
    }
  });
});

describe("closeCodeOfError", () => {
  for (const [error, code] of [
    ["WEBSOCKET_MALFORMED", 1002],
    ["WEBSOCKET_TEXT_INVALID", 1007],
    ["WEBSOCKET_CONTENT_MALFORMED", 1007],
    ["WEBSOCKET_TOO_LONG", 1009],
    ["WEBSOCKET_FLOOD", 1008],
    ["WEBSOCKET_TRUNCATED", 1006],
    ["STOPPED", 1001],
    ["HANDLER_FAILED", 1011],
    ["REFUSED", 1008],
    ["SEND_QUEUE_FULL", 1013],
    ["CONNECTION_RESET", 1006],
  ] as const) {
    it(`is ${code} for ${error}`, () => {
      assert.equal(closeCodeOfError(new NetError(error)), code);
    });
  }
});
