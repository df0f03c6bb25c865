import type { ReconnectTarget } from "./reconnect-options.js";

/** An attempt that can begin: enters a connection, tells of it, and resolves when that is ready. */
export type Attempt<Held> = (entered: (connection: Held) => void) => Promise<void>;

/** How connections of one transport are made, for clients and agents alike. */
export interface Dialer<Held, Destination> {
  /** Throws `INVALID_ARGUMENT`. */
  assert(destination: Destination): void;
  /** Throws where there is no connection to make, before anything is entered. */
  prepare(destination: Destination): Attempt<Held>;
  /** The same service at another address. */
  at(destination: Destination, target: ReconnectTarget): Destination;
  /** Throws `PACKET_INVALID` for what can never be sent. */
  assertSendable?(bytes: Buffer): void;
}
