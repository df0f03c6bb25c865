import type { CloseReason } from "../connection/close-reason.js";
import type { StreamRole } from "../connection/component/stream-component.js";
import type { Connection } from "../connection/connection.js";
import type { Events } from "../connection/events/events.js";
import type { Listening, ListeningRole } from "../connection/listening/listening.js";
import type { Receiver } from "../connection/receiver.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import type { ConnectOptions } from "../dial/connect-options.js";
import type { Address, ListenTarget } from "../engine/engine.js";
import type { NetError, Operation } from "../errors.js";
import type { Places } from "../outgoing/places.js";
import { PacketReceiver } from "../packets/packet-receiver.js";

/** Receivers that are kept for the next connection. */
const MAX_SPARES = 8_192;

type ContextFactory<Context> = (connection: Connection<Context>) => Context;

/**
 * What TCP components do with their connections: packets of a receive model, and the application's
 * handlers.
 */
export class PacketRole<Handle, Received extends Buffer | number, Context>
  implements StreamRole, ListeningRole
{
  readonly packetEvents: Events<Handle, Received>;
  /** What lets connections in, on a server. */
  listening: Listening | undefined = undefined;
  /** Where an agent or a client has its connections. */
  places: Places<StreamConnection, ConnectOptions> | undefined = undefined;
  /** A caller waits for a client to stop. */
  isStopAwaited = false;
  private readonly makeContext: ContextFactory<Context> | undefined;
  private readonly spares: PacketReceiver[] = [];

  constructor(events: Events<Handle, Received>, makeContext: ContextFactory<Context> | undefined) {
    this.packetEvents = events;
    this.makeContext = makeContext;
  }

  createReceiver(connection: StreamConnection): Receiver {
    const { receive } = connection.settings;
    let spare = this.spares.pop();
    // Those of a model that was in force before are of no use any more.
    while (spare !== undefined && spare.model !== receive) spare = this.spares.pop();
    if (spare === undefined) return new PacketReceiver(connection, this.packetEvents, receive);
    spare.serve(connection);
    return spare;
  }

  takeBackReceiver(connection: StreamConnection, receiver: Receiver): boolean {
    if (!(receiver instanceof PacketReceiver)) return false;
    if (!receiver.isSpareFor(this.packetEvents, connection.settings.receive)) return false;
    receiver.leave();
    if (this.spares.length < MAX_SPARES) this.spares.push(receiver);
    return true;
  }

  askListen(target: ListenTarget): void {
    this.packetEvents.askListen(target);
  }

  /** Makes the context of a new connection. */
  prepare(connection: StreamConnection, operation: Operation = "accept"): void {
    if (this.makeContext === undefined || this.places?.hasContext(connection) === true) return;
    this.packetEvents.makeContext(connection, this.makeContext, operation);
  }

  /** The same for an outgoing one, and asks whether to make it. Returns whether to go on. */
  prepareConnect(connection: StreamConnection): boolean {
    this.prepare(connection, "connect");
    if (connection.state !== "connecting") return false;
    this.packetEvents.ask(connection, "onPrepareConnect", "connect");
    return connection.state === "connecting";
  }

  opened(connection: StreamConnection, isOutgoing: boolean): void {
    if (this.places === undefined) this.packetEvents.opened(connection, isOutgoing);
    else this.places.opened(connection, () => this.packetEvents.opened(connection, isOutgoing));
  }

  ready(connection: StreamConnection): void {
    if (this.places === undefined) this.packetEvents.ready(connection);
    else this.places.ready(connection, () => this.packetEvents.ready(connection));
  }

  closed(connection: StreamConnection, reason: CloseReason): void {
    if (this.places === undefined) this.packetEvents.closed(connection, reason);
    else this.places.closed(connection, reason, () => this.packetEvents.closed(connection, reason));
  }

  refused(error: NetError, remoteAddress: Address | undefined): void {
    this.packetEvents.refused(error, remoteAddress);
  }

  shutdown(): void {
    this.packetEvents.shutdown();
  }

  closeListeners(): void {
    this.listening?.close();
    this.places?.cancel();
  }

  hasListeners(): boolean {
    return this.listening?.isOpen === true;
  }

  isEndAwaited(): boolean {
    return this.isStopAwaited;
  }
}
