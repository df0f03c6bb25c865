/**
 * One connection of an HTTP server: bytes in, requests out to the handlers, and when nothing more is
 * read. Hot.
 *
 *     reading ── 101, or 2xx to CONNECT ──► switched   what follows is the receiver's
 *        └────── shut, breakOff ──────────► over       what follows is thrown away
 *
 * Reading stops while a bit of `holds` is set: what the parser has not taken then waits in `rest`.
 * Only when more comes nevertheless the peer is held back, so that its end is seen otherwise.
 *
 * Invariants: `current` is the exchange whose request is being read, if its head has come; the parser
 * is fed by nobody else while `isFeeding`; `rest` is empty while nothing holds, and the connection
 * paused while it is not.
 */
import { Buffer } from "node:buffer";
import type { CloseReason } from "../connection/close-reason.js";
import { handlerError, type MayWait } from "../connection/handlers.js";
import type { LiveConnection } from "../connection/live-connection.js";
import type { Address } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { NetError } from "../errors.js";
import type { FieldSection } from "../protocol/http1/field-section.js";
import { AFTER_HEAD, type AfterHead, type RequestSink } from "../protocol/http1/message-sink.js";
import { statusOfError } from "../protocol/http1/parse-fault.js";
import { RequestHead } from "../protocol/http1/request-head.js";
import { RequestParser } from "../protocol/http1/request-parser.js";
import { ConnectionWatch, type WatchedTimes, type WatchOwner } from "./connection-watch.js";
import { ExchangeLine, type LineHost } from "./exchange-line.js";
import { HttpExchange } from "./http-exchange.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { HttpServerConfiguration } from "./http-server-settings.js";
import type { UpgradeReceiver } from "./upgrade-receiver.js";

/** The server, as its connections see it. */
export interface ConnectionHost extends LineHost {
  nextExchangeId(): number;
  /** What the parser tells: the connection itself, or somebody who tells handlers as well. */
  createSink(connection: LiveHttpConnection): RequestSink;
  /** Gives the exchange to the application. Answers whether its handler is still at work. */
  handle(exchange: HttpExchange): boolean;
  upgraded(exchange: HttpExchange): void;
  /** Tells that a handler failed. */
  report(error: NetError, exchange: HttpExchange | undefined): void;
}

/** Why reading stops. Bits, so that several can hold at once. */
const HOLD = {
  /** So much of a body waits that nobody reads. */
  body: 1,
  /** `maxPipelined` exchanges are under way. */
  pipeline: 2,
  /** The peer does not take its answers. */
  slow: 4,
  /** Whether another protocol follows is not decided. */
  upgrade: 8,
} as const;

/** See the head of the file. */
export class LiveHttpConnection
  extends ExchangeLine
  implements HttpServerConnection, RequestSink, WatchOwner
{
  context: unknown = undefined;
  /** Requests that have come. */
  requestCount = 0;
  protected readonly host: ConnectionHost;
  private readonly watch: ConnectionWatch;
  private parser: RequestParser | undefined = undefined;
  private sink: RequestSink | undefined = undefined;
  private current: HttpExchange | undefined = undefined;
  private holds = 0;
  private rest: Buffer | undefined = undefined;
  private isFeeding = false;
  private receiver: UpgradeReceiver | undefined = undefined;
  private isHandingOver = false;
  private peerHasEnded = false;
  /** The request that is being read shall be the last. */
  private closesSoon = false;
  /** When the last exchange left that was not answered at once. */
  private answeredMs = 0;
  /** When the head that is being read began, and how many had come by then. */
  private headSinceMs = 0;
  private headNumber = -1;
  /** When reading went on after a hold. */
  private readOnMs = 0;

  constructor(host: ConnectionHost, live: LiveConnection) {
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

  // — bytes —

  /** Bytes came. What this answers is the receiver's: a promise holds the next ones back. */
  receive(bytes: Buffer): MayWait {
    if (this.receiver !== undefined) {
      if (!this.isHandingOver) return this.receiver.onReceive(this.live, bytes);
      this.keepRest(bytes);
    } else if (this.holds !== 0) {
      this.keepRest(bytes);
    } else if (!this.isDeaf) {
      this.feed(bytes);
      if (this.receiver !== undefined) this.handOver();
      else if (this.rest !== undefined && this.holds === 0) this.readOn();
    }
    return undefined;
  }

  /** Whether what comes is thrown away. */
  private get isDeaf(): boolean {
    const mayUpgrade = (this.holds & HOLD.upgrade) !== 0;
    return this.isOver || (this.isLast && this.current === undefined && !mayUpgrade);
  }

  private feed(bytes: Buffer): void {
    this.parser ??= new RequestParser(this.host.configuration.parserLimits);
    this.sink ??= this.host.createSink(this);
    this.isFeeding = true;
    const taken = this.parser.feed(bytes, this.sink);
    this.isFeeding = false;
    if (taken < bytes.length) this.keepRest(bytes.subarray(taken));
    else if (this.parser.phase === "head") this.noteHead();
  }

  private keepRest(bytes: Buffer): void {
    if (this.isDeaf && this.receiver === undefined) return;
    const own = this.isLent(bytes) ? Buffer.from(bytes) : bytes;
    this.rest = this.rest === undefined ? own : Buffer.concat([this.rest, own]);
    this.live.pause();
  }

  private noteHead(): void {
    if (this.headNumber === this.requestCount) return;
    this.headNumber = this.requestCount;
    this.headSinceMs = this.wheel.clock.now();
  }

  private hold(reason: number): void {
    this.holds |= reason;
  }

  private release(reason: number): void {
    if ((this.holds & reason) === 0) return;
    this.holds &= ~reason;
    if (this.holds === 0 && !this.isFeeding) this.readOn();
  }

  /** Reads what waits, then lets the peer go on. */
  private readOn(): void {
    if (this.receiver !== undefined) return;
    this.readOnMs = this.wheel.clock.now();
    while (this.holds === 0 && this.rest !== undefined) {
      const bytes = this.rest;
      this.rest = undefined;
      if (!this.isDeaf) this.feed(bytes);
      if (this.receiver !== undefined) {
        this.handOver();
        return;
      }
    }
    if (this.holds === 0) this.live.resume();
  }

  congested(): void {
    this.hold(HOLD.slow);
  }

  /** The queue is below its mark again. */
  drained(): void {
    if (this.receiver !== undefined) {
      const { receiver } = this;
      this.guard("onDrain", () => receiver.onDrain?.(this.live));
    } else this.release(HOLD.slow);
  }

  holdBody(hold: boolean): void {
    if (hold) this.hold(HOLD.body);
    else this.release(HOLD.body);
  }

  // — the parser's calls —

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
    if (isAtWork || !exchange.isDone || this.sink !== this) head.keep();
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

  /** The peer has finished. */
  peerEnded(): void {
    this.peerHasEnded = true;
    if (this.isHandingOver) return;
    const { receiver } = this;
    if (receiver?.onEnd !== undefined) this.guard("onEnd", () => receiver.onEnd?.(this.live));
    else if (receiver !== undefined) this.live.close();
    else this.readingEnded();
  }

  private readingEnded(): void {
    if (this.isOver) return;
    const error = new NetError("CONNECTION_CLOSED", "the peer has finished", {
      operation: "receive",
      connectionId: this.id,
    });
    if (!this.isLast && this.sink !== undefined) this.parser?.end(this.sink);
    else if (this.current !== undefined && this.sink !== undefined) this.parser?.end(this.sink);
    this.isLast = true;
    for (let one = this.front; one !== undefined; one = one.next) one.peerGone(error);
    if (this.front === undefined && !this.isOver) this.shut();
  }

  /** The connection has ended. */
  ended(reason: CloseReason): void {
    this.isOver = true;
    this.watch.end();
    const error = this.live.closedError();
    for (let one = this.front; one !== undefined; one = one.next) one.ended(error);
    const { receiver } = this;
    if (receiver !== undefined) {
      this.guard("onClose", () => receiver.onClose?.(this.live, reason));
    }
  }

  // — another protocol —

  protected handedOver(exchange: HttpExchange, receiver: UpgradeReceiver): void {
    this.receiver = receiver;
    this.isHandingOver = true;
    this.holds = 0;
    this.current = undefined;
    this.watch.end();
    this.host.upgraded(exchange);
    if (!this.isFeeding) queueMicrotask(() => this.handOver());
  }

  /** Gives the receiver what came behind the head, then lets the peer go on. */
  private handOver(): void {
    if (!this.isHandingOver || !this.live.isOpen) return;
    // What the connection still keeps back comes behind what is kept here.
    this.live.resume();
    this.isHandingOver = false;
    const { rest, receiver } = this;
    this.rest = undefined;
    if (rest !== undefined) {
      this.guard("onReceive", () => receiver?.onReceive(this.live, rest));
    }
    if (this.peerHasEnded) this.peerEnded();
  }

  /** Calls a handler of the receiver; its failure ends the connection, its promise holds bytes back. */
  private guard(name: string, call: () => unknown): void {
    const fail = (cause: unknown): void => {
      this.live.fail(handlerError(name, "receive", cause, this.id));
    };
    try {
      const result = call();
      if (!(result instanceof Promise)) return;
      if (name === "onReceive") this.live.pause();
      result.then(() => name === "onReceive" && this.live.resume(), fail);
    } catch (error) {
      fail(error);
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
    const unanswered = front !== undefined && !front.isAnswered ? front : undefined;
    return {
      idleSinceMs: isIdle ? Math.max(receivedMs, this.answeredMs) : undefined,
      isFirst: this.requestCount === 0,
      headSinceMs: phase === "head" && !isLast ? this.headSinceMs : undefined,
      bodySinceMs:
        current !== undefined && this.holds === 0 ? Math.max(receivedMs, this.readOnMs) : undefined,
      requestSinceMs: current?.startedMs,
      answerSinceMs: unanswered?.startedMs,
      pendingBytes,
      sentBytes: live.stats.sentBytes,
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
