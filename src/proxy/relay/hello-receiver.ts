/** A client that has to begin with TLS, which is passed on: its first message is read, and nothing is taken away. */
import type { Buffer } from "node:buffer";
import type { CloseReason } from "../../connection/close-reason.js";
import { DUE, HOLD, type ProtocolConnection, type Receiver } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";
import type { ClientHello } from "../../protocol/tls-hello/client-hello.js";
import { HelloReader } from "../../protocol/tls-hello/hello-reader.js";

/** Bounds of a {@link HelloReceiver}. */
export interface HelloBounds {
  readonly helloTimeoutMs: number;
  readonly maxHelloBytes: number;
}

/** The owner of the receiver. */
export interface HelloOwner {
  /** It is there, and `early` is all that has come with it. */
  helloRead(hello: ClientHello, early: Buffer): void;
  /** The connection has ended without one. */
  helloLost(reason: CloseReason): void;
}

/** Receives a ClientHello, and holds back what follows. */
export class HelloReceiver implements Receiver {
  private readonly connection: ProtocolConnection;
  private readonly reader: HelloReader;
  private readonly owner: HelloOwner;
  private isRead = false;

  /** What is no hello ends the connection. */
  constructor(
    connection: ProtocolConnection,
    { helloTimeoutMs, maxHelloBytes }: HelloBounds,
    owner: HelloOwner,
  ) {
    this.connection = connection;
    this.reader = new HelloReader(maxHelloBytes);
    this.owner = owner;
    connection.onDue = () => {
      const text = `no ClientHello came within helloTimeoutMs (${helloTimeoutMs})`;
      connection.fail(new NetError("HANDSHAKE_TIMEOUT", text, { operation: "handshake" }));
    };
    connection.deadlines.set(DUE.protocol, helloTimeoutMs);
  }

  received(bytes: Buffer): number {
    // What it throws ends the connection.
    const hello = this.reader.feed(bytes);
    if (hello !== undefined) {
      this.connection.hold(HOLD.upgrade);
      this.connection.deadlines.clear(DUE.protocol);
      this.isRead = true;
      this.owner.helloRead(hello, this.reader.bytes);
    }
    return bytes.length;
  }

  ended(): void {
    this.connection.close();
  }

  drained(): void {
    // Nothing is sent.
  }

  closed(reason: CloseReason): void {
    if (!this.isRead) this.owner.helloLost(reason);
  }
}
