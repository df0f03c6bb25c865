import { ArqServer } from "../arq/index.js";
import type { EngineChoiceName } from "./command.js";
import { ServerService } from "./service.js";

/** New sessions of one address in a second: who tries things out has all of them at one. */
const MAX_NEW_PER_SECOND = 10_000;
/** Room for the answers of a peer that sends faster than it reads. */
const MAX_PENDING_BYTES = 16_777_216;

/** What an echo server of reliable messages over UDP is made of. */
export interface ArqEchoOptions {
  readonly engine: EngineChoiceName | undefined;
  /** Defaults: the component's own. */
  readonly maxMessageBytes?: number | undefined;
  readonly maxConnections?: number | undefined;
}

/** Sends each message back. A peer that takes no answers is read from no further. */
export class ArqEcho extends ServerService {
  readonly name: string = "arq";
  readonly fingerprint: undefined;
  protected readonly server: ArqServer;
  protected messageCount = 0;

  constructor({ engine, maxMessageBytes, maxConnections }: ArqEchoOptions) {
    super();
    this.server = new ArqServer({
      delivery: "borrow",
      slowConsumer: "pause",
      maxPendingBytes: MAX_PENDING_BYTES,
      maxNewPerSecond: MAX_NEW_PER_SECOND,
      ...(engine !== undefined && { engine }),
      ...(maxMessageBytes !== undefined && { maxMessageBytes }),
      ...(maxConnections !== undefined && { maxConnections }),
      onReceive: (connection, message) => {
        this.messageCount += 1;
        connection.send(message);
      },
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }
}
