/**
 * Stands between the parser and the pipeline where the application has handlers for what comes of a
 * request as it is read. Without such handlers there is none of these, and no text is made for them.
 */
import type { NetError } from "../../errors.js";
import type { Given } from "../../options.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import type { AfterHead, RequestSink } from "../../protocol/http1/parsing/message-sink.js";
import type { RequestHead } from "../../protocol/http1/request-head.js";
import type { HandlerCalls } from "./handler-calls.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { MessageHandlers } from "./http-server-handlers.js";
import type { ServerExchange } from "./server-exchange.js";

/** The receiver of a connection whose requests are told of as they are read. */
export interface ObservedReceiver {
  readonly handle: HttpServerConnection;
  /** Whatever is under way on it; undefined while nothing is. */
  readonly pipeline: unknown;
  /** A handler failed, now or later; of an exchange, where there was one. */
  handlerFailed(name: string, cause: unknown, exchange: ServerExchange | undefined): void;
}

/** The pipeline, as these events see it. */
export interface ObservedRequests extends RequestSink {
  readonly owner: ObservedReceiver;
  /** The exchange whose request is being read; undefined before its head is complete. */
  readonly reading: ServerExchange | undefined;
}

/** Tells handlers of a request as it is read. */
export class MessageEvents implements RequestSink {
  readonly onMessageBegin?: () => void;
  readonly onRequestLine?: (method: string, target: string, version: string) => void;
  readonly onHeader?: (name: string, value: string) => void;
  readonly onChunkHeader?: (chunkBytes: number, extensions: string) => void;
  readonly onChunkComplete?: () => void;
  readonly onTrailer?: (name: string, value: string) => void;
  private readonly requests: ObservedRequests;
  private readonly calls: HandlerCalls;
  private readonly handlers: Given<MessageHandlers>;

  constructor(requests: ObservedRequests, calls: HandlerCalls) {
    this.requests = requests;
    this.calls = calls;
    const { handlers } = calls;
    this.handlers = handlers;
    if (handlers.onMessageBegin !== undefined) {
      this.onMessageBegin = () =>
        this.tell("onMessageBegin", () => handlers.onMessageBegin?.(requests.owner.handle));
    }
    if (handlers.onRequestLine !== undefined) {
      this.onRequestLine = (method, target, version) =>
        this.tell("onRequestLine", () =>
          handlers.onRequestLine?.(requests.owner.handle, { method, target, version }),
        );
    }
    if (handlers.onHeader !== undefined) {
      this.onHeader = (name, value) =>
        this.tell("onHeader", () => handlers.onHeader?.(requests.owner.handle, name, value));
    }
    if (handlers.onChunkHeader !== undefined) {
      this.onChunkHeader = (chunkBytes, extensions) =>
        this.tellOf("onChunkHeader", (exchange) =>
          handlers.onChunkHeader?.(exchange, chunkBytes, extensions),
        );
    }
    if (handlers.onChunkComplete !== undefined) {
      this.onChunkComplete = () =>
        this.tellOf("onChunkComplete", (exchange) => handlers.onChunkComplete?.(exchange));
    }
    if (handlers.onTrailer !== undefined) {
      this.onTrailer = (name, value) =>
        this.tellOf("onTrailer", (exchange) => handlers.onTrailer?.(exchange, name, value));
    }
  }

  /** The pipeline calls `onHeadersComplete` itself, when the exchange is handled. */
  onHeadersComplete(head: RequestHead): AfterHead {
    return this.requests.onHeadersComplete(head);
  }

  onBody(bytes: Buffer): boolean {
    if (this.handlers.onBody !== undefined) {
      this.tellOf("onBody", (exchange) => this.handlers.onBody?.(exchange, bytes));
    }
    return this.requests.onBody(bytes);
  }

  onMessageComplete(trailers: FieldSection | undefined): boolean {
    const exchange = this.requests.reading;
    const goesOn = this.requests.onMessageComplete(trailers);
    if (exchange !== undefined) {
      this.tell("onMessageComplete", () => this.handlers.onMessageComplete?.(exchange), exchange);
    }
    return goesOn;
  }

  onParseError(error: NetError): void {
    this.tell("onParseError", () =>
      this.handlers.onParseError?.(this.requests.owner.handle, error),
    );
    this.requests.onParseError(error);
  }

  private tellOf(name: string, call: (exchange: ServerExchange) => unknown): void {
    const { reading } = this.requests;
    if (reading !== undefined) this.tell(name, () => call(reading), reading);
  }

  private tell(name: string, call: () => unknown, exchange?: ServerExchange): void {
    // The pipeline may serve another connection when the promise rejects.
    const { owner } = this.requests;
    this.calls.tell(call, (cause) => owner.handlerFailed(name, cause, exchange));
  }
}
