/** A destination to which an agent makes connections anew. */
import type { Data, SendResult } from "../connection/connection.js";

/**
 * A destination to which an agent makes connections anew: what stays when one connection is lost and the next is made.
 * `Handle` is the connection, `Destination` what `connect` was given.
 */
export interface AgentTarget<Handle extends { context: unknown }, Destination, SendWish = never> {
  /** What `connect` was given. */
  readonly destination: Destination;
  /** The present connection, or the last one; undefined before there was one. */
  readonly connection: Handle | undefined;
  /** The application's own, which goes on to the next connection. */
  context: Handle["context"];
  /** Whether data can be sent. */
  readonly isOpen: boolean;
  /** Whether there is no connection, and another attempt waits or is under way. */
  readonly isReconnecting: boolean;
  /** Sends on the present connection; while there is none, keeps what has room in `maxKeptBytes` and answers `"slow"`. */
  send(data: Data, options?: SendWish): SendResult;
  /** Calls the wait off, or closes the connection; no other is made. */
  close(): boolean;
  /** The same, with `abort`. */
  abort(): boolean;
}
