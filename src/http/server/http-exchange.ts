/**
 * One request and the answer to it, on a server.
 *
 *     answer    none ── respond, startResponse ──► begun ── the last byte is given ──► done
 *     request   its head is complete; its body may be on its way until `isComplete`
 *
 * Both sides go on by themselves: an answer may be done before its request is complete, and the
 * other way round. What the connection makes of that is in `exchange-line.ts`.
 */
import type { Connection, Data } from "../../connection/connection.js";
import { assertInteger, NetError } from "../../errors.js";
import type { FieldInput } from "../../protocol/http1/field-writer.js";
import { BODY } from "../../protocol/http1/head.js";
import type { RequestHead } from "../../protocol/http1/request-head.js";
import { STATUS_TEXT } from "../../protocol/http1/status-text.js";
import type { UpgradeReceiver } from "../upgrade-receiver.js";
import type { AnswerTraits } from "./answer-writer.js";
import type { OutputOwner } from "./exchange-output.js";
import { type FileResponseOptions, sendFile } from "./file-response.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import { ReceivedRequest } from "./received-request.js";
import { type ResponseOutput, ResponseWriter } from "./response-writer.js";
import { pumpInto } from "./stream-pump.js";

/** What a response can be made of: chunks of bytes or text, as they come. */
export type ResponseSource = AsyncIterable<Data> | Iterable<Data>;

/** The connection, as its exchanges see it. */
export interface ExchangeOwner extends OutputOwner {
  readonly face: HttpServerConnection;
  /** Sends a whole answer. `isFinal`: no other follows to this request. */
  sendAnswer(exchange: HttpExchange, statusCode: number, fields: FieldInput, body?: Data): boolean;
  /** Sends the head of an answer. Answers how its body is sent: bytes, or one of `BODY`. */
  sendHead(exchange: HttpExchange, statusCode: number, fields: FieldInput): number;
  sendInterim(exchange: HttpExchange, statusCode: number, fields: FieldInput): boolean;
  /** Hands the connection over. */
  switchTo(exchange: HttpExchange, receiver: UpgradeReceiver, fields: FieldInput): Connection;
  /** Bytes of the request's body shall, or may again, be held back. */
  holdBody(hold: boolean): void;
  answerDone(exchange: HttpExchange): void;
  breakOff(error: NetError): void;
}

/** See the head of the file. */
export class HttpExchange extends ReceivedRequest implements AnswerTraits, ResponseOutput {
  /** The connection's: the exchange that came behind this one. */
  next: HttpExchange | undefined = undefined;
  /** The connection's: the answer said that the connection closes. */
  closes = false;
  /** The connection's: when the head, then the body was complete, by the clock; 0 where nobody had to look. */
  startedMs = 0;
  /** The server's own: told when the connection ends before the answer is complete. */
  onEnded: ((error: NetError) => void) | undefined = undefined;
  protected readonly owner: ExchangeOwner;
  private answer: "none" | "begun" | "done" = "none";
  /** The server answered, or the connection has ended: what the handler still says is dropped. */
  private isForfeit = false;
  private writer: ResponseWriter | undefined = undefined;

  constructor(owner: ExchangeOwner, id: number, head: RequestHead) {
    super(id, head);
    this.owner = owner;
  }

  get connection(): HttpServerConnection {
    return this.owner.face;
  }

  /** Whether an answer was begun, by whomever. */
  get isAnswered(): boolean {
    return this.answer !== "none" || this.isForfeit;
  }

  /** Whether the answer is complete, or there will be none. */
  get isDone(): boolean {
    return this.answer === "done" || this.isForfeit;
  }

  /** Whether the response can still be sent. */
  get isSendable(): boolean {
    return !this.isForfeit && this.owner.live.isOpen;
  }

  /**
   * Answers, with head and body as one. `headers`: an object, pairs, `Headers`, or fields that
   * `encodeFields` has made; Content-Length, Date, Connection and Keep-Alive are added. A response
   * that has no body (to HEAD, 304) gets the length of `body` and not its bytes.
   *
   * Answers like `Connection.send`; false, too, when the connection has ended or the server has
   * answered instead (a deadline). Throws `INVALID_STATE` for a second answer, `INVALID_ARGUMENT` for
   * what can't be sent, and then nothing was.
   */
  respond(statusCode: number, headers?: FieldInput, body?: Data): boolean {
    if (!this.mayAnswer(statusCode)) return false;
    return this.owner.sendAnswer(this, statusCode, headers ?? NO_HEADERS, body);
  }

  /** Answers with a line of text that says what the status code means. See {@link respond}. */
  respondError(statusCode: number, detail?: string): boolean {
    const text = detail ?? STATUS_TEXT[statusCode] ?? "";
    return this.respond(statusCode, TEXT_FIELDS, `${statusCode} ${text}\n`);
  }

  /**
   * Begins an answer whose body follows piece by piece: with `Content-Length` among `headers` of that
   * length, else in chunks, or, to an HTTP/1.0 peer, until the connection closes. Throws as
   * {@link respond} does.
   */
  startResponse(statusCode: number, headers?: FieldInput): ResponseWriter {
    const isOpen = this.mayAnswer(statusCode);
    const bodyLength = isOpen
      ? this.owner.sendHead(this, statusCode, headers ?? NO_HEADERS)
      : BODY.none;
    this.writer = new ResponseWriter(this, bodyLength);
    return this.writer;
  }

  /**
   * Answers with what `source` yields, as fast as the peer takes it. Resolves true when all was
   * given to the connection, false when that ended before. What `source` throws ends the connection
   * and rejects.
   */
  respondStream(
    statusCode: number,
    headers: FieldInput | undefined,
    source: ResponseSource,
  ): Promise<boolean> {
    return pumpInto(this.startResponse(statusCode, headers), source);
  }

  /**
   * Answers with a file: whole, a part of it (Range, If-Range), or that nothing has changed
   * (If-None-Match, If-Modified-Since), as RFC 9110 §13 and §14 have it. Resolves with the status
   * code when all was given to the connection; 404 where there is no such file. `path` is taken as
   * it is: what a peer may ask for is for the caller to decide. Rejects with `FILE_INVALID` when the
   * file can't be read, before anything was sent or with the connection ended; with
   * `CONNECTION_CLOSED` when that ends before the answers to earlier requests, for which it waits.
   */
  respondFile(path: string, options?: FileResponseOptions): Promise<number> {
    return sendFile(this, path, options ?? {});
  }

  /** Sends an interim answer, 100 … 199 but 101: for example 103 with Link. False where that can't be sent. */
  interim(statusCode: number, headers?: FieldInput): boolean {
    assertInteger("statusCode", statusCode, 100, 199);
    if (statusCode === 101) throw unsendable("101 is sent by upgrade()");
    if (this.isAnswered || this.minorVersion === 0) return false;
    if (statusCode === 100) this.awaitsContinue = false;
    return this.owner.sendInterim(this, statusCode, headers ?? NO_HEADERS);
  }

  /** Sends 100, so that a peer that waits for it sends the body. Done by itself when the body is first read. */
  continue(): boolean {
    return this.awaitsContinue && this.interim(100);
  }

  /**
   * Answers 101 (200 to a CONNECT) and hands the connection over: all that follows, and what came
   * behind the head, goes to `receiver`. Throws `INVALID_STATE` where the request did not ask for it,
   * its body has not come, or earlier requests are not answered yet.
   */
  upgrade(receiver: UpgradeReceiver, headers?: FieldInput): Connection {
    if (this.isAnswered) throw answered();
    if (!this.isUpgrade) throw unsendable("the request asks for no other protocol");
    if (!this.isInTurn) throw unsendable("earlier requests are not answered yet");
    if (this.hasBody && !this.isComplete) throw unsendable("the body of the request has not come");
    return this.owner.switchTo(this, receiver, headers ?? NO_HEADERS);
  }

  /** Whether to send an answer at all; throws where it is a mistake. */
  private mayAnswer(statusCode: number): boolean {
    assertInteger("statusCode", statusCode, 200, 999);
    if (this.isForfeit) return false;
    if (this.answer !== "none") throw answered();
    if (this.method === "CONNECT" && statusCode < 300) {
      throw unsendable("a CONNECT is accepted by upgrade()");
    }
    return this.owner.live.isOpen;
  }

  // — for body, response and file —

  /** The present, in milliseconds since 1970 UTC. */
  get nowMs(): number {
    const { clock } = this.wheel;
    return clock.originMs + clock.now();
  }

  /** Resolves when it is this exchange's turn to answer, at once when it may not answer any more. */
  async turn(): Promise<void> {
    if (this.answer !== "none") throw answered();
    if (!this.isInTurn && !this.isForfeit) await this.awaitTurn({});
  }

  bodyWanted(): void {
    this.continue();
  }

  holdBody(hold: boolean): void {
    this.owner.holdBody(hold);
  }

  responseEnded(): void {
    this.answerIs("done");
    this.owner.answerDone(this);
  }

  responseBroken(error: NetError): void {
    this.owner.breakOff(error);
  }

  // — for the connection —

  /** The answer was begun, or given. */
  answerIs(answer: "begun" | "done"): void {
    this.answer = answer;
    this.awaitsContinue = false;
  }

  /**
   * Sends what means nothing to a peer that is still there: a further interim response (RFC 9110
   * §15.2) before the response, a leading zero of the next chunk's size within it (RFC 9112 §7.1).
   */
  probePeer(): void {
    if (this.pendingBytes > 0 || this.isDone) return;
    if (this.answer === "begun") this.writer?.probe();
    else if (!this.isUpgrade) this.interim(PROCESSING);
  }

  /** The server has answered: what the handler still says is dropped. */
  forfeit(): void {
    this.isForfeit = true;
  }

  /** The connection has ended. */
  ended(error: NetError): void {
    this.isForfeit = true;
    if (this.answer !== "done") this.peerGone(error);
    this.breakBody(error);
    this.endOutput(error);
    if (this.answer !== "done") this.onEnded?.(error);
  }
}

/** RFC 2518 §10.1: the request was taken, and the response is still to come. */
const PROCESSING = 102;
const NO_HEADERS: FieldInput = [];
const TEXT_FIELDS: FieldInput = { "Content-Type": "text/plain; charset=utf-8" };

function answered(): NetError {
  return unsendable("the request has been answered already");
}

function unsendable(message: string): NetError {
  return new NetError("INVALID_STATE", message, { operation: "send" });
}
