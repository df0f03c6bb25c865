import type { CloseReason } from "../connection/close-reason.js";
import type { Events } from "../connection/events/events.js";
import type { Address, DatagramTarget } from "../engine/engine.js";
import type { NetError, Operation } from "../errors.js";
import type { Places } from "../outgoing/places.js";
import type { DatagramConnectOptions } from "./datagram-options.js";
import type { MessageConnection } from "./message-connection.js";
import type { Session } from "./session.js";
import type { SessionRole } from "./session-component.js";
import type { PortCount } from "./session-dialing.js";
import type { SessionListening, SessionListeningRole } from "./session-listening.js";

/** Makes the context of a session. */
export type MessageContextFactory<Context> = (connection: MessageConnection<Context>) => Context;

/** What components over datagrams do with their sessions: they call the application's handlers. */
export class DatagramRole<Handle, Context> implements SessionRole, SessionListeningRole, PortCount {
  readonly events: Events<Handle, Buffer>;
  /** What lets sessions in, on a server. */
  listening: SessionListening | undefined = undefined;
  /** Where an agent or a client has its sessions. */
  places: Places<Session, DatagramConnectOptions> | undefined = undefined;
  openPortCount = 0;
  private readonly makeContext: MessageContextFactory<Context> | undefined;

  constructor(
    events: Events<Handle, Buffer>,
    makeContext: MessageContextFactory<Context> | undefined,
  ) {
    this.events = events;
    this.makeContext = makeContext;
  }

  askListen(target: DatagramTarget): void {
    this.events.askListen(target);
  }

  prepare(session: Session, operation: Operation = "accept"): void {
    if (this.makeContext === undefined || this.places?.hasContext(session) === true) return;
    this.events.makeContext(session, this.makeContext, operation);
  }

  /** The same for an outgoing one, and asks whether to make it. Returns whether to go on. */
  prepareConnect(session: Session): boolean {
    this.prepare(session, "connect");
    if (session.state !== "connecting") return false;
    this.events.ask(session, "onPrepareConnect", "connect");
    return session.state === "connecting";
  }

  opened(session: Session, isOutgoing: boolean): void {
    if (this.places === undefined) this.events.opened(session, isOutgoing);
    else this.places.opened(session, () => this.events.opened(session, isOutgoing));
  }

  ready(session: Session): void {
    if (this.places === undefined) this.events.ready(session);
    else this.places.ready(session, () => this.events.ready(session));
  }

  closed(session: Session, reason: CloseReason): void {
    this.listening?.forget(session);
    if (this.places === undefined) this.events.closed(session, reason);
    else this.places.closed(session, reason, () => this.events.closed(session, reason));
  }

  refused(error: NetError, remoteAddress: Address | undefined): void {
    this.events.refused(error, remoteAddress);
  }

  shutdown(): void {
    this.events.shutdown();
  }

  closeListeners(): void {
    this.places?.cancel();
  }

  hasListeners(): boolean {
    return this.listening?.isOpen === true || this.openPortCount > 0;
  }
}
