/**
 * Stands between the parser and a connection where the application has handlers for what comes of a
 * request as it is read. Without such handlers there is none of these, and the parser makes no text
 * for nobody.
 */
import { callHandler } from "../../connection/handlers.js";
import type { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import type { AfterHead, RequestSink } from "../../protocol/http1/message-sink.js";
import type { RequestHead } from "../../protocol/http1/request-head.js";
import type { HttpExchange } from "./http-exchange.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { MessageHandlers } from "./http-server-handlers.js";

/** The connection, as the teller sees it. */
export interface ToldConnection extends RequestSink {
  readonly face: HttpServerConnection;
  /** The exchange whose request is being read; undefined before its head is complete. */
  readonly reading: HttpExchange | undefined;
  /** A handler failed: whatever else is told of the request is told no more. */
  handlerFailed(name: string, cause: unknown): void;
}

/** See the head of the file. */
export class MessageTeller implements RequestSink {
  readonly onMessageBegin?: () => void;
  readonly onRequestLine?: (method: string, target: string, version: string) => void;
  readonly onHeader?: (name: string, value: string) => void;
  readonly onChunkHeader?: (chunkBytes: number, extensions: string) => void;
  readonly onChunkComplete?: () => void;
  readonly onTrailer?: (name: string, value: string) => void;
  private readonly connection: ToldConnection;
  private readonly handlers: MessageHandlers;

  constructor(connection: ToldConnection, handlers: MessageHandlers) {
    this.connection = connection;
    this.handlers = handlers;
    const { face } = connection;
    if (handlers.onMessageBegin !== undefined) {
      this.onMessageBegin = () =>
        this.tell("onMessageBegin", () => handlers.onMessageBegin?.(face));
    }
    if (handlers.onRequestLine !== undefined) {
      this.onRequestLine = (method, target, version) =>
        this.tell("onRequestLine", () =>
          handlers.onRequestLine?.(face, { method, target, version }),
        );
    }
    if (handlers.onHeader !== undefined) {
      this.onHeader = (name, value) =>
        this.tell("onHeader", () => handlers.onHeader?.(face, name, value));
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

  /** The connection tells `onHeadersComplete` itself, as soon as there is an exchange. */
  onHeadersComplete(head: RequestHead): AfterHead {
    return this.connection.onHeadersComplete(head);
  }

  onBody(bytes: Buffer): boolean {
    if (this.handlers.onBody !== undefined) {
      this.tellOf("onBody", (exchange) => this.handlers.onBody?.(exchange, bytes));
    }
    return this.connection.onBody(bytes);
  }

  onMessageComplete(trailers: FieldSection | undefined): boolean {
    const exchange = this.connection.reading;
    const goesOn = this.connection.onMessageComplete(trailers);
    if (exchange !== undefined) {
      this.tell("onMessageComplete", () => this.handlers.onMessageComplete?.(exchange));
    }
    return goesOn;
  }

  onParseError(error: NetError): void {
    this.tell("onParseError", () => this.handlers.onParseError?.(this.connection.face, error));
    this.connection.onParseError(error);
  }

  private tellOf(name: string, call: (exchange: HttpExchange) => unknown): void {
    const { reading } = this.connection;
    if (reading !== undefined) this.tell(name, () => call(reading));
  }

  private tell(name: string, call: () => unknown): void {
    callHandler(call, (cause) => this.connection.handlerFailed(name, cause));
  }
}
