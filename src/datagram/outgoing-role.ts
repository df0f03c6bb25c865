/** What agents and clients over datagrams do with their sessions. */
import type { CloseReason } from "../connection/close-reason.js";
import type { Operation } from "../errors.js";
import type { Places } from "../outgoing/places.js";
import type { DatagramConnectOptions } from "./datagram-options.js";
import { DatagramRole } from "./datagram-role.js";
import type { Session } from "./session.js";

/** What agents and clients over datagrams do with their sessions: some have a place, in which they are made anew. */
export class OutgoingRole<Handle, Context> extends DatagramRole<Handle, Context> {
  /** Set as soon as it is made. */
  places: Places<Session, DatagramConnectOptions> | undefined = undefined;

  override prepare(session: Session, operation?: Operation): void {
    if (this.places?.hasContext(session) !== true) super.prepare(session, operation);
  }

  override ready(session: Session): void {
    const tell = (): void => super.ready(session);
    if (this.places === undefined) tell();
    else this.places.ready(session, tell);
  }

  override closed(session: Session, reason: CloseReason): void {
    const tell = (): void => super.closed(session, reason);
    if (this.places === undefined) tell();
    else this.places.closed(session, reason, tell);
  }

  closeListeners(): void {
    this.places?.cancel();
  }
}
