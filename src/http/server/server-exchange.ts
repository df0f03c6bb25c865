/**
 * The one class behind {@link HttpExchange}.
 *
 *     response   none ── respond, startResponse ──► begun ── the last byte is given ──► done
 *                none, begun ── the connection ends ──► cut
 *                none, done ── the server responds for the handler ──► dropped
 *     request    its head is complete; its body may be on its way until `isComplete`
 *
 * Both sides go on by themselves. What the connection makes of that is in `request-pipeline.ts`. The
 * exchange whose turn it is sends at once; the others keep what they have, see `held-output.ts`. Hot.
 */
import type { Buffer } from "node:buffer";
import { isLent } from "../../bytes/lending.js";
import { reasonOf } from "../../connection/close-reason.js";
import type { Connection, Data, SendResult, WaitOptions } from "../../connection/connection.js";
import type { PieceWriter, ProtocolConnection, Receiver } from "../../connection/receiver.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import { beginWait } from "../../connection/waiting/waiter.js";
import {
  assertBoolean,
  assertInteger,
  assertText,
  describe,
  invalidArgument,
  NetError,
} from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import { BODY } from "../../protocol/http1/head.js";
import type { RequestHead } from "../../protocol/http1/request-head.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import { assertReasonPhrase, STATUS_TEXT } from "../../protocol/http1/writing/status-text.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { BodyIntake, BodyOwner } from "../body/body-intake.js";
import type { WholeBodyOptions } from "../body/incoming-body.js";
import type { Fields } from "../fields.js";
import { assertFields } from "../http-fields.js";
import { packetsTo } from "../upgrade/upgrade-events.js";
import type { UpgradeReceiver } from "../upgrade/upgrade-receiver.js";
import {
  type CompressedExchange,
  respondCompressed,
  startCompressed,
  unchangedFields,
} from "./compression/compressed-response.js";
import type { ResponseCompression } from "./compression/response-compression.js";
import { cookiesOf } from "./cookies/request-cookies.js";
import {
  type ClearCookieOptions,
  ResponseCookies,
  type SetCookieOptions,
} from "./cookies/set-cookie.js";
import type { RequestSource } from "./fetch/light-request.js";
import { type FileTarget, sendFile } from "./files/file-response.js";
import type { FileResponseOptions } from "./files/file-response-options.js";
import { HeldOutput } from "./held-output.js";
import type { HttpExchange } from "./http-exchange.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import { ReceivedRequest } from "./received-request.js";
import { pathOf, queryOf } from "./request-path.js";
import type { BodyOutput } from "./response/body-output.js";
import { NO_FIELDS, type ResponseTraits } from "./response/response-encoder.js";
import {
  assertRedirect,
  JSON_TYPE,
  jsonOf,
  locationOf,
  PLAIN_TYPE,
  withFields,
  withType,
} from "./response/response-forms.js";
import { assertSource, ResponsePump, type ResponseSource } from "./response/response-pump.js";
import type { ResponseRecord } from "./response/response-report.js";
import { PlainWriter, type ResponseOutput } from "./response/response-writer.js";

import { contentBytes, contentJson, contentText } from "./typed-content.js";

/** The receiver of the connection, as its exchanges see it. */
export interface ExchangeOwner {
  readonly handle: HttpServerConnection;
  readonly transport: ProtocolConnection;
}

/** The requests of the connection that are under way, as one of them sees them. */
export interface ExchangePipeline {
  /** Bound of what may wait to be sent. */
  readonly maxPendingBytes: number;
  readonly compression: ResponseCompression;
  /** Sends a whole response. */
  respond(
    exchange: ServerExchange,
    statusCode: number,
    fields: FieldInput,
    body?: Data,
  ): SendResult;
  /** Sends the head of a response. Returns how its body is sent: bytes, or one of `BODY`. */
  startResponse(exchange: ServerExchange, statusCode: number, fields: FieldInput): number;
  interim(exchange: ServerExchange, statusCode: number, fields: FieldInput): SendResult;
  /** Hands the connection over, to a receiver that `receiverOf` makes. */
  handOver(
    exchange: ServerExchange,
    fields: FieldInput,
    receiverOf: ((connection: StreamConnection) => Receiver) | undefined,
  ): StreamConnection;
  responseDone(exchange: ServerExchange): void;
  /** All of the response was given to the connection. */
  responseGiven(exchange: ServerExchange): void;
  /** Bytes of the request's body shall, or may again, be held back. */
  holdBody(exchange: ServerExchange, isHeld: boolean): void;
  /** The send queue is above its mark: nothing more is read until it is below. */
  congested(): void;
  /** Ends the connection at once. */
  fail(error: NetError): void;
}

/** A request and the response to it. See {@link HttpExchange}. */
export class ServerExchange
  implements
    HttpExchange,
    BodyOwner,
    ResponseOutput,
    ResponseTraits,
    FileTarget,
    CompressedExchange,
    RequestSource
{
  readonly id: number;
  context: unknown = undefined;
  readonly request: ReceivedRequest;
  /** Those under way on its connection; undefined once it has left them. */
  pipeline: ExchangePipeline | undefined;
  /** The exchange that came behind this one. */
  next: ServerExchange | undefined = undefined;
  /** Whether it is its turn to send. */
  isInTurn = false;
  /** The connection closes behind the response. */
  closes = false;
  /** Handlers are told of the body as it comes, whether or not it is read. */
  isObserved = false;
  /** When the head, then the body was complete, by the clock; 0 while not noted. */
  startedMs = 0;
  /** Status code of the response that was begun; 0 before. */
  statusCode = 0;
  /** The record for `onResponseComplete`; undefined without such a handler. */
  record: ResponseRecord | undefined = undefined;
  /** Told when the connection ends before the response is complete. */
  onEnded: ((error: NetError) => void) | undefined = undefined;
  wholeRequest: Request | undefined = undefined;
  private readonly owner: ExchangeOwner;
  private phrase: string | undefined = undefined;
  private response: "none" | "begun" | "done" | "dropped" | "cut" = "none";
  private writer: BodyOutput | undefined = undefined;
  private ownCompression: boolean | undefined = undefined;
  private held: HeldOutput | undefined = undefined;
  private setCookies: ResponseCookies | undefined = undefined;
  private abortController: AbortController | undefined = undefined;

  constructor(id: number, owner: ExchangeOwner, pipeline: ExchangePipeline, head: RequestHead) {
    this.id = id;
    this.owner = owner;
    this.pipeline = pipeline;
    this.request = new ReceivedRequest(head);
  }

  get connection(): HttpServerConnection {
    return this.owner.handle;
  }

  private get transport(): ProtocolConnection {
    return this.owner.transport;
  }

  // — the request —

  get method(): string {
    return this.request.method;
  }

  get minorVersion(): 0 | 1 {
    return this.request.minorVersion;
  }

  get version(): "HTTP/1.1" | "HTTP/1.0" {
    return this.request.minorVersion === 1 ? "HTTP/1.1" : "HTTP/1.0";
  }

  get headers(): Fields {
    return this.request.head;
  }

  get target(): string {
    return this.request.head.target;
  }

  get path(): string {
    return pathOf(this.target);
  }

  get query(): URLSearchParams {
    return new URLSearchParams(queryOf(this.target));
  }

  get authority(): string {
    return this.request.head.authority;
  }

  get keepAlive(): boolean {
    return this.request.keepAlive;
  }

  get isUpgrade(): boolean {
    return this.request.isUpgrade;
  }

  get hasBody(): boolean {
    return this.request.hasBody;
  }

  get contentLength(): number | undefined {
    return this.request.contentLength;
  }

  get body(): BodyIntake {
    return this.request.bodyFor(this);
  }

  get cookies(): ReadonlyMap<string, string> {
    return cookiesOf(this.headers);
  }

  bytes(options?: WholeBodyOptions): Promise<Buffer> {
    return contentBytes(this, options);
  }

  text(options?: WholeBodyOptions): Promise<string> {
    return contentText(this, options);
  }

  json(options?: WholeBodyOptions): Promise<unknown> {
    return contentJson(this, options);
  }

  get isComplete(): boolean {
    return this.request.isComplete;
  }

  get signal(): AbortSignal {
    this.abortController ??= new AbortController();
    const { signal } = this.abortController;
    if (this.response === "cut" && !signal.aborted) {
      this.abortController.abort(this.transport.closedError());
    }
    return signal;
  }

  keep(): this {
    this.request.head.keep();
    return this;
  }

  // — the response —

  get isResponded(): boolean {
    return this.response !== "none";
  }

  get status(): number | undefined {
    return this.statusCode === 0 ? undefined : this.statusCode;
  }

  get isDone(): boolean {
    return this.response !== "none" && this.response !== "begun";
  }

  get isSendable(): boolean {
    return !this.isLost && this.transport.isOpen;
  }

  /** Whether what the handler still sends is dropped. */
  private get isLost(): boolean {
    return this.response === "dropped" || this.response === "cut";
  }

  respond(statusCode: number, headers: FieldInput = NO_FIELDS, body?: Data): SendResult {
    const { pipeline } = this;
    if (!this.mayRespond(statusCode) || pipeline === undefined) return false;
    if (this.isTunnel(statusCode)) return this.respondNoTunnel();
    const fields = this.fieldsOf(headers);
    if (body === undefined || !this.compression) {
      return pipeline.respond(this, statusCode, fields, body);
    }
    return respondCompressed(this, pipeline.compression, statusCode, fields, body);
  }

  get statusText(): string | undefined {
    return this.phrase;
  }

  set statusText(text: string | undefined) {
    if (text !== undefined) assertReasonPhrase("statusText", text);
    if (this.isResponded && !this.isLost) throw responded();
    this.phrase = text;
  }

  // — compression —

  get compression(): boolean {
    return this.ownCompression ?? this.pipeline?.compression.isOn === true;
  }

  set compression(isOn: boolean) {
    assertBoolean("compression", isOn);
    this.ownCompression = isOn;
  }

  get isAwaited(): boolean {
    return this.isSendable && this.pipeline !== undefined;
  }

  beginLater(statusCode: number): void {
    this.statusCode = statusCode;
    this.responseIs("begun");
  }

  sendWhole(statusCode: number, fields: FieldInput, body: Data): SendResult {
    return this.pipeline?.respond(this, statusCode, fields, body) ?? false;
  }

  startPlain(statusCode: number, fields: FieldInput, isAdmitted: boolean): BodyOutput {
    const bodyLength = this.pipeline?.startResponse(this, statusCode, fields) ?? BODY.none;
    return this.writerOf(bodyLength, isAdmitted);
  }

  sendPieces(writer: BodyOutput, pieces: Iterable<Uint8Array>): void {
    this.writer = writer;
    const pump = new ResponsePump(writer, pieces, this.wheel.clock);
    this.onEnded = () => pump.ended();
    // A failure has ended the connection.
    pump.run().catch(() => undefined);
  }

  unchangedFields(fields: FieldInput, contentType: string, byteCount: number): FieldInput {
    const { pipeline } = this;
    if (pipeline === undefined || !this.compression) return fields;
    return unchangedFields(this.headers, pipeline.compression, fields, contentType, byteCount);
  }

  private writerOf(bodyLength: number, isAdmitted: boolean = false): PlainWriter {
    const writer = new PlainWriter(this, bodyLength, isAdmitted);
    this.writer = writer;
    return writer;
  }

  /** The fields of a response, with the cookies that it sets. */
  private fieldsOf(headers: FieldInput): FieldInput {
    assertFields(headers);
    const { setCookies } = this;
    if (setCookies === undefined) return headers;
    return withFields(
      headers,
      setCookies.lines.map((line) => ["Set-Cookie", line] as const),
    );
  }

  respondError(statusCode: number, detail?: string, headers?: FieldInput): SendResult {
    if (detail !== undefined && typeof detail !== "string") {
      throw invalidArgument(`detail must be text, not ${describe(detail)}`, { operation: "send" });
    }
    if (statusCode === 204 || statusCode === 205) return this.respond(statusCode, headers, "");
    const meaning = typeof statusCode === "number" ? STATUS_TEXT[statusCode] : undefined;
    const text = `${describe(statusCode)} ${detail ?? meaning ?? ""}\n`;
    const fields = headers === undefined ? TEXT_FIELDS : withType(headers, PLAIN_TYPE);
    return this.respond(statusCode, fields, text);
  }

  /** Responds to a request that has failed: without what its handler had set. */
  respondFailure(statusCode: number): SendResult {
    this.setCookies = undefined;
    this.phrase = undefined;
    return this.respondError(statusCode);
  }

  respondJson(statusCode: number, value: unknown, headers?: FieldInput): SendResult {
    return this.respond(statusCode, withType(headers, JSON_TYPE), jsonOf(value));
  }

  respondText(statusCode: number, text: string, headers?: FieldInput): SendResult {
    return this.respond(statusCode, withType(headers, PLAIN_TYPE), text);
  }

  respondRedirect(statusCode: number, location: string | URL, headers?: FieldInput): SendResult {
    assertRedirect(statusCode, headers);
    const place = [["Location", locationOf(location)]] as const;
    const text = `${statusCode} ${STATUS_TEXT[statusCode] ?? ""}\n`;
    return this.respondText(statusCode, text, withFields(headers ?? NO_FIELDS, place));
  }

  setCookie(name: string, value: string, options: SetCookieOptions = {}): void {
    this.cookiesToSet().set(name, value, options);
  }

  clearCookie(name: string, options: ClearCookieOptions = {}): void {
    this.cookiesToSet().clear(name, options);
  }

  private cookiesToSet(): ResponseCookies {
    if (this.isResponded && !this.isLost) throw responded();
    this.setCookies ??= new ResponseCookies(this.transport.tls !== undefined);
    return this.setCookies;
  }

  startResponse(statusCode: number, headers: FieldInput = NO_FIELDS): BodyOutput {
    const { pipeline } = this;
    if (!this.mayRespond(statusCode) || pipeline === undefined) return this.writerOf(BODY.none);
    if (this.isTunnel(statusCode)) {
      this.respondNoTunnel();
      return this.writerOf(BODY.none);
    }
    const fields = this.fieldsOf(headers);
    if (!this.compression) return this.startPlain(statusCode, fields, false);
    this.writer = startCompressed(this, pipeline.compression, statusCode, fields);
    return this.writer;
  }

  respondStream(
    statusCode: number,
    headers: FieldInput | undefined,
    source: ResponseSource,
    trailers?: () => FieldInput | undefined,
  ): Promise<boolean> {
    assertSource(source);
    const writer = this.startResponse(statusCode, headers);
    const pump = new ResponsePump(writer, source, this.wheel.clock, trailers);
    this.onEnded = () => pump.ended();
    return pump.run();
  }

  respondFile(path: string, options: FileResponseOptions = {}): Promise<number> {
    assertText("path", path);
    return sendFile(this, path, options);
  }

  interim(statusCode: number, headers: FieldInput = NO_FIELDS): SendResult {
    assertInteger("statusCode", statusCode, 100, 199);
    if (statusCode === 101) throw unsendable("101 is sent by upgrade()");
    const { pipeline } = this;
    if (this.isResponded || this.minorVersion === 0 || pipeline === undefined) return false;
    if (statusCode === 100) this.request.settleContinue();
    return pipeline.interim(this, statusCode, headers);
  }

  continue(): SendResult {
    return this.request.awaitsContinue && this.interim(100);
  }

  upgrade(receiver: UpgradeReceiver, headers: FieldInput = NO_FIELDS): Connection {
    return this.handOver(headers, (connection) => packetsTo(receiver, connection));
  }

  /**
   * The same for a protocol of ours, whose receiver `receiverOf` makes; left out, the protocol takes the connection
   * over
   * before anything else happens.
   */
  handOver(
    headers: FieldInput = NO_FIELDS,
    receiverOf?: (connection: StreamConnection) => Receiver,
  ): StreamConnection {
    const { pipeline } = this;
    if (!this.isSendable) throw this.transport.closedError();
    if (this.isResponded || pipeline === undefined) throw responded();
    if (!this.isUpgrade) throw unsendable("the request is no CONNECT and has no Upgrade");
    if (!this.isInTurn) throw unsendable("earlier requests have no response yet");
    if (this.hasBody && !this.isComplete)
      throw unsendable("the body of the request is not complete");
    return pipeline.handOver(this, this.fieldsOf(headers), receiverOf);
  }

  /** Whether a response can be sent. Throws `INVALID_ARGUMENT`, `INVALID_STATE`. */
  private mayRespond(statusCode: number): boolean {
    assertInteger("statusCode", statusCode, 200, 999);
    if (this.isLost) return false;
    if (this.response !== "none") throw responded();
    return this.transport.isOpen;
  }

  private respondNoTunnel(): SendResult {
    this.phrase = undefined;
    return this.respondError(501);
  }

  /** Whether a response would announce a tunnel: 2xx to CONNECT, which `upgrade` alone sends. */
  private isTunnel(statusCode: number): boolean {
    return this.method === "CONNECT" && statusCode < 300;
  }

  // — what is sent —

  get pendingBytes(): number {
    return this.isInTurn ? this.transport.pendingBytes : (this.held?.byteCount ?? 0);
  }

  write(writer: PieceWriter, maxBytes: number): SendResult | undefined {
    const { transport } = this;
    if (!this.isInTurn) return transport.isOpen && this.ensureHeld().write(writer, maxBytes);
    const flows = transport.write(writer, maxBytes);
    return flows === false ? this.noRoom() : flows;
  }

  sendBytes(piece: Uint8Array): SendResult {
    const { transport } = this;
    if (!this.isInTurn) return transport.isOpen && this.ensureHeld().sendBytes(piece);
    return transport.sendBytes(piece) || this.noRoom();
  }

  /** Much waits to be sent, or the connection has ended. */
  private noRoom(): SendResult {
    if (!this.transport.isOpen) return false;
    this.pipeline?.congested();
    return "slow";
  }

  private ensureHeld(): HeldOutput {
    this.held ??= new HeldOutput(this.transport.settings.highWaterMarkBytes);
    return this.held;
  }

  hasRoom(byteCount: number, waitingBytes: number = 0): boolean {
    const pendingBytes = this.pendingBytes + waitingBytes;
    const { pipeline } = this;
    if (pipeline === undefined) return false;
    const { maxPendingBytes } = pipeline;
    if (pendingBytes === 0 || pendingBytes + byteCount <= maxPendingBytes) return true;
    const message = `${pendingBytes} bytes wait to be sent and ${byteCount} more would pass maxPendingBytes (${maxPendingBytes})`;
    pipeline.fail(new NetError("SEND_QUEUE_FULL", message, { operation: "send" }));
    return false;
  }

  async drained(options: WaitOptions = {}): Promise<void> {
    beginWait(options, "drained", "send");
    if (this.response !== "begun" || !this.transport.isOpen) throw this.transport.closedError();
    if (this.held?.isFull === true) await this.held.turn(this.transport.wheel, options);
    if (this.isInTurn) await this.transport.drained(options);
  }

  flushed(options?: WaitOptions): Promise<void> {
    return this.transport.drained(options);
  }

  bodyGiven(byteCount: number): void {
    if (this.record !== undefined) this.record.bodyBytes += byteCount;
  }

  responseEnded(): void {
    if (this.response !== "begun") return;
    this.responseIs("done");
    this.pipeline?.responseDone(this);
  }

  responseBroken(error: NetError): void {
    this.pipeline?.fail(error);
  }

  /**
   * Gives up a response that has begun, and the connection with it. What was written of it still leaves where its
   * framing shows that something is missing, which it does not where a body goes on until the connection closes.
   */
  cutShort(error: NetError): void {
    const { transport } = this;
    const isSeen = this.minorVersion > 0 && this.isInTurn;
    if (isSeen) transport.closeWith(reasonOf(error, "send"));
    else transport.fail(error);
  }

  // — for the body and for files —

  get wheel(): TimingWheel {
    return this.transport.wheel;
  }

  get nowMs(): number {
    const { clock } = this.wheel;
    return clock.originMs + clock.now();
  }

  async turn(): Promise<void> {
    if (this.isLost || !this.transport.isOpen) throw this.transport.closedError();
    if (this.response !== "none") throw responded();
    if (!this.isInTurn) await this.ensureHeld().turn(this.wheel, {});
  }

  bodyWanted(): void {
    this.continue();
  }

  holdBody(isHeld: boolean): void {
    this.pipeline?.holdBody(this, isHeld);
  }

  // — for the pipeline —

  /** It is its turn to send. */
  takeTurn(): void {
    this.isInTurn = true;
    const { held } = this;
    this.held = undefined;
    held?.release((piece) => this.sendBytes(piece));
    if (this.isDone) this.pipeline?.responseGiven(this);
  }

  /** The response was begun, or is complete. */
  responseIs(response: "begun" | "done"): void {
    this.response = response;
    this.request.settleContinue();
  }

  /** The server has responded: what the handler still sends is dropped. */
  drop(): void {
    this.response = "dropped";
  }

  /** Bytes of the body came. Returns how many were discarded so far. */
  takeBody(bytes: Buffer): number {
    const { body } = this;
    body.push(bytes, isLent(bytes));
    return body.discardedBytes;
  }

  /** The request has come whole. */
  complete(trailers: FieldSection | undefined): void {
    this.request.complete(trailers, this);
  }

  /** Whether the rest of the body is read, or may still be. */
  get isReading(): boolean {
    const { request } = this;
    if (request.isComplete) return false;
    if (this.isObserved && !request.isBodyWithheld) return true;
    return request.isBodyUsed ? request.isBodyRead : !this.isDone;
  }

  /**
   * Sends what a peer ignores, to learn whether it is there: a further interim response (RFC 9110
   * §15.2) before the response, a leading zero of the next chunk's size within it (RFC 9112 §7.1).
   */
  probePeer(): void {
    if (this.isDone) return;
    if (this.response === "begun") this.writer?.probe();
    else if (!this.isUpgrade) this.interim(PROCESSING);
  }

  /** The connection has ended. */
  ended(error: NetError): void {
    const { isDone } = this;
    this.response = isDone ? "dropped" : "cut";
    this.pipeline = undefined;
    this.writer?.connectionEnded(error);
    if (!isDone) this.abortController?.abort(error);
    this.request.fail(error);
    this.held?.fail(error);
    if (!isDone) this.onEnded?.(error);
  }
}

/** RFC 2518 §10.1: the request was taken, and the response is still to come. */
const PROCESSING = 102;
const TEXT_FIELDS: FieldInput = { "Content-Type": PLAIN_TYPE };

function responded(): NetError {
  return unsendable("the request has a response already");
}

function unsendable(message: string): NetError {
  return new NetError("INVALID_STATE", message, { operation: "send" });
}
