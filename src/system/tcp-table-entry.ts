/** One line of the table of TCP connections. */
import type { TcpState } from "../engine/tcp-states.js";
import type { ProcessOwner } from "./socket-owners.js";

/** One end of a connection. */
export interface TcpEnd {
  /** IP address as text. */
  readonly host: string;
  /** Port of TCP. */
  readonly port: number;
  /** Which kind of address it is. */
  readonly family: "IPv4" | "IPv6";
}

/** A connection, or a listener. */
export interface TcpTableEntry {
  /** State of the connection by RFC 9293. */
  readonly state: TcpState;
  /** The end on this machine. */
  readonly local: TcpEnd;
  /** Port 0 for a listener. */
  readonly remote: TcpEnd;
  /** Bytes received that the process has not read; of a listener, connections that wait to be accepted. */
  readonly receiveQueue: number;
  /** Bytes sent that the peer has not acknowledged; of a listener, how many connections may wait (0 where /proc was read). */
  readonly sendQueue: number;
  /** The user whose socket it is. */
  readonly userId: number;
  /** The socket's number; 0 where no process has it any more. */
  readonly inode: number;
  /** Whose it is, where that was asked for: several processes may share a socket. */
  readonly processes: readonly ProcessOwner[] | undefined;
}
