/**
 * The exchanges of one connection, in the order of their requests, and the answers that are sent for
 * them. Hot.
 *
 *     front ── next ── … ── back       enter: behind `back` · leave: `front`, in order
 *
 * Invariants: `front` is the one whose turn it is; an exchange leaves when its answer is done and its
 * request complete, or its answer has said that the connection closes; nothing enters once `isLast`
 * is set and the request that is being read has come.
 */
import { Buffer } from "node:buffer";
import { isLent } from "../../bytes/lending.js";
import { reasonOf } from "../../connection/close-reason.js";
import type { Connection, Data } from "../../connection/connection.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import { NetError } from "../../errors.js";
import { FIELD_KIND } from "../../protocol/http1/field-kind.js";
import { EncodedFields, type FieldInput } from "../../protocol/http1/field-writer.js";
import { BODY } from "../../protocol/http1/head.js";
import { encodeFields, HeadWriter } from "../../protocol/http1/head-writer.js";
import { NO_ROOM } from "../../protocol/http1/text-writer.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { UpgradeReceiver } from "../upgrade-receiver.js";
import type { AnswerWriter } from "./answer-writer.js";
import type { ExchangeOwner, HttpExchange } from "./http-exchange.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { HttpServerConfiguration } from "./http-server-settings.js";
import type { StandingLines } from "./standing-lines.js";

/** The server, as its connections see it for sending. */
export interface LineHost {
  readonly configuration: HttpServerConfiguration;
  readonly answers: AnswerWriter;
  readonly lines: StandingLines;
}

const HEAD_BYTES = 1024;
/** What may be left to be sent when the connection closes. */
const REST_BYTES = 65_536;

/** See the head of the file. */
export abstract class ExchangeLine implements ExchangeOwner {
  abstract readonly face: HttpServerConnection;
  readonly live: StreamConnection;
  protected front: HttpExchange | undefined = undefined;
  protected back: HttpExchange | undefined = undefined;
  /** Exchanges that have not left. */
  exchangeCount = 0;
  /** The request that is being read, or was read, is the last one of the connection. */
  protected isLast = false;
  /** Nothing is read or answered any more. */
  protected isOver = false;
  /** It closes when enough was sent. */
  protected isShutting = false;
  /** What was wrong with what the peer sent, or a deadline: why the connection closes. */
  protected failure: NetError | undefined = undefined;
  protected abstract readonly host: LineHost;

  constructor(live: StreamConnection) {
    this.live = live;
  }

  get wheel(): TimingWheel {
    return this.live.wheel;
  }

  get maxPendingBytes(): number {
    return this.host.configuration.maxPendingBytes;
  }

  get highWaterMarkBytes(): number {
    return this.live.settings.highWaterMarkBytes;
  }

  isLent(bytes: Uint8Array): boolean {
    return isLent(bytes);
  }

  abstract congested(): void;
  abstract holdBody(hold: boolean): void;

  // — order —

  protected enter(exchange: HttpExchange): void {
    if (this.back === undefined) {
      this.front = exchange;
      exchange.isInTurn = true;
    } else this.back.next = exchange;
    this.back = exchange;
    this.exchangeCount++;
  }

  /** An answer is complete. */
  answerDone(exchange: HttpExchange): void {
    if (exchange.hasBody && !exchange.isReading) exchange.body.discard();
    if (exchange.isInTurn) this.advance();
  }

  /** Lets those leave from the front that are done; the turn goes to the next. */
  protected advance(): void {
    let exchange = this.front;
    if (exchange === undefined || this.isOver) return;
    while (exchange?.isDone === true) {
      if (exchange.closes && !exchange.isReading) {
        this.shut();
        return;
      }
      if (!exchange.isComplete) return;
      exchange = this.leave(exchange);
    }
    this.exchangeLeft();
  }

  private leave(exchange: HttpExchange): HttpExchange | undefined {
    const { next } = exchange;
    exchange.isInTurn = false;
    exchange.next = undefined;
    this.front = next;
    this.exchangeCount--;
    if (next === undefined) this.back = undefined;
    else next.takeTurn();
    return next;
  }

  /** Exchanges have left, perhaps the last one. */
  protected abstract exchangeLeft(): void;

  /**
   * Closes in good order, as soon as little is left to be sent: a peer has all the time it needs for
   * a large answer, as long as it goes on, but `closeTimeoutMs` for the rest.
   */
  protected shut(): void {
    this.isOver = true;
    this.isLast = true;
    if (this.live.pendingBytes > REST_BYTES) this.isShutting = true;
    else if (this.failure === undefined) this.live.close();
    else this.live.closeWith(reasonOf(this.failure, "receive"));
  }

  /** Whether it closes by itself when enough was sent. */
  get isFinishing(): boolean {
    return this.isShutting;
  }

  /** Bytes were sent. */
  sent(): void {
    if (!this.isShutting || this.live.pendingBytes > REST_BYTES) return;
    this.isShutting = false;
    this.shut();
  }

  breakOff(error: NetError): void {
    this.isOver = true;
    this.live.fail(error);
  }

  // — answers —

  sendAnswer(exchange: HttpExchange, statusCode: number, fields: FieldInput, body?: Data): boolean {
    const { answers } = this.host;
    this.beginAnswer(exchange, statusCode, fields, true);
    answers.setBody(body);
    const flows = answers.sendTo(exchange);
    exchange.closes ||= answers.saysClose;
    exchange.answerIs("done");
    this.answerDone(exchange);
    return flows;
  }

  sendHead(exchange: HttpExchange, statusCode: number, fields: FieldInput): number {
    const { answers } = this.host;
    this.beginAnswer(exchange, statusCode, fields, false);
    answers.setOpenBody();
    answers.sendTo(exchange);
    exchange.closes ||= answers.saysClose;
    exchange.answerIs("begun");
    return answers.bodyLength;
  }

  private beginAnswer(
    exchange: HttpExchange,
    statusCode: number,
    fields: FieldInput,
    isWhole: boolean,
  ): void {
    const { answers, lines } = this.host;
    const isKept = this.keeps(exchange, isWhole);
    answers.begin(exchange, statusCode, fields, lines.get(isKept));
    answers.keepAlive(isKept);
  }

  /** Whether the connection can stay behind the answer to this exchange. */
  private keeps(exchange: HttpExchange, isWhole: boolean): boolean {
    if ((this.isLast && exchange === this.back) || exchange.closes) return false;
    if (exchange.minorVersion === 0 && !isWhole) return false;
    if (!exchange.hasBody || exchange.isComplete) return true;
    // The peer may now leave the body out or send it: what follows can't be told apart.
    if (exchange.isBodyWithheld) return false;
    if (!isWhole || exchange.isBodyRead) return true;
    return exchange.missingBytes <= this.host.configuration.limits.maxDiscardBytes;
  }

  sendInterim(exchange: HttpExchange, statusCode: number, fields: FieldInput): boolean {
    return exchange.sendPiece(headOf({ statusCode, fields }));
  }

  // — another protocol —

  switchTo(exchange: HttpExchange, receiver: UpgradeReceiver, fields: FieldInput): Connection {
    const statusCode = exchange.method === "CONNECT" ? 200 : 101;
    const all = statusCode === 101 ? withConnection(fields) : fields;
    const requestMethod = exchange.method;
    const dateLine = this.host.lines.get(false);
    exchange.sendPiece(
      headOf({ statusCode, fields: all, requestMethod, dateLine, body: BODY.none }),
    );
    exchange.answerIs("done");
    exchange.complete(undefined);
    this.isLast = true;
    this.leave(exchange);
    this.handedOver(exchange, receiver);
    return this.live;
  }

  protected abstract handedOver(exchange: HttpExchange, receiver: UpgradeReceiver): void;
}

/** A head in memory of its own. */
function headOf(response: Parameters<HeadWriter["writeResponse"]>[2]): Buffer {
  const writer = new HeadWriter();
  for (let size = HEAD_BYTES; ; size *= 4) {
    const target = Buffer.allocUnsafe(size);
    const end = writer.writeResponse(target, 0, response);
    if (end !== NO_ROOM) return target.subarray(0, end);
  }
}

/** What a 101 must have (RFC 9110 §7.8). */
function withConnection(fields: FieldInput): EncodedFields {
  const given = encodeFields(fields);
  if (!given.notes.has(FIELD_KIND.upgrade)) {
    throw new NetError("INVALID_ARGUMENT", "the headers of an upgrade must have Upgrade", {
      operation: "send",
    });
  }
  if (given.notes.has(FIELD_KIND.connection)) return given;
  const { octets, notes } = encodeFields([["Connection", "Upgrade"]]);
  notes.addAll(given.notes);
  return new EncodedFields(Buffer.concat([octets, given.octets]), notes);
}
