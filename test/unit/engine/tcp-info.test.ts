import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeTcpInfo, TCP_INFO_BYTES } from "#src/engine/tcp-info.js";

describe("TCP_INFO", () => {
  it("is read field by field, microseconds as milliseconds", () => {
    const bytes = Buffer.alloc(TCP_INFO_BYTES);
    bytes[0] = 1;
    const fields: readonly (readonly [offset: number, value: number])[] = [
      [8, 204_000],
      [16, 1_448],
      [20, 536],
      [24, 7],
      [32, 2],
      [44, 11],
      [52, 22],
      [60, 1_500],
      [68, 1_250],
      [72, 500],
      [80, 10],
      [100, 3],
      [148, 90],
    ];
    for (const [offset, value] of fields) bytes.writeUInt32LE(value, offset);

    assert.deepEqual(decodeTcpInfo(bytes), {
      state: "ESTABLISHED",
      roundTripMs: 1.25,
      roundTripVarianceMs: 0.5,
      minRoundTripMs: 0.09,
      retransmitTimeoutMs: 204,
      retransmitCount: 3,
      lostCount: 2,
      probeCount: 0,
      unacknowledgedCount: 7,
      congestionWindowSegments: 10,
      sendSegmentBytes: 1_448,
      receiveSegmentBytes: 536,
      pathMtuBytes: 1_500,
      lastDataSentMs: 11,
      lastDataReceivedMs: 22,
    });
  });

  it("has the state's name of RFC 9293, and UNKNOWN for a number that is none", () => {
    const state = (value: number): string => {
      const bytes = Buffer.alloc(TCP_INFO_BYTES);
      bytes[0] = value;
      return decodeTcpInfo(bytes).state;
    };

    assert.deepEqual(
      [state(4), state(8), state(7), state(77)],
      ["FIN-WAIT-1", "CLOSE-WAIT", "CLOSED", "UNKNOWN"],
    );
  });
});
