/**
 * The receiver of a client's connection, which carries one exchange after the other. Hot.
 *
 *     idle ── start ──► busy ── both messages complete, both may go on ──► idle
 *      │ ▲               ├── 101, or 2xx to CONNECT ──► upgraded
 *      │ │               └── else ──────────────────► closing
 *      │ └── it is of no more use: the exchange is returned
 *      ├── start ──► booked ── the loop has polled ──► busy
 *      └── the peer's end, bytes without a request, expiry ──► closing ──► closed, once
 *
 * booked: a request that may not be sent twice waits until what the kernel has of the connection was
 * read, since the server may have closed it already.
 *
 * Invariants: `exchange` is set exactly while busy; an exchange leaves by `end`, `fail` or by going
 * back to the holder to be repeated, once. The next one begins after the bytes that ended the last
 * were read to their end, so that none of them can be taken for its response.
 *
 * Sources: RFC 9112 §9.3 (persistence), RFC 9110 §9.2.2 (what may be repeated).
 */
import { type CloseReason, reasonOf } from "../../connection/close-reason.js";
import type { AgeingConnection } from "../../connection/component/mass-close.js";
import type { PacketEvents } from "../../connection/events/packet-events.js";
import { HOLD, type Receiver } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type ResponseSink,
} from "../../protocol/http1/parsing/message-sink.js";
import type { ResponseParser } from "../../protocol/http1/parsing/response-parser.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import {
  Handover,
  type OwnConnection,
  type UpgradedConnection,
} from "../upgrade/upgraded-connection.js";
import type { ClientExchange, ConnectTiming, ExchangeCarrier } from "./client-exchange.js";
import { ExchangeDeadline } from "./exchange-deadline.js";
import type { PollQueue } from "./poll-queue.js";
import { RequestSender, type SendingOwner } from "./request-sender.js";
import type { SpareParsers } from "./spare-parsers.js";

/** What the receivers of one client share. */
export interface ReceiverShare {
  readonly parsers: SpareParsers;
  readonly polls: PollQueue;
  /** Told of what the kernel has taken. */
  readonly events: Pick<PacketEvents, "sent">;
  /** Whether connections that have something to do keep the process alive. */
  holdsProcess(): boolean;
}

/** The holder of the connection. */
export interface ConnectionHolder {
  /** It can carry the next exchange. */
  connectionFree(receiver: ClientReceiver): void;
  /** It is gone. Exactly once, before the exchange it carried hears of it. */
  connectionGone(receiver: ClientReceiver, reason: CloseReason): void;
  /** It has left HTTP. */
  connectionUpgraded?(receiver: ClientReceiver): void;
  /** It broke before a byte of a response came: the exchange is sent again on a new one. */
  repeat(exchange: ClientExchange): void;
  /** It turned out to be of no use before the exchange was sent: that waits again. */
  takeBack(exchange: ClientExchange): void;
}

/** Receives the responses of one connection, and starts its exchanges. */
export class ClientReceiver
  implements Receiver, ResponseSink, SendingOwner, ExchangeCarrier, AgeingConnection
{
  readonly connection: OwnConnection;
  holder: ConnectionHolder | undefined = undefined;
  timing: ConnectTiming = { lookupMs: 0, connectMs: 0, tlsMs: 0 };
  /** What the server said about keeping the connection, in milliseconds; undefined where it did not. */
  announcedIdleMs: number | undefined = undefined;
  /** The sink of the parser; handlers may stand in front. */
  sink: ResponseSink = this;
  handover: Handover | undefined = undefined;
  /** Told when the connection has left HTTP. */
  onUpgraded: ((upgraded: UpgradedConnection) => void) | undefined = undefined;
  private readonly shared: ReceiverShare;
  private readonly sender: RequestSender;
  private readonly deadline: ExchangeDeadline;
  /** While an exchange is under way. */
  private parser: ResponseParser | undefined = undefined;
  private exchange: ClientExchange | undefined = undefined;
  private booked: ClientExchange | undefined = undefined;
  private exchangeCount = 0;
  private sawByte = false;
  private isRequestSent = false;
  /** The head of a final response has come. */
  private hasHead = false;
  /** The final response is complete. */
  private isComplete = false;
  /** Neither message has said that the connection closes. */
  private keepsAlive = true;
  private isBroken = false;
  isKept = false;
  /** Why it takes no further exchange. */
  private retirement: NetError | undefined = undefined;

  constructor(connection: OwnConnection, shared: ReceiverShare) {
    this.connection = connection;
    this.shared = shared;
    this.sender = new RequestSender(connection, this);
    this.deadline = new ExchangeDeadline(connection, () => this.due());
  }

  /** Whether it can carry an exchange now. */
  get isUsable(): boolean {
    if (this.exchange !== undefined || this.booked !== undefined) return false;
    return this.handover === undefined && this.isSound;
  }

  private get isSound(): boolean {
    const { connection } = this;
    if (this.isBroken || this.retirement !== undefined) return false;
    if (!connection.isOpen || connection.peerHasEnded) return false;
    return !this.deadline.isPast;
  }

  /** Begins an exchange, at once or when the loop has polled. The connection must be usable. */
  start(exchange: ClientExchange): void {
    if (this.exchangeCount === 0 || exchange.plan.mayRepeat) {
      this.begin(exchange);
      return;
    }
    this.booked = exchange;
    this.shared.polls.add(() => this.beginBooked(exchange));
  }

  private beginBooked(exchange: ClientExchange): void {
    if (this.booked !== exchange) return;
    this.booked = undefined;
    const isWanted = exchange.state === "waiting";
    if (isWanted && this.isSound) this.begin(exchange);
    else if (isWanted) this.holder?.takeBack(exchange);
    else if (this.isSound) this.holder?.connectionFree(this);
  }

  private begin(exchange: ClientExchange): void {
    const { plan } = exchange;
    let isSent: boolean;
    try {
      isSent = this.sender.send(plan);
    } catch (error) {
      exchange.fail(error as NetError);
      this.holder?.connectionFree(this);
      return;
    }
    if (this.isKept && this.shared.holdsProcess()) this.connection.ref();
    this.isKept = false;
    this.exchange = exchange;
    this.sawByte = false;
    this.isRequestSent = false;
    this.hasHead = false;
    this.isComplete = false;
    this.keepsAlive = !this.sender.saysClose;
    exchange.started(this, this.exchangeCount === 0 ? this.timing : undefined);
    this.exchangeCount++;
    this.parser ??= this.shared.parsers.take();
    this.parser.expect(plan.head.method, plan.asksUpgrade);
    if (isSent) this.requestSent(plan.headTimeoutMs);
    else this.deadline.set(this.sender.isWaiting ? plan.continueTimeoutMs : 0);
  }

  /** See {@link SendingOwner}. */
  contentEnded(error: NetError | undefined): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    if (error === undefined) this.requestSent(exchange.plan.headTimeoutMs);
    // The end of the connection reports its own error.
    else if (error.code !== "CONNECTION_CLOSED") exchange.giveUp(error);
  }

  private requestSent(headTimeoutMs: number): void {
    this.isRequestSent = true;
    if (!this.hasHead) this.deadline.set(headTimeoutMs);
  }

  // — receiving —

  received(bytes: Buffer): number {
    const { exchange, parser } = this;
    if (exchange === undefined || parser === undefined) {
      this.isBroken = true;
      this.connection.fail(malformed("bytes came without a request"));
      return bytes.length;
    }
    if (!this.sawByte) {
      this.sawByte = true;
      exchange.firstByte();
    }
    const taken = parser.feed(bytes, this.sink);
    if (!this.isComplete) return bytes.length;
    this.finish();
    return this.handover === undefined ? bytes.length : taken;
  }

  /** See {@link ResponseSink}. */
  onHeadersComplete(head: ResponseHead): AfterHead {
    const { exchange } = this;
    if (exchange === undefined) return AFTER_HEAD.goOn;
    if (head.isInterim) {
      this.interim(head, exchange);
      return AFTER_HEAD.goOn;
    }
    if (head.isUpgrade && !this.isRequestSent) {
      this.onParseError(malformed("the protocol changes before the request is complete"));
      return AFTER_HEAD.goOn;
    }
    this.hasHead = true;
    this.keepsAlive &&= head.keepAlive;
    this.readKeepAlive(head);
    exchange.respond(head);
    this.deadline.set(exchange.plan.bodyTimeoutMs);
    return AFTER_HEAD.goOn;
  }

  private interim(head: ResponseHead, exchange: ClientExchange): void {
    if (head.statusCode === 100 && this.sender.isWaiting) {
      this.deadline.set(0);
      this.sender.goOn();
    }
    exchange.interim(head);
  }

  /** See {@link ResponseSink}. */
  onBody(bytes: Buffer): boolean {
    this.exchange?.receive(bytes);
    return true;
  }

  /** See {@link ResponseSink}. Interim responses are complete, too. */
  onMessageComplete(trailers: FieldSection | undefined): boolean {
    const { exchange } = this;
    if (exchange === undefined || !this.hasHead) return true;
    this.isComplete = true;
    exchange.end(trailers);
    return true;
  }

  /** See {@link ResponseSink}. */
  onParseError(error: NetError): void {
    this.isBroken = true;
    if (this.isComplete) return;
    const { code, message, cause } = error;
    const detail = { operation: "receive", cause, connectionId: this.connection.id } as const;
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
  private finish(): void {
    this.isComplete = false;
    const exchange = this.exchange!;
    this.exchange = undefined;
    this.deadline.set(0);
    const { parser } = this;
    this.parser = undefined;
    if (parser?.phase === "upgraded") {
      this.handOver(exchange);
      return;
    }
    this.connection.release(HOLD.body);
    if (this.isRequestSent && this.keepsAlive && this.isUsable) {
      if (parser !== undefined) this.shared.parsers.giveBack(parser);
      this.holder?.connectionFree(this);
      return;
    }
    const isUnsent = this.sender.isBusy || this.connection.pendingBytes > 0;
    void this.sender.stop();
    if (isUnsent || this.isBroken) this.connection.abort();
    else this.closeNow();
  }

  private handOver(exchange: ClientExchange): void {
    this.handover = new Handover(this.connection, (reason) => this.gone(reason));
    exchange.upgraded = this.handover.upgraded;
    this.holder?.connectionUpgraded?.(this);
    this.onUpgraded?.(this.handover.upgraded);
  }

  // — ends —

  ended(): void {
    const { connection } = this;
    connection.endPassedOn();
    if (this.exchange === undefined) {
      connection.close();
      return;
    }
    this.parser?.end(this.sink);
    if (this.isComplete) this.finish();
    else if (this.exchange !== undefined) {
      const text = "the server closed the connection without a response";
      const detail = { operation: "receive", fault: "remote" } as const;
      const error = new NetError("CONNECTION_CLOSED", text, detail);
      this.lose(error);
      connection.fail(error);
    }
  }

  sent(byteCount: number): void {
    this.shared.events.sent(this.connection, byteCount);
  }

  drained(): void {
    // Senders await `drained` of the connection.
  }

  closed(reason: CloseReason): void {
    this.gone(reason);
  }

  private gone(reason: CloseReason): void {
    const { booked, holder } = this;
    const error = reason.cause ?? this.connection.closedError();
    this.booked = undefined;
    // Given back first, so that the holder still counts it.
    if (booked?.state === "waiting") holder?.takeBack(booked);
    this.tryRepeat(error);
    try {
      holder?.connectionGone(this, reason);
    } finally {
      // Also when a handler throws, so that the exchange is rejected.
      this.lose(error);
    }
  }

  /** The exchange under way has lost its connection: it is repeated where it may be, or fails. */
  private lose(error: NetError): void {
    if (this.tryRepeat(error)) return;
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.fail(error, this.sender.stop());
  }

  private tryRepeat(error: NetError): boolean {
    const { exchange, holder } = this;
    const isStale = this.exchangeCount > 1 && !this.sawByte && error.fault !== "local";
    if (!isStale || holder === undefined || exchange?.plan.mayRepeat !== true) return false;
    this.exchange = undefined;
    void this.sender.stop();
    exchange.repeat();
    holder.repeat(exchange);
    return true;
  }

  /** See {@link ExchangeCarrier.drop}. */
  drop(error: NetError): Promise<void> | undefined {
    this.exchange = undefined;
    const left = this.sender.stop();
    this.connection.fail(error);
    return left;
  }

  /** Closes it in good order: what was sent leaves, and the exchange under way fails at once. */
  close(error: NetError): boolean {
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.fail(error, this.sender.stop());
    this.cancelBooked(error);
    return this.connection.close();
  }

  get id(): number {
    return this.connection.id;
  }

  get isOpen(): boolean {
    return this.connection.isOpen;
  }

  /** Whether a request is under way. */
  get isBusy(): boolean {
    return this.exchange !== undefined;
  }

  get silentForMs(): number {
    return this.connection.silentForMs;
  }

  get ageMs(): number {
    return this.connection.stats.ageMs;
  }

  /** Takes no further exchange: closes for `error`, at once or when the exchange under way is over. */
  retire(error: NetError): boolean {
    if (!this.isOpen || this.retirement !== undefined) return false;
    this.retirement = error;
    return this.exchange !== undefined || this.closeNow();
  }

  private closeNow(): boolean {
    const { connection, retirement } = this;
    if (retirement === undefined) return connection.close();
    return connection.closeWith(reasonOf(retirement, "close"));
  }

  /** A request that was not sent yet fails. */
  cancelBooked(error: NetError): void {
    const { booked } = this;
    if (booked?.state === "waiting") booked.fail(error);
  }

  /** See {@link ExchangeCarrier.holdBody}. */
  holdBody(hold: boolean): void {
    if (hold) {
      this.connection.hold(HOLD.body);
      return;
    }
    this.connection.release(HOLD.body);
    this.deadline.resumed();
  }

  // — deadlines —

  /** Keeps it for the next exchange, at most `idleMs`, and without holding the process. */
  keep(idleMs: number): void {
    this.deadline.set(idleMs);
    this.isKept = true;
    this.connection.unref();
  }

  private due(): void {
    const { exchange, deadline } = this;
    if (exchange === undefined) {
      this.connection.close();
      return;
    }
    if (this.sender.isWaiting) {
      this.sender.goOn();
      return;
    }
    const { headTimeoutMs, bodyTimeoutMs } = exchange.plan;
    const isReceiving = exchange.state === "receiving";
    const error = isReceiving
      ? deadline.bodyError(bodyTimeoutMs)
      : deadline.headError(headTimeoutMs);
    if (error !== undefined) exchange.giveUp(error);
  }
}

function malformed(text: string): NetError {
  return new NetError("HTTP_MALFORMED", text, { operation: "receive" });
}
