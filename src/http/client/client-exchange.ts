/**
 * One request of a client, and what becomes of it.
 *
 *     waiting ── start ──► sent ── head ──► receiving ── end ──► done
 *        ▲                  │                  │
 *        └──── repeat ──────┴───── fail ───────┴───────────────► failed
 *
 * waiting    for a connection
 * sent       on a connection, at least in part; no final head has come
 * receiving  the promise is resolved, the body is on its way
 *
 * Invariants: the promise settles once, with the response or with what ended the request before it; what
 * ends it afterwards goes to the body. `carrier` is set in sent and receiving. Deadlines and listener
 * are gone in done and failed.
 */
import type { AsyncResource } from "node:async_hooks";
import { isLent } from "../../bytes/lending.js";
import { handlerError } from "../../connection/events/handlers.js";
import { type AbortListener, offAbort, onAbort } from "../../connection/waiting/abort-listeners.js";
import { abortError } from "../../connection/waiting/waiter.js";
import { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import type { OutgoingRequest } from "../../protocol/http1/writing/head-writer.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";
import { BodyIntake, type BodyOwner } from "../body/body-intake.js";
import type { Fields } from "../fields.js";
import type { UpgradedConnection } from "../upgrade/upgraded-connection.js";
import { BodySource } from "./body-source.js";
import { HttpResponse, type HttpTiming, type ResponseSource } from "./http-response.js";
import type { HttpTarget } from "./http-target.js";
import type { RequestContent } from "./request-content.js";

/** The connection that a request was given to. */
export interface ExchangeCarrier {
  readonly timing: ConnectTiming;
  /** Holds the peer back, or no longer. */
  holdBody(hold: boolean): void;
  /** The request is given up: the connection ends. Resolves as `BodySource.leave` does. */
  drop(error: NetError): Promise<void> | undefined;
}

/** How long making a connection took, in milliseconds. */
export interface ConnectTiming {
  readonly lookupMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
}

/** What finds connections for requests. */
export interface ExchangeOwner {
  readonly wheel: TimingWheel;
  /** A request that waits has been given up. */
  withdraw(exchange: ClientExchange): void;
}

/** Gets a response as it comes, in place of a promise and a body that is kept. */
export interface ResponseFollower {
  /** An interim response came. */
  interim(head: ResponseHead): void;
  /** The final head came; valid during the call. */
  responded(head: ResponseHead): void;
  /** Bytes of the body came. They may be lent, see `bytes/lending.ts`. */
  received(bytes: Buffer): void;
  /** The response is complete. */
  ended(trailers: FieldSection | undefined): void;
  /** What ended the request before. Once, and then nothing else is told. */
  failed(error: NetError): void;
}

/** What a request is, once its options have been read. */
export interface ExchangePlan {
  readonly target: HttpTarget;
  readonly head: OutgoingRequest;
  readonly content: RequestContent;
  /** The async context of the request, where functions of the application are called for it. */
  readonly scope: AsyncResource | undefined;
  readonly trailers: (() => FieldInput) | undefined;
  readonly asksUpgrade: boolean;
  readonly expectsContinue: boolean;
  /** Whether the body is kept for a reader. */
  readonly keepsBody: boolean;
  readonly mayRepeat: boolean;
  readonly continueTimeoutMs: number;
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly timeoutMs: number;
  /** How long it may wait for a connection where none can be made; 0: no limit. */
  readonly queueTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onInterim: ((status: number, headers: Fields) => void) | undefined;
  readonly onHead: ((head: ResponseHead) => void) | undefined;
  /** Who gets the response as it comes; the exchange's promise is then not settled. */
  readonly follower?: ResponseFollower;
}

/** Bytes of an unread body that are skipped to keep the connection. */
const MAX_SKIPPED_BYTES = 65_536;

/** One request, and the response to it. */
export class ClientExchange implements AbortListener, BodyOwner, DeadlineOwner, ResponseSource {
  readonly plan: ExchangePlan;
  readonly owner: ExchangeOwner;
  readonly promise: Promise<HttpResponse>;
  /** When it was asked for, in the clock's milliseconds. */
  readonly startMs: number;
  state: "waiting" | "sent" | "receiving" | "done" | "failed" = "waiting";
  /** It was sent on a connection that broke, and is to go to a new one. */
  isRepeated = false;
  upgraded: UpgradedConnection | undefined = undefined;
  private carrier: ExchangeCarrier | undefined = undefined;
  private connectTiming: ConnectTiming | undefined = undefined;
  private body: ResponseBody | undefined = undefined;
  private sentMs = 0;
  private firstByteMs = 0;
  private endMs = 0;
  /** Deadline of the whole request. */
  private deadline: Deadline | undefined = undefined;
  /** Deadline of the wait for a connection. */
  private queueDeadline: Deadline | undefined = undefined;
  private resolve: (response: HttpResponse) => void = ignore;
  private reject: (error: NetError) => void = ignore;

  constructor(owner: ExchangeOwner, plan: ExchangePlan) {
    this.owner = owner;
    this.plan = plan;
    this.startMs = owner.wheel.clock.now();
    if (plan.follower === undefined) {
      this.promise = new Promise((resolve, reject) => {
        this.resolve = resolve;
        this.reject = reject;
      });
    } else this.promise = NEVER;
    if (plan.timeoutMs > 0) {
      this.deadline = new Deadline(this);
      owner.wheel.set(this.deadline, plan.timeoutMs);
    }
    if (plan.signal !== undefined) onAbort(plan.signal, this);
  }

  // — for the response —

  get wheel(): TimingWheel {
    return this.owner.wheel;
  }

  get url(): string {
    return this.plan.target.absolute;
  }

  get timing(): HttpTiming {
    const { startMs, sentMs, firstByteMs, endMs, connectTiming } = this;
    return {
      waitMs: sentMs - startMs,
      lookupMs: connectTiming?.lookupMs ?? 0,
      connectMs: connectTiming?.connectMs ?? 0,
      tlsMs: connectTiming?.tlsMs ?? 0,
      firstByteMs: firstByteMs - sentMs,
      totalMs: endMs === 0 ? undefined : endMs - startMs,
      isReused: this.isReused,
    };
  }

  /** Once it was sent: whether its connection had carried a request before. */
  get isReused(): boolean {
    return this.connectTiming === undefined;
  }

  bodyWanted(): void {
    // A response comes whether its body is asked for or not.
  }

  holdBody(hold: boolean): void {
    this.carrier?.holdBody(hold);
  }

  /** The rest of the body is discarded: a long rest ends the connection. */
  bodyDropped(body: BodyIntake): void {
    if (this.state !== "receiving") return;
    const { contentLength = Number.POSITIVE_INFINITY, receivedBytes } = body;
    if (contentLength - receivedBytes <= MAX_SKIPPED_BYTES) return;
    this.giveUp(
      new NetError("ABORTED", "the body of the response was discarded", { operation: "receive" }),
    );
  }

  // — for who finds connections —

  /** It waits for a connection: `queueTimeoutMs` begins, unless it runs already. */
  queued(): void {
    const { queueTimeoutMs } = this.plan;
    if (queueTimeoutMs === 0 || this.queueDeadline !== undefined) return;
    this.queueDeadline = new Deadline(this);
    this.wheel.set(this.queueDeadline, queueTimeoutMs);
  }

  // — for the connection —

  /** It is sent on a connection. `timing`: of making it, where that was done for this request. */
  started(carrier: ExchangeCarrier, timing: ConnectTiming | undefined): void {
    this.state = "sent";
    this.carrier = carrier;
    this.connectTiming = timing;
    this.sentMs = this.wheel.clock.now();
    this.clearQueueDeadline();
  }

  /** The first byte of a response came. */
  firstByte(): void {
    this.firstByteMs = this.wheel.clock.now();
  }

  /** The connection broke before a byte came: the request waits once more. */
  repeat(): void {
    this.state = "waiting";
    this.carrier = undefined;
    this.isRepeated = true;
  }

  /** An interim response came. */
  interim(head: ResponseHead): void {
    const { onInterim, scope, follower } = this.plan;
    follower?.interim(head);
    if (onInterim === undefined) return;
    const status = head.statusCode;
    const fields = head.keep();
    try {
      if (scope === undefined) onInterim(status, fields);
      else scope.runInAsyncScope(onInterim, undefined, status, fields);
    } catch (cause) {
      throw handlerError("onInterim", "receive", cause);
    }
  }

  /** The final head came. */
  respond(head: ResponseHead): void {
    const { follower } = this.plan;
    if (follower !== undefined) {
      this.state = "receiving";
      follower.responded(head);
      return;
    }
    head.keep();
    // What a cookie store throws fails the request: its promise is not settled yet.
    this.plan.onHead?.(head);
    this.state = "receiving";
    const body = new ResponseBody(this, head.contentLength);
    this.body = body;
    this.resolve(new HttpResponse(this, head, body));
  }

  /** Bytes of the body came. */
  receive(bytes: Buffer): void {
    const { follower, keepsBody } = this.plan;
    if (follower !== undefined) follower.received(bytes);
    else if (keepsBody) this.body?.push(bytes, isLent(bytes));
  }

  /** The response is complete. */
  end(trailers: FieldSection | undefined): void {
    this.state = "done";
    this.endMs = this.wheel.clock.now();
    this.release();
    this.plan.follower?.ended(trailers);
    this.body?.end(trailers?.keep());
  }

  /** It has failed, for good. `after`: the promise is rejected when this has resolved. */
  fail(error: NetError, after?: Promise<void>): void {
    const { state, body } = this;
    if (state === "done" || state === "failed") return;
    const left = state === "waiting" ? this.leaveSource(error) : after;
    this.state = "failed";
    this.release();
    if (body !== undefined) body.fail(error);
    else if (left === undefined) this.tellFailed(error);
    else void left.then(() => this.tellFailed(error));
  }

  private tellFailed(error: NetError): void {
    const { follower } = this.plan;
    if (follower === undefined) this.reject(error);
    else follower.failed(error);
  }

  /** A body that will not be sent is not read either. What is to be tried again keeps its body. */
  private leaveSource(error: NetError): Promise<void> | undefined {
    const { content, scope } = this.plan;
    const { open, canRepeat } = content;
    const mayRetry = error.fault === "usage" || error.code === "HTTP_QUEUE_FULL";
    if (open === undefined || canRepeat || mayRetry) return undefined;
    return new BodySource({ open, canRepeat }, scope).leave();
  }

  // — giving up —

  /** Ends it in any state. */
  giveUp(error: NetError): void {
    if (this.state === "waiting") {
      this.fail(error);
      this.owner.withdraw(this);
    } else this.fail(error, this.carrier?.drop(error));
  }

  deadlineReached(deadline: Deadline): void {
    const { timeoutMs, queueTimeoutMs } = this.plan;
    if (deadline !== this.queueDeadline) {
      this.giveUp(requestTimedOut(timeoutMs));
      return;
    }
    const text = `no connection was free for the request within queueTimeoutMs (${queueTimeoutMs})`;
    this.giveUp(new NetError("HTTP_QUEUE_TIMEOUT", text, { operation: "request" }));
  }

  /** See {@link AbortListener}. */
  signalAborted(signal: AbortSignal): void {
    this.giveUp(abortError("request", signal.reason));
  }

  private clearQueueDeadline(): void {
    if (this.queueDeadline === undefined) return;
    this.wheel.clear(this.queueDeadline);
    this.queueDeadline = undefined;
  }

  private release(): void {
    this.carrier = undefined;
    this.clearQueueDeadline();
    if (this.deadline !== undefined) this.wheel.clear(this.deadline);
    const { signal } = this.plan;
    if (signal !== undefined) offAbort(signal, this);
  }
}

/** Tells when it is thrown away. */
class ResponseBody extends BodyIntake {
  private readonly exchange: ClientExchange;

  constructor(exchange: ClientExchange, contentLength: number | undefined) {
    super(exchange, contentLength);
    this.exchange = exchange;
  }

  override discard(): void {
    super.discard();
    this.exchange.bodyDropped(this);
  }
}

/** The error of a request that was not done in its time. */
export function requestTimedOut(timeoutMs: number): NetError {
  const message = `the request took longer than timeoutMs (${timeoutMs})`;
  return new NetError("REQUEST_TIMEOUT", message, { operation: "request" });
}

/** The promise of an exchange that is followed. */
const NEVER: Promise<never> = new Promise(ignore);

function ignore(): void {
  // Replaced before it can be called.
}
