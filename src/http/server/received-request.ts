/** The request side of an exchange on a server: its head, its body, and whether the peer is there. */
import { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import { BODY } from "../../protocol/http1/head.js";
import type { RequestHead } from "../../protocol/http1/request-head.js";
import type { Fields } from "../fields.js";
import { type BodyOwner, IncomingBody } from "../incoming-body.js";
import { ExchangeOutput } from "./exchange-output.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import { pathOf, queryOf } from "./request-path.js";

/** See the head of the file. */
export abstract class ReceivedRequest extends ExchangeOutput implements BodyOwner {
  /** Whole number from 1; never given again by the server. */
  readonly id: number;
  /** Method of the request, as it was sent: methods are case-sensitive. */
  readonly method: string;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  readonly minorVersion: 0 | 1;
  /** The application's own. The library does not look at it. */
  context: unknown = undefined;
  /** Whether the peer lets the connection stay. */
  readonly keepAlive: boolean;
  /** Whether it asks for another protocol, or for a tunnel. */
  readonly isUpgrade: boolean;
  /** Whether the request has come whole, or what is missing will not come. */
  isComplete = false;
  protected awaitsContinue: boolean;
  private head: RequestHead | undefined;
  private readonly bodyLength: number;
  private incoming: IncomingBody | undefined = undefined;
  private bodyError: NetError | undefined = undefined;
  private abortion: AbortController | undefined = undefined;
  private gone: NetError | undefined = undefined;

  constructor(id: number, head: RequestHead) {
    super();
    this.id = id;
    this.head = head;
    this.method = head.method;
    this.minorVersion = head.minorVersion;
    this.keepAlive = head.keepAlive;
    this.bodyLength = head.bodyLength;
    this.isUpgrade = head.isUpgrade;
    // Who expects something else as well may wait, too.
    this.awaitsContinue = head.expectation !== "none" && head.hasBody;
  }

  /** The connection it came on. */
  abstract get connection(): HttpServerConnection;

  /** `HTTP/1.1` or `HTTP/1.0`. */
  get version(): "HTTP/1.1" | "HTTP/1.0" {
    return this.minorVersion === 1 ? "HTTP/1.1" : "HTTP/1.0";
  }

  /** The fields of the head. Like everything here that is read from the head: see {@link keep}. */
  get headers(): Fields {
    return this.requestHead;
  }

  /** The target as it was sent: visible ASCII, nothing decoded. */
  get target(): string {
    return this.requestHead.target;
  }

  /** The path of the target as it was sent, without query; "*" and "" as the method has it. */
  get path(): string {
    return pathOf(this.target);
  }

  /** The query of the target, decoded. Made anew each time. */
  get query(): URLSearchParams {
    return new URLSearchParams(queryOf(this.target));
  }

  /** Host and optional port that the request is for; "" where the peer names none. */
  get authority(): string {
    return this.requestHead.authority;
  }

  private get requestHead(): RequestHead {
    if (this.head !== undefined) return this.head;
    throw new NetError(
      "INVALID_STATE",
      "the request was answered and its handler has returned: call keep() to read its head later",
      { operation: "receive" },
    );
  }

  /**
   * Makes the head last. It does by itself while the request is not answered and while the promise
   * of its handler is not settled; otherwise it is gone when the handler returns.
   */
  keep(): this {
    this.requestHead.keep();
    return this;
  }

  /** The body. An empty one where the request has none. */
  get body(): IncomingBody {
    if (this.incoming === undefined) {
      this.incoming = new IncomingBody(this, this.contentLength);
      if (this.bodyError !== undefined) this.incoming.fail(this.bodyError);
      else if (!this.hasBody || this.isComplete) this.incoming.end();
    }
    return this.incoming;
  }

  /** Bytes that Content-Length announces; 0 without body; undefined where it comes in chunks. */
  get contentLength(): number | undefined {
    if (this.bodyLength >= 0) return this.bodyLength;
    return this.bodyLength === BODY.none ? 0 : undefined;
  }

  /** Whether the request has a body. */
  get hasBody(): boolean {
    return this.bodyLength !== BODY.none && this.bodyLength !== 0;
  }

  /**
   * Aborted when the peer goes away before the answer is complete. A peer that has only finished
   * sending gets its answer; whether it is still there is found out as `DepartedPeer` has it.
   */
  get signal(): AbortSignal {
    this.abortion ??= new AbortController();
    if (this.gone !== undefined) this.abortion.abort(this.gone);
    return this.abortion.signal;
  }

  // — for the body —

  get wheel(): BodyOwner["wheel"] {
    return this.owner.wheel;
  }

  abstract bodyWanted(): void;
  abstract holdBody(hold: boolean): void;

  // — for the connection —

  /** Whether somebody reads a body that is on its way, or may still begin to. */
  get isReading(): boolean {
    if (this.isComplete) return false;
    return this.incoming === undefined ? !this.isDone : this.incoming.isBeingRead;
  }

  /** Whether the answer is complete, or there will be none. */
  abstract get isDone(): boolean;

  /** Whether somebody has begun to read the body. */
  get isBodyRead(): boolean {
    return this.incoming?.isBeingRead ?? false;
  }

  /** Bytes of the body that are still to come, as far as that was announced. */
  get missingBytes(): number {
    return Math.max(0, this.bodyLength - (this.incoming?.receivedBytes ?? 0));
  }

  /** Whether the peer waits for a 100 that it will not get when the answer is sent now. */
  get isBodyWithheld(): boolean {
    return this.awaitsContinue && (this.incoming?.receivedBytes ?? 0) === 0;
  }

  /** Bytes of the body came. `lent`: they are valid during the call only. Answers how many were thrown away so far. */
  takeBody(bytes: Buffer, lent: boolean): number {
    const { body } = this;
    body.push(bytes, lent);
    return body.discardedBytes;
  }

  /** The request has come whole. */
  complete(trailers: FieldSection | undefined): void {
    this.isComplete = true;
    if (!this.hasBody) return;
    if (trailers !== undefined) this.body.end(trailers.keep());
    else this.incoming?.end();
  }

  /** The rest of the request will not come. */
  breakBody(error: NetError): void {
    if (this.isComplete) return;
    this.isComplete = true;
    this.bodyError = error;
    this.incoming?.fail(error);
  }

  /** The handler has returned and the answer is complete: the head is the parser's again. */
  releaseHead(): void {
    if (this.head?.isKept === false) this.head = undefined;
  }

  /** The peer is gone. */
  peerGone(error: NetError): void {
    if (this.gone !== undefined) return;
    this.gone = error;
    this.abortion?.abort(error);
  }
}
