/**
 * The web's own face of a server: a function from Request to Response, as applications made with Hono
 * and the like have it. Hot.
 */
import { describe, NetError } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { fieldPairs, hasField } from "../../http-fields.js";
import type { HttpExchange } from "../http-exchange.js";
import type { HttpServerConnection } from "../http-server-connection.js";
import type { ServerExchange } from "../server-exchange.js";
import { bodyIsUsed } from "./body-bytes.js";
import { type LightParts, takeLightParts } from "./light-response.js";
import { takePlatformParts } from "./platform-response.js";
import { requestMaker, requestMethod } from "./request-maker.js";
import { requestUrl } from "./request-url.js";
import { OF_THE_CONNECTION } from "./response-fields.js";
import { cancelBody, sendStream } from "./stream-sender.js";

/** What a `fetch` handler is told besides the request. */
export interface FetchInfo<Context = unknown> {
  /** The connection that the request came on. */
  readonly connection: HttpServerConnection<Context>;
  /** The exchange below, for what a Response can't say: files, upgrades, interim responses. */
  readonly exchange: HttpExchange<Context>;
}

/** Responds to a request. A rejection becomes 500. */
export type FetchHandler<Context = unknown> = (
  request: Request,
  info: FetchInfo<Context>,
) => Response | Promise<Response>;

/** Responds to an exchange by a `fetch` handler; at once where that does. */
export function respondByFetch(
  handler: FetchHandler,
  exchange: ServerExchange,
): void | Promise<void> {
  const method = requestMethod(exchange.method);
  if (method === undefined) {
    exchange.respondError(501);
    return undefined;
  }
  const url = requestUrl(exchange);
  if (typeof url === "number") {
    exchange.respondError(url);
    return undefined;
  }
  // The Request may be read after the response.
  exchange.keep();
  const request = requestMaker.create(exchange, method, url);
  const response: unknown = handler(request, { connection: exchange.connection, exchange });
  return isThenable(response)
    ? Promise.resolve(response).then((come) => sendResponse(exchange, come))
    : sendResponse(exchange, response);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

function sendResponse(exchange: ServerExchange, response: unknown): void | Promise<void> {
  // A handler that has responded by the exchange, or upgraded the connection, does not respond here; nor does one
  // whose peer has gone.
  if (exchange.isResponded) return cancelBody(response);
  assertResponse(response);
  const { status, statusText, fields, body } =
    takeLightParts(response) ?? takePlatformParts(response) ?? partsOf(response);
  if (statusText !== "") exchange.statusText = statusText;
  if (typeof body === "object" && body !== null && "getReader" in body) {
    return sendStream(exchange, body, status, sendable(fields));
  }
  exchange.respond(status, sendable(fields), body ?? undefined);
  return undefined;
}

/** What any Response says of itself. Throws where its body is used. */
function partsOf(response: Response): LightParts {
  if (response.bodyUsed) throw bodyIsUsed();
  const { status, statusText, headers, body } = response;
  return { status, statusText: statusText ?? "", fields: headers, body };
}

/** By its members: a Response may be of another class than the global one. */
function assertResponse(response: unknown): asserts response is Response {
  const isObject = typeof response === "object" && response !== null;
  if (isObject && "status" in response && "headers" in response && "body" in response) return;
  const message = `fetch must return a Response, not ${describe(response)}`;
  throw new NetError("INVALID_ARGUMENT", message, { operation: "request" });
}

/** Without the fields that a Response of another server has for its connection. Plain fields have none. */
function sendable(fields: FieldInput): FieldInput {
  if (!(Symbol.iterator in fields)) return fields;
  if (!OF_THE_CONNECTION.some((name) => hasField(fields, name))) return fields;
  return [...fieldPairs(fields)].filter(
    ([name]) => !OF_THE_CONNECTION.includes(name.toLowerCase()),
  );
}
