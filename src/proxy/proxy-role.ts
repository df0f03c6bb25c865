/** What a proxy does with its clients' connections: reads SOCKS or HTTP, by the first byte. */
import type { CloseReason } from "../connection/close-reason.js";
import type { StreamRole } from "../connection/component/stream-component.js";
import type { ListeningRole } from "../connection/listening/listening.js";
import type { Receiver } from "../connection/receiver.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import type { Address, ListenTarget } from "../engine/engine.js";
import type { NetError } from "../errors.js";
import type { HttpRole } from "../http/server/http-role.js";
import { FirstByte } from "./first-byte.js";
import { SocksReceiver } from "./socks-receiver.js";
import type { TunnelMaker } from "./tunnel-maker.js";

/** The role of a proxy: that of an HTTP server, and what is told apart before it. */
export class ProxyRole implements StreamRole, ListeningRole {
  readonly packetEvents: undefined;
  /** SOCKS handshakes that began. */
  socksCount = 0;
  private readonly http: HttpRole;
  private readonly tunnels: TunnelMaker;

  constructor(http: HttpRole, tunnels: TunnelMaker) {
    this.http = http;
    this.tunnels = tunnels;
  }

  askListen(target: ListenTarget): void {
    this.http.askListen(target);
  }

  prepare(connection: StreamConnection): void {
    this.http.prepare(connection);
  }

  createReceiver(connection: StreamConnection): Receiver {
    return new FirstByte(connection, {
      httpReceiver: () => this.http.createReceiver(connection),
      socksReceiver: () => this.socks(connection),
    });
  }

  private socks(connection: StreamConnection): Receiver {
    this.socksCount++;
    // No request of HTTP will come.
    const http = this.http.receiverOf(connection);
    http.idleList?.remove(http);
    const { limits } = this.http.resources.configuration;
    return new SocksReceiver(connection, this.tunnels, limits.headTimeoutMs);
  }

  opened(connection: StreamConnection, isOutgoing: boolean): void {
    this.http.opened(connection, isOutgoing);
  }

  ready(connection: StreamConnection): void {
    this.http.ready(connection);
  }

  closed(connection: StreamConnection, reason: CloseReason): void {
    this.http.closed(connection, reason);
  }

  refused(error: NetError, remoteAddress: Address | undefined): void {
    this.http.refused(error, remoteAddress);
  }

  shutdown(): void {
    this.http.shutdown();
  }

  closeListeners(): void {
    this.http.closeListeners();
  }

  hasListeners(): boolean {
    return this.http.hasListeners();
  }
}
