/**
 * What compiles of HTTP and what does not, as a user sees it. Compiled with the tests, never run: a line below
 * `@ts-expect-error` that compiles is an error.
 */
import type { CloseReason, SendResult } from "hp-socket";
import {
  type AccessLogOptions,
  accessLog,
  type ContentCoding,
  encodeFields,
  type HttpAgent,
  HttpClient,
  type HttpExchange,
  type HttpResponse,
  HttpServer,
  type HttpServerConnection,
  type NetError,
  type ResponseReport,
  type ResponseWriter,
} from "hp-socket/http";
import { MemoryEngine } from "hp-socket/testing";

interface Session {
  readonly user: string;
}

declare const exchange: HttpExchange;
declare const connection: HttpServerConnection;
declare const agent: HttpAgent;
declare const response: HttpResponse;
declare const writer: ResponseWriter;
declare const server: HttpServer;

/** Says what type a value has, no wider and no narrower. */
function exactly<Expected>() {
  return <Actual>(
    _value: Actual,
    ..._same: [Actual] extends [Expected] ? ([Expected] extends [Actual] ? [] : [never]) : [never]
  ): void => {};
}

// — handlers infer —

new HttpServer({ onRequest: (one) => exactly<HttpExchange>()(one) });
new HttpServer({
  async onRequest(one) {
    one.respondJson(200, await one.json());
  },
});
new HttpServer({ onRequest: (one) => one.respond(200, { "X-A": "1" }, Buffer.from("x")) });
new HttpServer({ fetch: () => new Response("x") });
new HttpServer({ fetch: async (request) => Response.json(request.url) });
new HttpServer({
  onRequest() {},
  onResponseComplete: (one, report) => {
    exactly<HttpExchange>()(one);
    exactly<ResponseReport>()(report);
  },
  onHandlerError: (error, one) => {
    exactly<NetError>()(error);
    exactly<HttpExchange | undefined>()(one);
  },
  onSend: (_, byteCount) => exactly<number>()(byteCount),
  onClose: (_, reason) => exactly<CloseReason>()(reason),
});
// @ts-expect-error: misspelt
new HttpServer({ onRequests() {} });
// @ts-expect-error: a fetch handler gives a Response
new HttpServer({ fetch: () => "text" });
// @ts-expect-error: no option of a server of HTTP
new HttpServer({ onRequest() {}, slowConsumer: "drop" });

// — the context of connections —

new HttpServer({
  context: (): Session => ({ user: "me" }),
  onAccept: ({ context }) => exactly<Session>()(context),
  onRequest: (one) => exactly<Session>()(one.connection.context),
  onBody: (one, bytes) => {
    exactly<Session>()(one.connection.context);
    exactly<Buffer>()(bytes);
  },
  onClose: ({ context }) => exactly<Session>()(context),
});
new HttpServer({ onRequest: (one) => exactly<unknown>()(one.connection.context) });
// @ts-expect-error: nobody makes the context
new HttpServer<Session>({ onRequest() {} });
new HttpServer<Session | undefined>({
  onRequest: (one) => exactly<Session | undefined>()(one.connection.context),
});
function takesServer(any: HttpServer): number {
  return any.connectionCount;
}
takesServer(new HttpServer({ context: (): Session => ({ user: "me" }), onRequest() {} }));
new HttpClient({
  context: (): Session => ({ user: "me" }),
  onClose: (client) => exactly<Session>()(client.context),
});

// — engines —

new HttpServer({ onRequest() {}, engine: "uring" });
new HttpServer({ onRequest() {}, engine: new MemoryEngine() });
// @ts-expect-error: a memory engine is made and handed over
new HttpServer({ onRequest() {}, engine: "memory" });

// — exchanges —

exactly<ReadonlyMap<string, string>>()(exchange.cookies);
exactly<Promise<unknown>>()(exchange.json());
exactly<Promise<string>>()(exchange.text({ maxBytes: 1, timeoutMs: 1 }));
exactly<Promise<Buffer>>()(exchange.bytes());
exactly<number | undefined>()(exchange.status);
exactly<SendResult>()(exchange.respondJson(200, {}));
exactly<ResponseWriter>()(exchange.startResponse(200));
exactly<boolean>()(exchange.startResponse(200).write("a"));
exactly<string | undefined>()(exchange.statusText);
exactly<"HTTP/1.1" | "HTTP/1.0">()(exchange.version);
exactly<string | undefined>()(exchange.headers.get("host"));
export const peerHost: string | undefined = exchange.connection.remoteAddress?.host;
exchange.compression = false;
exchange.respond(200, encodeFields({ "X-A": "1" }));
exchange.respond(200, { "X-A": undefined, "X-B": ["1", "2"], "X-C": 3 });
exchange.setCookie("a", "1", { sameSite: "strict", secure: true });
// @ts-expect-error: in small letters
exchange.setCookie("a", "1", { sameSite: "Lax" });
// @ts-expect-error: a cookie is text
exchange.setCookie("a", 1);
// @ts-expect-error: what removes a cookie has no time to live
exchange.clearCookie("a", { maxAgeSeconds: 1 });
// @ts-expect-error: the status goes first
exchange.respondJson({ a: 1 });
// @ts-expect-error: a body is text or bytes
exchange.respond(200, {}, { a: 1 });
// @ts-expect-error: the request can't be written
exchange.method = "GET";
// @ts-expect-error: nor can the status
exchange.status = 200;

// — nothing of the inside —

// @ts-expect-error: the exchange's own
exchange.pipeline;
// @ts-expect-error: the same
exchange.respondFailure;
// @ts-expect-error: the writer's own
writer.probe();
// @ts-expect-error: a body is received by the library alone
exchange.body.push(Buffer.alloc(1), false);
// @ts-expect-error: the same
response.body.fail;
// @ts-expect-error: nothing is sent beside the responses
connection.send("x");
// @ts-expect-error: nor read beside the requests
connection.read();
// @ts-expect-error: configure changes settings
server.settings.maxPipelined = 1;

// — compression and the log —

new HttpServer({ onRequest() {}, compression: true });
new HttpServer({
  onRequest() {},
  compression: { codings: ["gzip"], types: (type) => type !== "" },
});
// @ts-expect-error: no such coding
export const coding: ContentCoding = "compress";
// @ts-expect-error: no such option
new HttpServer({ onRequest() {}, compression: { level: 9 } });
new HttpServer({ onRequest() {}, onResponseComplete: accessLog({ format: "json" }) });
// @ts-expect-error: no such format
accessLog({ format: "common" });
exactly<"combined" | "json">()(({} as AccessLogOptions).format);

// — clients —

export const answer: Promise<HttpResponse> = agent.request({ url: "http://h/" });
// @ts-expect-error: a url is needed
agent.request({ method: "GET" });
exactly<Promise<string>>()(response.body.text());
