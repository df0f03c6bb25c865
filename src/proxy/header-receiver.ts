/** A client that has to begin with a PROXY header: receives that and nothing else. */
import { DUE, HOLD, type Receiver } from "../connection/receiver.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { NetError } from "../errors.js";
import type { ProxyHeader } from "../protocol/proxy-header/proxy-header.js";
import {
  ProxyHeaderReader,
  type ProxyHeaderSink,
} from "../protocol/proxy-header/proxy-header-reader.js";

/** Receives one PROXY header, and holds back what follows. */
export class HeaderReceiver implements Receiver, ProxyHeaderSink {
  private readonly connection: StreamConnection;
  private readonly reader: ProxyHeaderReader = new ProxyHeaderReader();
  private readonly done: (header: ProxyHeader) => void;

  constructor(
    connection: StreamConnection,
    timeoutMs: number,
    done: (header: ProxyHeader) => void,
  ) {
    this.connection = connection;
    this.done = done;
    connection.onDue = () => {
      const text = `no PROXY header came within headerTimeoutMs (${timeoutMs})`;
      connection.fail(new NetError("HANDSHAKE_TIMEOUT", text, { operation: "accept" }));
    };
    connection.deadlines.set(DUE.protocol, timeoutMs);
  }

  received(bytes: Buffer): number {
    return this.reader.feed(bytes, this);
  }

  proxyHeader(header: ProxyHeader): void {
    this.connection.hold(HOLD.upgrade);
    this.connection.deadlines.clear(DUE.protocol);
    this.done(header);
  }

  proxyHeaderFailed(error: NetError): void {
    this.connection.fail(error);
  }

  ended(): void {
    this.connection.close();
  }

  drained(): void {
    // Nothing is sent.
  }

  closed(): void {
    // The role is told.
  }
}
