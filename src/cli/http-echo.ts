import {
  type Address,
  type HttpExchange,
  HttpServer,
  type ListenOptions,
  type NetError,
  type StopOptions,
  type StopResult,
} from "../index.js";
import type { EngineChoiceName } from "./command.js";
import type { Service, ServiceCounts } from "./service.js";

const TEXT_FIELDS = { "Content-Type": "text/plain; charset=utf-8" };

/** An HTTP server that sends bodies back, and answers requests without one with what it got. */
export class HttpEcho implements Service {
  readonly name: string = "http";
  readonly fingerprint: undefined = undefined;
  readonly #server: HttpServer;
  #lastError: NetError | undefined;

  constructor(engine: EngineChoiceName | undefined) {
    this.#server = new HttpServer({
      ...(engine !== undefined && { engine }),
      onRequest: answer,
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
      messageCount: stats.requestCount,
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

function answer(exchange: HttpExchange): unknown {
  const { headers, hasBody, method, target, version } = exchange;
  if (!hasBody) {
    const fields = [...headers.entries()].map((pair) => `${pair.join(": ")}\n`);
    return exchange.respond(200, TEXT_FIELDS, `${method} ${target} ${version}\n${fields.join("")}`);
  }
  const contentType = headers.get("content-type") ?? "application/octet-stream";
  return exchange.respondStream(200, { "Content-Type": contentType }, exchange.body);
}
