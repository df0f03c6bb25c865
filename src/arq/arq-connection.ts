/** What the application sees of a reliable connection over datagrams. */
import type { Data, SendResult } from "../connection/connection.js";
import type { MessageConnection } from "../datagram/message-connection.js";
import type { MessageOptions } from "../datagram/session-link.js";
import type { ArqStats } from "./arq-link.js";

/** Options of one message. */
export type ArqSendOptions = MessageOptions;

/**
 * One connection of reliable messages over UDP: each `send` is one message of 0 to `maxMessageBytes` bytes, and comes
 * out at the peer once, whole and in order. `pendingBytes` are those that the peer has not acknowledged. Who is slow
 * to take messages holds the peer back, and loses none.
 */
export interface ArqConnection<Context = unknown> extends MessageConnection<Context> {
  /**
   * Sends a message. Returns `true`, `"slow"` from `highWaterMarkBytes` on, `false` when it was not taken. Throws
   * `PACKET_INVALID` for one longer than `maxMessageBytes`.
   */
  send(data: Data, options?: ArqSendOptions): SendResult;
  /** What is known of the path, and of what was sent. */
  readonly linkStats: ArqStats;
}
