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

/** So often is looked whether a chunk has come: what is there already comes by then. */
const PATIENCE = 8;

/** Fields that a Response from another server may have, and that are said anew on each connection. */
const OF_THE_CONNECTION: readonly string[] = ["transfer-encoding", "keep-alive"];

/** Answers an exchange by a `fetch` handler. */
export async function answerByFetch(handler: FetchHandler, exchange: HttpExchange): Promise<void> {
  if (FORBIDDEN.includes(exchange.method.toUpperCase())) {
    exchange.respondError(501);
    return;
  }
  const url = urlOf(exchange);
  if (url === undefined || !isOfHere(exchange)) {
    exchange.respondError(url === undefined ? 400 : 421);
    return;
  }
  const request = createRequest(exchange, url);
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

function createRequest(exchange: HttpExchange, url: string): Request {
  const { method } = exchange;
  // A Request takes "get" for GET, which is never one with a body.
  const hasBody = exchange.hasBody && !/^(?:get|head)$/i.test(method);
  return new Request(url, {
    method,
    headers: [...exchange.headers.entries()],
    signal: exchange.signal,
    ...(hasBody && { body: streamOf(exchange.body), duplex: "half" }),
  });
}

/** The target URI (RFC 9112 §3.3); undefined where it is none. */
function urlOf({ target, authority, connection }: HttpExchange): string | undefined {
  const scheme = connection.tls === undefined ? "http" : "https";
  const origin = `${scheme}://${authority || "localhost"}`;
  let url = target;
  if (target === "*") url = origin;
  else if (target.startsWith("/")) url = origin + target;
  return URL.canParse(url) ? url : undefined;
}

/** Whether such a URI may be asked for on this connection (RFC 9110 §7.4). */
function isOfHere({ target, connection }: HttpExchange): boolean {
  if (target.startsWith("/") || target === "*") return true;
  return /^http:/i.test(target) || (connection.tls !== undefined && /^https:/i.test(target));
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
  const { status, body } = response;
  const fields = fieldsOf(response);
  if (body === null) {
    exchange.respond(status, fields);
    return;
  }
  const reader = body.getReader();
  const cancel = (error?: unknown): Promise<void> =>
    reader.cancel(error).catch(() => {
      // The stream has failed already, and who reads it hears of that.
    });
  // A stream that has nothing to give would never hear that nobody is there any more.
  exchange.onEnded = cancel;
  try {
    await sendBody(exchange, reader, status, fields);
  } catch (error) {
    await cancel(error);
    throw error;
  }
}

function fieldsOf({ headers }: Response): FieldInput {
  if (!OF_THE_CONNECTION.some((name) => headers.has(name))) return headers;
  return [...headers].filter(([name]) => !OF_THE_CONNECTION.includes(name.toLowerCase()));
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

/** With its length where all of the body is there at once, else piece by piece. */
async function sendBody(
  exchange: HttpExchange,
  reader: Reader,
  status: number,
  fields: FieldInput,
): Promise<void> {
  const reading = reader.read();
  const first = await glance(reading);
  const following = first?.done === false ? reader.read() : undefined;
  const second = following && (await glance(following));
  if (first?.done === true || second?.done === true) {
    exchange.respond(status, fields, first?.value);
    return;
  }
  const writer = exchange.startResponse(status, fields);
  if (writer.isBodyless) {
    writer.end();
    await reader.cancel();
    return;
  }
  let ahead = following;
  for (let chunk = await reading; !chunk.done; ahead = undefined) {
    if (!writer.write(chunk.value)) await writer.drained();
    chunk = await (ahead ?? reader.read());
  }
  writer.end();
}

/** What is read, as far as that shows at once. Rejects where that is a failure. */
async function glance(reading: Promise<Chunk>): Promise<Chunk | undefined> {
  let chunk: Chunk | undefined;
  let hasFailed = false;
  reading.then(
    (read) => {
      chunk = read;
    },
    () => {
      hasFailed = true;
    },
  );
  for (let turn = 0; turn < PATIENCE && chunk === undefined && !hasFailed; turn++) await undefined;
  return hasFailed ? reading : chunk;
}
