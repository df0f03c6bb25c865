import type { CloseReason } from "../../connection/close-reason.js";
import type { ConnectionStats } from "../../connection/connection.js";
import type { ConnectionState } from "../../connection/connection-state.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { Address, KeepAlive, TcpInfo } from "../../engine/engine.js";
import type { TlsInfo } from "../../engine/tls-options.js";
import type { ProxyHeader } from "../../protocol/proxy-header/proxy-header.js";
import type { HttpServerConnection } from "./http-server-connection.js";

/** The receiver of the connection, as far as handlers may know. */
export interface HandledReceiver {
  readonly transport: StreamConnection;
  readonly requestCount: number;
  readonly exchangeCount: number;
  readonly isOpen: boolean;
  close(): boolean;
  resume(): boolean;
}

/** What handlers see of a connection. Made when one first asks for it. */
export class ServerConnection implements HttpServerConnection {
  context: unknown = undefined;
  private readonly receiver: HandledReceiver;

  constructor(receiver: HandledReceiver) {
    this.receiver = receiver;
  }

  private get transport(): StreamConnection {
    return this.receiver.transport;
  }

  get id(): number {
    return this.transport.id;
  }

  get state(): ConnectionState {
    return this.transport.state;
  }

  get requestCount(): number {
    return this.receiver.requestCount;
  }

  get exchangeCount(): number {
    return this.receiver.exchangeCount;
  }

  get localAddress(): Address | undefined {
    return this.transport.localAddress;
  }

  get remoteAddress(): Address | undefined {
    return this.transport.remoteAddress;
  }

  get proxyHeader(): ProxyHeader | undefined {
    return this.transport.proxyHeader;
  }

  get connectedAt(): number {
    return this.transport.connectedAt;
  }

  get silentForMs(): number {
    return this.transport.silentForMs;
  }

  get pendingBytes(): number {
    return this.transport.pendingBytes;
  }

  get stats(): ConnectionStats {
    return this.transport.stats;
  }

  get tls(): TlsInfo | undefined {
    return this.transport.tls;
  }

  get isOpen(): boolean {
    return this.receiver.isOpen;
  }

  get isPaused(): boolean {
    return this.transport.isPaused;
  }

  pause(): boolean {
    return this.transport.pause();
  }

  resume(): boolean {
    return this.receiver.resume();
  }

  close(): boolean {
    return this.receiver.close();
  }

  abort(): boolean {
    return this.transport.abort();
  }

  closed(): Promise<CloseReason> {
    return this.transport.closed();
  }

  get closeReason(): CloseReason | undefined {
    return this.transport.closeReason;
  }

  setNoDelay(on: boolean): void {
    this.transport.setNoDelay(on);
  }

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    return this.transport.setKeepAlive(keepAlive);
  }

  tcpInfo(): TcpInfo | undefined {
    return this.transport.tcpInfo();
  }
}
