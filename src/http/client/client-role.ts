/** What HTTP clients do with their connections: each has a receiver from the moment at which it is open. */
import type { CloseReason } from "../../connection/close-reason.js";
import type { StreamRole } from "../../connection/component/stream-component.js";
import type { Events } from "../../connection/events/events.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import { ClientReceiver, type ReceiverShare } from "./client-receiver.js";

/** Makes the context of a connection. */
export type ContextFactory = (connection: never) => unknown;

/** The role of the components that HTTP clients are made of. */
export class ClientRole<Handle> implements StreamRole {
  readonly packetEvents = undefined;
  private readonly events: Events<Handle, Buffer>;
  private readonly shared: ReceiverShare;
  private readonly makeContext: ContextFactory | undefined;
  /** Receivers of open connections that were not taken yet, by id. */
  private readonly made: Map<number, ClientReceiver> = new Map();

  constructor(
    events: Events<Handle, Buffer>,
    shared: ReceiverShare,
    makeContext: ContextFactory | undefined,
  ) {
    this.events = events;
    this.shared = shared;
    this.makeContext = makeContext;
  }

  /** Makes the context of a connection, and asks whether to make it. Returns whether to go on. */
  prepareConnect(connection: StreamConnection): boolean {
    const make = this.makeContext;
    if (make !== undefined) this.events.makeContext(connection, make, "connect");
    if (connection.state !== "connecting") return false;
    this.events.ask(connection, "onPrepareConnect", "connect");
    return connection.state === "connecting";
  }

  /** The receiver of a connection that is open. Once for each. */
  takeReceiver(connection: StreamConnection): ClientReceiver {
    const receiver = this.made.get(connection.id) ?? this.createReceiver(connection);
    this.made.delete(connection.id);
    return receiver;
  }

  createReceiver(connection: StreamConnection): ClientReceiver {
    return new ClientReceiver(connection, this.shared);
  }

  opened(connection: StreamConnection): void {
    const receiver = this.createReceiver(connection);
    this.made.set(connection.id, receiver);
    connection.receiveBy(receiver);
    this.events.opened(connection, true);
  }

  ready(connection: StreamConnection): void {
    this.events.ready(connection);
  }

  closed(connection: StreamConnection, reason: CloseReason): void {
    this.made.delete(connection.id);
    this.events.closed(connection, reason);
  }

  refused(): void {
    // Clients accept no connections.
  }

  shutdown(): void {
    // Told by the client, which may have two components.
  }
}
