import { type HttpExchange, HttpServer } from "../../http/index.js";
import type { EngineChoiceName } from "../command.js";
import { ServerService } from "../service/service.js";

const TEXT_FIELDS = { "Content-Type": "text/plain; charset=utf-8" };

/** An HTTP server that sends bodies back, and answers requests without one with what it got. */
export class HttpEcho extends ServerService {
  readonly name: string = "http";
  protected readonly server: HttpServer;

  constructor(engine: EngineChoiceName | undefined) {
    super();
    this.server = new HttpServer({
      ...(engine !== undefined && { engine }),
      onRequest: answer,
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }

  protected get messageCount(): number {
    return this.server.stats.requestCount;
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
