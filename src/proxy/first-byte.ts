/** Which protocol a client speaks: SOCKS begins with its version, 4 or 5, which no HTTP request begins with. */
import type { ProtocolConnection, Receiver } from "../connection/receiver.js";

/** The receivers to choose from. */
export interface ProtocolChoice {
  socksReceiver(): Receiver;
  httpReceiver(): Receiver;
}

/** Receives the first byte, and hands the connection over. */
export class FirstByte implements Receiver {
  private readonly connection: ProtocolConnection;
  private readonly choice: ProtocolChoice;

  constructor(connection: ProtocolConnection, choice: ProtocolChoice) {
    this.connection = connection;
    this.choice = choice;
  }

  received(bytes: Buffer): number {
    const isSocks = bytes[0] === 4 || bytes[0] === 5;
    const { choice } = this;
    this.connection.receiveBy(isSocks ? choice.socksReceiver() : choice.httpReceiver());
    return 0;
  }

  ended(): void {
    this.choice.httpReceiver().ended();
  }

  drained(): void {
    // Nothing is sent.
  }

  closed(): void {
    // The role tells the receiver of HTTP.
  }
}
