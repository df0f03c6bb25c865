import type { CloseReason } from "../../connection/close-reason.js";
import type { Connection } from "../../connection/connection.js";
import type { MayWait } from "../../connection/events/handlers.js";

/**
 * Takes over a connection behind a request that asked for another protocol, or a CONNECT. It has the
 * connection's events from then on, with the meaning they have for a TCP server; what came behind the
 * request's head comes first.
 */
export interface UpgradeReceiver {
  /** Bytes came; valid during the call. A promise holds the next ones back until it is settled. */
  onReceive(connection: Connection, bytes: Buffer): MayWait;
  /** The send queue is at its low-water mark again. */
  onDrain?(connection: Connection): MayWait;
  /** The peer has finished sending; sending still works. Without this handler the connection is closed. */
  onEnd?(connection: Connection): MayWait;
  /** The server stops: send a last message and close. Without this handler the connection is closed. */
  onStop?(connection: Connection): void;
  /** The connection has ended. */
  onClose?(connection: Connection, reason: CloseReason): MayWait;
}
