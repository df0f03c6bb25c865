import {
  type Address,
  type ListenOptions,
  type NetError,
  type ReceiveModel,
  type StopOptions,
  type StopResult,
  TcpServer,
} from "../index.js";
import type { EngineChoiceName } from "./command.js";
import type { Service, ServiceCounts } from "./service.js";
import type { ServedTls } from "./tls-choice.js";

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
export class EchoServer implements Service {
  readonly name: string;
  readonly fingerprint: string | undefined;
  readonly #server: TcpServer<Buffer | number>;
  #messageCount = 0;
  #lastError: NetError | undefined;

  constructor({ name, receive, engine, maxConnections, secured }: EchoServerOptions) {
    this.name = name;
    this.fingerprint = secured?.fingerprint;
    this.#server = new TcpServer({
      receive,
      slowConsumer: "pause",
      ...(engine !== undefined && { engine }),
      ...(maxConnections !== undefined && { maxConnections }),
      ...(secured !== undefined && { tls: secured.tls }),
      onReceive: (connection, received) => {
        this.#messageCount += 1;
        const bytes = typeof received === "number" ? connection.fetch(received) : received;
        if (bytes !== undefined) connection.send(bytes);
      },
      onRefuse: (error) => {
        this.#lastError = error;
      },
    });
  }

  get engineName(): string {
    return this.#server.stats.engine;
  }

  get lastError(): NetError | undefined {
    return this.#lastError;
  }

  get counts(): ServiceCounts {
    const stats = this.#server.stats;
    return {
      connectionCount: stats.connectionCount,
      openedCount: stats.openedCount,
      refusedCount: stats.refusedCount,
      messageCount: this.#messageCount,
      receivedBytes: stats.receivedBytes,
      sentBytes: stats.sentBytes,
    };
  }

  listen(options: ListenOptions): Promise<Address> {
    return this.#server.listen(options);
  }

  stopped(): Promise<void> {
    return this.#server.stopped();
  }

  stop(options?: StopOptions): Promise<StopResult> {
    return this.#server.stop(options);
  }
}
