import { UdpServer } from "../udp/index.js";
import type { EngineChoiceName } from "./command.js";
import { ServerService } from "./service.js";

/** New sessions of one address in a second: who tries things out has all of them at one. */
const MAX_NEW_PER_SECOND = 10_000;

/** What a UDP echo server is made of. */
export interface UdpEchoOptions {
  readonly engine: EngineChoiceName | undefined;
  /** Defaults: the component's own. */
  readonly maxDatagramBytes?: number | undefined;
  readonly maxConnections?: number | undefined;
}

/** Sends each datagram back to where it came from. */
export class UdpEcho extends ServerService {
  readonly name: string = "udp";
  readonly fingerprint: undefined;
  protected readonly server: UdpServer;
  protected messageCount = 0;

  constructor({ engine, maxDatagramBytes, maxConnections }: UdpEchoOptions) {
    super();
    this.server = new UdpServer({
      delivery: "borrow",
      maxNewPerSecond: MAX_NEW_PER_SECOND,
      ...(engine !== undefined && { engine }),
      ...(maxDatagramBytes !== undefined && { maxDatagramBytes }),
      ...(maxConnections !== undefined && { maxConnections }),
      onReceive: (connection, datagram) => {
        this.messageCount += 1;
        connection.send(datagram);
      },
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }
}
