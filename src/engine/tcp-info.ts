/** `struct tcp_info` (linux/tcp.h), as far as the contract asks. */
import type { TcpInfo } from "./engine.js";
import { tcpState } from "./tcp-states.js";

/** Bytes up to the last field that is read here. */
export const TCP_INFO_BYTES = 152;
const LAST_ACKNOWLEDGED_AT = 56;
const NOT_SENT_AT = 144;

/** Time since the peer acknowledged anything, in milliseconds. */
export function lastAcknowledgedMs(bytes: Buffer): number {
  return bytes.readUInt32LE(LAST_ACKNOWLEDGED_AT);
}

/** Bytes that were given to the kernel and could not leave, a FIN counted as one. */
export function notSentBytes(bytes: Buffer): number {
  return bytes.readUInt32LE(NOT_SENT_AT);
}

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
