/**
 * The requests of one connection that are under way: the parser that reads them, the exchanges made of
 * them, and the responses that are sent. A connection has one from the first byte of a request until
 * nothing is under way any more; then it serves another. Hot.
 *
 *     reading ── the last request has come ──► last ── all have their response ──► over
 *        ├── close, a fault, a deadline, the peer's end ──► last                     ▲
 *        └── 101, or 2xx to CONNECT; the connection ends ────────────────────────────┘
 *
 * Invariants: `reading` is the exchange whose request is being read, if its head has come; an exchange
 * leaves when its response is done and its request complete, or its response has said that the connection
 * closes; nothing enters once `isLast` is set and the request that is being read has come.
 */
import type { Buffer } from "node:buffer";
import type { CloseReason } from "../../connection/close-reason.js";
import type { Data, SendResult } from "../../connection/connection.js";
import { handlerError } from "../../connection/events/handlers.js";
import { HOLD, type Receiver } from "../../connection/receiver.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import type { Http1Limits } from "../../protocol/http1/limits.js";
import { statusOfError } from "../../protocol/http1/parse-fault.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type RequestSink,
} from "../../protocol/http1/parsing/message-sink.js";
import { RequestParser } from "../../protocol/http1/parsing/request-parser.js";
import { RequestHead } from "../../protocol/http1/request-head.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import { inRootContext } from "../../time/root-context.js";
import type { ResponseCompression } from "./compression/response-compression.js";
import type { HttpServerLimits } from "./http-server-settings.js";
import { MessageEvents, type ObservedReceiver, type ObservedRequests } from "./message-events.js";
import { PipelineDeadlines, type WatchedRequests } from "./pipeline-deadlines.js";
import { ReadingHolds } from "./reading-holds.js";
import { interimHead, switchingHead } from "./response/plain-head.js";
import { ResponseRecord } from "./response/response-report.js";
import { ResponseQueue } from "./response-queue.js";
import { type ExchangePipeline, ServerExchange } from "./server-exchange.js";
import type { ServerResources } from "./server-resources.js";

/** The receiver of a connection, as the requests under way see it. */
export interface PipelineOwner extends ObservedReceiver {
  readonly id: number;
  readonly transport: StreamConnection;
  /** Requests that have come. */
  requestCount: number;
  /** When it was accepted, or its last response given, by the clock. */
  readonly idleSinceMs: number;
  /** Nothing is under way any more. */
  pipelineIdle(sinceMs: number): void;
  /** A response was given to the connection whole; told where somebody wants to know when it has left. */
  responseGiven(exchange: ServerExchange): void;
  /** Closes the connection in good order, as soon as little is left to be sent. */
  shut(): void;
  /** The connection is another protocol's from now on. */
  handedOver(): void;
}

/** Reads the requests of a connection, and sends the responses to them. */
export class RequestPipeline
  implements RequestSink, ExchangePipeline, ObservedRequests, WatchedRequests
{
  /** Limits that the parser holds requests to. */
  readonly parserLimits: Http1Limits;
  reading: ServerExchange | undefined = undefined;
  isOver = false;
  isInHead = false;
  hasPeerEnded = false;
  /** Why the connection closes: a malformed request, a deadline, or the application's reason. */
  failure: NetError | undefined = undefined;
  private readonly resources: ServerResources;
  private readonly parser: RequestParser;
  private readonly sink: RequestSink;
  private readonly queue: ResponseQueue;
  private readonly deadlines: PipelineDeadlines;
  private readonly holds: ReadingHolds;
  /** The receiver of the connection. */
  private current: PipelineOwner | undefined;
  /** The request for another protocol, which is handled when it is its turn. */
  private deferred: ServerExchange | undefined = undefined;
  /** The request whose head is being read is the last of this connection. */
  private closesSoon = false;
  /** Why it closes, where that is known. */
  private closeCause: NetError | undefined = undefined;
  private isFeeding = false;

  constructor(resources: ServerResources, owner: PipelineOwner) {
    const { wheel, calls, configuration } = resources;
    this.resources = resources;
    this.current = owner;
    this.parserLimits = configuration.parserLimits;
    this.parser = new RequestParser(configuration.parserLimits);
    this.sink = calls.tellsMessages ? new MessageEvents(this, calls) : this;
    this.queue = new ResponseQueue(resources);
    this.deadlines = new PipelineDeadlines(this, wheel);
    this.holds = new ReadingHolds(wheel.clock);
  }

  /** The receiver of the connection, which there must be. */
  get owner(): PipelineOwner {
    return this.current as PipelineOwner;
  }

  get transport(): StreamConnection {
    return this.owner.transport;
  }

  /** The request that is being read, or was read, is the last one of the connection. */
  private get isLast(): boolean {
    return this.queue.isLast;
  }

  private set isLast(isLast: boolean) {
    this.queue.isLast = isLast;
  }

  /** Serves a connection from now on. */
  serve(owner: PipelineOwner): void {
    this.current = owner;
    this.isOver = false;
    this.hasPeerEnded = false;
    this.failure = undefined;
    this.isLast = false;
    this.closesSoon = false;
    this.closeCause = undefined;
    this.deadlines.begin();
  }

  /** Leaves its connection. Returns whether it can serve another. */
  leave(): boolean {
    this.current = undefined;
    this.parser.forget();
    const isIdle = this.queue.front === undefined && this.reading === undefined && !this.isHeld;
    return isIdle && this.deferred === undefined && this.parser.isFresh;
  }

  /** Ends it for good: it serves no other connection. */
  end(): void {
    this.isOver = true;
    this.deadlines.end();
  }

  get limits(): HttpServerLimits {
    return this.resources.configuration.limits;
  }

  get compression(): ResponseCompression {
    return this.resources.compression;
  }

  get maxPendingBytes(): number {
    return this.resources.configuration.maxPendingBytes;
  }

  /** Exchanges that are under way. */
  get exchangeCount(): number {
    return this.queue.count;
  }

  get front(): ServerExchange | undefined {
    return this.queue.front;
  }

  get isHeld(): boolean {
    return this.holds.bits !== 0;
  }

  get isPaused(): boolean {
    return this.transport.isPaused;
  }

  /** The application goes on reading. */
  resumed(): void {
    this.deadlines.readOn();
  }

  /** Whether it serves a connection; otherwise its deadlines mean nothing. */
  get isWatched(): boolean {
    return this.current?.pipeline === this;
  }

  /** Deadlines were changed. */
  limitsChanged(): void {
    this.deadlines.restart();
  }

  // — bytes —

  /** Takes bytes. Returns how many: fewer than all when the transport was held, or handed over. */
  feed(bytes: Buffer): number {
    if (!this.isReadOn) return bytes.length;
    if (this.isHeld) {
      this.transport.hold(this.holds.bits);
      return 0;
    }
    this.isFeeding = true;
    this.holds.beginTurn();
    const taken = this.parser.feed(bytes, this.sink);
    this.isFeeding = false;
    if (taken < bytes.length) return this.leaveRest(bytes.length, taken);
    this.holds.endTurn();
    if (!this.isInHead && !this.isOver && this.parser.phase === "head") this.noteHead();
    this.settle(this.transport.receivedMs);
    return taken;
  }

  /** Whether received bytes are read; otherwise they are discarded. */
  private get isReadOn(): boolean {
    if (this.isOver) return false;
    return !this.isLast || this.reading !== undefined || this.holds.has(HOLD.upgrade);
  }

  /** Bytes are left behind those that were taken. */
  private leaveRest(byteCount: number, taken: number): number {
    // The connection belongs to another protocol now.
    if (!this.isWatched) return taken;
    if (!this.isReadOn) return byteCount;
    if (this.isHeld) this.transport.hold(this.holds.bits);
    if (this.holds.has(HOLD.turn)) {
      this.resources.wheel.clock.afterPoll(() => this.release(HOLD.turn));
    }
    return taken;
  }

  private noteHead(): void {
    this.isInHead = true;
    const { requestCount, idleSinceMs } = this.owner;
    this.deadlines.headBegun(requestCount === 0 ? idleSinceMs : undefined);
  }

  /** Takes a hold away; reading goes on when it was the last. */
  private release(bit: number): void {
    if (this.current !== undefined && this.holds.clear(bit, this.transport)) this.readOn();
  }

  private readOn(): void {
    this.deadlines.readOn();
    this.settle();
  }

  /** Returns to the pool when nothing is under way. */
  private settle(sinceMs?: number): void {
    if (this.isFeeding || this.isOver || this.isHeld || !this.isWatched) return;
    if (this.queue.front !== undefined || this.reading !== undefined) return;
    if (!this.parser.isFresh) return;
    this.owner.pipelineIdle(sinceMs ?? Math.ceil(this.resources.wheel.clock.now()));
  }

  congested(): void {
    this.holds.set(HOLD.slow);
  }

  /** The send queue is below its mark again. */
  drained(): void {
    this.release(HOLD.slow);
  }

  holdBody(exchange: ServerExchange, isHeld: boolean): void {
    if (isHeld) this.holds.setBody(exchange);
    else if (this.current !== undefined && this.holds.clearBody(exchange, this.transport)) {
      this.readOn();
    }
  }

  // — the parser's calls —

  onHeadersComplete(head: RequestHead): AfterHead {
    this.isInHead = false;
    if (this.isOver || this.failure !== undefined) return AFTER_HEAD.stop;
    const { resources } = this;
    const { maxRequestsPerConnection } = this.limits;
    const requestCount = ++this.owner.requestCount;
    const isLimit = requestCount >= maxRequestsPerConnection && maxRequestsPerConnection > 0;
    if (!head.keepAlive || isLimit || this.closesSoon) this.isLast = true;
    const exchange = this.createExchange(head);
    exchange.isObserved = head.hasBody && resources.calls.tellsBodies;
    this.reading = exchange;
    this.queue.enter(exchange);
    // The usual request is handled at once.
    const isUsual = !exchange.isUpgrade && head.expectation !== "unknown";
    const isAtWork = isUsual ? resources.calls.handle(exchange) : this.handleOther(exchange, head);
    if (isAtWork || !exchange.isDone || resources.calls.keepsHeads) head.keep();
    else exchange.request.releaseHead();
    if (!exchange.isDone || head.hasBody) exchange.startedMs = this.nowMs();
    if (head.hasBody) this.deadlines.bodyBegun();
    else if (exchange.isInTurn && !exchange.isResponded) this.deadlines.responseAwaited();
    return AFTER_HEAD.goOn;
  }

  private createExchange(head: RequestHead): ServerExchange {
    const id = ++this.resources.requestCount;
    const exchange = new ServerExchange(id, this.owner, this, head);
    const { calls, wheel } = this.resources;
    if (calls.tellsResponses) exchange.record = new ResponseRecord(wheel.clock);
    return exchange;
  }

  /** A request that expects or asks for more. Returns whether its handler is at work, or called later. */
  private handleOther(exchange: ServerExchange, head: RequestHead): boolean {
    if (head.expectation === "unknown") {
      exchange.respondError(417);
      return false;
    }
    if (exchange.isUpgrade && !exchange.isInTurn) {
      // What comes behind is not read before it has its response: there is one of these at most.
      this.deferred = exchange;
      return true;
    }
    return this.resources.calls.handle(exchange);
  }

  private nowMs(): number {
    return Math.ceil(this.resources.wheel.clock.now());
  }

  onBody(bytes: Buffer): boolean {
    const exchange = this.reading;
    if (exchange === undefined) return false;
    const discardedBytes = exchange.takeBody(bytes);
    const isWanted = !exchange.isDone || exchange.isObserved;
    if (!isWanted && discardedBytes > this.limits.maxDiscardBytes) {
      exchange.closes = true;
      this.isLast = true;
      if (exchange.isInTurn) this.advance();
    }
    return !this.isOver;
  }

  onMessageComplete(trailers: FieldSection | undefined): boolean {
    const exchange = this.reading;
    this.reading = undefined;
    if (exchange === undefined) return false;
    exchange.complete(trailers);
    if (exchange.hasBody && !exchange.isDone) {
      exchange.startedMs = this.nowMs();
      if (exchange.isInTurn) this.deadlines.responseAwaited();
    }
    if (exchange.isUpgrade && !exchange.isDone) this.holds.set(HOLD.upgrade);
    if (exchange.isInTurn) this.advance();
    if (this.queue.count >= this.limits.maxPipelined) this.holds.set(HOLD.pipeline);
    this.holds.countRequest();
    return !this.isHeld && !this.isLast && !this.isOver;
  }

  onParseError(error: NetError): void {
    const exchange = this.reading;
    this.reading = undefined;
    this.isInHead = false;
    this.isLast = true;
    this.failure ??= error;
    if (exchange === undefined) this.respondToNone(statusOfError(error));
    else this.giveUp(exchange, error, statusOfError(error));
  }

  // — what goes wrong —

  /** A handler of parser events has failed; `exchange`: where there was one. */
  handlerFailed(name: string, cause: unknown, exchange: ServerExchange | undefined): void {
    const error = handlerError(name, "request", cause, this.owner.id);
    if (this.failure === undefined) this.resources.calls.report(error, exchange);
    if (this.isOver) return;
    // A failure before the head was complete belongs to the exchange that is being read, if there is one.
    const failed = exchange ?? this.reading;
    if (this.reading === failed) this.reading = undefined;
    this.isLast = true;
    this.failure ??= error;
    if (failed === undefined) this.respondToNone(500);
    else if (failed.pipeline === this) this.giveUp(failed, error, 500);
    else if (this.queue.front === undefined) this.owner.shut();
  }

  /** Responds to bytes that are not a request. */
  private respondToNone(statusCode: number): void {
    if (this.isOver) return;
    const exchange = this.createExchange(new RequestHead());
    exchange.complete(undefined);
    this.queue.enter(exchange);
    exchange.respondError(statusCode);
  }

  /** The rest of a request, or its response, will not come: responds with an error and closes the connection. */
  private giveUp(exchange: ServerExchange, error: NetError, statusCode: number): void {
    exchange.closes = true;
    exchange.isObserved = false;
    if (!exchange.isResponded) {
      exchange.respondFailure(statusCode);
      exchange.drop();
    }
    exchange.request.fail(error);
    if (exchange.isInTurn) this.advance();
  }

  tooLate(error: NetError, statusCode: number): void {
    this.failure ??= error;
    this.isLast = true;
    this.isInHead = false;
    const exchange = statusCode === 503 ? this.queue.front : this.reading;
    if (exchange === this.reading) this.reading = undefined;
    if (statusCode === 0) this.fail(error);
    else if (exchange !== undefined) this.giveUp(exchange, error, statusCode);
    else this.respondToNone(statusCode);
  }

  fail(error: NetError): void {
    this.isOver = true;
    this.transport.fail(error);
  }

  // — exchanges leave —

  responseDone(exchange: ServerExchange): void {
    if (exchange.isInTurn) this.responseGiven(exchange);
    const { request } = exchange;
    if (request.hasBody && !request.isComplete) {
      // A handler that has discarded the body is not told of the rest.
      if (request.isBodyDiscarded) exchange.isObserved = false;
      else if (!request.isBodyRead) exchange.body.discard();
    }
    this.deadlines.sending();
    if (exchange.isInTurn) this.advance();
  }

  responseGiven(exchange: ServerExchange): void {
    if (exchange.record !== undefined) this.owner.responseGiven(exchange);
  }

  /** Removes exchanges that are done from the front; the next one gets its turn. */
  private advance(): void {
    const { queue } = this;
    if (this.isOver) return;
    for (let exchange = queue.front; exchange?.isDone === true; exchange = queue.front) {
      if (exchange.closes && !exchange.isReading) {
        this.owner.shut();
        return;
      }
      if (!exchange.isComplete) return;
      queue.leave();
      // A body that is still being read holds reading up.
      if (this.holds.bodyHolder === exchange) exchange.pipeline = this;
    }
    this.exchangesLeft();
  }

  private exchangesLeft(): void {
    const { front, count } = this.queue;
    if (count * 2 <= this.limits.maxPipelined) this.release(HOLD.pipeline);
    if (front !== undefined) {
      if (front === this.deferred) this.handleDeferred(front);
      else if (!front.isResponded) this.deadlines.responseAwaited();
      return;
    }
    this.release(HOLD.upgrade);
    if ((this.isLast && this.reading === undefined) || this.hasPeerEnded) this.owner.shut();
    else this.settle();
  }

  private handleDeferred(exchange: ServerExchange): void {
    this.deferred = undefined;
    exchange.startedMs = this.nowMs();
    this.deadlines.responseAwaited();
    inRootContext(() => this.resources.calls.handle(exchange));
  }

  // — responses —

  respond(
    exchange: ServerExchange,
    statusCode: number,
    fields: FieldInput,
    body?: Data,
  ): SendResult {
    const result = this.queue.respond(exchange, statusCode, fields, body);
    if (exchange.closes) this.readNoFurther();
    this.responseDone(exchange);
    return result;
  }

  startResponse(exchange: ServerExchange, statusCode: number, fields: FieldInput): number {
    const bodyLength = this.queue.startResponse(exchange, statusCode, fields);
    if (exchange.closes) this.readNoFurther();
    this.deadlines.sending();
    return bodyLength;
  }

  /** There is a response that says that the connection closes: what comes behind is no request (RFC 9112 §9.6). */
  private readNoFurther(): void {
    this.isLast = true;
    if (this.reading === undefined) this.isInHead = false;
  }

  interim(exchange: ServerExchange, statusCode: number, fields: FieldInput): SendResult {
    return exchange.sendBytes(interimHead(statusCode, fields));
  }

  handOver(
    exchange: ServerExchange,
    fields: FieldInput,
    receiverOf: ((connection: StreamConnection) => Receiver) | undefined,
  ): StreamConnection {
    const { transport, resources } = this;
    const { date } = resources.addedFields.get(false);
    const head = switchingHead(exchange, fields, date);
    exchange.sendBytes(head);
    exchange.record?.begun(head.length, 0);
    exchange.statusCode = exchange.method === "CONNECT" ? 200 : 101;
    exchange.responseIs("done");
    exchange.complete(undefined);
    this.queue.leave();
    this.reading = undefined;
    this.end();
    this.responseGiven(exchange);
    this.owner.handedOver();
    if (receiverOf !== undefined) transport.receiveBy(receiverOf(transport));
    ReadingHolds.clearAll(transport);
    resources.calls.upgraded(exchange);
    return transport;
  }

  // — the end —

  /** Responds to what is under way, then closes, for a reason where there is one. */
  close(cause?: NetError): void {
    // A request whose head is being read still gets its response.
    const isInHead = this.parser.phase === "head" && this.reading === undefined;
    this.closesSoon = true;
    this.closeCause ??= cause;
    if (!isInHead) this.isLast = true;
    if (this.isLast && this.queue.front === undefined) this.owner.shut();
  }

  /** Nothing is under way but what was sent. */
  watchSending(): void {
    this.deadlines.sending();
  }

  /** All that was sent has left. */
  allSent(): void {
    this.settle();
  }

  /** The connection closes: what was sent leaves, and nothing else happens. */
  shut(cause?: NetError): void {
    this.isOver = true;
    this.isLast = true;
    this.failure ??= cause ?? this.closeCause;
    this.deadlines.sending();
  }

  /** The peer has finished sending. */
  peerEnded(): void {
    this.hasPeerEnded = true;
    if (this.isOver) return;
    if (!this.isLast || this.reading !== undefined) this.parser.end(this.sink);
    this.isLast = true;
    if (this.isOver) return;
    if (this.queue.front === undefined) this.owner.shut();
    else this.deadlines.peerEnded();
  }

  /** The connection has ended. */
  ended(reason: CloseReason): void {
    this.end();
    this.reading = undefined;
    // An error captures the stack: it is made only where an exchange is told of it.
    if (this.queue.front !== undefined) this.queue.fail(this.transport.closedError(), reason);
    const { bodyHolder } = this.holds;
    if (bodyHolder !== undefined) bodyHolder.pipeline = undefined;
  }
}
