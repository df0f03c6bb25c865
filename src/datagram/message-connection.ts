/** What the application sees of a connection over datagrams. */
import type { AnyConnection } from "../connection/connection.js";

/**
 * One connection of whole messages: a session over datagrams. Each `send` is one message, and each message that
 * comes is given to `onReceive`, `read` and `for await` as it was sent, never joined and never cut.
 *
 * Over UDP a message is a datagram, of 1 to `maxDatagramBytes` bytes, and may get lost, come twice or out of
 * order. `send` throws `PACKET_INVALID` for an empty one, one that is too long, and for the 16 bytes of a close-notify (HP §3.2).
 * Who is slow to take messages loses those beyond `maxUnreadBytes`.
 */
export interface MessageConnection<Context = unknown> extends AnyConnection<Context> {
  /**
   * Datagrams and messages that were dropped here because nobody took those before them. On an outgoing
   * session also those that the system has dropped because there was no room, where the system counts them.
   */
  readonly missedCount: number;
  /** Datagrams that could not be sent; see `onSendError`. */
  readonly failedCount: number;
}
