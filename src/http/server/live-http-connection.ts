/**
 * One connection of an HTTP server: what handlers see of it, what the parser tells it, and for what it
 * waits. How bytes come in is in `request-intake.ts`, how answers go out in `exchange-line.ts`. Hot.
 */
import type { Buffer } from "node:buffer";
import type { CloseReason } from "../../connection/close-reason.js";
import { handlerError } from "../../connection/handlers.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { Address } from "../../engine/engine.js";
import type { TlsInfo } from "../../engine/tls-options.js";
import type { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import { AFTER_HEAD, type AfterHead, type RequestSink } from "../../protocol/http1/message-sink.js";
import { statusOfError } from "../../protocol/http1/parse-fault.js";
import { RequestHead } from "../../protocol/http1/request-head.js";
import { ConnectionWatch, type WatchedTimes, type WatchOwner } from "./connection-watch.js";
import type { LineHost } from "./exchange-line.js";
import { HttpExchange } from "./http-exchange.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { HttpServerConfiguration } from "./http-server-settings.js";
import { HOLD, RequestIntake } from "./request-intake.js";

/** The server, as its connections see it. */
export interface ConnectionHost extends LineHost {
  /** Whether handlers are told of what is read, perhaps later than it is answered. */
  readonly tellsMessages: boolean;
  nextExchangeId(): number;
  /** What the parser tells: the connection itself, or somebody who tells handlers as well. */
  createSink(connection: LiveHttpConnection): RequestSink;
  /** Gives the exchange to the application. Answers whether its handler is still at work. */
  handle(exchange: HttpExchange): boolean;
  upgraded(exchange: HttpExchange): void;
  /** Tells that a handler failed. */
  report(error: NetError, exchange: HttpExchange | undefined): void;
}

/** See the head of the file. */
export class LiveHttpConnection
  extends RequestIntake
  implements HttpServerConnection, RequestSink, WatchOwner
{
  context: unknown = undefined;
  protected readonly host: ConnectionHost;
  private readonly watch: ConnectionWatch;
  /** The request that is being read shall be the last. */
  private closesSoon = false;
  /** When the last exchange left that was not answered at once. */
  private answeredMs = 0;

  constructor(host: ConnectionHost, live: StreamConnection) {
    super(live);
    this.host = host;
    this.answeredMs = this.wheel.clock.now();
    this.watch = new ConnectionWatch(this);
  }

  // — what handlers see —

  get face(): HttpServerConnection {
    return this;
  }

  get id(): number {
    return this.live.id;
  }

  get localAddress(): Address | undefined {
    return this.live.localAddress;
  }

  get remoteAddress(): Address | undefined {
    return this.live.remoteAddress;
  }

  get connectedAt(): number {
    return this.live.connectedAt;
  }

  get tls(): TlsInfo | undefined {
    return this.live.tls;
  }

  get isOpen(): boolean {
    return this.live.isOpen && !this.isOver;
  }

  closed(): Promise<CloseReason> {
    return this.live.closed();
  }

  abort(): boolean {
    return this.live.abort();
  }

  /** Answers what is under way, then closes. */
  close(): boolean {
    if (!this.isOpen) return false;
    const { receiver } = this;
    if (receiver?.onStop !== undefined) this.guard("onStop", () => receiver.onStop?.(this.live));
    else if (receiver !== undefined) this.live.close();
    else {
      // Of a request that is being read, the answer is still to come.
      this.closesSoon = true;
      if (this.parser?.phase !== "head") this.isLast = true;
      if (this.front === undefined && this.isLast) this.shut();
    }
    return true;
  }

  // — the parser's calls —

  protected createSink(): RequestSink {
    return this.host.createSink(this);
  }

  protected upgraded(exchange: HttpExchange): void {
    this.watch.end();
    this.endProbe();
    this.host.upgraded(exchange);
  }

  onHeadersComplete(head: RequestHead): AfterHead {
    if (this.isOver || this.failure !== undefined) return AFTER_HEAD.stop;
    const { host } = this;
    const { maxRequestsPerConnection } = host.configuration.limits;
    this.requestCount++;
    const isLimit = this.requestCount >= maxRequestsPerConnection && maxRequestsPerConnection > 0;
    if (!head.keepAlive || isLimit || this.closesSoon) this.isLast = true;
    const exchange = new HttpExchange(this, host.nextExchangeId(), head);
    this.current = exchange;
    this.enter(exchange);
    let isAtWork = false;
    if (head.expectation === "unknown") exchange.respondError(417);
    else isAtWork = host.handle(exchange);
    if (isAtWork || !exchange.isDone || this.host.tellsMessages) head.keep();
    else exchange.releaseHead();
    if (!exchange.isDone || exchange.hasBody) exchange.startedMs = this.wheel.clock.now();
    return AFTER_HEAD.goOn;
  }

  onBody(bytes: Buffer): boolean {
    const exchange = this.current;
    if (exchange === undefined) return false;
    const discardedBytes = exchange.takeBody(bytes, this.isLent(bytes));
    const { maxDiscardBytes } = this.host.configuration.limits;
    if (discardedBytes > maxDiscardBytes && exchange.isDone) {
      exchange.closes = true;
      if (exchange.isInTurn) this.advance();
    }
    return !this.isOver;
  }

  onMessageComplete(trailers: FieldSection | undefined): boolean {
    const exchange = this.current;
    this.current = undefined;
    if (exchange === undefined) return false;
    exchange.complete(trailers);
    if (exchange.hasBody && !exchange.isDone) exchange.startedMs = this.wheel.clock.now();
    if (exchange.isUpgrade && !exchange.isDone) this.holds |= HOLD.upgrade;
    if (exchange.isInTurn) this.advance();
    if (this.exchangeCount >= this.host.configuration.limits.maxPipelined) {
      this.holds |= HOLD.pipeline;
    }
    return this.holds === 0 && !this.isLast;
  }

  onParseError(error: NetError): void {
    const exchange = this.current;
    this.current = undefined;
    this.isLast = true;
    this.failure ??= error;
    if (exchange === undefined) this.answerNobody(statusOfError(error));
    else this.giveUp(exchange, error, statusOfError(error));
  }

  /** The exchange whose request is being read. */
  get reading(): HttpExchange | undefined {
    return this.current;
  }

  /** A handler that is told of what is read has failed. */
  handlerFailed(name: string, cause: unknown): void {
    const error = handlerError(name, "request", cause, this.id);
    const exchange = this.current;
    this.current = undefined;
    this.isLast = true;
    if (this.failure === undefined) this.host.report(error, exchange);
    this.failure ??= error;
    if (exchange === undefined) this.answerNobody(500);
    else this.giveUp(exchange, error, 500);
  }

  /** Answers what was no request. */
  private answerNobody(statusCode: number): void {
    if (this.isOver) return;
    const nobody = new HttpExchange(this, this.host.nextExchangeId(), new RequestHead());
    nobody.complete(undefined);
    this.enter(nobody);
    nobody.respondError(statusCode);
  }

  /** The rest of a request will not come, or no answer: it is answered here, and the connection closes. */
  private giveUp(exchange: HttpExchange, error: NetError, statusCode: number): void {
    exchange.closes = true;
    if (!exchange.isAnswered) {
      exchange.respondError(statusCode);
      exchange.forfeit();
    }
    exchange.breakBody(error);
    if (exchange.isInTurn) this.advance();
  }

  // — exchanges leave —

  protected exchangeLeft(): void {
    if (this.exchangeCount * 2 <= this.host.configuration.limits.maxPipelined) {
      this.release(HOLD.pipeline);
    }
    if (this.front !== undefined) return;
    if (!this.isFeeding) this.answeredMs = this.wheel.clock.now();
    this.release(HOLD.upgrade);
    if ((this.isLast && this.current === undefined) || this.peerHasEnded) this.shut();
  }

  // — the end —

  /** The connection has ended. */
  ended(reason: CloseReason): void {
    this.isOver = true;
    this.watch.end();
    this.endProbe();
    const error = this.live.closedError();
    for (let one = this.front; one !== undefined; one = one.next) one.ended(error);
    const { receiver } = this;
    if (receiver !== undefined) {
      this.guard("onClose", () => receiver.onClose?.(this.live, reason));
    }
  }

  // — deadlines —

  get configuration(): HttpServerConfiguration {
    return this.host.configuration;
  }

  /** Deadlines were changed. */
  configured(): void {
    if (this.receiver === undefined) this.watch.restart();
  }

  watchedTimes(): WatchedTimes | undefined {
    const { current, front, live, wheel, isLast } = this;
    if (this.receiver !== undefined || (this.isOver && !this.isShutting)) return undefined;
    const { pendingBytes, silentForMs } = live;
    const nowMs = wheel.clock.now();
    const receivedMs = nowMs - silentForMs;
    const phase = this.isOver ? "failed" : (this.parser?.phase ?? "idle");
    // An answer that is still being sent counts as being given.
    if (front === undefined && pendingBytes > 0) this.answeredMs = nowMs;
    const isIdle = front === undefined && phase === "idle";
    // Who is still reading the request can't answer yet: that has deadlines of its own.
    const isReading = front === current && front?.isBodyRead === true;
    const unanswered = front?.isAnswered === false && !isReading ? front : undefined;
    return {
      idleSinceMs: isIdle ? Math.max(receivedMs, this.answeredMs) : undefined,
      isFirst: this.requestCount === 0,
      headSinceMs: phase === "head" && !isLast ? this.headSinceMs : undefined,
      bodySinceMs:
        current !== undefined && this.holds === 0 ? Math.max(receivedMs, this.readOnMs) : undefined,
      requestSinceMs: current?.startedMs,
      answerSinceMs: unanswered?.startedMs,
      // A peer that has finished may be gone: then nobody but the application can end its answer.
      isSending: pendingBytes > 0 || (this.peerHasEnded && front?.isAnswered === true),
      sentBytes: live.stats.sentBytes - this.probedBytes,
    };
  }

  idleTooLong(): void {
    this.shut();
  }

  tooLate(error: NetError, statusCode: number): void {
    this.failure ??= error;
    this.isLast = true;
    const exchange = statusCode === 503 ? this.front : this.current;
    if (exchange === this.current) this.current = undefined;
    if (statusCode === 0) this.breakOff(error);
    else if (exchange !== undefined) this.giveUp(exchange, error, statusCode);
    else this.answerNobody(statusCode);
  }
}
