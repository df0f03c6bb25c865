/** `struct tcp_info` (linux/tcp.h), as far as the contract asks. */
import type { TcpInfo } from "../../engine.js";

/** Bytes up to the last field that is read here. */
export const TCP_INFO_BYTES = 152;

/** States of RFC 9293 §3.3.2, by the kernel's number. */
const STATES: readonly string[] = [
  "UNKNOWN",
  "ESTABLISHED",
  "SYN-SENT",
  "SYN-RECEIVED",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "TIME-WAIT",
  "CLOSED",
  "CLOSE-WAIT",
  "LAST-ACK",
  "LISTEN",
  "CLOSING",
  "SYN-RECEIVED",
];

/** Reads what `getsockopt(TCP_INFO)` wrote. Fields that an older kernel lacks are zero. */
export function decodeTcpInfo(bytes: Buffer): TcpInfo {
  const milliseconds = (at: number): number => bytes.readUInt32LE(at) / 1000;
  const count = (at: number): number => bytes.readUInt32LE(at);
  return {
    state: STATES[bytes[0]!] ?? "UNKNOWN",
    roundTripMs: milliseconds(68),
    roundTripVarianceMs: milliseconds(72),
    minRoundTripMs: milliseconds(148),
    retransmitTimeoutMs: milliseconds(8),
    retransmitCount: count(100),
    lostCount: count(32),
    unacknowledgedCount: count(24),
    congestionWindowSegments: count(80),
    sendSegmentBytes: count(16),
    receiveSegmentBytes: count(20),
    pathMtuBytes: count(60),
    lastDataSentMs: count(44),
    lastDataReceivedMs: count(52),
  };
}
