/** `struct tcp_info` (linux/tcp.h), as far as the contract asks. */
import type { TcpInfo } from "../../engine.js";
import { tcpState } from "../../tcp-states.js";

/** Bytes up to the last field that is read here. */
export const TCP_INFO_BYTES = 152;

/** Reads what `getsockopt(TCP_INFO)` wrote. Fields that an older kernel lacks are zero. */
export function decodeTcpInfo(bytes: Buffer): TcpInfo {
  const milliseconds = (at: number): number => bytes.readUInt32LE(at) / 1000;
  const count = (at: number): number => bytes.readUInt32LE(at);
  return {
    state: tcpState(bytes[0]!),
    roundTripMs: milliseconds(68),
    roundTripVarianceMs: milliseconds(72),
    minRoundTripMs: milliseconds(148),
    retransmitTimeoutMs: milliseconds(8),
    retransmitCount: count(100),
    lostCount: count(32),
    probeCount: bytes[3]!,
    unacknowledgedCount: count(24),
    congestionWindowSegments: count(80),
    sendSegmentBytes: count(16),
    receiveSegmentBytes: count(20),
    pathMtuBytes: count(60),
    lastDataSentMs: count(44),
    lastDataReceivedMs: count(52),
  };
}
