/** Who is told of what sessions do: the component, and what looks after those that we made. */
import type { EventOwner } from "../connection/events/events.js";
import type { HandlerSettled } from "../connection/events/packet-events.js";
import type { NetError } from "../errors.js";

/** Who is told of what sessions do. */
export interface SessionEvents {
  readonly hasReceiveHandler: boolean;
  /** Calls `onReceive`. Returns true when that has a promise: `settled.handlerSettled` follows. */
  received(session: EventOwner, message: Buffer, settled: HandlerSettled): boolean;
  sent(session: EventOwner, byteCount: number): void;
  sendFailed(session: EventOwner, error: NetError, failedCount: number): void;
  drained(session: EventOwner): void;
}

/** What made an outgoing session, and looks after it. */
export interface SessionDial {
  /** The session is open. */
  established(): void;
  /** The component's settings were changed while it is open. */
  settingsChanged(): void;
  /** The peer's host reports that the port is closed. */
  refused(error: NetError): void;
  /** It has ended, or was never made. */
  ended(): void;
  ref(): void;
  unref(): void;
}
