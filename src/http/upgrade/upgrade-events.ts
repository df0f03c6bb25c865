/** Calls the application's receiver of a connection that has left HTTP. */
import type { CloseReason } from "../../connection/close-reason.js";
import type { Connection } from "../../connection/connection.js";
import { Events } from "../../connection/events/events.js";
import type { HandlerSettled, PacketEvents } from "../../connection/events/packet-events.js";
import type { ProtocolConnection, Receiver } from "../../connection/receiver.js";
import { PacketReceiver } from "../../packets/packet-receiver.js";
import { push } from "../../receive/push.js";
import type { UpgradeReceiver } from "./upgrade-receiver.js";

/** Tells an `UpgradeReceiver` what happens to its connection. */
export class UpgradeEvents implements PacketEvents {
  readonly hasReceiveHandler = true;
  readonly mayBeRead = true;
  readonly stopping: ((connection: ProtocolConnection) => void) | undefined;
  private readonly events: Events<Connection, Buffer>;
  private readonly hasEndHandler: boolean;
  private readonly gone: ((reason: CloseReason) => void) | undefined;

  /** `connection`: what the receiver is given. `gone`: told of the end before the receiver is. */
  constructor(
    receiver: UpgradeReceiver,
    connection: Connection,
    gone?: (reason: CloseReason) => void,
  ) {
    this.events = new Events<Connection, Buffer>(receiver, connection);
    this.hasEndHandler = receiver.onEnd !== undefined;
    this.gone = gone;
    const { onStop } = receiver;
    if (onStop !== undefined) this.stopping = () => onStop.call(receiver, connection);
  }

  received(connection: ProtocolConnection, unit: Buffer, settled: HandlerSettled): boolean {
    return this.events.received(connection, unit, settled);
  }

  sent(): void {
    // There is no such handler.
  }

  drained(connection: ProtocolConnection): void {
    this.events.drained(connection);
  }

  ended(connection: ProtocolConnection): void {
    if (this.hasEndHandler) this.events.ended(connection);
    else connection.close();
  }

  connectionClosed(connection: ProtocolConnection, reason: CloseReason): void {
    try {
      this.gone?.(reason);
    } finally {
      this.events.closed(connection, reason);
    }
  }
}

/** Receives for an application's `receiver`. */
export function packetsTo(
  receiver: UpgradeReceiver,
  connection: ProtocolConnection & Connection,
): Receiver {
  return new PacketReceiver(connection, new UpgradeEvents(receiver, connection), push());
}
