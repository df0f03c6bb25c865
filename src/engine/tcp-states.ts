/** States of a TCP connection by the kernel's number, as RFC 9293 §3.3.2 names them. */
export const TCP_STATES = [
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
] as const;

/** A state of a TCP connection, as RFC 9293 §3.3.2 names it: `ESTABLISHED`, `LISTEN`, `TIME-WAIT`, … */
export type TcpState = (typeof TCP_STATES)[number];

/** The state with this number. */
export function tcpState(number: number): TcpState {
  return TCP_STATES[number] ?? "UNKNOWN";
}
