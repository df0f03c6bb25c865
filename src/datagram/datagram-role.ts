/** What components over datagrams do with their sessions: they call the application's handlers. */
import type { CloseReason } from "../connection/close-reason.js";
import type { Events } from "../connection/events.js";
import type { Address, DatagramTarget } from "../engine/engine.js";
import type { NetError, Operation } from "../errors.js";
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
    if (this.makeContext === undefined) return;
    this.events.makeContext(session, this.makeContext, operation);
  }

  /** The same for an outgoing one, and asks whether to make it. Answers whether to go on. */
  prepareConnect(session: Session): boolean {
    this.prepare(session, "connect");
    if (session.state !== "connecting") return false;
    this.events.ask(session, "onPrepareConnect", "connect");
    return session.state === "connecting";
  }

  opened(session: Session, isOutgoing: boolean): void {
    this.events.opened(session, isOutgoing);
  }

  ready(session: Session): void {
    this.events.ready(session);
  }

  closed(session: Session, reason: CloseReason): void {
    this.listening?.forget(session);
    this.events.closed(session, reason);
  }

  refused(error: NetError, remoteAddress: Address | undefined): void {
    this.events.refused(error, remoteAddress);
  }

  shutdown(): void {
    this.events.shutdown();
  }

  hasListeners(): boolean {
    return this.listening?.isOpen === true || this.openPortCount > 0;
  }
}
