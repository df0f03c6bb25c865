/**
 * The web's own face of a server: a function from Request to Response, as applications made with Hono
 * and the like have it. Bodies stream both ways with back-pressure.
 */
import { describe, NetError } from "../../errors.js";
import type { FieldInput } from "../../protocol/http1/field-writer.js";
import type { IncomingBody } from "../incoming-body.js";
import type { HttpExchange } from "./http-exchange.js";
import type { HttpServerConnection } from "./http-server-connection.js";

/** What a `fetch` handler is told besides the request. */
export interface FetchInfo {
  readonly connection: HttpServerConnection;
  /** The exchange below, for what a Response can't say: files, upgrades, interim answers. */
  readonly exchange: HttpExchange;
}

/** Answers a request. A rejection is answered with 500. */
export type FetchHandler = (request: Request, info: FetchInfo) => Response | Promise<Response>;

/** Methods that a Request can't have. */
const FORBIDDEN: readonly string[] = ["CONNECT", "TRACE", "TRACK"];

/** Looks at a second chunk so often before the first is sent without it: what is there comes by then. */
const PATIENCE = 4;

/** Answers an exchange by a `fetch` handler. */
export async function answerByFetch(handler: FetchHandler, exchange: HttpExchange): Promise<void> {
  if (FORBIDDEN.includes(exchange.method.toUpperCase())) {
    exchange.respondError(501);
    return;
  }
  const request = createRequest(exchange);
  if (request === undefined) {
    exchange.respondError(400);
    return;
  }
  const response = await handler(request, { connection: exchange.connection, exchange });
  // Who has answered below, or taken the connection over, answers no more here.
  if (exchange.isAnswered) return;
  assertResponse(response);
  await sendResponse(exchange, response);
}

/** By what it has: a Response may be of another make than the global one. */
function assertResponse(response: unknown): void {
  const isObject = typeof response === "object" && response !== null;
  if (isObject && "status" in response && "headers" in response && "body" in response) return;
  const message = `fetch must answer with a Response, not ${describe(response)}`;
  throw new NetError("INVALID_ARGUMENT", message, { operation: "request" });
}

/** The request; undefined where its target is no URL. */
function createRequest(exchange: HttpExchange): Request | undefined {
  const url = urlOf(exchange);
  if (url === undefined) return undefined;
  const { method } = exchange;
  const hasBody = exchange.hasBody && method !== "GET" && method !== "HEAD";
  return new Request(url, {
    method,
    headers: [...exchange.headers.entries()],
    signal: exchange.signal,
    ...(hasBody && { body: streamOf(exchange.body), duplex: "half" }),
  });
}

function urlOf(exchange: HttpExchange): string | undefined {
  const { target, authority, connection } = exchange;
  const scheme = connection.tls === undefined ? "http" : "https";
  const isPath = target.startsWith("/") || target === "*";
  const url = isPath ? `${scheme}://${authority || "localhost"}${target}` : target;
  return URL.canParse(url) ? url : undefined;
}

/** A body as a stream of the web's. It reads only when it is read. */
function streamOf(body: IncomingBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await body.read();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel() {
        body.discard();
      },
    },
    { highWaterMark: 0 },
  );
}

async function sendResponse(exchange: HttpExchange, response: Response): Promise<void> {
  const { status, headers, body } = response;
  const fields: FieldInput = headers;
  if (body === null) {
    exchange.respond(status, fields);
    return;
  }
  const reader = body.getReader();
  try {
    await sendBody(exchange, reader, status, fields);
  } catch (error) {
    await reader.cancel(error).catch(() => {
      // The stream has failed already, and by that same error.
    });
    throw error;
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

async function sendBody(
  exchange: HttpExchange,
  reader: Reader,
  status: number,
  fields: FieldInput,
): Promise<void> {
  const first = await reader.read();
  if (first.done) {
    exchange.respond(status, fields);
    return;
  }
  const second = reader.read();
  // A rejection is dealt with where the second chunk is awaited.
  const ended = await isEndNear(second);
  if (ended) {
    exchange.respond(status, fields, first.value);
    return;
  }
  const writer = exchange.startResponse(status, fields);
  let next: Chunk = first;
  let following: Promise<Chunk> = second;
  while (!next.done) {
    if (!writer.write(next.value)) await writer.drained();
    next = await following;
    if (!next.done) following = reader.read();
  }
  writer.end();
}

/** Whether the stream has ended, as far as that shows at once: then its length is known. */
async function isEndNear(second: Promise<Chunk>): Promise<boolean> {
  let isDone = false;
  second.then(
    ({ done }) => {
      isDone = done;
    },
    () => {
      isDone = false;
    },
  );
  for (let turn = 0; turn < PATIENCE && !isDone; turn++) await undefined;
  return isDone;
}
