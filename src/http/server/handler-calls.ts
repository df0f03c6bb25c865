/**
 * Calls the application's handlers of requests, and sees to it that what goes wrong in one concerns its
 * own request and nothing else. Hot. They run in the async context in which the server was made.
 */
import type { AsyncResource } from "node:async_hooks";
import process from "node:process";
import type { CloseReason } from "../../connection/close-reason.js";
import { handlerScope } from "../../connection/events/handler-scope.js";
import {
  callHandler,
  handlerError,
  isThenable,
  whenSettled,
} from "../../connection/events/handlers.js";
import { describe, isNetError, NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import { statusOfError } from "../../protocol/http1/parse-fault.js";
import { type HttpServerHandlers, MESSAGE_HANDLER_NAMES } from "./http-server-handlers.js";
import { type HttpServerOptions, requestHandler } from "./http-server-options.js";
import type { ServerExchange } from "./server-exchange.js";

/** The handlers of requests of one server, and how they are called. */
export class HandlerCalls {
  readonly handlers: Given<HttpServerHandlers>;
  /** Whether handlers are told of what is read, perhaps later than there is a response. */
  readonly tellsMessages: boolean;
  /** Whether heads are read later than there is a response. */
  readonly keepsHeads: boolean;
  /** Whether a handler is told of complete responses. */
  readonly tellsResponses: boolean;
  /** Whether they are told of what comes behind the head. */
  readonly tellsBodies: boolean;
  private readonly onRequest: (
    this: Given<HttpServerHandlers>,
    exchange: ServerExchange,
  ) => unknown;
  /** Which of the two that can respond it is, for messages. */
  private readonly requestName: "onRequest" | "fetch";
  private readonly scope: AsyncResource | undefined = handlerScope();

  /** Throws `INVALID_ARGUMENT`. */
  constructor(options: HttpServerOptions) {
    this.handlers = options;
    this.onRequest = requestHandler(options);
    this.requestName = options.fetch === undefined ? "onRequest" : "fetch";
    this.tellsMessages = MESSAGE_HANDLER_NAMES.some((name) => options[name] !== undefined);
    this.tellsResponses = options.onResponseComplete !== undefined;
    this.keepsHeads = this.tellsMessages || this.tellsResponses;
    this.tellsBodies = BODY_HANDLER_NAMES.some((name) => options[name] !== undefined);
  }

  /** Gives the exchange to the application. Returns whether its handler is still at work. */
  handle(exchange: ServerExchange): boolean {
    const { scope } = this;
    let result: unknown;
    try {
      if (this.handlers.onHeadersComplete !== undefined) this.tellHeadersComplete(exchange);
      if (exchange.isResponded) return false;
      result =
        scope === undefined
          ? this.onRequest.call(this.handlers, exchange)
          : scope.runInAsyncScope(this.onRequest, this.handlers, exchange);
    } catch (error) {
      this.failed(exchange, this.requestName, error);
      return false;
    }
    if (result === undefined) return false;
    if (!isThenable(result)) {
      this.assertResponded(exchange, result);
      return false;
    }
    Promise.resolve(result).then(
      (value) => this.assertResponded(exchange, value),
      (error: unknown) => this.failed(exchange, this.requestName, error),
    );
    return true;
  }

  /**
   * A handler that returns a value instead of responding, as with other servers, fails at once and not at a deadline.
   */
  private assertResponded(exchange: ServerExchange, returned: unknown): void {
    if (returned === undefined || exchange.isResponded || !exchange.isSendable) return;
    const message = `it returned ${described(returned)} and gave no response: respond by the exchange, and return nothing`;
    const error = new NetError("INVALID_STATE", message, { operation: "request" });
    this.failed(exchange, this.requestName, error);
  }

  private tellHeadersComplete(exchange: ServerExchange): void {
    const result = this.inScope(() => this.handlers.onHeadersComplete?.(exchange));
    if (!isThenable(result)) return;
    whenSettled(result, undefined, (error) => this.failed(exchange, "onHeadersComplete", error));
  }

  /** The connection was handed over. */
  upgraded(exchange: ServerExchange): void {
    this.tell(
      () => this.handlers.onUpgrade?.(exchange),
      (error) => this.failed(exchange, "onUpgrade", error),
    );
  }

  /** A response is complete, or was cut. Told once. */
  responseComplete(exchange: ServerExchange, cut: CloseReason | undefined): void {
    const { record } = exchange;
    if (record === undefined || record.isTold) return;
    record.isTold = true;
    const report = record.report(exchange.status, cut);
    this.tell(
      () => this.handlers.onResponseComplete?.(exchange, report),
      (cause) => {
        const { id } = exchange.connection;
        this.report(handlerError("onResponseComplete", "send", cause, id), exchange);
      },
    );
  }

  /** Calls a handler that only takes note; `failed` is told of an error, now or later. */
  tell(call: () => unknown, failed: (cause: unknown) => void): void {
    callHandler(() => this.inScope(call), failed);
  }

  private inScope(call: () => unknown): unknown {
    return this.scope === undefined ? call() : this.scope.runInAsyncScope(call);
  }

  /** A handler of an exchange has failed: it gets 500, or what fits, unless the response has begun. */
  private failed(exchange: ServerExchange, name: string, cause: unknown): void {
    // A handler that awaited a body or a drain rejects because the peer has gone: not a failure of the handler.
    if (!exchange.isSendable && isEnd(cause)) return;
    const isPeers = isNetError(cause) && cause.code.startsWith("HTTP_");
    const error = handlerError(name, "request", cause, exchange.connection.id);
    if (!isPeers) this.report(error, exchange);
    if (!exchange.isSendable) return;
    if (!exchange.isResponded) exchange.respondFailure(isPeers ? statusFor(cause) : 500);
    else if (!exchange.isDone) exchange.responseBroken(error);
  }

  /** Tells that a handler has failed. */
  report(error: NetError, exchange: ServerExchange | undefined): void {
    const { onHandlerError } = this.handlers;
    if (onHandlerError === undefined) {
      process.emitWarning(error);
      return;
    }
    this.tell(
      () => onHandlerError.call(this.handlers, error, exchange),
      (second) => process.emitWarning(handlerError("onHandlerError", "request", second)),
    );
  }
}

/** Names of the handlers that are told of what comes behind the head. */
const BODY_HANDLER_NAMES = [
  "onBody",
  "onChunkHeader",
  "onChunkComplete",
  "onTrailer",
  "onMessageComplete",
] as const satisfies readonly (keyof HttpServerHandlers)[];

/** The status that an error of a request's content, or of the request itself, deserves. */
function statusFor(error: NetError): number {
  return error.code === "HTTP_CONTENT_UNSUPPORTED" ? 415 : statusOfError(error);
}

/** A value of the application's may be a proxy that throws when it is looked at. */
function described(value: unknown): string {
  try {
    return describe(value);
  } catch {
    return "a value that can't be looked at";
  }
}

/** Whether a handler failed because the connection has ended, and not the other way round. */
function isEnd(cause: unknown): boolean {
  try {
    return cause instanceof NetError || (cause instanceof Error && cause.name === "AbortError");
  } catch {
    return false;
  }
}
