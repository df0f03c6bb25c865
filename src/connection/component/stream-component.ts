import type { Engine, StreamSocket } from "../../engine/engine.js";
import { assertObject, NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import type { AccessControl } from "../access/access-control.js";
import type { CloseReason } from "../close-reason.js";
import type { PacketEvents } from "../events/packet-events.js";
import type { Receiver } from "../receiver.js";
import { type ConnectionSettings, connectionSettings, SETTING_NAMES } from "../settings.js";
import { type ConnectionHost, StreamConnection } from "../stream-connection.js";
import type { ComponentSecurity } from "../tls/component-security.js";
import { type BroadcastResult, broadcastTo } from "./broadcast.js";
import { Component, type ComponentRole } from "./component.js";
import type { ChangeableSettings, ComponentStats } from "./component-options.js";

/** What a component of this role does with its streams. */
export interface StreamRole extends ComponentRole<StreamConnection> {
  /** Who is told of packets; undefined where a protocol of ours reads. */
  readonly packetEvents: PacketEvents | undefined;
  /** The receiver of a connection, made with its first byte at the latest. */
  createReceiver(connection: StreamConnection): Receiver;
  /** See {@link ConnectionHost.takeBackReceiver}; left out, a connection keeps its receiver. */
  takeBackReceiver?(connection: StreamConnection, receiver: Receiver): boolean;
}

const STREAM_SETTINGS = { names: SETTING_NAMES, read: connectionSettings };

/** A component whose connections are streams: what it adds to every component. */
export class StreamComponent
  extends Component<StreamConnection, ConnectionSettings>
  implements ConnectionHost
{
  readonly security: ComponentSecurity | undefined;
  /** Who may connect, where that is restricted. */
  access: AccessControl | undefined = undefined;
  private readonly streamRole: StreamRole;

  /** Throws `INVALID_ARGUMENT` for invalid settings. */
  constructor(
    role: StreamRole,
    engine: Engine,
    security: ComponentSecurity | undefined,
    given: Given<ConnectionSettings>,
  ) {
    super(role, engine, STREAM_SETTINGS, given);
    this.streamRole = role;
    this.security = security;
  }

  get packetEvents(): PacketEvents | undefined {
    return this.streamRole.packetEvents;
  }

  createReceiver(connection: StreamConnection): Receiver {
    return this.streamRole.createReceiver(connection);
  }

  takeBackReceiver(connection: StreamConnection, receiver: Receiver): boolean {
    return this.streamRole.takeBackReceiver?.(connection, receiver) === true;
  }

  /** Enters a connection: an accepted stream's, or one that is still to be made. */
  admit(stream?: StreamSocket): StreamConnection {
    const connection = new StreamConnection(this);
    this.registry.add(connection);
    if (stream !== undefined) {
      connection.stream = stream;
      stream.sink = connection;
    }
    return connection;
  }

  /** See `TcpServer.configure`. `known`: names of the component's options that can't be changed. */
  configure(changes: ChangeableSettings, known: readonly string[]): void {
    assertObject("the options of configure", changes);
    const { tls, ...settings } = changes;
    if (tls !== undefined && this.security === undefined) {
      throw new NetError("SETTING_FIXED", "tls can't be switched on once the component is made");
    }
    this.change(settings, known, (changed) => {
      if (tls !== undefined) this.security?.update(tls);
      // A model holds for connections to come: the others get their receiver while the old one is in force.
      if (changed.receive === this.settings.receive) return;
      for (const connection of this.registry.list()) connection.keepModel();
    });
  }

  override connectionClosed(connection: StreamConnection, reason: CloseReason): void {
    this.access?.gone(connection.id);
    super.connectionClosed(connection, reason);
  }

  sendToAll(connections: readonly StreamConnection[], bytes: Buffer): BroadcastResult {
    return broadcastTo(connections, bytes, this.service.engine.memory);
  }

  override get stats(): ComponentStats {
    return { ...super.stats, handshakeCount: this.security?.underWayCount ?? 0 };
  }
}
