/**
 * What an application implements of an HTTP server. Everything but `onRequest` or `fetch` is optional,
 * and costs nothing where it is absent. In the order in which it is called for each request:
 *
 *     onMessageBegin · onRequestLine · onHeader … · onHeadersComplete · onRequest
 *       · onBody …                                       with Content-Length
 *       · (onChunkHeader · onBody … · onChunkComplete) …  in chunks, the last of size 0, with
 *         onTrailer …
 *     · onMessageComplete · onUpgrade
 *
 * and `onResponseComplete` when the response has left, before or after the request has come whole;
 * or `onParseError`, last. The request of a handler that throws or rejects gets 500, or, where the
 * response has begun, its connection is ended; `onHandlerError` tells of it, and without that a process
 * warning does.
 *
 * A request for another protocol is handled when all before it have their response.
 */
import type { CloseReason } from "../../connection/close-reason.js";
import type { Handlers, MayRefuse, MayWait, Verdict } from "../../connection/events/handlers.js";
import type { ListenPlace } from "../../engine/engine.js";
import type { NetError } from "../../errors.js";
import type { HttpExchange } from "./http-exchange.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { ResponseReport } from "./response/response-report.js";

/** What came of one request as it was read (HP §2.14). */
export interface MessageHandlers<Context = unknown> {
  /** The first byte of a request came. */
  onMessageBegin?(connection: HttpServerConnection<Context>): void;
  /** `version`: `HTTP/1.1` or `HTTP/1.0`. */
  onRequestLine?(
    connection: HttpServerConnection<Context>,
    line: { readonly method: string; readonly target: string; readonly version: string },
  ): void;
  /** A field of the head; name as it was spelt. */
  onHeader?(connection: HttpServerConnection<Context>, name: string, value: string): void;
  /** The head is complete. There can be a response here already; then `onRequest` is not called. */
  onHeadersComplete?(exchange: HttpExchange<Context>): void;
  /** Bytes of the body, valid during the call. They go to `exchange.body` as well, unless that was discarded. */
  onBody?(exchange: HttpExchange<Context>, bytes: Buffer): void;
  /** A chunk of `chunkBytes` begins; 0: the last. `extensions`: as sent, from the first ";" on. */
  onChunkHeader?(exchange: HttpExchange<Context>, chunkBytes: number, extensions: string): void;
  /** A chunk has come whole. */
  onChunkComplete?(exchange: HttpExchange<Context>): void;
  /** A field behind the body. */
  onTrailer?(exchange: HttpExchange<Context>, name: string, value: string): void;
  /** The request is complete, trailers included. */
  onMessageComplete?(exchange: HttpExchange<Context>): void;
  /** The connection was handed over: what follows on it is another protocol. */
  onUpgrade?(exchange: HttpExchange<Context>): void;
  /** What came is no request. The peer gets the status that fits, and the connection closes. */
  onParseError?(connection: HttpServerConnection<Context>, error: NetError): void;
}

/**
 * The handlers of an HTTP server. Each is optional, but that `onRequest` is needed where there is no `fetch`. A handler that
 * throws or rejects before there is a response has the peer get 500, and `onHandlerError` is told.
 */
export interface HttpServerHandlers<Context = unknown> extends MessageHandlers<Context> {
  /** A request came: its head is complete, its body may be on its way. Respond now or later. */
  onRequest?(exchange: HttpExchange<Context>): MayWait;
  /**
   * A response is complete: the system has taken its last byte, or the connection has ended before; also the
   * responses of the server itself, to what is no request among them. Once for each exchange, the head of the
   * request can still be read. For access logs (`accessLog`) and metrics. Fails like {@link onHandlerError}.
   */
  onResponseComplete?(exchange: HttpExchange<Context>, report: ResponseReport): MayWait;
  /**
   * A handler failed; `cause` of the error is what it threw. Without an exchange where it failed
   * before the head of the request was complete.
   */
  onHandlerError?(error: NetError, exchange: HttpExchange<Context> | undefined): void;
  /** The server is about to listen at `target`; `false` cancels, and `listen` rejects with `REFUSED`. */
  onPrepareListen?(target: ListenPlace): Verdict;
  /** A connection came. `false` refuses it. */
  onAccept?(connection: HttpServerConnection<Context>): MayRefuse;
  /** The connection is ready, TLS included. `false` refuses it. */
  onHandshake?(connection: HttpServerConnection<Context>): MayRefuse;
  /** The system has taken `byteCount` bytes, until the connection is handed over. */
  onSend?(connection: HttpServerConnection<Context>, byteCount: number): MayWait;
  /** So much was sent that `pendingBytes` is at `lowWaterMarkBytes` or below again. */
  onDrain?(connection: HttpServerConnection<Context>): MayWait;
  /** The peer has finished sending; it gets the responses to what it sent. */
  onEnd?(connection: HttpServerConnection<Context>): MayWait;
  /** The connection has ended. Once and last, also for one that was handed over. */
  onClose?(connection: HttpServerConnection<Context>, reason: CloseReason): MayWait;
  /** A peer was not let in (limits, `access`, a PROXY header), or accepting failed; `error.code` says why. */
  onRefuse?: Handlers<unknown, unknown>["onRefuse"];
  /** The server has stopped, and all its connections have ended. */
  onShutdown?(): void;
}

/** Names of the handlers that get what the parser finds, without which it tells nothing of it. */
export const MESSAGE_HANDLER_NAMES: readonly (keyof MessageHandlers)[] = [
  "onMessageBegin",
  "onRequestLine",
  "onHeader",
  "onHeadersComplete",
  "onBody",
  "onChunkHeader",
  "onChunkComplete",
  "onTrailer",
  "onMessageComplete",
  "onUpgrade",
  "onParseError",
];

/** Names of all handlers, for checking options. */
export const HTTP_HANDLER_NAMES: readonly (keyof HttpServerHandlers)[] = [
  ...MESSAGE_HANDLER_NAMES,
  "onRequest",
  "onHandlerError",
  "onResponseComplete",
  "onPrepareListen",
  "onAccept",
  "onHandshake",
  "onSend",
  "onDrain",
  "onEnd",
  "onClose",
  "onRefuse",
  "onShutdown",
];
