/**
 * An HTTP/1.1 server (HP §2.14): a TCP server below, one {@link LiveHttpConnection} for each of its
 * connections, and the handlers of the application above. It runs on every engine, and over TLS.
 */
import process from "node:process";
import type { StopOptions, StopResult } from "../../connection/component-options.js";
import type { Connection, WaitOptions } from "../../connection/connection.js";
import {
  callHandler,
  handlerError,
  isThenable,
  type MayRefuse,
  type MayWait,
} from "../../connection/handlers.js";
import type { ListenOptions } from "../../connection/listening.js";
import type { ServiceState } from "../../connection/service-state.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { Address, IpAddress } from "../../engine/engine.js";
import { NetError } from "../../errors.js";
import type { RequestSink } from "../../protocol/http1/message-sink.js";
import { statusOfError } from "../../protocol/http1/parse-fault.js";
import type { TcpServerOptions } from "../../tcp/tcp-server.js";
import { AnswerWriter } from "./answer-writer.js";
import type { HttpExchange } from "./http-exchange.js";
import { HttpListener } from "./http-listener.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import {
  HTTP_HANDLER_NAMES,
  type HttpServerHandlers,
  MESSAGE_HANDLER_NAMES,
} from "./http-server-handlers.js";
import {
  asOptions,
  type HttpServerChanges,
  type HttpServerOptions,
  type HttpServerStats,
  requestHandler,
} from "./http-server-options.js";
import { HttpServerConfiguration, settingsAmong } from "./http-server-settings.js";
import { type ConnectionHost, LiveHttpConnection } from "./live-http-connection.js";
import { MessageTeller } from "./message-teller.js";
import { StandingLines } from "./standing-lines.js";

/** See the head of the file. */
export class HttpServer implements ConnectionHost, AsyncDisposable {
  readonly answers: AnswerWriter = new AnswerWriter();
  readonly lines: StandingLines;
  configuration: HttpServerConfiguration;
  private readonly handlers: HttpServerHandlers;
  private readonly onRequest: (exchange: HttpExchange) => unknown;
  /** Which of the two that can answer it is, for messages. */
  private readonly handlerName: "onRequest" | "fetch";
  readonly tellsMessages: boolean;
  private readonly tcp: HttpListener;
  private exchangeNumber = 0;

  constructor(options: HttpServerOptions) {
    this.configuration = new HttpServerConfiguration(
      settingsAmong(asOptions(options), [...HTTP_HANDLER_NAMES, "fetch", "engine", "tls"]),
    );
    this.handlers = options;
    this.onRequest = requestHandler(options);
    this.handlerName = options.fetch === undefined ? "onRequest" : "fetch";
    this.tellsMessages = MESSAGE_HANDLER_NAMES.some((name) => options[name] !== undefined);
    this.tcp = new HttpListener({ ...this.configuration.transport(), ...this.below(options) });
    const { keepAliveTimeoutMs, maxRequestsPerConnection } = this.configuration.limits;
    const { wheel } = this.tcp.component.service;
    this.lines = new StandingLines(wheel, keepAliveTimeoutMs, maxRequestsPerConnection);
  }

  /** Handlers and choices of the TCP server below. */
  private below(options: HttpServerOptions): TcpServerOptions<Buffer, LiveHttpConnection> {
    const { onPrepareListen, onAccept, onHandshake, onRefuse, engine, tls } = options;
    type Handle = Connection<LiveHttpConnection>;
    const told = (handler: (connection: HttpServerConnection) => MayRefuse) => {
      return ({ context }: Handle) => handler.call(options, context);
    };
    return {
      context: (connection) =>
        new LiveHttpConnection(this, connection as Connection as StreamConnection),
      onReceive: ({ context }, bytes): MayWait => context.receive(bytes),
      onDrain: ({ context }) => context.drained(),
      onSend: ({ context }) => context.sent(),
      onEnd: ({ context }) => context.peerEnded(),
      onClose: ({ context }, reason) => {
        context.ended(reason);
        return options.onClose?.(context, reason);
      },
      onShutdown: () => {
        this.lines.end();
        options.onShutdown?.();
      },
      ...(onPrepareListen && {
        onPrepareListen: (target) => onPrepareListen.call(options, target),
      }),
      ...(onRefuse && { onRefuse: (error, from) => onRefuse.call(options, error, from) }),
      ...(onAccept && { onAccept: told(onAccept) }),
      ...(onHandshake && { onHandshake: told(onHandshake) }),
      ...(engine !== undefined && { engine }),
      ...(tls !== undefined && { tls }),
    };
  }

  // — life —

  /** See `TcpServer.listen`. */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  listen(options: ListenOptions = {}): Promise<Address> {
    return this.tcp.listen(options);
  }

  /**
   * Stops: nothing new comes in, connections without a request are closed, the others get what is
   * under way, with `Connection: close` on the last answer. What is left after `drainMs` is cut.
   */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.tcp.stop(options);
  }

  /** Resolves when the server is stopped, at once if it is. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.tcp.stopped(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Lets the process end while the server listens and connections are open. */
  unref(): void {
    this.tcp.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.tcp.ref();
  }

  get state(): ServiceState {
    return this.tcp.state;
  }

  /** Where the server listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.tcp.address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.tcp.port;
  }

  /**
   * Changes settings, also while running: deadlines and limits of connections hold at once, those of
   * the parser and of the socket for connections to come. Throws `SETTING_FIXED`, `INVALID_ARGUMENT`;
   * then nothing is changed.
   */
  configure(changes: HttpServerChanges): void {
    const configuration = this.configuration.with(changes);
    const { tls } = changes;
    this.tcp.configure({ ...configuration.transport(), ...(tls !== undefined && { tls }) });
    this.configuration = configuration;
    const { keepAliveTimeoutMs, maxRequestsPerConnection } = configuration.limits;
    this.lines.announce(keepAliveTimeoutMs, maxRequestsPerConnection);
    for (const connection of this.connections()) connection.configured();
  }

  /** What the server has done so far. */
  get stats(): HttpServerStats {
    let exchangeCount = 0;
    for (const connection of this.connections()) exchangeCount += connection.exchangeCount;
    return { ...this.tcp.stats, requestCount: this.exchangeNumber, exchangeCount };
  }

  // — connections —

  /** Connections at present. */
  get connectionCount(): number {
    return this.tcp.connectionCount;
  }

  connectionIds(): number[] {
    return this.tcp.connectionIds();
  }

  /** The connection with this id, or undefined. */
  connection(id: number): HttpServerConnection | undefined {
    return this.tcp.connection(id)?.context;
  }

  /** See `HttpServerConnection.close`; false for an id that is not there. */
  close(id: number): boolean {
    return this.connection(id)?.close() ?? false;
  }

  /** See `HttpServerConnection.abort`; false for an id that is not there. */
  abort(id: number): boolean {
    return this.connection(id)?.abort() ?? false;
  }

  private connections(): LiveHttpConnection[] {
    return this.tcp
      .connectionIds()
      .map((id) => this.tcp.connection(id)?.context)
      .filter((connection) => connection !== undefined);
  }

  // — calls of the connections —

  nextExchangeId(): number {
    return ++this.exchangeNumber;
  }

  createSink(connection: LiveHttpConnection): RequestSink {
    return this.tellsMessages ? new MessageTeller(connection, this.handlers) : connection;
  }

  handle(exchange: HttpExchange): boolean {
    let result: unknown;
    try {
      if (this.tellsMessages) this.tellHeadersComplete(exchange);
      if (exchange.isAnswered) return false;
      result = this.onRequest(exchange);
    } catch (error) {
      this.handlerFailed(exchange, this.handlerName, error);
      return false;
    }
    if (typeof result !== "object" || result === null) return false;
    Promise.resolve(result).then(undefined, (error: unknown) => {
      this.handlerFailed(exchange, this.handlerName, error);
    });
    return true;
  }

  private tellHeadersComplete(exchange: HttpExchange): void {
    const result: unknown = this.handlers.onHeadersComplete?.(exchange);
    if (!isThenable(result)) return;
    result.then(undefined, (error) => this.handlerFailed(exchange, "onHeadersComplete", error));
  }

  upgraded(exchange: HttpExchange): void {
    callHandler(
      () => this.handlers.onUpgrade?.(exchange),
      (error) => this.handlerFailed(exchange, "onUpgrade", error),
    );
  }

  handlerFailed(exchange: HttpExchange, name: string, cause: unknown): void {
    // Who waits for a body or a drain hears that the peer has gone, and passes it on: no failure.
    if (!exchange.isSendable && isOfTheEnd(cause)) return;
    const isPeers = cause instanceof NetError && cause.code.startsWith("HTTP_");
    const error = handlerError(name, "request", cause, exchange.connection.id);
    if (!isPeers) this.report(error, exchange);
    if (!exchange.isSendable) return;
    if (!exchange.isAnswered) exchange.respondError(isPeers ? statusOfError(cause) : 500);
    else if (!exchange.isDone) exchange.responseBroken(error);
  }

  report(error: NetError, exchange: HttpExchange | undefined): void {
    const { onHandlerError } = this.handlers;
    if (onHandlerError === undefined) process.emitWarning(error);
    else {
      callHandler(
        () => onHandlerError.call(this.handlers, error, exchange),
        (second) => process.emitWarning(handlerError("onHandlerError", "request", second)),
      );
    }
  }
}

/** Whether a handler failed because the connection has ended, and not the other way round. */
function isOfTheEnd(cause: unknown): boolean {
  return cause instanceof NetError || (cause instanceof Error && cause.name === "AbortError");
}
