import type { CloseReason } from "../../connection/close-reason.js";
import type { ProtocolConnection } from "../../connection/receiver.js";
import type { Address } from "../../engine/engine.js";
import type { TlsInfo } from "../../engine/tls-options.js";
import type { HttpServerConnection } from "./http-server-connection.js";

/** The receiver of the connection, as far as handlers may know. */
export interface HandledReceiver {
  readonly transport: ProtocolConnection;
  readonly requestCount: number;
  readonly exchangeCount: number;
  readonly isOpen: boolean;
  close(): boolean;
}

/** What handlers see of a connection. Made when one first asks for it. */
export class ServerConnection implements HttpServerConnection {
  context: unknown = undefined;
  readonly #receiver: HandledReceiver;

  constructor(receiver: HandledReceiver) {
    this.#receiver = receiver;
  }

  get id(): number {
    return this.#receiver.transport.id;
  }

  get requestCount(): number {
    return this.#receiver.requestCount;
  }

  get exchangeCount(): number {
    return this.#receiver.exchangeCount;
  }

  get localAddress(): Address | undefined {
    return this.#receiver.transport.localAddress;
  }

  get remoteAddress(): Address | undefined {
    return this.#receiver.transport.remoteAddress;
  }

  get connectedAt(): number {
    return this.#receiver.transport.connectedAt;
  }

  get tls(): TlsInfo | undefined {
    return this.#receiver.transport.tls;
  }

  get isOpen(): boolean {
    return this.#receiver.isOpen;
  }

  close(): boolean {
    return this.#receiver.close();
  }

  abort(): boolean {
    return this.#receiver.transport.abort();
  }

  closed(): Promise<CloseReason> {
    return this.#receiver.transport.closed();
  }
}
