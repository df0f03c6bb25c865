import { ArqServer } from "../../arq/index.js";
import type { NetError } from "../../index.js";
import { UdpServer } from "../../udp/index.js";
import type { EngineChoiceName } from "../command.js";
import { ServerService } from "../service/service.js";

/** New sessions of one address in a second: who tries things out has all of them at one. */
const MAX_NEW_PER_SECOND = 10_000;
/** Room for the answers of a peer that sends faster than it reads. */
const MAX_PENDING_BYTES = 16_777_216;

/** What an echo server over datagrams is made of. */
export interface DatagramEchoOptions {
  readonly engine: EngineChoiceName | undefined;
  /** Bytes of a datagram, or of a reliable message. Defaults: the component's own. */
  readonly maxMessageBytes?: number | undefined;
  readonly maxConnections?: number | undefined;
}

/** Sends each datagram, or each reliable message, back to where it came from. */
export class DatagramEcho extends ServerService {
  readonly name: "udp" | "arq";
  protected readonly server: UdpServer | ArqServer;
  protected messageCount = 0;

  constructor(
    name: "udp" | "arq",
    { engine, maxMessageBytes, maxConnections }: DatagramEchoOptions,
  ) {
    super();
    this.name = name;
    const options = {
      delivery: "borrow",
      maxNewPerSecond: MAX_NEW_PER_SECOND,
      ...(engine !== undefined && { engine }),
      ...(maxConnections !== undefined && { maxConnections }),
      onReceive: (connection: { send(bytes: Buffer): unknown }, message: Buffer): void => {
        this.messageCount += 1;
        connection.send(message);
      },
      onRefuse: (error: NetError): void => {
        this.lastError = error;
      },
    } as const;
    this.server =
      name === "udp"
        ? new UdpServer({
            ...options,
            ...(maxMessageBytes !== undefined && { maxDatagramBytes: maxMessageBytes }),
          })
        : new ArqServer({
            ...options,
            // A peer that takes no answers is read from no further.
            slowConsumer: "pause",
            maxPendingBytes: MAX_PENDING_BYTES,
            ...(maxMessageBytes !== undefined && { maxMessageBytes }),
          });
  }
}
