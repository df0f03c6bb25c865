import type { CloseReason } from "../close-reason.js";
import type { ProtocolConnection } from "../receiver.js";

/** Is told that the promise of a handler `onReceive` is settled. */
export interface HandlerSettled {
  handlerSettled(): void;
}

/** Who is told of packets: the handlers of a component, or of a connection that was taken over. */
export interface PacketEvents {
  /** Whether there is a handler for what is received. */
  readonly hasReceiveHandler: boolean;
  /** Whether the application gets the connection by some handler, and may read from it by itself. */
  readonly mayBeRead: boolean;
  /** Whether a handler is told of ends of connections, and may ask for their addresses then. */
  readonly hasCloseHandler?: boolean | undefined;
  /** Calls `onReceive`. Returns true when that has a promise: `settled.handlerSettled` follows. */
  received(connection: ProtocolConnection, unit: Buffer | number, settled: HandlerSettled): boolean;
  sent(connection: ProtocolConnection, byteCount: number): void;
  drained(connection: ProtocolConnection): void;
  /** The peer has finished, and all it sent was taken. */
  ended(connection: ProtocolConnection): void;
  /** The component stops. Undefined: the connection is closed. */
  readonly stopping?: ((connection: ProtocolConnection) => void) | undefined;
  /** The connection has ended. Left out where the component calls `onClose`. */
  connectionClosed?(connection: ProtocolConnection, reason: CloseReason): void;
}
