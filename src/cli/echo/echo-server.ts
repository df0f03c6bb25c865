import { type ReceiveModel, TcpServer } from "../../index.js";
import type { ServedTls } from "../choices/tls-choice.js";
import type { EngineChoiceName } from "../command.js";
import { ServerService } from "../service/service.js";

/** What an echo server is made of. */
export interface EchoServerOptions {
  readonly name: string;
  readonly receive: ReceiveModel;
  readonly engine: EngineChoiceName | undefined;
  /** Default: the component's own. */
  readonly maxConnections?: number | undefined;
  /** Default: plain. */
  readonly secured?: ServedTls | undefined;
}

/**
 * Sends back what comes, framed as it came. A peer that does not read its answers is read from no
 * further until it does, so that nothing piles up here.
 */
export class EchoServer extends ServerService {
  readonly name: string;
  override readonly fingerprint: string | undefined;
  protected readonly server: TcpServer<Buffer | number>;
  protected messageCount = 0;

  constructor({ name, receive, engine, maxConnections, secured }: EchoServerOptions) {
    super();
    this.name = name;
    this.fingerprint = secured?.fingerprint;
    this.server = new TcpServer({
      receive,
      slowConsumer: "pause",
      ...(engine !== undefined && { engine }),
      ...(maxConnections !== undefined && { maxConnections }),
      ...(secured !== undefined && { tls: secured.tls }),
      onReceive: (connection, received) => {
        this.messageCount += 1;
        const bytes = typeof received === "number" ? connection.fetch(received) : received;
        if (bytes !== undefined) connection.send(bytes);
      },
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }
}
