/** What TCP clients and agents do with their connections. */
import type { CloseReason } from "../connection/close-reason.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import type { ConnectOptions } from "../dial/connect-options.js";
import type { Operation } from "../errors.js";
import type { Places } from "../outgoing/places.js";
import { PacketRole } from "./packet-role.js";

/** What TCP clients and agents do with their connections: some have a place, in which they are made anew. */
export class OutgoingRole<Handle, Received extends Buffer | number, Context> extends PacketRole<
  Handle,
  Received,
  Context
> {
  /** Whether the application begins TLS. */
  startsTlsByHand = false;
  /** Set as soon as it is made. */
  places: Places<StreamConnection, ConnectOptions> | undefined = undefined;

  override prepare(connection: StreamConnection, operation?: Operation): void {
    if (this.places?.hasContext(connection) !== true) super.prepare(connection, operation);
  }

  override opened(connection: StreamConnection, isOutgoing: boolean): void {
    super.opened(connection, isOutgoing);
    if (this.startsTlsByHand && connection.isOpen) this.places?.made(connection);
  }

  override ready(connection: StreamConnection): void {
    const tell = (): void => super.ready(connection);
    if (this.places === undefined) tell();
    else this.places.ready(connection, tell);
  }

  override closed(connection: StreamConnection, reason: CloseReason): void {
    const tell = (): void => super.closed(connection, reason);
    if (this.places === undefined) tell();
    else this.places.closed(connection, reason, tell);
  }

  override closeListeners(): void {
    this.places?.cancel();
  }
}
