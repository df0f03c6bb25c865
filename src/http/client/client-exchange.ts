/**
 * One request of a client, and what becomes of it.
 *
 *     waiting ── start ──► sent ── head ──► answered ── end ──► done
 *        ▲                  │                  │
 *        └──── repeat ──────┴───── fail ───────┴─────────────► failed
 *
 * waiting   for a connection
 * sent      to a connection, at least in part; no final head has come
 * answered  the promise is resolved, the body is on its way
 *
 * Invariants: the promise settles once, with the head or with what ended the request before it; what
 * ends it afterwards goes to the body. `carrier` is set in sent and answered. Deadline and listener
 * are gone in done and failed.
 */
import { abortError } from "../../connection/waiter.js";
import { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import type { FieldInput } from "../../protocol/http1/field-writer.js";
import type { OutgoingRequest } from "../../protocol/http1/head-writer.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";
import { type BodyOwner, IncomingBody } from "../body/incoming-body.js";
import type { Fields } from "../fields.js";
import type { UpgradedConnection } from "../upgrade/upgraded-connection.js";
import { HttpResponse, type HttpTiming, type ResponseSource } from "./http-response.js";
import type { HttpTarget } from "./http-target.js";
import type { RequestContent } from "./request-content.js";

/** The connection that a request was given to. */
export interface ExchangeCarrier {
  readonly timing: ConnectTiming;
  /** Holds the peer back, or no longer. */
  holdBody(hold: boolean): void;
  /** Nobody waits for this request any more: the connection ends. */
  drop(error: NetError): void;
}

/** How long making a connection took, in milliseconds. */
export interface ConnectTiming {
  readonly lookupMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
}

/** Who finds connections for requests. */
export interface ExchangeOwner {
  readonly wheel: TimingWheel;
  /** A request that waits has been given up. */
  withdraw(exchange: ClientExchange): void;
}

/** What a request is, once its options have been read. */
export interface ExchangePlan {
  readonly target: HttpTarget;
  readonly head: OutgoingRequest;
  readonly content: RequestContent;
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
  readonly signal: AbortSignal | undefined;
  readonly onInterim: ((status: number, headers: Fields) => void) | undefined;
  readonly onHead: ((head: ResponseHead) => void) | undefined;
}

/** Rests of a body that are read over rather than to lose their connection, in bytes. */
const MAX_SKIPPED_BYTES = 65_536;

/** See the head of the file. */
export class ClientExchange implements BodyOwner, DeadlineOwner, ResponseSource {
  readonly plan: ExchangePlan;
  readonly owner: ExchangeOwner;
  readonly promise: Promise<HttpResponse>;
  /** When it was asked for, in the clock's milliseconds. */
  readonly startMs: number;
  state: "waiting" | "sent" | "answered" | "done" | "failed" = "waiting";
  /** It was sent on a connection that broke, and is to go to a new one. */
  isRepeated = false;
  upgraded: UpgradedConnection | undefined = undefined;
  private carrier: ExchangeCarrier | undefined = undefined;
  private connectTiming: ConnectTiming | undefined = undefined;
  private body: ResponseBody | undefined = undefined;
  private sentMs = 0;
  private firstByteMs = 0;
  private endMs = 0;
  private deadline: Deadline | undefined = undefined;
  private resolve: (response: HttpResponse) => void = ignore;
  private reject: (error: NetError) => void = ignore;

  constructor(owner: ExchangeOwner, plan: ExchangePlan) {
    this.owner = owner;
    this.plan = plan;
    this.startMs = owner.wheel.clock.now();
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (plan.timeoutMs > 0) {
      this.deadline = new Deadline(this);
      owner.wheel.set(this.deadline, plan.timeoutMs);
    }
    plan.signal?.addEventListener("abort", this);
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
      isReused: connectTiming === undefined,
    };
  }

  bodyWanted(): void {
    // A response comes whether its body is asked for or not.
  }

  holdBody(hold: boolean): void {
    this.carrier?.holdBody(hold);
  }

  /** Nobody will read the rest of the body: a long one costs the connection. */
  bodyDropped(body: IncomingBody): void {
    if (this.state !== "answered") return;
    const { contentLength = Number.POSITIVE_INFINITY, receivedBytes } = body;
    if (contentLength - receivedBytes <= MAX_SKIPPED_BYTES) return;
    this.giveUp(new NetError("ABORTED", "the body was thrown away", { operation: "receive" }));
  }

  // — for the connection —

  /** It goes to a connection. `timing`: of making it, where that was done for this request. */
  started(carrier: ExchangeCarrier, timing: ConnectTiming | undefined): void {
    this.state = "sent";
    this.carrier = carrier;
    this.connectTiming = timing;
    this.sentMs = this.wheel.clock.now();
  }

  /** The first byte of an answer came. */
  firstByte(): void {
    this.firstByteMs = this.wheel.clock.now();
  }

  /** The connection broke before a byte came: the request waits once more. */
  repeat(): void {
    this.state = "waiting";
    this.carrier = undefined;
    this.isRepeated = true;
  }

  /** The final head came; it is kept. */
  answer(head: ResponseHead): void {
    this.state = "answered";
    const { contentLength } = head;
    const body = new ResponseBody(this, contentLength);
    this.body = body;
    this.plan.onHead?.(head);
    this.resolve(new HttpResponse(this, head, body));
  }

  /** Bytes of the body came. */
  receive(bytes: Buffer, lent: boolean): void {
    if (this.plan.keepsBody) this.body?.push(bytes, lent);
  }

  /** The response is complete. */
  end(trailers: FieldSection | undefined): void {
    this.state = "done";
    this.endMs = this.wheel.clock.now();
    this.release();
    this.body?.end(trailers?.keep());
  }

  /** It has failed, for good. */
  fail(error: NetError): void {
    if (this.state === "done" || this.state === "failed") return;
    const { body } = this;
    this.state = "failed";
    this.release();
    if (body === undefined) this.reject(error);
    else body.fail(error);
  }

  // — giving up —

  /** Ends it, wherever it is. */
  giveUp(error: NetError): void {
    const { state, carrier } = this;
    this.fail(error);
    if (state === "waiting") this.owner.withdraw(this);
    else carrier?.drop(error);
  }

  deadlineReached(): void {
    this.giveUp(requestTimedOut(this.plan.timeoutMs));
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.giveUp(abortError("request", this.plan.signal?.reason));
  }

  private release(): void {
    this.carrier = undefined;
    if (this.deadline !== undefined) this.wheel.clear(this.deadline);
    this.plan.signal?.removeEventListener("abort", this);
  }
}

/** Tells when it is thrown away. */
class ResponseBody extends IncomingBody {
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

function ignore(): void {
  // Replaced before anybody can call it.
}
