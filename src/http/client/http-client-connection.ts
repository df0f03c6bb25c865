/**
 * One connection of a client, which carries one exchange after the other. Hot.
 *
 *     idle ── start ──► busy ── both messages complete, both may go on ──► idle
 *      │                 ├── 101, or 2xx to CONNECT ──► upgraded
 *      │                 └── else ──────────────────► closing
 *      └── the peer's end, bytes nobody asked for, expiry ──► closing ──► closed, once
 *
 * Invariants: `exchange` is set exactly while busy; an exchange leaves by `end`, `fail` or by going
 * back to the holder to be repeated, once. The next one begins after the bytes that ended the last
 * were read to their end, so that none of them can be taken for its answer.
 *
 * Sources: RFC 9112 §9.3 (persistence), RFC 9110 §9.2.2 (what may be repeated).
 */
import type { CloseReason } from "../../connection/close-reason.js";
import type { MayWait } from "../../connection/handlers.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import { NetError } from "../../errors.js";
import { ExchangeState } from "../../protocol/http1/exchange-state.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import type { Http1Limits } from "../../protocol/http1/limits.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type ResponseSink,
} from "../../protocol/http1/message-sink.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import { ResponseParser } from "../../protocol/http1/response-parser.js";
import { UpgradedConnection } from "../upgrade/upgraded-connection.js";
import type { ClientExchange, ConnectTiming, ExchangeCarrier } from "./client-exchange.js";
import { LazyDeadline } from "./lazy-deadline.js";
import { RequestSender, type SendingOwner } from "./request-sender.js";

/** Who has the connection. */
export interface ConnectionHolder {
  /** It can carry the next exchange. */
  connectionFree(connection: HttpClientConnection): void;
  /** It is gone. Exactly once, before the exchange it carried hears of it. */
  connectionGone(connection: HttpClientConnection, reason: CloseReason): void;
  /** It has left HTTP. */
  connectionUpgraded?(upgraded: UpgradedConnection): void;
  /** It broke before a byte of an answer came: the exchange shall be sent on a new one. */
  repeat(exchange: ClientExchange): void;
}

const NO_BYTES = Buffer.alloc(0);

/** See the head of the file. */
export class HttpClientConnection implements ResponseSink, SendingOwner, ExchangeCarrier {
  readonly live: StreamConnection;
  holder: ConnectionHolder | undefined = undefined;
  timing: ConnectTiming = { lookupMs: 0, connectMs: 0, tlsMs: 0 };
  /** What the server said about keeping the connection, in milliseconds; undefined where it did not. */
  announcedIdleMs: number | undefined = undefined;
  /** Who gets what the parser finds; an `HttpClient` looks on. */
  sink: ResponseSink = this;
  upgraded: UpgradedConnection | undefined = undefined;
  private readonly limits: Http1Limits;
  private readonly sender: RequestSender;
  private readonly deadline: LazyDeadline;
  private parser: ResponseParser;
  private state: ExchangeState = new ExchangeState();
  private exchange: ClientExchange | undefined = undefined;
  private exchangeCount = 0;
  private sawByte = false;
  private isComplete = false;
  private isBroken = false;
  private isKept = false;
  private peerEnded = false;
  private tunnels = false;
  private sentBytesSeen = 0;
  private resumedMs = 0;

  constructor(live: StreamConnection, limits: Http1Limits) {
    this.live = live;
    this.limits = limits;
    this.parser = new ResponseParser(limits);
    this.sender = new RequestSender(live, this);
    this.deadline = new LazyDeadline(live.wheel, this);
  }

  /** Whether it can carry an exchange now. */
  get isUsable(): boolean {
    if (this.exchange !== undefined || this.upgraded !== undefined) return false;
    return !this.peerEnded && !this.isBroken && this.live.isOpen && !this.deadline.isPast;
  }

  /** Begins an exchange. The connection must be usable. */
  start(exchange: ClientExchange): void {
    const { plan } = exchange;
    let isSent: boolean;
    try {
      isSent = this.sender.send(plan);
    } catch (error) {
      exchange.fail(error as NetError);
      this.holder?.connectionFree(this);
      return;
    }
    if (this.isKept) this.live.stream.ref();
    this.isKept = false;
    this.exchange = exchange;
    this.sawByte = false;
    this.isComplete = false;
    exchange.started(this, this.exchangeCount === 0 ? this.timing : undefined);
    this.exchangeCount++;
    const { method } = plan.head;
    this.parser.expect(method, plan.asksUpgrade);
    this.state.requestHead(!this.sender.saysClose, plan.asksUpgrade || method === "CONNECT");
    if (isSent) this.requestSent(plan.headTimeoutMs);
    else this.deadline.watch(this.sender.isWaiting ? plan.continueTimeoutMs : 0);
  }

  /** Begins an exchange that makes a tunnel; HTTP goes on at its other end, from the beginning. */
  startTunnel(exchange: ClientExchange): void {
    this.tunnels = true;
    this.start(exchange);
  }

  /** See {@link SendingOwner}. */
  contentEnded(error: NetError | undefined): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    if (error === undefined) this.requestSent(exchange.plan.headTimeoutMs);
    // What the connection itself came to is told by its end.
    else if (error.code !== "CONNECTION_CLOSED") exchange.giveUp(error);
  }

  private requestSent(headTimeoutMs: number): void {
    this.state.requestEnd();
    if (this.state.server === "answering") this.deadline.watch(headTimeoutMs);
  }

  // — receiving —

  /** Bytes came. A promise holds the next ones back until it is settled. */
  received(bytes: Buffer): MayWait {
    if (this.upgraded !== undefined) return this.upgraded.received(bytes);
    this.feed(bytes);
    return undefined;
  }

  private feed(bytes: Buffer): void {
    const { exchange } = this;
    if (exchange === undefined) {
      this.abandon("bytes came that no request asked for");
      return;
    }
    if (!this.sawByte) {
      this.sawByte = true;
      exchange.firstByte();
    }
    const taken = this.parser.feed(bytes, this.sink);
    if (this.isComplete) this.finish(bytes, taken);
  }

  /** See {@link ResponseSink}. */
  onHeadersComplete(head: ResponseHead): AfterHead {
    const { exchange, state } = this;
    if (exchange === undefined) return AFTER_HEAD.goOn;
    if (head.isInterim) {
      this.interim(head, exchange);
      return AFTER_HEAD.goOn;
    }
    if (!head.isUpgrade) state.responseHead(head.keepAlive);
    else if (state.client === "asking") state.switchProtocol();
    else {
      this.onParseError(malformed("the protocol changes before the request is complete"));
      return AFTER_HEAD.goOn;
    }
    this.readKeepAlive(head);
    exchange.answer(head.keep());
    this.deadline.watch(exchange.plan.bodyTimeoutMs);
    return AFTER_HEAD.goOn;
  }

  private interim(head: ResponseHead, exchange: ClientExchange): void {
    this.state.interim();
    if (head.statusCode === 100 && this.sender.isWaiting) {
      this.deadline.watch(0);
      this.sender.goOn();
    }
    exchange.plan.onInterim?.(head.statusCode, head.keep());
  }

  /** See {@link ResponseSink}. */
  onBody(bytes: Buffer): boolean {
    this.exchange?.receive(bytes, this.live.stream.lendsBytes);
    return true;
  }

  /** See {@link ResponseSink}. Interim responses are complete, too. */
  onMessageComplete(trailers: FieldSection | undefined): boolean {
    const { exchange, state } = this;
    if (exchange === undefined || state.server === "answering") return true;
    if (state.server === "body") state.responseEnd();
    this.isComplete = true;
    exchange.end(trailers);
    return true;
  }

  /** See {@link ResponseSink}. */
  onParseError(error: NetError): void {
    this.isBroken = true;
    if (this.isComplete) return;
    const { code, message, cause } = error;
    const detail = { operation: "receive", cause, connectionId: this.live.id } as const;
    this.exchange?.giveUp(new NetError(code, message, detail));
  }

  /** `Keep-Alive: timeout=5` (RFC 2068 §19.7.1). */
  private readKeepAlive(head: ResponseHead): void {
    const value = head.get("keep-alive");
    if (value === undefined) return;
    const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,9})/i.exec(value)?.[1];
    if (seconds !== undefined) this.announcedIdleMs = Number(seconds) * 1_000;
  }

  /** The exchange is over: the connection is free, another protocol's, or of no more use. */
  private finish(bytes: Buffer, taken: number): void {
    this.isComplete = false;
    const exchange = this.exchange!;
    this.exchange = undefined;
    this.deadline.watch(0);
    if (this.parser.phase === "upgraded") {
      this.handOver(exchange, bytes, taken);
      return;
    }
    if (this.live.isPaused) this.live.resume();
    if (this.state.canReuse && this.isUsable) {
      this.state.next();
      this.holder?.connectionFree(this);
      return;
    }
    const isUnsent = this.sender.isBusy || this.live.pendingBytes > 0;
    this.sender.stop();
    if (isUnsent || this.isBroken) this.live.abort();
    else this.live.close();
  }

  private handOver(exchange: ClientExchange, bytes: Buffer, taken: number): void {
    const rest = Buffer.from(bytes.subarray(taken));
    if (this.tunnels) {
      this.tunnels = false;
      if (rest.length > 0) this.abandon("the proxy sent bytes of its own into the tunnel");
      this.parser = new ResponseParser(this.limits);
      this.state = new ExchangeState();
      this.exchangeCount = 0;
      return;
    }
    this.upgraded = new UpgradedConnection(this.live, rest);
    exchange.upgraded = this.upgraded;
    this.holder?.connectionUpgraded?.(this.upgraded);
  }

  // — ends —

  /** The peer has finished sending. */
  ended(): void {
    this.peerEnded = true;
    if (this.upgraded !== undefined) {
      this.upgraded.ended();
      return;
    }
    if (this.exchange === undefined) {
      this.live.close();
      return;
    }
    this.parser.end(this.sink);
    if (this.isComplete) this.finish(NO_BYTES, 0);
    else if (this.exchange !== undefined) {
      const text = "the server closed the connection without an answer";
      const detail = { operation: "receive", fault: "remote" } as const;
      const error = new NetError("CONNECTION_CLOSED", text, detail);
      this.lose(error);
      this.live.fail(error);
    }
  }

  /** What was sent is below the low-water mark again. */
  drained(): MayWait {
    return this.upgraded?.drained();
  }

  /** The connection is gone. */
  closed(reason: CloseReason): void {
    this.deadline.clear();
    this.sender.stop();
    try {
      this.holder?.connectionGone(this, reason);
    } finally {
      // A handler that throws keeps nobody waiting.
      this.upgraded?.closed(reason);
      this.lose(reason.cause ?? this.live.closedError());
    }
  }

  /** The exchange under way has lost its connection: it is repeated where it may be, or fails. */
  private lose(error: NetError): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    this.exchange = undefined;
    this.sender.stop();
    const isStale = this.exchangeCount > 1 && !this.sawByte && error.fault !== "local";
    if (isStale && exchange.plan.mayRepeat && this.holder !== undefined) {
      exchange.repeat();
      this.holder.repeat(exchange);
    } else {
      exchange.fail(error);
    }
  }

  /** See {@link ExchangeCarrier.drop}. */
  drop(error: NetError): void {
    this.exchange = undefined;
    this.sender.stop();
    this.live.fail(error);
  }

  /** Closes it in good order: what was sent leaves, and the exchange under way fails at once. */
  close(error: NetError): boolean {
    const { exchange } = this;
    this.exchange = undefined;
    this.sender.stop();
    exchange?.fail(error);
    return this.live.close();
  }

  private abandon(text: string): void {
    this.isBroken = true;
    this.live.fail(malformed(text));
  }

  /** See {@link ExchangeCarrier.holdBody}. */
  holdBody(hold: boolean): void {
    if (hold) {
      this.live.pause();
      return;
    }
    this.live.resume();
    this.resumedMs = this.live.wheel.clock.now();
  }

  // — deadlines —

  /** Keeps it for the next exchange, at most `idleMs`, and without holding the process. */
  keep(idleMs: number): void {
    this.deadline.watch(idleMs);
    this.isKept = true;
    this.live.stream.unref();
  }

  /** Something is due. */
  due(): void {
    const { exchange } = this;
    if (exchange === undefined) this.live.close();
    else if (this.sender.isWaiting) this.sender.goOn();
    else if (exchange.state === "answered") this.bodySilent(exchange);
    else this.headMissing(exchange);
  }

  /** The head is late, unless the request is still on its way. */
  private headMissing(exchange: ClientExchange): void {
    const { headTimeoutMs } = exchange.plan;
    const { sentBytes, pendingBytes } = this.live.stats;
    if (pendingBytes > 0 && sentBytes > this.sentBytesSeen) {
      this.sentBytesSeen = sentBytes;
      this.deadline.watch(headTimeoutMs);
      return;
    }
    const text = `the head of the response did not come within headTimeoutMs (${headTimeoutMs})`;
    exchange.giveUp(new NetError("HTTP_HEAD_TIMEOUT", text, { operation: "receive" }));
  }

  /** Nothing came for a while, unless it is us who hold the peer back. */
  private bodySilent(exchange: ClientExchange): void {
    const { bodyTimeoutMs } = exchange.plan;
    const freeForMs = this.live.wheel.clock.now() - this.resumedMs;
    const leftMs = bodyTimeoutMs - Math.min(freeForMs, this.live.silentForMs);
    if (this.live.isPaused || leftMs > 0) {
      this.deadline.watch(this.live.isPaused ? bodyTimeoutMs : leftMs);
      return;
    }
    const text = `no byte of the body came for bodyTimeoutMs (${bodyTimeoutMs})`;
    exchange.giveUp(new NetError("HTTP_BODY_TIMEOUT", text, { operation: "receive" }));
  }
}

function malformed(text: string): NetError {
  return new NetError("HTTP_MALFORMED", text, { operation: "receive" });
}
